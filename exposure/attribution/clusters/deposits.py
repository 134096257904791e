"""Deposit addresses on account chains: those that forward nearly all that they get to one known service, and pay nobody else.

Whoever pays somebody else is left out, however little it is: else a launderer who feeds an exchange would be taken for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FORWARDED = 0.95
"""Share of what an address got, in each asset that it sends, that has to be forwarded (fees count as forwarded)."""
CHUNK = 1 << 20


class Ledger(NamedTuple):
    """A numbered account ledger by address: ``columns`` as `exposure.store.numbered` has them (``source``, ``target``, ``low``,
    ``high``, ``fee``); the address number of each pot; of each address the number of the service that it is tagged as (-1),
    and whether it has any tag."""

    columns: Mapping[str, NDArray[Any]]
    address: NDArray[np.int32]
    service: NDArray[np.int32]
    tagged: NDArray[np.bool_]


class _Pots:
    """What is summed up by pot."""

    def __init__(self, pots: int) -> None:
        self.elsewhere, self.outside = np.zeros(pots, np.bool_), np.zeros(pots, np.bool_)
        self.highest, self.lowest = np.full(pots, -1, np.int64), np.full(pots, np.iinfo(np.int64).max)
        self.received, self.forwarded, self.fees = (np.zeros(pots) for _ in range(3))
        self.first = np.full(pots, np.iinfo(np.int64).max)


def deposit_addresses(ledger: Ledger) -> NDArray[np.int64]:
    """Rows of (address, address of the service that it forwards to, row of the first such transfer), by address."""
    pots = len(ledger.address)
    if not pots:
        return np.empty((0, 3), np.int64)
    found = _Pots(pots)
    rows = len(ledger.columns["source"])
    for start in range(0, rows, CHUNK):
        _add(found, ledger, start, min(start + CHUNK, rows))
    sends = found.highest >= 0
    one = found.highest == found.lowest
    nearly = found.forwarded + found.fees >= FORWARDED * found.received
    good = sends & one & nearly & ~found.elsewhere & found.outside
    bad = found.elsewhere | (sends & ~(one & nearly))
    count = len(ledger.service)
    is_good, is_bad = np.zeros(count, np.bool_), ledger.tagged.copy()
    is_good[ledger.address[good]] = True
    is_bad[ledger.address[bad]] = True
    high, low = np.full(count, -1, np.int64), np.full(count, np.iinfo(np.int64).max)
    np.maximum.at(high, ledger.address[sends], found.highest[sends])
    np.minimum.at(low, ledger.address[sends], found.lowest[sends])
    first = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(first, ledger.address[good], found.first[good])
    which = np.flatnonzero(is_good & ~is_bad & (high == low))
    to = ledger.address[np.asarray(ledger.columns["target"])[first[which]]]
    return np.stack([which, to.astype(np.int64), first[which]], axis=1)


def _add(found: _Pots, ledger: Ledger, start: int, stop: int) -> None:
    row = {name: np.asarray(ledger.columns[name][start:stop]) for name in ("source", "target", "low", "high", "fee")}
    amount = row["low"].astype(np.float64) + row["high"].astype(np.float64) * 2.0**64
    source, target = row["source"], row["target"]
    fee = row["fee"] != 0
    np.add.at(found.fees, source[fee & (source >= 0)], amount[fee & (source >= 0)])
    of = ledger.service[ledger.address]
    to = np.where(target >= 0, of[np.maximum(target, 0)], -1).astype(np.int64)
    by = np.where(source >= 0, of[np.maximum(source, 0)], -1)
    paid = ~fee & (source >= 0)
    found.elsewhere[source[paid & (to < 0)]] = True
    kept = paid & (to >= 0)
    np.maximum.at(found.highest, source[kept], to[kept])
    np.minimum.at(found.lowest, source[kept], to[kept])
    np.add.at(found.forwarded, source[kept], amount[kept])
    np.minimum.at(found.first, source[kept], np.flatnonzero(kept) + start)
    got = ~fee & (target >= 0)
    np.add.at(found.received, target[got], amount[got])
    found.outside[target[got & (by < 0)]] = True
