"""Haircut over an account ledger, compiled. The definition is `exposure.taint.reference`.

A row of columns exists only for pots that hold something tracked. Scaling is lazy: an outflow changes one number, the
scale, and what the row stores is worth ``scale * stored``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.layout import FEE, HOP, OWN, STILL, Found, Groups, Transfers, width

POT = np.dtype([("balance", "f8"), ("rest", "f8"), ("scale", "f8"), ("row", "i4"), ("spare", "i4")], align=True)
"""Header of a pot, 32 bytes. ``balance + rest`` is what it holds, exact to 106 bits; ``row`` -1: nothing tracked."""

AHEAD = 24
TINY = 1e-150
"""A scale this small is folded back into its row before it can underflow."""


class Pots(NamedTuple):
    """State: headers by pot, rows of columns, a stack of free rows, and ``used``: rows ever in use, free rows, tracked
    transfers (those that carried something)."""

    headers: Any
    rows: NDArray[np.float64]
    free: NDArray[np.int32]
    used: NDArray[np.int64]


def empty(pots: int, groups: Groups, rows: int = 1024) -> Pots:
    """State of ``pots`` empty pots."""
    headers = np.zeros(pots, POT)
    headers["scale"], headers["row"] = 1.0, -1
    return Pots(headers, np.empty((rows, width(groups.number, groups.hops))), np.empty(rows, np.int32), np.zeros(3, np.int64))


@kernel
def two_sum(high: float, low: float, plus: float, more: float) -> tuple[float, float]:
    """The sum of two numbers of 106 bits each, as one."""
    total = high + plus
    part = total - high
    error = (high - (total - part)) + (plus - part) + (low + more)
    whole = total + error
    return whole, error - (whole - total)


@kernel
def new_row(rows: NDArray[np.float64], free: NDArray[np.int32], used: NDArray[np.int64]) -> tuple[NDArray[np.float64], Any]:
    """An empty row: a freed one, or one more; the array doubles where it is full."""
    if used[1] > 0:
        used[1] -= 1
        row = free[used[1]]
    else:
        row = np.int32(used[0])
        used[0] += 1
        if row >= rows.shape[0]:
            larger = np.empty((rows.shape[0] * 2, rows.shape[1]), np.float64)
            larger[:row] = rows[:row]
            rows = larger
    rows[row, :] = 0.0
    return rows, row


@kernel
def free_row(free: NDArray[np.int32], used: NDArray[np.int64], row: int) -> NDArray[np.int32]:
    """Give a row back."""
    if used[1] >= free.shape[0]:
        larger = np.empty(free.shape[0] * 2, np.int32)
        larger[: used[1]] = free[: used[1]]
        free = larger
    free[used[1]] = row
    used[1] += 1
    return free


@kernel
def carry(carried: NDArray[np.float64], rows: NDArray[np.float64], row: int, share: float, move: int, groups: Groups) -> None:
    """What leaves with a share of a row: every part a hop further, unless the transfer is no hop."""
    count = groups.number
    last = groups.hops * count
    wide = last + count + 2
    if move != HOP:
        for c in range(wide):
            carried[c] = rows[row, c] * share
        if move == OWN:
            for c in range(count):
                carried[c + count] += carried[c]
                carried[c] = 0.0
        return
    for c in range(count):
        carried[c] = 0.0
    for c in range(last):
        carried[c + count] = rows[row, c] * share
    seeds, others = rows[row, wide - 2], rows[row, wide - 1]
    for c in range(groups.seeds):
        seeds += rows[row, last + c]
    for c in range(groups.seeds, count):
        others += rows[row, last + c]
    carried[wide - 2], carried[wide - 1] = seeds * share, others * share


@kernel
def relabel(carried: NDArray[np.float64], theft: int, groups: Groups) -> None:
    """A reported theft: all but the units of seeds becomes its own, at hop 0."""
    count, wide = groups.number, (groups.hops + 1) * groups.number + 2
    taken = carried[wide - 1]
    carried[wide - 1] = 0.0
    for hop in range(groups.hops + 1):
        for c in range(hop * count + groups.seeds, (hop + 1) * count):
            taken += carried[c]
            carried[c] = 0.0
    carried[theft] += taken


@kernel
def advance(pots: Pots, ledger: Transfers, groups: Groups, found: Found) -> Pots:
    """Carry out transfers in order; returns the state, whose arrays may have been replaced by larger ones.

    Cost: one header a side and one row a side per transfer; a transfer that carries nothing tracked reads headers only.
    """
    headers, rows, free, used = pots.headers, pots.rows, pots.free, pots.used
    source, target = ledger.source, ledger.target
    count = groups.number
    wide = (groups.hops + 1) * count + 2
    carried = np.zeros(wide)
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(headers, max(source[i + AHEAD], 0))
            prefetch(headers, max(target[i + AHEAD], 0))
            ahead = headers[max(source[i + AHEAD // 2], 0)].row
            if ahead >= 0:
                prefetch(rows, ahead)
        value, rest = ledger.amount[i], ledger.rest[i]
        if value <= 0.0:
            continue
        s, d, group = source[i], target[i], ledger.origin[i]
        row, share, lump, emptied = -1, 0.0, value + rest, False
        if group < 0:
            lump = 0.0
            balance, remainder = headers[s].balance, headers[s].rest
            left, behind = two_sum(balance, remainder, -value, -rest)
            row = headers[s].row
            if left + behind <= 0.0:
                emptied, share = True, headers[s].scale
                headers[s].balance, headers[s].rest = 0.0, 0.0
                if left + behind < 0.0:
                    lump = -(left + behind)
                    group = groups.shortfall[s if groups.shortfall.shape[0] > 1 else 0]
                    if found.short.shape[0]:
                        found.short[s] += lump
            else:
                share = (value + rest) / (balance + remainder) * headers[s].scale
                headers[s].balance, headers[s].rest = left, behind
        if d >= 0:
            headers[d].balance, headers[d].rest = two_sum(headers[d].balance, headers[d].rest, value, rest)
        theft = ledger.theft[i] if ledger.theft.shape[0] else -1
        kept = ledger.keep[i] if ledger.keep.shape[0] else -1
        move = ledger.move[i] & 3 if ledger.move.shape[0] else HOP
        if kept >= 0:
            found.kept[kept, wide] += value + rest
        if d == FEE:
            found.fees[wide] += value + rest
        if row < 0 and (group < 0 or lump <= 0.0) and theft < 0:
            continue
        used[2] += 1
        if row >= 0:
            carry(carried, rows, row, share, move, groups)
        else:
            carried[:] = 0.0
        if group == count:
            carried[wide - 1] += lump
        elif group >= 0 and lump > 0.0:
            carried[group if move == STILL else count + group] += lump
        if theft >= 0:
            relabel(carried, theft, groups)
        if s >= 0 and row >= 0:
            if emptied:
                headers[s].row, headers[s].scale = -1, 1.0
                free = free_row(free, used, row)
            else:
                headers[s].scale -= share
                if headers[s].scale < TINY:
                    for c in range(wide):
                        rows[row, c] *= headers[s].scale
                    headers[s].scale = 1.0
        if d >= 0:
            into = headers[d].row
            if into < 0:
                rows, into = new_row(rows, free, used)
                headers[d].row, headers[d].scale = into, 1.0
                for c in range(wide):
                    rows[into, c] = carried[c]
            else:
                inverse = 1.0 / headers[d].scale
                for c in range(wide):
                    rows[into, c] += carried[c] * inverse
        if kept >= 0:
            for c in range(wide):
                found.kept[kept, c] += carried[c]
        if d == FEE:
            for c in range(wide):
                found.fees[c] += carried[c]
        if found.sent.shape[0]:
            found.sent[i, :] = carried
    return Pots(headers, rows, free, used)
