"""The last days of an address beside its whole history: what moved then, of whom, and how much of it is money.

A share of the whole history dilutes with an address's age: whoever received a million clean coins once may receive dirty ones
for years before a share says so. The window selects transfers of the subject; their composition uses all history before them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

from exposure.measure.account import Account, Part
from exposure.model.results import Window, WindowPart
from exposure.model.settings import CONSERVING, Rule
from exposure.taint.reference.lots import Amount
from exposure.workflows.trace.ledgers import Moved
from exposure.workflows.trace.matter import Matter

DAY = 86_400
Key = tuple[str, str]
"""Category and kind (direct, indirect), or ``unresolved``, ``service`` and other kinds of parts, with an empty kind."""


def window(matter: Matter, accounts: Sequence[tuple[Moved, Account]], rule: Rule) -> Window | None:
    """What moved within the last days, by category; None for a subject without a window."""
    if matter.window_days is None:
        return None
    since, until = matter.window_end - matter.window_days * DAY, matter.window_end
    within = [(moved, account) for moved, account in accounts if since < moved.time <= until]
    rows = [moved for moved, _ in within]
    total = sum(moved.amount for moved in rows)
    grouped: dict[Key, list[Part]] = defaultdict(list)
    for part in sorted(
        {part for _, account in within for part in account}, key=lambda part: (part.kind, part.name, part.hop or 0)
    ):
        grouped[_key(part, matter)].append(part)
    parts = []
    for (category, kind), some in sorted(grouped.items()):
        amount = _amount(within, some, rule)
        if not amount:
            continue
        worth = _worth(matter, within, some, rule)
        parts.append(WindowPart(category, kind, round(amount), float(Fraction(amount) / total), *worth))
    return Window(
        days=matter.window_days,
        since=since,
        until=until,
        amount=total,
        transfers=len(rows),
        usd=matter.worth.total(rows, "usd"),
        jpy=matter.worth.total(rows, "jpy"),
        parts=tuple(sorted(parts, key=lambda part: (part.category, part.kind))),
    )


def _key(part: Part, matter: Matter) -> Key:
    if part.kind != "seed":
        return part.kind, ""
    hop = (part.hop or 0) - matter.own_hops
    return matter.seeds[part.name].category, "direct" if hop <= 1 else "indirect"


def _amount(within: Sequence[tuple[Moved, Account]], parts: Sequence[Part], rule: Rule) -> Amount:
    """Under poison flags of one transfer overlap: of each transfer the largest counts."""
    if rule in CONSERVING:
        return sum((account.get(part, 0) for _, account in within for part in parts), 0)
    return sum(max((account.get(part, 0) for part in parts), default=0) for _, account in within)


def _worth(
    matter: Matter, within: Sequence[tuple[Moved, Account]], parts: Sequence[Part], rule: Rule
) -> tuple[float | None, float | None]:
    if rule not in CONSERVING:
        within = [(moved, {parts[0]: max((account.get(part, 0) for part in parts), default=0)}) for moved, account in within]
        parts = parts[:1]
    return matter.worth.valuation(within).of(parts)
