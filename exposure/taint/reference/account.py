"""A rule over the ledger of an account chain: a pot is an (owner, asset)."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import localcontext
from itertools import groupby

from exposure.errors import EngineError
from exposure.model.labels import Labels
from exposure.model.ledger import LAST_INDEX, Incomplete, Kind, Place, Transfer
from exposure.model.settings import Rule, Settings
from exposure.taint.reference.gaps import Gaps, find_gaps
from exposure.taint.reference.lots import CONSERVED, FOLLOWED, Lot, Lots, Mark, Origin, Run, imposed, moved, stolen, summed
from exposure.taint.reference.origins import active, owner_origin, seed_origin
from exposure.taint.reference.pots import DIGITS, Pot, new_pot

PotKey = tuple[str, str]
_END = Place(sys.maxsize, LAST_INDEX, LAST_INDEX)


def run(
    transfers: Sequence[Transfer],
    labels: Labels,
    settings: Settings,
    *,
    openings: Mapping[PotKey, int] | None = None,
    incomplete: Iterable[Incomplete] | None = None,
    given: Mapping[str, Origin] | None = None,
    follow: str | None = None,
    exact: bool = False,
    mark: Mark | None = None,
) -> Run:
    """What every transfer of a ledger carries under one rule.

    Parameters
    ----------
    transfers
        In canonical order; the transfers of one transaction stand together, its fees last.
    openings
        Known opening balances by ``(address, asset)``, base units: the pot's oldest lot, of unknown origin.
    incomplete
        None for the rule's figure. Pots declared incomplete for the stricter run behind the interval: all that leaves
        them is unresolved, from their gap to the next known balance. A shortfall proves a gap.
    given
        Composition imposed on a transfer, by ref, where its sender's history is not part of ``transfers``.
    follow
        Ref of a transfer whose value alone is taint (origin `FOLLOWED`); every seed, boundary and hub ends it.
    exact
        Rationals instead of decimals under haircut.
    mark
        Renames the origins of what a transfer carries, to gather evidence; None leaves them.

    Raises
    ------
    EngineError
        If the parts of a transfer do not sum to it.
    """
    opened: dict[PotKey, int] = defaultdict(int)
    for (address, asset), balance in (openings or {}).items():
        opened[labels.owner(address), asset] += balance
    gaps = Gaps()
    if incomplete is not None:
        gaps = find_gaps(transfers, labels, openings=opened, incomplete=incomplete, rule=settings.rule)
    with localcontext() as context:
        context.prec = DIGITS
        ledger = _Ledger(labels, settings, gaps, dict(given or {}), follow, exact, strict=incomplete is not None)
        ledger.mark = mark
        for pot, balance in opened.items():
            ledger.open(pot, balance)
        for _, together in groupby(transfers, key=lambda transfer: transfer.tx):
            ledger.transaction(list(together))
        return ledger.finish()


class _Ledger:
    """Pots of a running ledger, and what has been found so far."""

    def __init__(
        self,
        labels: Labels,
        settings: Settings,
        gaps: Gaps,
        given: dict[str, Origin],
        follow: str | None,
        exact: bool,
        *,
        strict: bool,
    ) -> None:
        self.labels, self.settings, self.gaps = labels, settings, gaps
        self.given, self.follow, self.exact, self.strict = given, follow, exact, strict
        self.pots: dict[PotKey, Pot] = {}
        self.known = {pot: gaps.known_balances(pot) for pot in gaps.stretches}
        self.mark: Mark | None = None
        self.run = Run()

    def open(self, key: PotKey, balance: int) -> None:
        """Put a known balance of unknown origin into an empty pot."""
        if balance > 0:
            self.pot(key).receive([Lot(Origin("unresolved", f"opening:{key[0]}"), 0, balance)], balance)

    def pot(self, key: PotKey) -> Pot:
        if key not in self.pots:
            self.pots[key] = new_pot(self.settings.rule, self.settings.max_hops, exact=self.exact)
        return self.pots[key]

    def transaction(self, transfers: list[Transfer]) -> None:
        """Carry out the movements of one transaction, in order."""
        drawn: dict[int, Lots] = {}  # outflows that tiho serves together with an earlier one
        for place, transfer in enumerate(transfers):
            self.run.received[transfer.ref] = ()
            sender = None if transfer.sender is None else self.labels.owner(transfer.sender)
            receiver = None if transfer.receiver is None else self.labels.owner(transfer.receiver)
            to_itself = sender is not None and sender == receiver  # of a burn whose composition is given neither is known
            if transfer.failed or not transfer.amount or to_itself:
                continue
            for owner in (sender, receiver):
                if owner is not None:
                    self._reach(transfer.place, (owner, transfer.asset))
            lots = self._origin(transfer, sender)
            if lots is None:
                assert sender is not None
                if place not in drawn:
                    for other in self._served(transfers, place, (sender, transfer.asset)):
                        drawn[other] = self._draw(transfers[other], (sender, transfer.asset))
                lots = moved(drawn[place], self.settings.max_hops)
            if transfer.kind is not Kind.FEE and self.follow is None and transfer.ref not in self.given:
                theft = active(self.labels.tx_seeds.get(transfer.tx), self.labels, transfer.time)
                if theft is not None:
                    lots, collision = stolen(lots, seed_origin(theft, transfer.time), strict=self.strict)
                    self.run.collisions += collision
            if self.mark is not None:
                lots = self.mark(transfer.ref, lots)
            self._check(transfer, lots)
            if transfer.kind is Kind.FEE:
                self.run.fees[transfer.tx] = self.run.fees.get(transfer.tx, ()) + lots
            self.run.received[transfer.ref] = lots
            if receiver is not None and owner_origin(self.labels, receiver, transfer.time) is None:
                key = receiver, transfer.asset
                if self.follow is not None and self.gaps.open_at(key, transfer.place):
                    self._lose(key, lots)
                else:
                    self.pot(key).receive(lots, transfer.amount)

    def finish(self) -> Run:
        if self.follow is not None:
            for key in list(self.pots):
                self._reach(_END, key)
        self.run.held = {key: tuple(pot.lots()) for key, pot in self.pots.items() if pot.balance}
        return self.run

    def _lose(self, key: PotKey, lots: Iterable[Lot]) -> None:
        """Followed value that lies in an incomplete pot: nobody knows whether it is still there."""
        self.run.lost[key] = self.run.lost.get(key, ()) + tuple(lot for lot in lots if lot.origin == FOLLOWED)

    def _reach(self, place: Place, key: PotKey) -> None:
        """Where a balance is known just before ``place``, it takes the place of all the pot held (interval only)."""
        if self.follow is not None and key in self.pots and self.gaps.open_at(key, place):
            self._lose(key, self.pots.pop(key).lots())
        waiting = self.known.get(key)
        while waiting and waiting[0][0] <= place:
            start, balance = waiting.pop(0)
            if self.settings.rule is Rule.POISON:
                pot = self.pot(key)
                pot.balance = 0  # flags stay for good
                if self.gaps.gap_before(key, start):  # and what was missed may have set any
                    pot.receive([Lot(Origin("unresolved", f"incomplete:{key[0]}"), 0, 0)], 0)
            elif key in self.pots:
                replaced = self.pots.pop(key).lots()
                if self.follow is not None:
                    self._lose(key, replaced)
            self.open(key, balance)

    def _origin(self, transfer: Transfer, sender: str | None) -> Lots | None:
        """The composition of what leaves an origin; None where a pot must be drawn."""
        limit, following = self.settings.max_hops, self.follow is not None
        if transfer.ref == self.follow:
            if sender is not None and owner_origin(self.labels, sender, transfer.time) is None:
                self._draw(transfer, (sender, transfer.asset))  # the sender's balance goes down all the same
            return imposed(FOLLOWED, transfer.amount, limit)
        if transfer.ref in self.given:
            return imposed(self.given[transfer.ref], transfer.amount, limit)
        origin = None if sender is None else owner_origin(self.labels, sender, transfer.time, following=following)
        if not following and (origin is None or origin.kind != "seed"):
            seed = active(self.labels.asset_seeds.get(transfer.asset), self.labels, transfer.time)
            if seed is not None:  # every movement of a listed asset counts
                if sender is not None and origin is None:
                    self._draw(transfer, (sender, transfer.asset))
                return imposed(seed_origin(seed, transfer.time), transfer.amount, limit)
        if sender is None:
            return imposed(Origin("mint", ""), transfer.amount, limit)
        return None if origin is None else imposed(origin, transfer.amount, limit)

    def _served(self, transfers: list[Transfer], first: int, key: PotKey) -> list[int]:
        """Outflows to draw now, in order: under tiho those that are served together."""
        if self.settings.rule is not Rule.TIHO:
            return [first]
        return served_together(transfers, first, key, self.labels, {*self.given, self.follow}, self.known.get(key))

    def _draw(self, transfer: Transfer, key: PotKey) -> Lots:
        """Take a transfer's amount out of its sender's pot; what the pot has not got is a shortfall, drawn last."""
        amount, pot = transfer.amount, self.pot(key)
        unknown = Lot(Origin("unresolved", f"incomplete:{key[0]}"), 0, amount)
        is_open = self.gaps.open_at(key, transfer.place)
        if self.settings.rule is Rule.POISON:
            missing = max(0, amount - pot.balance)
            if is_open:
                pot.receive([unknown], missing)
            elif missing:
                self._fall_short(key, missing)
                pot.receive([Lot(Origin("unresolved", f"shortfall:{key[0]}"), 0, missing)], missing)
            return tuple(pot.draw(amount))
        available = min(amount, pot.balance)
        lots = tuple(pot.draw(available)) if available else ()
        if is_open:
            return (unknown,)
        if available < amount:
            self._fall_short(key, amount - available)
            lots += (Lot(Origin("unresolved", f"shortfall:{key[0]}"), 0, amount - available),)
        return lots

    def _fall_short(self, key: PotKey, missing: int) -> None:
        self.run.shortfalls[key] = self.run.shortfalls.get(key, 0) + missing

    def _check(self, transfer: Transfer, lots: Lots) -> None:
        """Conservation, checked on every transfer; poison does not conserve."""
        if self.settings.rule is Rule.POISON:
            return
        total = summed(lots)
        if (total != transfer.amount) if isinstance(total, int) else abs(total - transfer.amount) > transfer.amount * CONSERVED:
            raise EngineError(f"the parts of transfer {transfer.ref} sum to {total}, not to its amount {transfer.amount}")


def served_together(
    transfers: Sequence[Transfer],
    first: int,
    key: PotKey,
    labels: Labels,
    apart: Collection[str | None],
    known: Sequence[tuple[Place, int]] | None,
) -> list[int]:
    """Places of the outflows of one transaction that tiho serves together with the first, largest first, ties by index.

    They reach up to the next inflow to the pot, its next known balance, or the fee, which is served last and alone.
    ``apart``: refs of transfers that draw on no pot.
    """
    if transfers[first].kind is Kind.FEE:
        return [first]
    together = []
    for place in range(first, len(transfers)):
        transfer = transfers[place]
        if transfer.failed or not transfer.amount or transfer.asset != key[1]:
            continue
        sender = None if transfer.sender is None else labels.owner(transfer.sender)
        receiver = None if transfer.receiver is None else labels.owner(transfer.receiver)
        if sender == receiver:
            continue
        if place > first and known and known[0][0] <= transfer.place:
            break
        if receiver == key[0] or (sender == key[0] and transfer.kind is Kind.FEE):
            break
        if sender == key[0] and transfer.ref not in apart:
            together.append(place)
    return sorted(together, key=lambda place: (-transfers[place].amount, place))
