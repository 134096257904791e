"""A chain's trace index as one question sees it: pots by address, their movements up to a block, and what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.errors import StoreError
from exposure.store import coverage
from exposure.store.ends import Ends, ends_of
from exposure.store.index_places import is_made
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.taint.kernels.ends import PLACE, SENT
from exposure.workflows.trace.indexed import Told, untold

STRETCH = 1 << 20
ROW_BYTES = 140
"""What an index takes for each row of the ledger, its addresses among them."""


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

    def counterparties(self, address: str, asset: str, above: int) -> tuple[list[str], dict[str, int]]:
        """See `exposure.store.histories.StoredAccountHistory.counterparties`."""
        payers, paid = list[str](), dict[str, int]()
        for _, pot in self.pots([address], asset):
            run = self.run(pot)
            high, low = above >> 64, np.uint64(above & (2**64 - 1))
            run = run[(run["other"] >= 0) & (run["other"] != pot)]
            run = run[(run["high"] > high) | ((run["high"] == high) & (run["low"] > low))]
            sent = run["at"] & SENT != 0
            payers += self.ledger.addresses(np.unique(run["other"][~sent])).to_pylist()
            pots, sums = _sums(run["other"][sent], run["low"][sent], run["high"][sent])
            paid.update(zip(self.ledger.addresses(pots).to_pylist(), sums, strict=True))
        return payers, paid

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
def opened(store: Store, chain: str, as_of: int, told: Told = untold) -> Iterator[Index]:
    """The trace index of an account chain up to a block, made if there is none yet.

    Raises
    ------
    StoreError
        If it has to be made, and cannot: the disk has no room for it, or the store may not be written to.
    """
    if not is_made(store, chain):
        _check_room(store, chain)
    with numbered(store, chain, lambda done, total: told(f"making the index of {chain}, 1 of 2", done, total)) as ledger:
        ends = ends_of(ledger, lambda done, total: told(f"making the index of {chain}, 2 of 2", done, total))
        blocks = ledger.columns["block"]
        yield Index(ledger, ends, _first(ledger.rows, lambda row: int(blocks[row]) > as_of))


def _check_room(store: Store, chain: str) -> None:
    """Nobody asked for an index by name, so it takes no more than a part of the room that is left."""
    if not os.access(store.path, os.W_OK):
        raise StoreError(f"the store {store.path} may not be written to")
    needed = ROW_BYTES * sum(part.rows for part in store.parts("transfers", chain))
    free = shutil.disk_usage(store.path).free
    if needed > free // 2:
        raise StoreError(f"it takes {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free in {store.path}")


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The first of some numbers for which something holds, which then holds for all that follow."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _sums(pots: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    """Amounts of two words added up by pot, exactly: in halves of words, of which 2^32 fit into one."""
    order = np.argsort(pots, kind="stable")
    found, starts = np.unique(pots[order], return_index=True)
    if not len(found):
        return found, []
    half = np.uint64(2**32 - 1)
    parts = (low[order] & half, low[order] >> np.uint64(32), high[order].astype(np.uint64))
    sums = (np.add.reduceat(part, starts).tolist() for part in parts)
    return found, [a + (b << 32) + (c << 64) for a, b, c in zip(*sums, strict=True)]


def declared(store: Store, chain: str) -> list[str]:
    """Addresses with coverage of their own."""
    rows = coverage.everything(store.connection, store.version, chain)
    return sorted({row.address for row in rows if row.address != coverage.ANY})
