"""The account as a table: seeds with interval and bracket, services, newly mined, and the unresolved with what settles it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich.text import Text

from exposure.model.results import Attributed, Bound, Exposure, Section, Unresolved
from exposure.reporting.categories import (
    by_category,
    category_amount,
    same_as_unresolved,
    share_of,
    style_of,
    unresolved_share,
    worth_of,
)
from exposure.reporting.layout import WIDTH, Piece, columns, flow, width
from exposure.reporting.words import (
    SERVICE_STYLE,
    UNRESOLVED_STYLE,
    category_words,
    coins,
    cut,
    dollars,
    hop_range,
    hops,
    percent,
    percent_range,
    short,
    statuses,
)
from exposure.text import counted


class _Columns(NamedTuple):
    """Widths of the table's columns."""

    name: int
    direct: int
    indirect: int
    interval: int
    bracket: int
    amount: int
    money: int

    @property
    def share_end(self) -> int:
        """Where the share of a part ends: below those of the categories."""
        return self.name + self.direct + self.indirect


_WIDE = _Columns(20, 8, 10, 18, 19, 16, 9)
_SMALL = _Columns(18, 8, 9, 15, 14, 16, 0)


def _columns() -> _Columns:
    return _WIDE if width() >= WIDTH else _SMALL


MAX_ROWS = 6
MAX_PLACES = 3
MAX_ITEMS = 5

POISON_NOTE = "poison marks whole transfers: every figure is an upper one, rows overlap, no sum is meant"

_SINKS = (("held", "still held"), ("fee", "paid as fees"), ("burn", "burned"))
_REASONS = {
    "beyond": "beyond the hop limit",
    "hub": "hub",
    "conversion": "conversion",
    "incomplete": "history of",
    "opening": "opening balance",
    "shortfall": "shortfall at",
    "floor": "dropped by floor",
    "budget": "budget spent",
    "mixer": "mixer",
}


def account(section: Section, max_hops: int | None) -> list[Text]:
    """The table: seeds by category with interval and bracket, services, mined, what is unresolved and what settles it."""
    title = "EXPOSURE" if section.direction == "source" else "DESTINATION"
    form = _columns()
    header = ("direct", "indirect", "interval", "whatever the rule" if form is _WIDE else "any rule", "amount", "")
    widths = [-one for one in form[1:]]
    cells = [(title, form.name, "bold"), *((text, width, "bold") for text, width in zip(header, widths, strict=True))]
    lines = [columns(cells)]
    if not section.exposures:
        limit = "without hop limit" if max_hops is None else f"within {counted(max_hops, 'hop')}"
        lost = percent(unresolved_share(section))
        lines += flow(Text("  "), [(f"no exposure found {limit}; {lost} unresolved", "bold")], indent=2)
    if section.rule == "poison":
        lines.append(Text(f"  {POISON_NOTE}", "yellow"))
    bounds = {bound.category: bound for bound in section.bounds}
    for category, rows in by_category(section.exposures):
        lines += _category(section, category, rows, bounds.get(category))
    lines += _not_found(section)
    if "risk" in bounds:
        share = section.totals.from_seeds_share
        lines.append(
            _figures(section, "all risk together", ("", share), bounds["risk"], section.totals.from_seeds, None, "bold")
        )
    lines += _why_none(section.bounds)
    lines += _services(section)
    lines += _unresolved(section, max_hops)
    lines += _difference(section)
    if section.totals.sum_checked:
        total = coins(section.totals.amount, section.subject.decimals, section.subject.symbol)
        lines.append(
            _share_line("total", 1.0 if section.totals.amount else 0.0, [(f"the parts sum to {total}, checked", "dim")], "dim")
        )
    return lines


def _figures(
    section: Section,
    name: str,
    shares: tuple[float | None | str, float | None | str],
    bound: Bound | None,
    amount: int | None,
    usd: float | None,
    style: str,
) -> Text:
    """One line of the table, all columns."""
    direct, indirect = (share if isinstance(share, str) else percent(share) for share in shares)
    interval = percent_range(bound.lower_share, bound.upper_share) if bound else "-"
    bracket = percent_range(bound.bracket_lower_share, bound.bracket_upper_share) if bound else "-"
    one = section.subject
    form = _columns()
    return columns(
        [
            (name, form.name, style),
            (direct, -form.direct, style),
            (indirect, -form.indirect, style),
            (interval, -form.interval, ""),
            (bracket, -form.bracket, ""),
            ("" if amount is None else coins(amount, one.decimals, one.symbol, form.amount - 1), -form.amount, ""),
            (dollars(usd) if form.money else "", -form.money, ""),
        ]
    )


