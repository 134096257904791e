"""Chance that falls the same everywhere: one generator, integers and exact IEEE operations only.

``random.Random.random`` seeded by an integer is documented to be reproducible for ever; ``gauss``, ``choices`` and the
like are not, and logarithms differ in the last digit from one C library to the next. So nothing else is used.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """A stream of chance, named by its keys: equal keys give an equal stream."""

    __slots__ = ("random",)

    def __init__(self, *keys: str | int) -> None:
        number = int.from_bytes(sha256("/".join(str(key) for key in keys).encode()).digest()[:8], "big")
        self.random = random.Random(number).random

    def below(self, bound: int) -> int:
        """An integer of [0, bound)."""
        return int(self.random() * bound)

    def between(self, low: int, high: int) -> int:
        """An integer of [low, high]."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, share: float) -> bool:
        """True with probability ``share``."""
        return self.random() < share

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, each as likely."""
        return items[int(self.random() * len(items))]

    def weighted(self, cumulative: Sequence[int]) -> int:
        """Place of one item whose weights add up to ``cumulative`` (ascending)."""
        return bisect_right(cumulative, int(self.random() * cumulative[-1]))

    def heavy(self, base: int, cap: int) -> int:
        """An amount of at least ``base`` with a Pareto tail of index 1 (half are below 2 base), cut at ``cap``."""
        return min(cap, int(base / (1.0 - self.random())))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order."""
        out = list(items)
        for last in range(len(out) - 1, 0, -1):
            other = int(self.random() * (last + 1))
            out[last], out[other] = out[other], out[last]
        return out

    def some(self, items: Sequence[T], count: int) -> list[T]:
        """Up to ``count`` different items in random order."""
        return self.shuffled(items)[:count] if len(items) <= 4 * count else self._sparse(items, count)

    def _sparse(self, items: Sequence[T], count: int) -> list[T]:
        places: dict[int, None] = {}
        while len(places) < count:
            places[int(self.random() * len(items))] = None
        return [items[place] for place in places]


def cumulative(weights: Sequence[int]) -> list[int]:
    """Running sums of ``weights``, for `Dice.weighted`."""
    total = 0
    out = []
    for weight in weights:
        total += weight
        out.append(total)
    return out
