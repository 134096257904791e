"""What ``exposure tags owners`` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from exposure.cli.columns import wrapped
from exposure.model.holdings import Holding, Tie
from exposure.text import shown
from exposure.units import day
from exposure.workflows.ownership import OwnersOf

MOST = 25


def as_table(found: Sequence[OwnersOf]) -> str:
    """Stakes, designations, and the chains by which a party belongs to listed ones."""
    return "\n\n".join("\n".join(_lines(one)) for one in found)


def _lines(one: OwnersOf) -> list[str]:
    named = shown(one.name, 100)
    lines = wrapped(named if one.party.casefold() == one.name.casefold() else f"{named}   {shown(one.party, 60)}", hanging=2)
    for given in one.designated:
        when = "" if given.listed_on is None else f" {day(given.listed_on)}"
        ended = "" if given.delisted_on is None else f", delisted {day(given.delisted_on)}"
        programme = f" ({shown(given.programme, 60)})" if given.programme else ""
        lines += wrapped(f"listed itself: {shown(given.regime, 20)}{when}{ended}{programme}", indent=2, hanging=4)
    for link in one.linked:
        times = f"since {day(link.since)}" if link.since is not None else "as long as is known"
        times += f", until {day(link.until)}" if link.until is not None else ""
        lines += ["", *wrapped(f"sanction_linked under {shown(link.regime, 20)}, {times}")]
        lines += wrapped(shown(link.reason, 2_000), indent=2, hanging=4)
    if not one.linked and not one.designated:
        lines += wrapped("belongs to no listed party, as far as these holdings say", indent=2)
    for title, holdings, of in (("OWNERS", one.above, True), ("HOLDS", one.below, False)):
        if holdings:
            lines += ["", title]
            for holding in sorted(holdings, key=lambda row: (-float(row.share or 0), row.owner_name, row.owned_name))[:MOST]:
                lines += wrapped(_holding(holding, of=of), indent=2, hanging=4)
            if len(holdings) > MOST:
                lines.append(f"  and {len(holdings) - MOST:,} more; `--format json` has all")
    return lines


def _holding(holding: Holding, *, of: bool) -> str:
    who = shown(holding.owner_name if of else holding.owned_name, 100)
    share = f"{holding.share} %" if holding.share else "share not known"
    what = share if holding.tie is Tie.OWNERSHIP else holding.tie.value
    since = f", from {day(holding.since)}" if holding.since is not None else ""
    until = f", to {day(holding.until)}" if holding.until is not None else ""
    source = f"   source: {shown(holding.source, 100)}" if holding.source else ""
    return f"{who}: {what}{since}{until}{source}"


def as_json(found: Sequence[OwnersOf]) -> str:
    """The same as JSON, with nothing shortened; days as unix seconds."""
    return json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=True)
