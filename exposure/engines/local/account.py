"""Account ledgers on the kernels: the same function as `exposure.taint.reference.account.run`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from exposure.engines.local.binary import in_binary
from exposure.engines.local.execute import collided, execute
from exposure.engines.local.program import Program
from exposure.model.labels import Labels
from exposure.model.ledger import Incomplete, Kind, Transfer
from exposure.model.settings import Rule, Settings
from exposure.taint.kernels.layout import BURN, FEE, HOP, STILL
from exposure.taint.reference import account as reference
from exposure.taint.reference.gaps import Gaps, find_gaps
from exposure.taint.reference.lots import FOLLOWED, Origin, Run
from exposure.taint.reference.origins import active, owner_origin, seed_origin

PotKey = tuple[str, str]


def run(
    transfers: Sequence[Transfer],
    labels: Labels,
    settings: Settings,
    *,
    openings: Mapping[PotKey, int] | None = None,
    incomplete: Iterable[Incomplete] | None = None,
    given: Mapping[str, Origin] | None = None,
    follow: str | None = None,
) -> Run:
    """What every transfer of a ledger carries under one rule; see the reference for parameters and result.

    Differences: amounts under haircut and poison are binary64 (equal to 1e-9 of a transfer's value); what lies past the
    hop limit has lost its name; where amounts do not fit 62 bits, order rules count in a coarser unit and say what that
    leaves as unresolved, ``scaling``. Without a hop limit, ledgers in which value passes more than 250 hops run on the
    reference.
    """
    opened: dict[PotKey, int] = {}
    for (address, asset), balance in (openings or {}).items():
        key = labels.owner(address), asset
        opened[key] = opened.get(key, 0) + balance
    declared = None if incomplete is None else list(incomplete)
    gaps = Gaps()
    if declared is not None:
        gaps = find_gaps(transfers, labels, openings=opened, incomplete=declared, rule=settings.rule)
    result = None
    # Followed value may be lost in a gap, and stolen value of missing history may have a label: these are not compiled.
    if declared is None or (follow is None and not labels.tx_seeds):
        writer = _Writer(labels, settings.rule, gaps, dict(given or {}), follow)
        for key, balance in opened.items():
            writer.open(key, balance)
        for _, together in groupby(transfers, key=lambda transfer: transfer.tx):
            writer.transaction(list(together))
        result = execute(writer.program, settings.rule, settings.max_hops)
    if result is None:
        return in_binary(
            reference.run(transfers, labels, settings, openings=openings, incomplete=declared, given=given, follow=follow)
        )
    found = Run(received={transfer.ref: () for transfer in transfers}, shortfalls=writer.shortfalls)
    fees = {transfer.ref: transfer.tx for transfer in transfers if transfer.kind is Kind.FEE}
    for place, name in enumerate(writer.program.names):
        if name:
            found.received[name] = lots = result.sent(place)
            theft = writer.program.theft[place]
            found.collisions += theft is not None and collided(lots, theft)
            if name in fees:
                found.fees[fees[name]] = found.fees.get(fees[name], ()) + lots
    found.held = {key: result.held(pot) for key, pot in writer.current.items() if writer.program.balances.get(pot)}
    return found


class _Writer:
    """Writes transfers as moves between pots; a pot gets a new number where a known balance replaces what it held."""

    def __init__(self, labels: Labels, rule: Rule, gaps: Gaps, given: dict[str, Origin], follow: str | None) -> None:
        self.labels, self.rule, self.gaps, self.given, self.follow = labels, rule, gaps, given, follow
        self.program = Program()
        self.current: dict[PotKey, int] = {}
        self.known = {pot: gaps.known_balances(pot) for pot in gaps.stretches}
        self.flagged: set[PotKey] = set()
        self.shortfalls: dict[PotKey, int] = {}

    def pot(self, key: PotKey) -> int:
        if key not in self.current:
            self.current[key] = self.program.pot(key)
        return self.current[key]

    def open(self, key: PotKey, balance: int) -> None:
        if balance > 0:
            origin = Origin("unresolved", f"opening:{key[0]}")
            self.program.add("", -1, self.pot(key), balance, origin=origin, move=STILL)

    def transaction(self, transfers: list[Transfer]) -> None:
        aside: dict[int, int] = {}  # outflows that tiho serves together with an earlier one wait in pots of their own
        for place, transfer in enumerate(transfers):
            sender = None if transfer.sender is None else self.labels.owner(transfer.sender)
            receiver = None if transfer.receiver is None else self.labels.owner(transfer.receiver)
            to_itself = sender is not None and sender == receiver  # of a burn whose composition is given neither is known
            if transfer.failed or not transfer.amount or to_itself:
                continue
            for owner in (sender, receiver):
                if owner is not None:
                    self._reach(transfer, (owner, transfer.asset))
            target = BURN
            if receiver is None:
                target = FEE if transfer.kind is Kind.FEE else BURN
            elif owner_origin(self.labels, receiver, transfer.time) is None:
                target = self.pot((receiver, transfer.asset))
            theft = self._theft(transfer)
            origin, also_draws = self._origin(transfer, sender)
            if origin is not None:
                if also_draws and sender is not None:
                    self._draw("", transfer, (sender, transfer.asset), BURN)
                self.program.add(transfer.ref, -1, target, transfer.amount, origin=origin, theft=theft)
                continue
            assert sender is not None
            key = sender, transfer.asset
            served = [] if place in aside else self._served(transfers, place, key)
            if len(served) > 1:
                for other in served:
                    aside[other] = self.program.pot(("aside", len(self.program.pots)))
                    self._draw("", transfers[other], key, aside[other], move=STILL)
            if place in aside:
                self.program.add(transfer.ref, aside[place], target, transfer.amount, theft=theft)
            else:
                self._draw(transfer.ref, transfer, key, target, theft=theft)

    def _theft(self, transfer: Transfer) -> Origin | None:
        if transfer.kind is Kind.FEE or self.follow is not None or transfer.ref in self.given:
            return None
        seed = active(self.labels.tx_seeds.get(transfer.tx), self.labels, transfer.time)
        return None if seed is None else seed_origin(seed, transfer.time)

    def _reach(self, transfer: Transfer, key: PotKey) -> None:
        """Where a balance is known just before this transfer, a new pot takes the place of the old one."""
        waiting = self.known.get(key)
        while waiting and waiting[0][0] <= transfer.place:
            start, balance = waiting.pop(0)
            old = self.current.pop(key, None)
            self.current[key] = self.program.pot((key, len(self.program.pots)))
            if self.rule is Rule.POISON and old is not None:  # flags stay for good: one unit carries them over
                self.program.add("", old, self.current[key], 1, move=STILL)
            if self.gaps.gap_before(key, start):  # what was missed may have set any flag
                self._flag(key)
            self.open(key, balance)
        if self.gaps.open_at(key, transfer.place):
            self._flag(key)

    def _flag(self, key: PotKey) -> None:
        """Under poison, set the flag for unresolved value: one unit is enough, once."""
        if self.rule is Rule.POISON and key not in self.flagged:
            self.flagged.add(key)
            self.program.add("", -1, self.pot(key), 1, origin=Origin("unresolved", f"incomplete:{key[0]}"), move=STILL)

    def _origin(self, transfer: Transfer, sender: str | None) -> tuple[Origin | None, bool]:
        """The origin that a transfer leaves, if any, and whether the sender's pot is drawn all the same."""
        following = self.follow is not None
        if transfer.ref == self.follow:
            return FOLLOWED, sender is not None and owner_origin(self.labels, sender, transfer.time) is None
        if transfer.ref in self.given:
            return self.given[transfer.ref], False
        origin = None if sender is None else owner_origin(self.labels, sender, transfer.time, following=following)
        if not following and (origin is None or origin.kind != "seed"):
            seed = active(self.labels.asset_seeds.get(transfer.asset), self.labels, transfer.time)
            if seed is not None:
                return seed_origin(seed, transfer.time), sender is not None and origin is None
        return (Origin("mint", ""), False) if sender is None else (origin, False)

    def _served(self, transfers: list[Transfer], first: int, key: PotKey) -> list[int]:
        """Outflows of a transaction that tiho serves together, largest first."""
        if self.rule is not Rule.TIHO:
            return []
        return reference.served_together(transfers, first, key, self.labels, {*self.given, self.follow}, self.known.get(key))

    def _draw(
        self, name: str, transfer: Transfer, key: PotKey, target: int, *, theft: Origin | None = None, move: int = HOP
    ) -> None:
        """A move out of a pot; out of an incomplete one all is unresolved."""
        is_open = self.gaps.open_at(key, transfer.place)
        unknown = Origin("unresolved", f"{'incomplete' if is_open else 'shortfall'}:{key[0]}")
        if is_open and self.rule is not Rule.POISON:
            self.program.add(name, -1, target, transfer.amount, origin=unknown, theft=theft, move=move)
            return
        missing = transfer.amount - self.program.balances.get(self.pot(key), 0)
        if missing > 0 and not is_open:
            self.shortfalls[key] = self.shortfalls.get(key, 0) + missing
        self.program.add(name, self.pot(key), target, transfer.amount, theft=theft, move=move, lacking=unknown)
