"""One account of the page: its headline, facts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exposure.measure.account import RISK
from exposure.measure.status import headline
from exposure.model.labels import Category
from exposure.model.results import Designated, Exposure, Section
from exposure.reporting.categories import by_category, category_share, unresolved_share
from exposure.reporting.page.cells import Cell, Table, address, code, number, table, text, transaction, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.page.pictures import Figure, pictures
from exposure.reporting.words import coins, dollars, percent, percent_range, yen
from exposure.text import shown
from exposure.units import clock, day

MAX_ROWS = 200
MAX_PATHS = 14
MAX_STEPS = 40
MAX_TRANSFERS = 300


@dataclass(frozen=True, slots=True)
class Account:
    """What the page shows of one subject, asset and direction. ``answer``: (text, category or empty) a line."""

    title: str
    facts: tuple[tuple[str, Cell], ...]
    answer: tuple[tuple[str, str], ...]
    figures: dict[str, Figure]
    inflow_of: str
    tables: tuple[Table, ...]


def account(sections: Sequence[Section], max_hops: int | None, say: Phrases, zone: tzinfo, *, accounts: int = 1) -> Account:
    """The account of sections that differ by their rule only; the first is the headline.

    ``accounts``: how many share the page, and its room for paths and transfers.
    """
    first = sections[0]
    tables = [_exposures(first, say), _bounds(sections, say), _carrying(first, say), _rest(first, say), _unresolved(first, say)]
    return Account(
        title=f"{say(first.subject.kind).capitalize()}: {say(first.direction)}",
        facts=_facts(first, say, zone),
        answer=tuple(_answer(sections, max_hops, say)),
        figures=pictures(sections, say),
        inflow_of="address" if first.subject.kind == "address" else "deposit",
        tables=tuple(
            made
            for made in [
                *tables,
                *_paths(first, say, zone, max(MAX_PATHS // accounts, 3)),
                _transfers(first, say, zone, MAX_TRANSFERS // accounts),
            ]
            if made.rows
        ),
    )


def worth(usd: float | None, jpy: float | None) -> str:
    """Money in both currencies, as far as known."""
    return " / ".join(filter(None, [dollars(usd), yen(jpy)]))


def _facts(section: Section, say: Phrases, zone: tzinfo) -> tuple[tuple[str, Cell], ...]:
    one = section.subject
    amount = coins(one.amount, one.decimals, one.symbol)
    facts: list[tuple[str, Cell]] = []
    if one.tx:
        place = f":{one.n}" if one.n is not None else ""
        facts.append((say("tx"), transaction(one.tx, one.chain)))
        facts += [(say("subject"), code(f"{one.tx}{place}"))] if place else []
    if one.address:
        facts.append((say("to") if one.kind != "address" else say("address"), address(one.address, one.chain)))
    facts.append((say("amount"), text(" / ".join(filter(None, [f"{amount} ({one.asset})", worth(one.usd, one.jpy)])))))
    if one.time is not None:
        facts.append((say("time"), text(clock(one.time, zone))))
    facts.append((say("rule"), text(say.rule(section.rule))))
    return tuple(facts)


def _answer(sections: Sequence[Section], max_hops: int | None, say: Phrases) -> list[tuple[str, str]]:
    """The headline: each category with its share, split and bounds; then the unresolved; never a clean bill."""
    section = sections[0]
    lines: list[tuple[str, str]] = []
    for own in section.own:
        who = f"{say.category(own.category)} {shown(own.entity, 80)}".strip()
        lines.append((say("own_tag", what=who), own.category))
    bounds = {bound.category: bound for bound in section.bounds}
    for category, rows in by_category(section.exposures):
        who = say("from" if section.direction == "source" else "to_what", what=say.category(category))
        share = percent(category_share(section, category, rows))
        share = say("up_to", share=share) if section.rule == "poison" else share
        kinds = ", ".join(say(kind) for kind in ("direct", "indirect") if any(row.kind == kind for row in rows))
        said = "; ".join([kinds, *_split(section, rows, say)])
        line = f"{say('answer_line', share=share, who=who)} ({said})"
        bound = bounds.get(category)
        if bound is not None and bound.lower_share is not None:
            spread = percent_range(bound.lower_share, bound.upper_share)
            line += f"; {say('interval_of', rule=say.rule(section.rule), range=spread)}"
        if bound is not None and bound.bracket_lower_share is not None:
            line += f"; {say('bracket_of', range=percent_range(bound.bracket_lower_share, bound.bracket_upper_share))}"
        lines.append((line, category))
    if not section.exposures:
        limit = say("no_limit") if max_hops is None else say("within", n=max_hops)
        lines.append((f"{say('nothing', limit=limit)} {say('not_clean')}", ""))
    lines.append((say("unresolved_of", share=percent(unresolved_share(section))), "unresolved"))
    return lines


def _split(section: Section, rows: Sequence[Exposure], say: Phrases) -> list[str]:
    """How much was listed at the time, how much later; nothing where nobody lists."""
    words = {"listed at the time": "on_or_after", "listed later": "before", "delisted before": "after_delisting"}
    amounts: dict[str, int] = {}
    for row in rows:
        said = headline(row.regimes)
        key = words.get(said, "unknown" if said else "")
        amounts[key] = amounts.get(key, 0) + row.amount
    if set(amounts) == {""} or section.rule == "poison":
        return []
    total = section.subject.amount
    order = ("on_or_after", "unknown", "after_delisting", "before", "")
    return [f"{percent(amounts[key] / total)} {say.timing(key)}" for key in order if key in amounts]


def _exposures(section: Section, say: Phrases) -> Table:
    one = section.subject
    head = ("category", "entity", "hops", "share", "amount", "worth", "dates", "status")
    rows = [
        (
            word(say.category(row.category)),
            text(row.entity or row.seed),
            number(say.hops(row.hops)),
            number(percent(row.share)),
            number(coins(row.amount, one.decimals, one.symbol)),
            number(worth(row.usd, row.jpy)),
            word(_dates(row)),
            text("; ".join(_status(listed, say) for listed in row.regimes)),
        )
        for _, some in by_category(section.exposures)
        for row in some
    ]
    return table(say("exposures"), [say(key) for key in head], rows, most=MAX_ROWS)


def _dates(row: Exposure) -> str:
    if row.first_at is None or row.last_at is None:
        return ""
    return " – ".join(dict.fromkeys((day(row.first_at), day(row.last_at))))


def _status(one: Designated, say: Phrases) -> str:
    dated = f" ({day(one.listed_on)})" if one.listed_on is not None else ""
    return f"{shown(one.regime, 12)}{dated}: {say.timing(one.at_time)}"


def _bounds(sections: Sequence[Section], say: Phrases) -> Table:
    head = ("category", "rule", "figure", "interval", "bracket")
    rows = []
    order = [str(category) for category in Category]
    every = [(bound, section) for section in sections for bound in section.bounds]
    every.sort(key=lambda entry: order.index(entry[0].category) if entry[0].category in order else len(order))
    for bound, section in every:
        found = [row for row in section.exposures if bound.category in (row.category, RISK)]
        share = category_share(section, bound.category, found) if found else None
        bracket = percent_range(bound.bracket_lower_share, bound.bracket_upper_share)
        rows.append(
            (
                word(say.category(bound.category)),
                text(say.rule(section.rule)),
                number(percent(share)),
                number(percent_range(bound.lower_share, bound.upper_share)),
                number(bracket if bound.bracket_lower is not None else "-"),
            )
        )
    return table(say("bars"), [say(key) for key in head], rows, most=60)


def _carrying(section: Section, say: Phrases) -> Table:
    """The minimal cut of each category's bracket: transfers through which all that can be the category's had to pass."""
    one = section.subject
    rows = [
        (word(say.category(bound.category)), code(part.ref) if part.ref else word(say.category("held")),
         number(coins(part.amount, one.decimals, one.symbol)))
        for bound in section.bounds
        for part in bound.cut
    ]  # fmt: skip
    head = [say("category"), say("tx"), say("amount")]
    return table(say("carrying"), head, rows, most=60, note=say("carrying_note"))


def _rest(section: Section, say: Phrases) -> Table:
    one = section.subject
    rows = [
        (
            word(say.category(part.kind) if not part.category else say.category(part.category)),
            address(part.name, one.chain) if not part.entity else text(part.entity),
            number(say.hops(part.hops)),
            number(percent(part.share)),
            number(coins(part.amount, one.decimals, one.symbol)),
        )
        for part in section.attributed
    ]
    title = say("rest" if section.direction == "source" else "rest_to")
    return table(title, [say(key) for key in ("what", "who", "hops", "share", "amount")], rows, most=MAX_ROWS)


def _unresolved(section: Section, say: Phrases) -> Table:
    one = section.subject
    rows = [
        (
            word(say.reason(part.reason)),
            address(part.name, one.chain) if part.reason not in ("incomplete",) or len(part.name) < 60 else code(part.name),
            number(percent(part.share)),
            number(coins(part.amount, one.decimals, one.symbol)),
            text(say.settles(part.reason, part.settles)),
        )
        for part in section.unresolved
    ]
    head = ("reason", "place", "share", "amount", "settles")
    return table(say("unresolved"), [say(key) for key in head], rows, most=MAX_ROWS)


def _paths(section: Section, say: Phrases, zone: tzinfo, most: int) -> list[Table]:
    """One table a path, its steps in the order of time."""
    one = section.subject
    some = section.paths[:most]
    every = max(section.paths_found or 0, len(section.paths))
    found = say("paths_some", n=len(some)) if section.paths_found is None else say("paths_found", n=len(some), all=every)
    head = [say(key) for key in ("step", "time", "sender", "receiver", "tx", "moved", "carried")]
    made = []
    for place, path in enumerate(some, 1):
        rows = [
            (
                number(str(step.hop)),
                text(clock(step.time, zone)),
                address(step.sender, one.chain, say("minted")),
                address(step.receiver, one.chain, say("burned")),
                transaction(step.tx, one.chain),
                number(coins(step.amount, one.decimals, one.symbol)),
                number(coins(step.carried, one.decimals, one.symbol)),
            )
            for step in path.steps
        ]
        who = shown(path.entity or path.seed, 80)
        size = f"{percent(path.share)} ({coins(path.amount, one.decimals, one.symbol)})"
        title = f"{say('path')} {place}: {say.category(path.category)} {who}, {size}"
        made.append(table(title, head, rows, most=MAX_STEPS, note=found if place == 1 else ""))
    return made


def _transfers(section: Section, say: Phrases, zone: tzinfo, most: int) -> Table:
    one = section.subject
    largest = sorted(section.flow, key=lambda row: (-row.amount, row.ref))[:most]
    rows = [
        (
            text(clock(row.time, zone)),
            address(row.sender, one.chain, say("minted")),
            address(row.receiver, one.chain, say("burned")),
            transaction(row.tx, one.chain),
            number(coins(row.amount, one.decimals, one.symbol)),
            text(", ".join(f"{say.category(key)} {percent(min(part / row.amount, 1.0))}" for key, part in row.carried.items())),
        )
        for row in largest
        if row.amount
    ]
    head = [say(key) for key in ("time", "sender", "receiver", "tx", "amount", "carries")]
    note = say("transfers_note", n=f"{len(rows):,}", all=f"{len(section.flow):,}")
    return table(say("transfers"), head, rows, most=most, note=note)
