"""Which blocks an import saw, and where runs of them are missing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_KEPT = 1 << 20

Blocks = np.ndarray[tuple[int], np.dtype[np.int64]]


class Gap(NamedTuple):
    """Blocks ``first`` to ``last`` are missing, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of missing blocks."""
        return self.last - self.first + 1


class BlocksSeen:
    """A set of block numbers. Memory: eight bytes a distinct block, and a megabyte of numbers not yet merged."""

    def __init__(self) -> None:
        self._parts: list[Blocks] = []
        self._size = 0

    def add(self, numbers: Blocks) -> None:
        """Add block numbers, in any order and with repeats."""
        part = np.unique(np.asarray(numbers, dtype=np.int64))
        self._parts.append(part)
        self._size += len(part)
        if self._size > 2 * _KEPT and len(self._parts) > 1:
            self._merge()

    def _merge(self) -> Blocks:
        merged = np.unique(np.concatenate(self._parts)) if self._parts else np.zeros(0, np.int64)
        self._parts, self._size = [merged], 0
        return merged

    def span(self) -> tuple[int, int, int] | None:
        """(first, last, number of distinct blocks), or None if there are none."""
        merged = self._merge()
        return (int(merged[0]), int(merged[-1]), len(merged)) if len(merged) else None

    def gaps(self, least: int) -> list[Gap]:
        """Runs of at least ``least`` missing blocks between the first and the last one, in order."""
        merged = self._merge()
        steps = np.diff(merged)
        places = np.flatnonzero(steps > least)
        return [Gap(int(merged[place]) + 1, int(merged[place + 1]) - 1) for place in places]
