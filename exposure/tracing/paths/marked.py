"""Trails under the order rules: every unit carries one label, so the rule itself can carry the way along with it.

The reference runs with a mark that adds each transfer to the name of a seed's lots. Amounts and order do not change by it;
neighbouring lots that came by different ways merely stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from exposure.taint.reference.lots import Lot, Lots, Origin, is_beyond
from exposure.tracing.paths.trail import Trail, Trails

MAX_LOTS = 2_000_000
"""Lots that a marked run may pass on: past it the ways are too many to be told apart in good time."""

_SIGN = "\x1f"


class TooManyWays(Exception):  # noqa: N818  # a signal between two functions, not an error for users
    """The ways are too many to be told apart."""


class MarkedRun:
    """Marks of one run of the reference: pass `mark` to it, then read trails off what transfers carry."""

    def __init__(self, max_hops: int | None) -> None:
        self._max_hops = max_hops
        self._steps: list[tuple[int, str]] = []  # (number of the step before, or -1; ref)
        self._numbers: dict[tuple[int, str], int] = {}
        self._lots = 0

    def mark(self, ref: str, lots: Lots) -> Lots:
        """Add a transfer to the way of each seed's lot within the hop limit.

        Raises
        ------
        TooManyWays
            Past `MAX_LOTS`.
        """
        self._lots += len(lots)
        if self._lots > MAX_LOTS:
            raise TooManyWays
        return tuple(self._marked(ref, lot) for lot in lots)

    def _marked(self, ref: str, lot: Lot) -> Lot:
        if lot.origin.kind != "seed" or is_beyond(lot.hop, self._max_hops):
            return lot
        name, _, number = lot.origin.name.partition(_SIGN)
        step = (int(number) if number else -1, ref)
        if step not in self._numbers:
            self._numbers[step] = len(self._steps)
            self._steps.append(step)
        return Lot(Origin("seed", f"{name}{_SIGN}{self._numbers[step]}", lot.origin.epoch), lot.hop, lot.amount)

    def trails(self, lots: Iterable[Lot]) -> list[Trail]:
        """Trails of what some transfers carry, largest first."""
        amounts: dict[tuple[Origin, int], int] = defaultdict(int)
        for origin, hop, amount in lots:
            if origin.kind == "seed" and amount and not is_beyond(hop, self._max_hops):
                amounts[origin, hop] += int(amount)
        found = [self._trail(origin, hop, amount) for (origin, hop), amount in amounts.items()]
        return sorted(found, key=lambda trail: (-trail.amount, len(trail.refs), trail.refs))

    def _trail(self, origin: Origin, hop: int, amount: int) -> Trail:
        name, _, number = origin.name.partition(_SIGN)
        refs: list[str] = []
        at = int(number)
        while at >= 0:
            at, ref = self._steps[at]
            refs.append(ref)
        return Trail(tuple(reversed(refs)), Origin("seed", name, origin.epoch), hop, amount)


def marked(run: MarkedRun, lots: Iterable[Lot], limit: int) -> Trails:
    """The ``limit`` largest trails of a marked run."""
    found = run.trails(lots)
    return Trails(tuple(found[:limit]), len(found))
