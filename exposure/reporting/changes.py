"""The comparison of two answers on the screen: the figures that differ, then the items that made them differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from exposure.model.comparison import Change, Comparison
from exposure.model.results import Section
from exposure.reporting.layout import columns, flow
from exposure.reporting.notes import account_name
from exposure.reporting.words import category_words, cut, percent, short
from exposure.text import counted
from exposure.units import day

MAX_ITEMS = 12
MAX_FIGURES = 12
LABEL = 10


def changes(comparison: Comparison, sections: Sequence[Section]) -> list[Text]:
    """What the second answer says otherwise, and why: by the first rule, of several accounts each with its name."""
    lines = flow(Text("CHANGED", "bold"), [(f"first: {cut(comparison.before, 200)};", "")], indent=LABEL)
    lines += flow(Text(""), [(f"then:  {cut(comparison.after, 200)}", "")], indent=LABEL)
    if not comparison.figures and not comparison.items:
        return [*lines, *flow(Text(""), [("nothing differs", "bold")], indent=LABEL)]
    for figure in [one for one in comparison.figures if sections[one.section].rule == sections[0].rule][:MAX_FIGURES]:
        said = f"{percent(figure.before)}, then {percent(figure.after)}{_of(figure.section, sections)}"
        lines.append(columns([("", LABEL, ""), (category_words(figure.category), 24, ""), (said, 60, "bold")]))
    for verdict in comparison.verdicts:
        lines += flow(Text("  verdict"), [(cut(verdict, 120), "bold")], indent=LABEL)
    for item in comparison.items[:MAX_ITEMS]:
        lines += flow(Text(f"  {item.kind}"[: LABEL + 2]), [(sentence(item, sections), "")], indent=LABEL + 3)
    if len(comparison.items) > MAX_ITEMS:
        more = f"and {counted(len(comparison.items) - MAX_ITEMS, 'more item')}: --format json lists them"
        lines += flow(Text(""), [(more, "dim")], indent=LABEL + 3)
    return lines


def _of(number: int, sections: Sequence[Section]) -> str:
    """Which account it is, where there are several."""
    return f" ({account_name(sections[number])})" if len({one.rule for one in sections}) < len(sections) else ""


def sentence(item: Change, sections: Sequence[Section]) -> str:
    """One item in words: what, since when, by whom, and what of the figure hangs on it."""
    since = f" since {day(item.since)}" if item.since is not None else ""
    source = f" ({cut(item.source, 160)})" if item.source else ""
    share = ""
    if item.share:
        sign = "+" if item.share > 0 else "-"
        share = f": {sign}{percent(min(abs(item.share), 1.0))} of the subject{_of(item.section, sections)}"
    return f"{short(item.about, 45)} {cut(item.said, 160)}{since}{source}{share}"
