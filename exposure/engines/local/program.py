"""A ledger as a program of moves between numbered pots, for the kernels: what both kinds of ledger are translated to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from exposure.taint.kernels.layout import HOP, NONE
from exposure.taint.reference.lots import BEYOND, Origin


@dataclass(slots=True)
class Program:
    """Moves in order, with the pots and origins they name.

    ``names``: the transfer or coin that a move stands for, or "" for one that only arranges things. ``origins``: what
    leaves an origin, or None where a pot is drawn. ``pots``: number of a pot by its key.
    """

    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    origins: list[Origin | None] = field(default_factory=list)
    theft: list[Origin | None] = field(default_factory=list)
    move: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    pots: dict[object, int] = field(default_factory=dict)
    short: dict[int, Origin] = field(default_factory=dict)
    balances: dict[int, int] = field(default_factory=dict)

    def pot(self, key: object) -> int:
        """Number of a pot."""
        return self.pots.setdefault(key, len(self.pots))

    def add(
        self,
        name: str,
        source: int,
        target: int,
        amount: int,
        *,
        origin: Origin | None = None,
        theft: Origin | None = None,
        move: int = HOP,
        lacking: Origin | None = None,
    ) -> None:
        """Append a move; ``lacking`` names the origin of what its pot has not got."""
        if origin is None and source >= 0:
            left = self.balances.get(source, 0) - amount
            if left < 0 and lacking is not None:
                self.short[source] = lacking
            self.balances[source] = max(left, 0)
        if target >= 0:
            self.balances[target] = self.balances.get(target, 0) + amount
        self.source.append(source)
        self.target.append(target)
        self.amount.append(amount)
        self.origins.append(origin)
        self.theft.append(theft)
        self.move.append(move)
        self.names.append(name)


@dataclass(frozen=True, slots=True)
class Numbering:
    """Groups of origins: seeds, then unresolved, then attributed."""

    origins: tuple[Origin, ...]
    seeds: int
    unresolved: int
    number: dict[Origin, int]

    def of(self, origin: Origin | None) -> int:
        """Group of an origin; for value past the hop limit already, the count of groups more; `NONE` for no origin."""
        if origin is None:
            return NONE
        return self.number[origin] + (len(self.origins) if origin == BEYOND else 0)


def numbered(origins: Iterable[Origin | None]) -> Numbering:
    """Number the origins that occur, in order of kind and first use."""
    found = dict.fromkeys(origin for origin in origins if origin is not None)
    by_kind = [[o for o in found if o.kind == "seed"], [o for o in found if o.kind == "unresolved"]]
    by_kind.append([o for o in found if o.kind not in ("seed", "unresolved")])
    order = tuple(origin for kind in by_kind for origin in kind) or (Origin("unresolved", "nothing"),)
    seeds = len(by_kind[0])
    return Numbering(order, seeds, seeds + max(len(by_kind[1]), 0 if found else 1), {o: n for n, o in enumerate(order)})
