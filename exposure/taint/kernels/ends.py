"""Every transfer twice, at each of its ends: the movements of a pot one behind the other, in order. What a trace reads.

A pot's *run* are its movements in canonical order; transfers to itself are none. An end knows where the same transfer stands in
the other pot's run, so that a search goes from pot to pot without looking anything up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD
from exposure.taint.kernels.wide import below, minus, plus, rounded

END = np.dtype(
    [("low", "u8"), ("after", "f8"), ("high", "u4"), ("other", "i4"), ("at", "u4"), ("row", "u4")],
    align=True,
)
"""32 bytes. ``high`` and ``low``: the amount. ``other``: the other pot; -1: nowhere; -2: a fee. ``at``: place in the other
pot's run, with `SENT` where this pot is the payer. ``row``: of the numbered ledger, with `SHORT` where the payer had not got
it all. ``after``, of what was sent: what the pot holds then; minus what was missing, where it had not got it all."""

FLAG = np.uint32(1 << 31)
SENT = SHORT = FLAG
"""The highest bit of ``at`` and of ``row``."""
PLACE = np.uint32((1 << 31) - 1)
MOST = 1 << 31
"""Rows that can be told apart by 31 bits."""
_NO = np.uint64(0)


@kernel
def count(source: Any, target: Any, counts: Any) -> None:
    """Add up the ends of each pot, for a chunk of transfers."""
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(counts, max(source[i + AHEAD], 0))
            prefetch(counts, max(target[i + AHEAD], 0))
        s, d = source[i], target[i]
        if s == d:
            continue
        if s >= 0:
            counts[s] += 1
        if d >= 0:
            counts[d] += 1


@kernel
def fill(columns: Any, start: int, first: int, last: int, firsts: Any, done: Any, ends: Any) -> None:
    """Put the ends of a chunk of transfers, from row ``start`` on, into their places, for pots ``first`` to ``last``.

    Parameters
    ----------
    columns
        (source, target, low, high, fee) of the chunk; ``high`` may be empty.
    firsts
        By pot, where its run begins; ``ends``: those of the pots in question, from the first one's run on.
    done
        By pot, how many of its ends came before; kept from chunk to chunk.
    """
    source, target, low, high, fee = columns
    n, base, wide = source.shape[0], firsts[first], high.shape[0] > 0
    for i in range(n):
        if i + AHEAD < n:
            prefetch(done, max(source[i + AHEAD], 0))
            prefetch(done, max(target[i + AHEAD], 0))
        s, d = source[i], target[i]
        if s == d:
            continue
        mine = theirs = np.uint32(0)
        if s >= 0:
            mine = np.uint32(done[s])
            done[s] += 1
        if d >= 0:
            theirs = np.uint32(done[d])
            done[d] += 1
        if first <= s < last:
            end = ends[firsts[s] + mine - base]
            end.low, end.high = low[i], np.uint32(high[i]) if wide else np.uint32(0)
            end.other = d if d >= 0 else (-2 if fee[i] != 0 else -1)
            end.at, end.row, end.after = theirs | FLAG, np.uint32(start + i), 0.0
        if first <= d < last:
            end = ends[firsts[d] + theirs - base]
            end.low, end.high = low[i], np.uint32(high[i]) if wide else np.uint32(0)
            end.other, end.at, end.row, end.after = s, mine, np.uint32(start + i), 0.0


@kernel
def balance(firsts: Any, first: int, last: int, ends: Any, short: Any) -> None:
    """Write what pots ``first`` to ``last`` hold after each payment.

    ``short``: by pot, the first payment for which it had not enough, or -1.
    """
    base = firsts[first]
    for pot in range(first, last):
        short[pot] = -1
        high, low = np.int64(0), _NO
        for i in range(firsts[pot] - base, firsts[pot + 1] - base):
            end = ends[i]
            amount = np.int64(end.high), np.uint64(end.low)
            if end.at & FLAG == 0:
                high, low = plus(high, low, amount[0], amount[1])
            elif below(high, low, amount[0], amount[1]):
                missing = minus(amount[0], amount[1], high, low)
                end.after = -rounded(missing[0], missing[1])
                end.row |= FLAG
                high, low = np.int64(0), _NO
                if short[pot] < 0:
                    short[pot] = i - (firsts[pot] - base)
            else:
                high, low = minus(high, low, amount[0], amount[1])
                end.after = rounded(high, low)


@kernel
def tell(firsts: Any, short: Any, ends: Any) -> None:
    """Mark payments that their pots could not make in full at their other ends too. Cost: by the pots that fall short."""
    for pot in range(short.shape[0]):
        if short[pot] < 0:
            continue
        for i in range(firsts[pot] + short[pot], firsts[pot + 1]):
            end = ends[i]
            if end.row & FLAG != 0 and end.other >= 0:
                ends[firsts[end.other] + (end.at & PLACE)].row |= FLAG
