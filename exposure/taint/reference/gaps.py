"""Where a pot is not known well enough for the interval: declared gaps, and gaps that a shortfall proves.

The figure of a rule takes the stored ledger as whole. The interval does not: all that leaves an incomplete pot, from its
gap to the next known balance, is unresolved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exposure.model.labels import Labels
from exposure.model.ledger import LAST_INDEX, Incomplete, Place, Transfer
from exposure.model.settings import Rule
from exposure.taint.reference.origins import owner_origin

Pot = tuple[str, str]
_START = Place(-1, 0, 0)


@dataclass(slots=True)
class Stretch:
    """A pot from one known balance to the next. ``gap``: place from which it is incomplete; None: complete throughout.

    ``balance`` is what it is known to hold at ``start`` (None for a pot's beginning, where openings say so).
    ``bears_shortfalls``: only the oldest end is missing and the rule is lifo, so known lots stay identified.
    """

    start: Place
    balance: int | None = None
    gap: Place | None = None
    bears_shortfalls: bool = False


@dataclass(slots=True)
class Gaps:
    """All incomplete stretches of a ledger, by pot, each pot's in order.

    ``served_together``: the rule reorders the outflows of one transaction, so that a movement which was missed anywhere
    in it bears on all of them.
    """

    stretches: dict[Pot, list[Stretch]] = field(default_factory=dict)
    served_together: bool = False

    def known_balances(self, pot: Pot) -> list[tuple[Place, int]]:
        """Places where the pot is known to hold a balance, in order."""
        return [(s.start, s.balance) for s in self.stretches.get(pot, ()) if s.balance is not None]

    def open_at(self, pot: Pot, place: Place) -> bool:
        """Whether what leaves ``pot`` at ``place`` is unresolved."""
        current = None
        for stretch in self.stretches.get(pot, ()):
            if stretch.start <= place:
                current = stretch
        if current is None or current.gap is None:
            return False
        return current.gap <= (place._replace(index=LAST_INDEX) if self.served_together else place)

    def gap_before(self, pot: Pot, start: Place) -> bool:
        """Whether anything is missing from ``pot`` before the known balance at ``start``."""
        return any(stretch.gap is not None and stretch.start < start for stretch in self.stretches.get(pot, ()))


def declared(incomplete: Iterable[Incomplete], labels: Labels, *, lifo: bool) -> dict[Pot, list[Stretch]]:
    """Stretches of the pots that coverage declares incomplete."""
    by_pot: dict[Pot, list[Incomplete]] = defaultdict(list)
    for entry in incomplete:
        by_pot[labels.owner(entry.address), entry.asset].append(entry)
    stretches: dict[Pot, list[Stretch]] = {}
    for pot, entries in by_pot.items():
        bounds = sorted({(e.until, e.balance or 0) for e in entries if e.until is not None})
        parts = [Stretch(_START)] + [Stretch(until, balance) for until, balance in bounds]
        for entry in entries:
            within = [part for part in parts if part.start < entry.until] if entry.until is not None else parts
            if entry.since is None and entry.oldest and lifo:
                within[0].bears_shortfalls = True
            elif entry.since is None:  # anywhere: from the pot's beginning
                for part in within:
                    part.gap = part.start
            else:
                part = [p for p in within if p.start <= entry.since][-1]
                part.gap = entry.since if part.gap is None else min(part.gap, entry.since)
        stretches[pot] = parts
    return stretches


def find_gaps(
    transfers: Sequence[Transfer],
    labels: Labels,
    *,
    openings: Mapping[Pot, int],
    incomplete: Iterable[Incomplete],
    rule: Rule,
) -> Gaps:
    """Declared gaps, and those that a shortfall proves: back to the last known balance.

    Cost: one pass over the transfers that only moves balances.
    """
    stretches = declared(incomplete, labels, lifo=rule is Rule.LIFO)
    balances: dict[Pot, int] = dict(openings)
    reached: dict[Pot, int] = {}
    for transfer in transfers:
        sender = None if transfer.sender is None else labels.owner(transfer.sender)
        receiver = None if transfer.receiver is None else labels.owner(transfer.receiver)
        if transfer.failed or not transfer.amount or sender == receiver:
            continue
        for owner in (sender, receiver):
            if owner is None:
                continue
            pot = owner, transfer.asset
            parts = stretches.get(pot)
            if parts is not None:
                now = max(i for i, part in enumerate(parts) if part.start <= transfer.place)
                if now > reached.get(pot, 0):
                    reached[pot] = now
                    balances[pot] = parts[now].balance or 0
        if sender is not None and owner_origin(labels, sender, transfer.time) is None:
            pot = sender, transfer.asset
            left = balances.get(pot, 0) - transfer.amount
            if left < 0:
                part = stretches.setdefault(pot, [Stretch(_START)])[reached.get(pot, 0)]
                if not part.bears_shortfalls and (part.gap is None or part.gap > transfer.place):
                    part.gap = part.start
            balances[pot] = max(left, 0)
        if receiver is not None:
            pot = receiver, transfer.asset
            balances[pot] = balances.get(pot, 0) + transfer.amount
    return Gaps(stretches, served_together=rule is Rule.TIHO)
