"""Tables of the parts of an account: exposures, bounds by rule, what the interval's width is made of, the rest, by hop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from exposure.measure.account import RISK
from exposure.model.labels import Category
from exposure.model.results import Designated, Exposure, Section, Unresolved
from exposure.reporting.categories import by_category, category_share, same_as_unresolved
from exposure.reporting.page.cells import Cell, Table, address, code, number, table, text, word
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.words import coins, percent, percent_range
from exposure.text import shown
from exposure.units import day

MAX_ROWS = 200
MAX_BOUNDS = 60


def exposures(section: Section, say: Phrases) -> Table:
    """Each row: category, entity, hops, share, amount, worth, dates, status by regime."""
    one = section.subject
    rows = [
        (
            word(say.category(row.category)),
            text(row.entity or row.seed),
            number(say.hops(row.hops)),
            number(percent(row.share)),
            number(coins(row.amount, one.decimals, one.symbol)),
            number(say.worth_or_none(row.usd, row.jpy)),
            word(dates(row)),
            text(say("semicolon").join(_status(listed, say) for listed in row.regimes)),
        )
        for _, some in by_category(section.exposures)
        for row in some
    ]
    head = [say(key) for key in ("category", "entity", "hops", "share", "amount", "worth", "dates", "status")]
    note = say("poison_note") if section.rule == "poison" else ""
    return table(say("exposures"), head, rows, most=MAX_ROWS, note=note)


def dates(row: Exposure) -> str:
    """First and last day on which value left the seed (reached it)."""
    if row.first_at is None or row.last_at is None:
        return ""
    return " – ".join(dict.fromkeys((day(row.first_at), day(row.last_at))))


def _status(one: Designated, say: Phrases) -> str:
    dated = say("bracketed", what=day(one.listed_on)) if one.listed_on is not None else ""
    return f"{shown(one.regime, 12)}{dated}{say('colon')}{say.timing(one.at_time)}"


def bounds(sections: Sequence[Section], say: Phrases) -> Table:
    """Rules side by side: each rule's figure and interval of each category, and what no rule can change."""
    order = [str(category) for category in Category]
    every = [(bound, section) for section in sections for bound in section.bounds]
    every.sort(key=lambda entry: order.index(entry[0].category) if entry[0].category in order else len(order))
    rows, why = [], {}
    for bound, section in every:
        found = [row for row in section.exposures if bound.category in (row.category, RISK)]
        share = category_share(section, bound.category, found) if found else None
        rows.append(
            (
                word(say.category(bound.category)),
                word(say.rule(section.rule)),
                number(percent(share)),
                number(percent_range(bound.lower_share, bound.upper_share)),
                number(percent_range(bound.bracket_lower_share, bound.bracket_upper_share)),
            )
        )
        for name, reason in (("interval", bound.no_interval), ("bracket", bound.no_bracket)):
            if reason:
                why[name, reason] = f"{say(name)}{say('colon')}{shown(say.said(reason), 300)}"
    head = [say(key) for key in ("category", "rule", "figure", "interval", "bracket")]
    note = " ".join([say("bounds_note"), *(f"{reason}{say('stop')}" for reason in why.values())])
    return table(say("bars"), head, rows, most=MAX_BOUNDS, note=note)


def difference(section: Section, say: Phrases) -> Table:
    """What lies between the ends of the intervals, item by item, largest first, with what would settle it."""
    kept = () if same_as_unresolved(section) else section.difference
    head = [say(key) for key in ("reason", "place", "share", "amount", "worth", "settles")]
    rows = [_lost(section, part, say) for part in kept]
    return table(say("difference"), head, rows, most=MAX_ROWS, note=say("difference_note"))


def unresolved(section: Section, say: Phrases) -> Table:
    """What is not known, why, where, and what would settle it."""
    rows = [_lost(section, part, say) for part in section.unresolved]
    head = [say(key) for key in ("reason", "place", "share", "amount", "worth", "settles")]
    same = same_as_unresolved(section) and bool(rows)
    note = say("poison_note") if section.rule == "poison" else say("difference_same") if same else ""
    return table(say("unresolved"), head, rows, most=MAX_ROWS, note=note)


def _lost(section: Section, part: Unresolved, say: Phrases) -> tuple[Cell, ...]:
    one = section.subject
    hashed = part.reason == "incomplete" and len(part.name) >= 60
    return (
        word(say.reason(part.reason)),
        text(part.name) if part.reason == "mixer" else code(part.name) if hashed else address(part.name, one.chain),
        number(percent(part.share)),
        number(coins(part.amount, one.decimals, one.symbol)),
        number(say.worth_or_none(part.usd, part.jpy)),
        text(say.said(part.settles)),
    )


def rest(section: Section, say: Phrases) -> Table:
    """Origins (ends) that carry no risk of their own."""
    one = section.subject
    rows = [
        (
            word(say.category(part.category or part.kind)),
            address(part.name, one.chain) if not part.entity else text(part.entity),
            number(say.hops(part.hops)),
            number(percent(part.share)),
            number(coins(part.amount, one.decimals, one.symbol)),
            number(say.worth_or_none(part.usd, part.jpy)),
        )
        for part in section.attributed
    ]
    title = say("rest" if section.direction == "source" else "rest_to")
    head = [say(key) for key in ("what", "who", "hops", "share", "amount", "worth")]
    return table(title, head, rows, most=MAX_ROWS, note=say("poison_note") if section.rule == "poison" else "")


def by_hop(section: Section, say: Phrases) -> Table:
    """The parts of the account summed by hop: in how many hops how much came (went), of which kind."""
    if section.rule == "poison":
        return table(say("by_hop"), [""], [], most=0)
    one = section.subject
    sums: dict[tuple[int | None, str], int] = defaultdict(int)
    for row in section.exposures:
        sums[row.hops, row.category] += row.amount
    for part in section.attributed:
        sums[part.hops, part.kind] += part.amount
    for lost in section.unresolved:
        sums[lost.hops, "unresolved"] += lost.amount
    rows = [
        (
            number("–" if hops is None else str(hops)),
            word(say.category(key)),
            number(percent(amount / one.amount if one.amount else 0.0)),
            number(coins(amount, one.decimals, one.symbol)),
        )
        for (hops, key), amount in sorted(sums.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0, -item[1]))
    ]
    head = [say(key) for key in ("hops", "what", "share", "amount")]
    return table(say("by_hop"), head, rows, most=MAX_ROWS, note=say("by_hop_note"))
