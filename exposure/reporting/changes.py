"""The comparison of two answers on the screen: the figures that differ, then the items that made them differ."""

from __future__ import annotations

from rich.text import Text

from exposure.model.comparison import Change, Comparison
from exposure.reporting.layout import columns, flow
from exposure.reporting.words import category_words, cut, percent, short
from exposure.text import counted
from exposure.units import day

MAX_ITEMS = 12
MAX_FIGURES = 12
LABEL = 10


def changes(comparison: Comparison) -> list[Text]:
    """What the second answer says otherwise, and why."""
    lines = flow(Text("CHANGED", "bold"), [(f"first: {cut(comparison.before, 200)};", "")], indent=LABEL)
    lines += flow(Text(""), [(f"then:  {cut(comparison.after, 200)}", "")], indent=LABEL)
    if not comparison.figures and not comparison.items:
        return [*lines, *flow(Text(""), [("nothing differs", "bold")], indent=LABEL)]
    for figure in [one for one in comparison.figures if one.section == 0][:MAX_FIGURES]:
        said = f"{percent(figure.before)}, then {percent(figure.after)}"
        lines.append(columns([("", LABEL, ""), (category_words(figure.category), 24, ""), (said, 60, "bold")]))
    for verdict in comparison.verdicts:
        lines += flow(Text("  verdict"), [(cut(verdict, 120), "bold")], indent=LABEL)
    for item in comparison.items[:MAX_ITEMS]:
        lines += flow(Text(f"  {item.kind}"[: LABEL + 2]), [(sentence(item), "")], indent=LABEL + 3)
    if len(comparison.items) > MAX_ITEMS:
        more = f"and {counted(len(comparison.items) - MAX_ITEMS, 'more item')}: --format json lists them"
        lines += flow(Text(""), [(more, "dim")], indent=LABEL + 3)
    return lines


def sentence(item: Change) -> str:
    """One item in words: what, since when, by whom, and what of the figure hangs on it."""
    since = f" since {day(item.since)}" if item.since is not None else ""
    source = f" ({cut(item.source, 160)})" if item.source else ""
    share = ""
    if item.share:
        share = f": {'+' if item.share > 0 else '-'}{percent(min(abs(item.share), 1.0))} of the subject"
    return f"{short(item.about, 45)} {cut(item.said, 160)}{since}{source}{share}"
