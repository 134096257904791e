"""The last days of an address beside its whole history, as a table of the pages."""

from __future__ import annotations

from exposure.model.results import Section
from exposure.reporting.categories import unresolved_share
from exposure.reporting.page.cells import Table, number, table, text
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.words import coins, percent
from exposure.units import day

MAX_ROWS = 200


def window(section: Section, say: Phrases) -> Table:
    """What moved in the last days, and each category with share and money, beside the whole history."""
    head = [say(key) for key in ("what", "amount", "worth", "share", "whole_history")]
    last, one = section.window, section.subject
    if last is None:
        return table("", head, [], most=0)
    span = say("window", days=last.days, since=day(last.since), until=day(last.until))
    whole = _whole_shares(section)
    moved = number(coins(last.amount, one.decimals, one.symbol))
    share = number("100 %" if last.amount else "-")
    rows = [
        (
            text(say("all_moved")),
            moved,
            number(say.worth_or_none(last.usd, last.jpy)),
            share,
            number(say.worth_or_none(one.usd, one.jpy)),
        )
    ]
    for part in sorted(last.parts, key=lambda part: (not part.kind, part.category != "unresolved", -part.amount)):
        if part.kind or part.category == "unresolved":
            name = say.category(part.category) + say("bracketed", what=say(part.kind)) if part.kind else say("unresolved")
            shares = number(percent(part.share)), number(percent(whole.get((part.category, part.kind))))
            amount = number(coins(part.amount, one.decimals, one.symbol))
            rows.append((text(name), amount, number(say.worth_or_none(part.usd, part.jpy)), *shares))
    return table(span, head, rows, most=MAX_ROWS)


def _whole_shares(section: Section) -> dict[tuple[str, str], float]:
    """Shares of the whole history by category and kind; under poison the largest row, as rows overlap."""
    shares: dict[tuple[str, str], float] = {("unresolved", ""): unresolved_share(section)}
    for row in section.exposures:
        key = row.category, row.kind
        shares[key] = max(shares.get(key, 0.0), row.share) if section.rule == "poison" else shares.get(key, 0.0) + row.share
    return shares