def _category(section: Section, category: str, rows: list[Exposure], bound: Bound | None) -> list[Text]:
    style = style_of(category)
    total = section.subject.amount
    shares: dict[str, float | None] = {}
    for kind in ("direct", "indirect"):
        some = [row for row in rows if row.kind == kind]
        amount = sum(row.amount for row in some) if section.rule != "poison" else max((row.amount for row in some), default=0)
        shares[kind] = amount / total if some and total else None
    usd, _ = worth_of(section, rows)
    amount = category_amount(section, category, rows)
    lines = [_figures(section, category_words(category), (shares["direct"], shares["indirect"]), bound, amount, usd, style)]
    for row in rows[:MAX_ROWS]:
        lines += _entity(row)
    rest = rows[MAX_ROWS:]
    if rest:
        share = None if section.rule == "poison" else share_of(section, rest)
        lines.append(
            _share_line(f"  and {counted(len(rest), 'more row')}", share, [("--format json lists them", "dim")], "dim")
        )
    return lines


def _entity(row: Exposure) -> list[Text]:
    name = row.entity or (short(row.seeds[0].address) if row.seeds else row.seed)
    pieces: list[Piece] = [(hops(row.hops), ""), *((status, "") for status in statuses(row.regimes))]
    end = _columns().share_end if row.kind == "indirect" else _columns().name + _columns().direct
    return _share_lines(f"  {cut(name, 90)}", row.share, pieces, "", end)


def _share_line(name: str, share: float | None, pieces: Iterable[Piece], style: str) -> Text:
    return _share_lines(name, share, pieces, style)[0]


def _share_lines(
    name: str, share: float | None, pieces: Iterable[Piece], style: str, end: int | None = None, gap: str = "  "
) -> list[Text]:
    """A name, its share ending at column ``end``, then details. A name that reaches into the share gets its own line."""
    figure = percent(share) if share is not None else ""
    end = _columns().share_end if end is None else end
    head = Text(name, style)
    lines = []
    if head.cell_len > end - len(figure) - 1:
        lines.append(head)
        head = Text()
    head.pad_right(end - len(figure) - head.cell_len)
    head.append(figure, style)
    return [*lines, *flow(head, pieces, indent=_columns().share_end + 2, gap=gap)]


def listed(texts: Sequence[str], style: str = "") -> list[Piece]:
    """Texts as pieces with commas between them."""
    return [(text + ("," if place < len(texts) - 1 else ""), style) for place, text in enumerate(texts)]


def _not_found(section: Section) -> list[Text]:
    """Bounds of categories that have no figure: what may still be there. Alike ones share one line."""
    found = {row.category for row in section.exposures} | {"risk"}
    alike: dict[tuple[str, str], list[Bound]] = {}
    for bound in section.bounds:
        if bound.category not in found and (bound.upper or bound.bracket_upper):
            interval = percent_range(bound.lower_share, bound.upper_share)
            bracket = percent_range(bound.bracket_lower_share, bound.bracket_upper_share)
            alike.setdefault((interval, bracket), []).append(bound)
    lines = []
    for bounds in alike.values():
        name = category_words(bounds[0].category) if len(bounds) == 1 else "any other category"
        lines.append(_figures(section, name, (None, None), bounds[0], None, None, "dim"))
    return lines


def _why_none(bounds: Sequence[Bound]) -> list[Text]:
    """Why an interval or a bracket is missing; a reason that all categories share is said once."""
    lines: list[Text] = []
    for what, reasons in (
        ("interval", [(bound.category, bound.no_interval) for bound in bounds if bound.no_interval]),
        ("bracket", [(bound.category, bound.no_bracket) for bound in bounds if bound.no_bracket]),
    ):
        for reason in dict.fromkeys(reason for _, reason in reasons):
            who = ", ".join(category_words(category) for category, why in reasons if why == reason)
            label = "no interval" if what == "interval" else "no bracket (whatever the rule)"
            lines += flow(Text("  "), [(f"{label} for {who}: {cut(reason, 300)}", "dim")], indent=2)
    return lines


