"""Account ledgers whose payers and receivers are drawn anew each time, old accounts more often: large cones for few hops.

The opposite of `benchmarks.ledgers`, where value moves on soon after it came: here anybody deals with anybody, and nobody
empties a pot on purpose, so that a search back finds no end before the hop limit. A dozen hubs take part in one payment in
twenty-five, each in more than 100,000 where there are 100 million. The same ledger for the same seed, whatever the chunks.

Ids are given by first use: seeds, hubs, then accounts as they are born. Memory: 8 bytes for each address, and one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledgers import Chunk, mixed
from exposure.taint.kernels.compiled import kernel, prefetch

SEEDS, HUBS = 200, 12
FIRST_HUB, FIRST_ACCOUNT = SEEDS, SEEDS + HUBS
OPENING = 1 << 50
"""What each seed and hub holds at the beginning: more than it ever pays."""
MOST_PAID = 1 << 36
"""The most that a seed or a hub pays at once."""

_HUB, _SEED = 1_300, 80
"""How often it is a hub, or a seed, that pays (and that is paid), in 65,536ths. With the power in `_party` they were chosen so
that of 100 million transfers cones of five hops hold one or two hundred thousand in the median and a million at 95 %
where hubs stop, and some millions where nothing stops."""
_AHEAD = 8


def addresses(transfers: int) -> int:
    """How many addresses there are in the end: a fifth as many as transfers."""
    return FIRST_ACCOUNT + 1 + transfers // 5


def openings(transfers: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Who holds what before the first transfer: seeds and hubs (ids, base units)."""
    del transfers
    return np.arange(FIRST_ACCOUNT, dtype=np.int32), np.full(FIRST_ACCOUNT, OPENING, np.int64)


def chunks(transfers: int, seed: int = 1, size: int = 1 << 20) -> Iterator[Chunk]:
    """The ledger, ``size`` transfers at a time. Cost: about 200 ns per transfer, one thread."""
    held, born = np.zeros(addresses(transfers), np.int64), np.full(1, FIRST_ACCOUNT + 1, np.int64)
    for start in range(0, transfers, size):
        count = min(size, transfers - start)
        chunk = Chunk(np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int64))
        _fill(np.uint64(seed), start, transfers, held, born, *chunk)
        yield chunk


@kernel
def _party(draw: Any, born: int) -> Any:
    """A party by 64 bits: account x of n is drawn in proportion to ``(n / x) ** (3 / 7)``, so that old ones deal more."""
    kind, where = np.int64(draw & np.uint64(0xFFFF)), np.int64(draw >> np.uint64(32)) / 4294967296.0
    if kind < _SEED:
        return int(SEEDS * where)
    if kind < _SEED + _HUB:
        return FIRST_HUB + int(HUBS * where * np.sqrt(where))
    return FIRST_ACCOUNT + int((born - FIRST_ACCOUNT) * where * np.sqrt(where * np.sqrt(where)))


@kernel
def _fill(seed: Any, start: int, transfers: int, held: Any, born: Any, source: Any, target: Any, amount: Any) -> None:
    """The next transfers. Whoever has nothing is paid for by a hub; half of the receivers are new while births are due."""
    one, key = np.uint64(1), mixed(seed)
    ahead = np.zeros(_AHEAD, np.int64)
    for n in range(-_AHEAD, source.shape[0]):
        coming = start + n + _AHEAD
        payer = ahead[n % _AHEAD]
        ahead[n % _AHEAD] = drawn = _party(mixed(key ^ np.uint64(3 * coming)), _born(coming, transfers, held.shape[0]))
        prefetch(held, drawn)
        if n < 0:
            continue
        draw = mixed(key ^ np.uint64(3 * (start + n) + 2))
        due = _born(start + n + 1, transfers, held.shape[0])
        if born[0] < due and draw & one:
            payee, born[0] = born[0], born[0] + 1
        else:
            payee = _party(mixed(key ^ np.uint64(3 * (start + n) + 1)), born[0])
        if payer >= FIRST_ACCOUNT and held[payer] == 0:
            payer = FIRST_HUB + np.int64(draw >> np.uint64(8)) % HUBS
        if payee == payer:
            payee = FIRST_HUB + (payer + 1) % HUBS
        part = np.int64(draw >> np.uint64(40))
        if payer < FIRST_ACCOUNT:
            paid = min(int(1e6 * ((part + 1) / 16_777_216.0) ** -0.8), MOST_PAID)
        else:
            paid = max(1, held[payer] // 1024 * (1 + (part & 1023)))
            held[payer] -= paid
        if payee >= FIRST_ACCOUNT:
            held[payee] += paid
        source[n], target[n], amount[n] = payer, payee, paid


@kernel
def _born(count: int, transfers: int, most: int) -> int:
    """How many addresses there should be after so many transfers, the parties of the beginning among them."""
    return min(FIRST_ACCOUNT + 1 + int(count * (most - FIRST_ACCOUNT - 1) / transfers), most)
