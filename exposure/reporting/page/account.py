"""One account of the page: its headline, facts, pictures and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from exposure.measure.status import headline
from exposure.model.results import Bound, Exposure, Section, Unresolved
from exposure.reporting.categories import by_category, category_amount, category_share, unresolved_share, worth_of
from exposure.reporting.page import parts, ways
from exposure.reporting.page.cells import Cell, Table, address, code, text, transaction
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.page.pictures import Figure, pictures
from exposure.reporting.page.window import window
from exposure.reporting.words import coins, cut, percent, percent_range
from exposure.text import shown
from exposure.units import clock

MAX_PATHS = 14
MAX_TRANSFERS = 300


@dataclass(frozen=True, slots=True)
class Account:
    """What the page shows of one subject, asset and direction.

    ``answer``: (text, category or empty) a line. ``captions``: title and note of each picture. ``terms``: its words, explained.
    """

    title: str
    facts: tuple[tuple[str, Cell], ...]
    answer: tuple[tuple[str, str], ...]
    figures: dict[str, Figure]
    captions: dict[str, tuple[str, str]]
    terms: str
    tables: tuple[Table, ...]


def account(sections: Sequence[Section], max_hops: int | None, say: Phrases, zone: tzinfo, *, accounts: int = 1) -> Account:
    """The account of sections that differ by their rule only; the first is the headline.

    ``accounts``: how many share the page, and its room for paths and transfers.
    """
    first = sections[0]
    tables = [
        window(first, say),
        parts.exposures(first, say),
        parts.bounds(sections, say),
        parts.difference(first, say),
        ways.carrying(first, say, zone),
        parts.rest(first, say),
        parts.unresolved(first, say),
        parts.by_hop(first, say),
        ways.by_rule(sections, say),
        *ways.paths(first, say, zone, len(first.paths) if len(first.paths) > MAX_PATHS else max(MAX_PATHS // accounts, 3)),
        ways.transfers(first, say, zone, MAX_TRANSFERS // accounts),
    ]
    return Account(
        title=_title(first, say),
        facts=_facts(first, say, zone),
        answer=tuple(_answer(sections[0], max_hops, say)),
        figures=pictures(sections, say),
        captions=_captions(first, say),
        terms=say.terms(first.rule, bounded=any(bound.upper is not None for bound in first.bounds)),
        tables=tuple(made for made in tables if made.rows),
    )


def _captions(section: Section, say: Phrases) -> dict[str, tuple[str, str]]:
    flow = "inflow" if section.direction == "source" else "outflow"
    of = "address" if section.subject.kind == "address" else "deposit"
    plain = {name: (say(name), say(f"{name}_note")) for name in ("flow", "rings", "bars")}
    return {**plain, "inflow": (say(flow), say(f"{flow}_note_{of}"))}


def _title(section: Section, say: Phrases) -> str:
    one = section.subject
    what = say("customer" if one.addresses else one.kind) + say("bracketed", what=cut(one.symbol, 16))
    title = say("account_of", what=what, direction=say(section.direction))
    return title[:1].upper() + title[1:]


def _facts(section: Section, say: Phrases, zone: tzinfo) -> tuple[tuple[str, Cell], ...]:
    one = section.subject
    amount = coins(one.amount, one.decimals, one.symbol)
    facts: list[tuple[str, Cell]] = []
    if one.tx:
        place = f":{one.n}" if one.n is not None else ""
        facts.append((say("tx"), transaction(one.tx, one.chain)))
        facts += [(say("subject"), code(f"{one.tx}{place}"))] if place else []
    for each in one.addresses:
        facts.append((say("address"), address(each, one.chain)))
    if one.address:
        facts.append((say("to") if one.kind != "address" else say("address"), address(one.address, one.chain)))
    facts.append((say("amount"), text(" / ".join(filter(None, [f"{amount} ({one.asset})", say.worth(one.usd, one.jpy)])))))
    if one.transfers > 1:
        facts.append((say("count"), text(f"{one.transfers:,}")))
    if one.time is not None:
        facts.append((say("time"), text(clock(one.time, zone))))
    facts.append((say("rule"), text(say.rule(section.rule))))
    return tuple(facts)


def _answer(section: Section, max_hops: int | None, say: Phrases) -> Iterator[tuple[str, str]]:
    """The headline: each category with its share, split and bounds; then the unresolved; never a clean bill."""
    for own in section.own:
        who = f"{say.category(own.category)} {shown(own.entity, 80)}".strip()
        yield say("own_tag", what=who), own.category
    bounds = {bound.category: bound for bound in section.bounds}
    for category, rows in by_category(section.exposures):
        yield _found(section, category, rows, bounds.get(category), say), category
    if not section.exposures:
        limit = say("no_limit") if max_hops is None else say("within", n=max_hops)
        yield f"{say('nothing', limit=limit)} {say('not_clean')}", ""
    lost = say("unresolved_of", share=percent(unresolved_share(section)))
    if section.totals.unresolved:
        lost += say("bracketed", what=_size(section, section.totals.unresolved, section.unresolved, say))
    yield lost, "unresolved"


def _size(section: Section, amount: int, parts: Sequence[Exposure | Unresolved], say: Phrases) -> str:
    """An amount with what its parts were worth, as far as known."""
    one = section.subject
    return say("comma").join(filter(None, [coins(amount, one.decimals, one.symbol), say.worth(*worth_of(section, parts))]))


def _found(section: Section, category: str, rows: Sequence[Exposure], bound: Bound | None, say: Phrases) -> str:
    """One category: the rule's figure, its interval, and what no rule can change, never confused."""
    who = say("from" if section.direction == "source" else "to_what", what=say.parties(category))
    share = percent(category_share(section, category, rows))
    share = say("up_to", share=share) if section.rule == "poison" else share
    kinds = say("comma").join(say(kind) for kind in ("direct", "indirect") if any(row.kind == kind for row in rows))
    size = _size(section, category_amount(section, category, rows), rows, say)
    said = say("semicolon").join([kinds, size, *_split(section, rows, say)])
    line = say("answer_line", rule=say.rule(section.rule), share=share, who=who, said=said)
    if bound is not None and bound.lower_share is not None and section.rule != "tiho":
        line += say("interval_of", range=percent_range(bound.lower_share, bound.upper_share))
    if bound is not None and bound.bracket_lower_share is not None:
        line += say("bracket_of", least=percent(bound.bracket_lower_share), most=percent(bound.bracket_upper_share))
    return line


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
