"""Trails under haircut: an outflow takes the same share of everything, so a way carries the product of its shares.

There can be more ways than atoms, but the largest are found without the others. The search goes backward from the
subject, always on from the partial way with the most to gain: what it carries so far times the share of the wanted value
in the transfer it has come to, which the figure's own run has already computed. That bound is exact for all ways that go
on from there together, so the first way to be completed is the largest one.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple, Protocol

from exposure.taint.reference.lots import Lot, Origin, is_beyond
from exposure.tracing.paths.trail import Trail, Trails

MAX_STEPS = 20_000
"""Partial ways that a search looks at before it gives up."""
DIGITS = 40


class Feeder(NamedTuple):
    """What fed a transfer: the share of the transfer that came by ``ref``; ``hop``: whether that was a hop."""

    ref: str
    share: Decimal
    hop: bool


class Ways(Protocol):
    """A ledger as the search sees it."""

    def amount(self, ref: str) -> int:
        """Amount of a transfer or coin, base units."""
        ...

    def lots(self, ref: str) -> Sequence[Lot]:
        """What it carries, as received."""
        ...

    def begins(self, ref: str) -> Mapping[tuple[Origin, int], Decimal]:
        """By origin and hop on arrival: the share of it that left the origin by this very transfer."""
        ...

    def feeders(self, ref: str) -> Sequence[Feeder]:
        """What the rest of it came from."""
        ...


class _Partial(NamedTuple):
    """A way from ``ref`` to the subject.

    ``carried``: of the subject's transfer, what passed ``ref``, base units. ``added``: hops after it; ``first``: hops at the
    subject of what has none at ``ref``.
    """

    ref: str
    carried: Decimal
    added: int
    first: int
    onward: _Partial | None


def largest(
    ways: Ways, subjects: Iterable[str], wanted: Callable[[Origin], bool], *, limit: int, max_hops: int | None
) -> Trails:
    """The ways that carry most of the wanted value to some transfers (coins).

    Parameters
    ----------
    subjects
        Refs whose ways are asked for; a way ends in one of them.
    wanted
        Which origins count.
    limit
        How many ways to find.

    Notes
    -----
    Ways that carry less than one base unit are none. ``found`` is None if the search ended before all were seen.
    """
    with localcontext() as context:
        context.prec = DIGITS
        return _Search(ways, wanted, limit, max_hops).run(subjects)


class _Search:
    def __init__(self, ways: Ways, wanted: Callable[[Origin], bool], limit: int, max_hops: int | None) -> None:
        self._ways, self._wanted, self._limit, self._max_hops = ways, wanted, limit, max_hops
        self._heap: list[tuple[Decimal, int, _Partial | Trail]] = []
        self._pushed = 0

    def run(self, subjects: Iterable[str]) -> Trails:
        for ref in subjects:
            if self._ways.amount(ref):
                self._reach(_Partial(ref, Decimal(self._ways.amount(ref)), 0, 0, None))
        trails: list[Trail] = []
        for _ in range(MAX_STEPS):
            if not self._heap or len(trails) >= self._limit:
                break
            _, _, best = heapq.heappop(self._heap)
            if isinstance(best, Trail):
                trails.append(best)
            else:
                self._extend(best)
        return Trails(tuple(trails), None if self._heap else len(trails))

    def _push(self, amount: Decimal, entry: _Partial | Trail) -> None:
        if amount >= 1:
            self._pushed += 1
            heapq.heappush(self._heap, (-amount, self._pushed, entry))

    def _arrival(self, partial: _Partial, hop: int) -> int:
        """Hops at the subject of what has ``hop`` hops at ``partial``: value of a theft, at hop 0, is at 1 after any move."""
        return partial.first if hop == 0 and partial.onward is not None else hop + partial.added

    def _reach(self, partial: _Partial) -> None:
        """Put a partial way in line, by all the wanted value that came to the subject through it."""
        potential = sum(
            (
                Decimal(lot.amount)
                for lot in self._ways.lots(partial.ref)
                if self._wanted(lot.origin) and not is_beyond(self._arrival(partial, lot.hop), self._max_hops)
            ),
            Decimal(0),
        )
        self._push(potential * partial.carried / self._ways.amount(partial.ref), partial)

    def _extend(self, partial: _Partial) -> None:
        for (origin, hop), share in self._ways.begins(partial.ref).items():
            arrival = self._arrival(partial, hop)
            if self._wanted(origin) and not is_beyond(arrival, self._max_hops):
                self._push(partial.carried * share, Trail(_refs(partial), origin, arrival, partial.carried * share))
        for ref, share, hop in self._ways.feeders(partial.ref):
            self._reach(_Partial(ref, partial.carried * share, partial.added + hop, partial.added + 1, partial))


def _refs(partial: _Partial) -> tuple[str, ...]:
    refs: list[str] = []
    at: _Partial | None = partial
    while at is not None:
        refs.append(at.ref)
        at = at.onward
    return tuple(refs)