def _services(section: Section) -> list[Text]:
    lines: list[Text] = []
    services = [part for part in section.attributed if part.kind == "service"]
    if services:
        head = "from services" if section.direction == "source" else "to services"
        lines += _parts(section, head, services, lambda part: cut(part.entity, 40) if part.entity else short(part.name))
    mined = [part for part in section.attributed if part.kind == "mint"]
    if mined:
        lines += _parts(section, "newly mined", mined, lambda part: cut(part.entity or short(part.name), 40) or "pool unknown")
    for kind, words in _SINKS:
        some = [part for part in section.attributed if part.kind == kind]
        if some:
            lines += _parts(section, words, some, lambda part: f"at {short(part.name)}" if part.name else "")
    return lines


def _parts(section: Section, head: str, parts: Sequence[Attributed], name_of: Callable[[Attributed], str]) -> list[Text]:
    """One line for all parts of a kind: names with their shares and hops, largest first."""
    named: dict[str, list[Attributed]] = {}
    for part in parts:
        named.setdefault(name_of(part), []).append(part)
    largest = sorted(named.items(), key=lambda item: -sum(part.amount for part in item[1]))
    pieces = []
    for name, some in largest[:MAX_ROWS]:
        label = f"{name} {percent(share_of(section, some))}" if len(largest) > 1 else name
        pieces.append(f"{label} ({hop_range(part.hops for part in some)})".strip())
    if len(largest) > MAX_ROWS:
        rest = [part for _, some in largest[MAX_ROWS:] for part in some]
        pieces.append(f"{len(largest) - MAX_ROWS} more {percent(share_of(section, rest))}")
    said = [(f"{_size(section, parts)}:", SERVICE_STYLE), *listed(list(filter(None, pieces)), SERVICE_STYLE)]
    return _share_lines(head, share_of(section, parts), said, SERVICE_STYLE, gap=" ")


def _size(section: Section, parts: Sequence[Attributed | Unresolved]) -> str:
    """Amount of several parts together, with what it was worth in dollars."""
    one, usd = section.subject, dollars(worth_of(section, parts)[0])
    return coins(sum(part.amount for part in parts), one.decimals, one.symbol) + (f", {usd}" if usd else "")


def _difference(section: Section) -> list[Text]:
    """What lies between the ends of the intervals, largest first, where that is more than the unresolved above."""
    parts = section.difference
    if not parts or same_as_unresolved(section):
        return []
    said = [("what any category may have on top of what was found:", "dim")]
    lines = _share_lines(
        "width of the intervals", min(share_of(section, parts), 1.0), said, UNRESOLVED_STYLE, _columns().share_end
    )
    for part in parts[:MAX_ITEMS]:
        name = f"  {_REASONS.get(part.reason, cut(part.reason, 20))} {short(part.name)}".rstrip()
        lines += _share_lines(name, part.share, [(cut(part.settles, 300), "")], UNRESOLVED_STYLE)
    rest = parts[MAX_ITEMS:]
    if rest:
        more = [("--format json lists them", "dim")]
        lines += _share_lines(f"  {len(rest)} more", share_of(section, rest), more, UNRESOLVED_STYLE)
    return lines


def _unresolved(section: Section, max_hops: int | None) -> list[Text]:
    """Every reason with its share, the largest places, and what would settle them."""
    if not section.unresolved:
        return [_share_line("unresolved", 0.0, [], "")]
    size = [] if section.rule == "poison" else [(_size(section, section.unresolved), UNRESOLVED_STYLE)]
    lines = [_share_line("unresolved", unresolved_share(section), size, UNRESOLVED_STYLE)]
    by_reason: dict[str, list[Unresolved]] = {}
    for part in sorted(section.unresolved, key=lambda part: -part.amount):
        by_reason.setdefault(part.reason, []).append(part)
    for reason, parts in by_reason.items():
        for part in parts[:MAX_PLACES]:
            name = _REASONS.get(reason, cut(reason, 20))
            if reason == "beyond" and max_hops is not None:
                name = f"beyond {counted(max_hops, 'hop')}"
            elif part.name:
                name += f" {short(part.name)}"
            lines += _share_lines(
                f"  {name}", part.share, [(cut(part.settles, 300), "")], UNRESOLVED_STYLE, _columns().share_end
            )
        rest = parts[MAX_PLACES:]
        if rest:
            share = None if section.rule == "poison" else share_of(section, rest)
            name = f"  {_REASONS.get(reason, cut(reason, 20))}: {len(rest)} more"
            lines += _share_lines(name, share, [("--format json lists them", "dim")], UNRESOLVED_STYLE)
    return lines
