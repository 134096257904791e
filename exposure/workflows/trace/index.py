"""A chain's trace index as one question sees it: pots by address, their movements up to a block, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.store import coverage
from exposure.store.ends import Ends, ends_of
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.taint.kernels.ends import PLACE

STRETCH = 1 << 20


@dataclass(frozen=True, slots=True)
class Index:
    """A chain's numbered ledger and its ends; ``rows``: how many of its rows a question sees."""

    ledger: Numbered
    ends: Ends
    rows: int

    def pots(self, addresses: Sequence[str], asset: str) -> list[tuple[str, int]]:
        """The pots of one asset that some addresses have."""
        if asset not in self.ledger.assets:
            return []
        places, pots = self.ledger.find(pa.array(addresses, pa.string()))
        mine = np.asarray(self.ledger.asset)[pots] == self.ledger.assets.index(asset)
        return [(addresses[place], pot) for place, pot in zip(places[mine].tolist(), pots[mine].tolist(), strict=True)]

    def run(self, pot: int) -> NDArray[Any]:
        """The movements of a pot that the question sees."""
        whole = self.ends.ends[int(self.ends.firsts[pot]) : int(self.ends.firsts[pot + 1])]
        return whole if self.rows == self.ledger.rows else whole[: np.searchsorted(whole["row"] & PLACE, self.rows)]

    def lacking(self) -> NDArray[np.int64]:
        """The pots that spend more than they are known to have received, as far as the question sees."""
        found = [np.empty(0, np.int64)]
        for start in range(0, self.ledger.pots, STRETCH):
            place = np.asarray(self.ends.short[start : start + STRETCH])
            some = np.flatnonzero(place >= 0)
            at = np.asarray(self.ends.firsts[start + some]) + place[some]
            found.append(start + some[(self.ends.ends["row"][at] & PLACE) < self.rows])
        return np.concatenate(found)

    def longer_than(self, threshold: int) -> NDArray[np.int64]:
        """The pots with more movements."""
        found = [np.empty(0, np.int64)]
        for start in range(0, self.ledger.pots, STRETCH):
            found.append(start + np.flatnonzero(np.diff(self.ends.firsts[start : start + STRETCH + 1]) > threshold))
        return np.concatenate(found)

    def rows_of(self, block: int) -> range:
        """The rows of a block."""
        blocks = self.ledger.columns["block"]
        return range(
            _first(self.ledger.rows, lambda row: int(blocks[row]) >= block),
            _first(self.ledger.rows, lambda row: int(blocks[row]) > block),
        )


@contextmanager
def opened(store: Store, chain: str, as_of: int) -> Iterator[Index]:
    """The trace index of an account chain up to a block, made if there is none yet."""
    with numbered(store, chain) as ledger:
        blocks = ledger.columns["block"]
        yield Index(ledger, ends_of(ledger), _first(ledger.rows, lambda row: int(blocks[row]) > as_of))


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The first of some numbers for which something holds, which then holds for all that follow."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def declared(store: Store, chain: str) -> list[str]:
    """Addresses with coverage of their own."""
    rows = coverage.everything(store.connection, store.version, chain)
    return sorted({row.address for row in rows if row.address != coverage.ANY})
