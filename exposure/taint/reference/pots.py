"""How each rule draws on a pot. A pot is an (owner, asset) on an account chain, one transaction on a UTXO chain.

A pot takes lots in and gives lots out; hops are counted by the caller. The composition of an outflow depends on nothing
but the pot's own amounts and order (under tiho also on what the lots carry).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from exposure.model.settings import Rule
from exposure.taint.reference.lots import Amount, Lot, Origin, is_beyond

DIGITS = 60
"""Significant digits of the haircut's decimals: exact rationals pass 4,000 digits within 10,000 real transfers."""


class Pot(Protocol):
    """What a rule does with a pot. ``balance`` is exact."""

    balance: int

    def receive(self, lots: Iterable[Lot], amount: int) -> None:
        """Take in ``amount``, made of ``lots``."""
        ...

    def draw(self, amount: int) -> list[Lot]:
        """Take out ``amount`` (at most the balance); the lots in the order in which they leave, hops as in the pot."""
        ...

    def lots(self) -> list[Lot]:
        """What lies in the pot, oldest first where order matters."""
        ...


class Haircut:
    """An outflow takes the same share of every component of the balance."""

    def __init__(self, number: type[Decimal] | type[Fraction]) -> None:
        self.balance = 0
        self._number = number
        self._parts: dict[tuple[Origin, int], Amount] = {}

    def receive(self, lots: Iterable[Lot], amount: int) -> None:
        for origin, hop, part in lots:
            known = self._parts.get((origin, hop), self._number(0))
            self._parts[origin, hop] = known + self._number(part)
        self.balance += amount

    def draw(self, amount: int) -> list[Lot]:
        if amount == self.balance:  # a pot that is emptied is emptied exactly
            drawn = self.lots()
            self._parts.clear()
        else:
            drawn = []
            whole, part = self._number(self.balance), self._number(amount)
            for key, held in self._parts.items():
                share = held * part / whole
                self._parts[key] = held - share
                drawn.append(Lot(*key, share))
        self.balance -= amount
        return drawn

    def lots(self) -> list[Lot]:
        return [Lot(*key, part) for key, part in self._parts.items()]


class _Ordered:
    """Lots in the order of their arrival; a rule says from which end, or in which order, they leave."""

    def __init__(self) -> None:
        self.balance = 0
        self._lots: deque[Lot] = deque()

    def receive(self, lots: Iterable[Lot], amount: int) -> None:
        for lot in lots:
            if self._lots and self._lots[-1][:2] == lot[:2]:  # neighbours that carry the same are one lot
                self._lots[-1] = Lot(lot.origin, lot.hop, self._lots[-1].amount + lot.amount)
            else:
                self._lots.append(lot)
        self.balance += amount

    def lots(self) -> list[Lot]:
        return list(self._lots)


class Fifo(_Ordered):
    """A queue of lots."""

    def draw(self, amount: int) -> list[Lot]:
        self.balance -= amount
        drawn = []
        while amount:
            lot = self._lots.popleft()
            take = min(int(lot.amount), amount)
            if take < lot.amount:
                self._lots.appendleft(Lot(lot.origin, lot.hop, int(lot.amount) - take))
            drawn.append(Lot(lot.origin, lot.hop, take))
            amount -= take
        return drawn


class Lifo(_Ordered):
    """A stack of lots: also inside what arrived together."""

    def draw(self, amount: int) -> list[Lot]:
        self.balance -= amount
        drawn = []
        while amount:
            lot = self._lots.pop()
            take = min(int(lot.amount), amount)
            if take < lot.amount:
                self._lots.append(Lot(lot.origin, lot.hop, int(lot.amount) - take))
            drawn.append(Lot(lot.origin, lot.hop, take))
            amount -= take
        return drawn


class Tiho(_Ordered):
    """Tainted lots leave first, smallest hop first; then unresolved; then attributed, largest hop first."""

    def __init__(self, max_hops: int | None) -> None:
        super().__init__()
        self._max_hops = max_hops

    def draw(self, amount: int) -> list[Lot]:
        self.balance -= amount
        drawn = []
        left = list(self._lots)
        served = sorted(range(len(left)), key=lambda place: self._turn(left[place]))  # stable: queue order among equals
        for place in served:
            if not amount:
                break
            lot = left[place]
            take = min(int(lot.amount), amount)
            left[place] = Lot(lot.origin, lot.hop, int(lot.amount) - take)
            drawn.append(Lot(lot.origin, lot.hop, take))
            amount -= take
        self._lots = deque(lot for lot in left if lot.amount)
        return drawn

    def _turn(self, lot: Lot) -> tuple[int, int]:
        if lot.origin.kind == "unresolved" or is_beyond(lot.hop, self._max_hops):
            return 1, 0
        return (0, lot.hop) if lot.origin.kind == "seed" else (2, -lot.hop)


class Poison:
    """One flag per origin, set by the first positive receipt, kept for good with the smallest hop so far.

    A flag past the hop limit is a flag of its own: it counts as unresolved, whatever arrives later.
    """

    def __init__(self, max_hops: int | None) -> None:
        self.balance = 0
        self._max_hops = max_hops
        self._flags: dict[tuple[Origin, bool], int] = {}

    def receive(self, lots: Iterable[Lot], amount: int) -> None:
        for origin, hop, _ in lots:
            key = origin, is_beyond(hop, self._max_hops)
            self._flags[key] = min(self._flags.get(key, hop), hop)
        self.balance += amount

    def draw(self, amount: int) -> list[Lot]:
        self.balance -= amount
        return [Lot(origin, hop, amount) for (origin, _), hop in self._flags.items()]

    def lots(self) -> list[Lot]:
        return [Lot(origin, hop, self.balance) for (origin, _), hop in self._flags.items()]


def new_pot(rule: Rule, max_hops: int | None, *, exact: bool = False) -> Pot:
    """An empty pot of a rule. ``exact``: the haircut in rationals instead of decimals (small ledgers only)."""
    if rule is Rule.HAIRCUT:
        return Haircut(Fraction if exact else Decimal)
    if rule is Rule.FIFO:
        return Fifo()
    if rule is Rule.LIFO:
        return Lifo()
    if rule is Rule.TIHO:
        return Tiho(max_hops)
    return Poison(max_hops)
