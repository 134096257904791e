"""The report as a self-contained piece of HTML for a notebook's cell. No script, no link, no picture; all text escaped."""

from __future__ import annotations

from html import escape

from exposure.model.results import Exposure, Path, Report, Section
from exposure.reporting.categories import by_category, unresolved_share
from exposure.reporting.parts import answer
from exposure.reporting.table import POISON_NOTE
from exposure.reporting.words import (
    category_words,
    coins,
    cut,
    dollars,
    hops,
    moved_word,
    percent,
    percent_range,
    short,
    short_hash,
    statuses,
)
from exposure.text import counted
from exposure.units import clock, day

MAX_ROWS = 40
MAX_PATHS = 3
MAX_SECTIONS = 12

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;border:0"
_NUMBER = "padding:2px 10px 2px 0;text-align:right;vertical-align:top;white-space:nowrap;border:0"
_COLOURS = {"seed": "color:#c0272d", "service": "opacity:.75", "unresolved": "color:#a66f00"}


def report_html(report: Report) -> str:
    """The report as HTML: per section the subject, the answer, the parts, the largest paths; then the run."""
    blocks = [_section(report, section) for section in report.sections[:MAX_SECTIONS]]
    if len(report.sections) > MAX_SECTIONS:
        blocks.append(_paragraph(f"... and {counted(len(report.sections) - MAX_SECTIONS, 'more section')}: see .frame()"))
    if report.run.synthetic:
        blocks.insert(0, _paragraph("SYNTHETIC: made-up ledger and lists, no real person, firm or transaction is meant", True))
    blocks += [_paragraph(cut(sentence, 600), True) for sentence in (*report.incomplete_answer, *report.warnings)]
    blocks.append(_paragraph(_record(report)))
    return f'<div class="exposure-report" style="font-size:90%">{"".join(blocks)}</div>'


def _section(report: Report, section: Section) -> str:
    one = section.subject
    amount = " ".join(filter(None, [coins(one.amount, one.decimals, one.symbol), dollars(one.usd)]))
    if one.kind == "address":
        moved = moved_word(section)
        who = (
            f"Customer of {counted(len(one.addresses), 'address', 'addresses')}"
            if one.addresses
            else f"Address {short(one.address or '', 64)}"
        )
        title = f"{who}: {moved} {amount} in {counted(one.transfers, 'transfer')}"
    else:
        place = short_hash(one.tx or one.ref or "") + (f":{one.n}" if one.n is not None else "")
        receiver = f" to {short(one.address, 64)}" if one.address else ""
        title = f"{one.kind.capitalize()} {place}{receiver}: {amount}"
        title += f", {clock(one.time)}" if one.time is not None else ""
    said = " ".join(" ".join(line.plain for line in answer(section, report.question.max_hops)).split()).removeprefix("Answer ")
    body = _paragraph(said)
    if section.rule == "poison":
        body += _paragraph(POISON_NOTE, True)
    return f"<h4>{escape(title)}</h4>{body}{_table(section)}{_paths(section)}"


def _table(section: Section) -> str:
    first = f"{section.rule}, {section.direction}"
    heads = [first, "share", "hops", "interval", "whatever the rule", "amount", "", "listed"]
    lines = [_row("th", heads, "")]
    bounds = {bound.category: bound for bound in section.bounds}
    one = section.subject
    for category, rows in by_category(section.exposures):
        bound = bounds.get(category)
        for place, row in enumerate(rows[:MAX_ROWS]):
            interval = percent_range(bound.lower_share, bound.upper_share) if bound and not place else ""
            bracket = percent_range(bound.bracket_lower_share, bound.bracket_upper_share) if bound and not place else ""
            name = f"{category_words(category)}: {_name(row)}"
            amount = coins(row.amount, one.decimals, one.symbol)
            cells = [name, percent(row.share), hops(row.hops), interval, bracket, amount, dollars(row.usd)]
            lines.append(_row("td", [*cells, "; ".join(statuses(row.regimes))], _COLOURS["seed"]))
        if len(rows) > MAX_ROWS:
            lines.append(
                _row(
                    "td",
                    [f"{category_words(category)}: {counted(len(rows) - MAX_ROWS, 'more row')}", *[""] * 7],
                    _COLOURS["seed"],
                )
            )
    for part in section.attributed[:MAX_ROWS]:
        name = f"{part.kind}: {cut(part.entity, 60) if part.entity else short(part.name)}"
        amount = coins(part.amount, one.decimals, one.symbol)
        lines.append(
            _row("td", [name, percent(part.share), hops(part.hops), "", "", amount, dollars(part.usd), ""], _COLOURS["service"])
        )
    style = _COLOURS["unresolved"]
    lines.append(_row("td", ["unresolved", percent(unresolved_share(section)), *[""] * 6], style))
    for unknown in section.unresolved[:MAX_ROWS]:
        name = f"unresolved: {cut(unknown.reason, 20)} {short(unknown.name)}"
        amount = coins(unknown.amount, one.decimals, one.symbol)
        lines.append(
            _row(
                "td", [name, percent(unknown.share), "", "", "", amount, dollars(unknown.usd), cut(unknown.settles, 200)], style
            )
        )
    return f'<table style="border-collapse:collapse">{"".join(lines)}</table>'


def _name(row: Exposure) -> str:
    return cut(row.entity, 60) if row.entity else short(row.seeds[0].address if row.seeds else row.seed)


def _row(tag: str, cells: list[str], style: str) -> str:
    """One row; the first and the last cell are words, those between are figures."""
    styles = [_CELL, *[_NUMBER] * (len(cells) - 2), _CELL]
    return (
        f'<tr style="{style}">'
        + "".join(f'<{tag} style="{of}">{escape(cell)}</{tag}>' for cell, of in zip(cells, styles, strict=True))
        + "</tr>"
    )


def _paths(section: Section) -> str:
    some = section.paths[:MAX_PATHS]
    found = "" if section.paths_found is None else f" of {max(section.paths_found, len(section.paths)):,}"
    items = "".join(f"<li>{escape(_path(section, path))}</li>" for path in some)
    return f"<div>Paths, largest {len(some)}{found}</div><ul>{items}</ul>" if some else ""


def _path(section: Section, path: Path) -> str:
    one = section.subject
    arrived = [f"{short(step.receiver or 'burned')} {day(step.time)} ({short_hash(step.tx)})" for step in path.steps]
    start = short(path.steps[0].sender or "newly minted")
    who = cut(path.entity or category_words(path.category), 60)
    steps = [start, *arrived]
    steps[0 if section.direction == "source" else -1] += f" ({who})"
    return f"{coins(path.amount, one.decimals, one.symbol)}: {' -> '.join(steps)}"


def _record(report: Report) -> str:
    run = report.run
    lists = ", ".join(f"{cut(one.name, 40)} {cut(one.edition, 60)}" for one in run.editions) or "no list was imported"
    record = f"exposure {run.version}, store version {run.store_version}, labels {run.label_digest[:8]} ({lists})"
    return f"{record}; {report.no_verdict}"


def _paragraph(text: str, loud: bool = False) -> str:
    return f"<p{' style=' + chr(34) + _COLOURS['unresolved'] + chr(34) if loud else ''}>{escape(text)}</p>"
