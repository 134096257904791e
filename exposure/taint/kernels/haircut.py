"""Haircut over an account ledger, compiled. The definition is `exposure.taint.reference`.

A row of columns exists only for pots that hold something tracked. Scaling is lazy: an outflow changes one number, the
scale in the row's last cell, and what a column holds is worth ``scale * stored``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.layout import FEE, HOP, OWN, STILL, Found, Groups, Transfers, role_codes, width
from exposure.taint.kernels.memory import reserve

POT = np.dtype([("balance", "f8"), ("rest", "f8"), ("received", "f8"), ("row", "i4"), ("spare", "i4")], align=True)
"""Header of a pot, 32 bytes. ``balance + rest`` is what it holds, exact to 106 bits; ``received``: all that ever came in.
``row``: where its columns are; -1: nothing tracked; less: a role (`layout.role_codes`)."""

AHEAD = 24
LINE = 8
"""Cells of a cache line."""
TINY = 1e-150
"""A scale this small is folded back into its row before it can underflow."""


class Pots(NamedTuple):
    """State: headers by pot, rows of cells (columns, then the scale, up to whole cache lines), a stack of free rows, and
    ``used``: rows ever in use, free rows, tracked transfers (those that carried something)."""

    headers: Any
    cells: NDArray[np.float64]
    free: NDArray[np.int32]
    used: NDArray[np.int64]


def stride(groups: Groups) -> int:
    """Cells of a row."""
    return (width(groups.number, groups.hops) // LINE + 1) * LINE


def empty(pots: int, groups: Groups, roles: NDArray[Any] | None = None) -> Pots:
    """State of ``pots`` empty pots; ``roles``: by pot, see `layout.role_codes`."""
    headers = reserve(pots, POT)
    headers["row"] = -1 if roles is None else role_codes(roles, pots)
    return Pots(headers, reserve(pots * stride(groups), "f8"), reserve(pots, np.int32), np.zeros(3, np.int64))


def in_use(pots: Pots, groups: Groups) -> dict[str, NDArray[Any]]:
    """The arrays of a state, each as far as it is in use; ``headers`` has an entry for each pot."""
    cells, free = pots.cells[: pots.used[0] * stride(groups)], pots.free[: pots.used[1]]
    return {"headers": pots.headers, "cells": cells, "free": free, "used": pots.used}


@kernel
def two_sum(high: float, low: float, plus: float, more: float) -> tuple[float, float]:
    """The sum of two numbers of 106 bits each, as one."""
    total = high + plus
    part = total - high
    error = (high - (total - part)) + (plus - part) + (low + more)
    whole = total + error
    return whole, error - (whole - total)


@kernel
def carry(
    carried: NDArray[np.float64], cells: NDArray[np.float64], base: int, share: float, move: int, count: int, last: int
) -> None:
    """What leaves with a share of a row: every part a hop further, unless the transfer is no hop.

    ``last``: where the columns past the limit begin; what is there stays there.
    """
    if move == HOP:
        for c in range(count):
            carried[c] = 0.0
        for c in range(last):
            carried[count + c] = cells[base + c] * share
        for c in range(count):
            carried[last + c] += cells[base + last + c] * share
        return
    for c in range(last + count):
        carried[c] = cells[base + c] * share
    if move == OWN:
        for c in range(count):
            carried[count + c] += carried[c]
            carried[c] = 0.0


@kernel
def relabel(carried: NDArray[np.float64], theft: int, groups: Groups) -> None:
    """A reported theft: all but the units of seeds becomes its own, at hop 0."""
    taken = 0.0
    for hop in range(groups.hops + 2):
        for c in range(hop * groups.number + groups.seeds, (hop + 1) * groups.number):
            taken += carried[c]
            carried[c] = 0.0
    carried[theft] += taken


@kernel
def advance(pots: Pots, ledger: Transfers, groups: Groups, found: Found) -> None:
    """Carry out transfers in order.

    Cost: one header a side and one row a side per transfer; a transfer that carries nothing tracked reads headers only.
    """
    headers, cells, free, used = pots.headers, pots.cells, pots.free, pots.used
    source, target, amount = ledger.source, ledger.target, ledger.amount
    count, hops = groups.number, groups.hops
    last = (hops + 1) * count
    wide = last + count
    step = (wide // LINE + 1) * LINE
    carried = np.zeros(wide)
    has_rest, has_origin, has_theft = ledger.rest.shape[0] > 0, ledger.origin.shape[0] > 0, ledger.theft.shape[0] > 0
    has_keep, has_move = ledger.keep.shape[0] > 0, ledger.move.shape[0] > 0
    by_pot, per_transfer, shorts = groups.shortfall.shape[0] > 1, found.sent.shape[0] > 0, found.short.shape[0] > 0
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(headers, max(source[i + AHEAD], 0))
            prefetch(headers, max(target[i + AHEAD], 0))
            for ahead in (
                headers[max(source[i + AHEAD // 2], 0)].row,
                headers[max(target[i + AHEAD // 2], 0)].row,
            ):
                if ahead >= 0:
                    for c in range(0, step, LINE):
                        prefetch(cells, ahead * step + c)
        value = amount[i]
        s, d = source[i], target[i]
        if value <= 0.0 or (s == d and s >= 0):
            continue
        rest = ledger.rest[i] if has_rest else 0.0
        row, group, share, stays, lump, emptied = -1, -1, 0.0, 1.0, value + rest, False
        if has_origin:
            group = ledger.origin[i]
        elif s < 0:
            group = groups.minted
        elif headers[s].row < -1:
            group = (-2 - headers[s].row) >> 1
        if group < 0:
            lump = 0.0
            balance, remainder = headers[s].balance, headers[s].rest
            if has_rest:
                left, behind = two_sum(balance, remainder, -value, -rest)
            else:
                left, behind = balance - value, 0.0
            row = headers[s].row
            if left + behind <= 0.0:
                emptied, share = True, 1.0
                headers[s].balance, headers[s].rest = 0.0, 0.0
                if left + behind < 0.0:
                    lump = -(left + behind)
                    group = groups.shortfall[s if by_pot else 0]
                    if shorts:
                        found.short[s] += lump
            else:
                # both from the exact balances: of what stays behind a large outflow, 1 - share keeps no digit
                share, stays = (value + rest) / (balance + remainder), (left + behind) / (balance + remainder)
                headers[s].balance, headers[s].rest = left, behind
        ends = d < 0
        if d >= 0:
            headers[d].received += value + rest
            ends = headers[d].row < -1 and (-2 - headers[d].row) & 1 == 1
            if not ends and has_rest:
                headers[d].balance, headers[d].rest = two_sum(headers[d].balance, headers[d].rest, value, rest)
            elif not ends:
                headers[d].balance += value
        theft = ledger.theft[i] if has_theft else -1
        kept = ledger.keep[i] if has_keep else -1
        move = ledger.move[i] if has_move else HOP
        if kept >= 0:
            found.kept[kept, wide] += value + rest
        if d == FEE:
            found.fees[wide] += value + rest
        if row < 0 and (group < 0 or lump <= 0.0) and theft < 0:
            continue
        used[2] += 1
        base = row * step
        scale = cells[base + wide] if row >= 0 else 1.0
        into, inverse = -1, 1.0
        if not ends and headers[d].row >= -1:
            into = headers[d].row
            if into < 0:
                if used[1] > 0:
                    used[1] -= 1
                    into = free[used[1]]
                else:
                    into = used[0]
                    used[0] += 1
                headers[d].row = into
                for c in range(wide):
                    cells[into * step + c] = 0.0
                cells[into * step + wide] = 1.0
            else:
                inverse = 1.0 / cells[into * step + wide]
        start = into * step
        if row >= 0 and into >= 0 and move == HOP and theft < 0 and kept < 0 and not per_transfer:
            # the common case: from row to row, nothing in between
            factor = scale * share * inverse
            for c in range(last):
                cells[start + count + c] += cells[base + c] * factor
            for c in range(count):
                cells[start + last + c] += cells[base + last + c] * factor
            if group >= count:
                cells[start + last + group - count] += lump * inverse
            elif group >= 0:
                cells[start + count + group] += lump * inverse
        elif into >= 0 or kept >= 0 or d == FEE or per_transfer:
            if row >= 0:
                carry(carried, cells, base, scale * share, move, count, last)
            else:
                carried[:] = 0.0
            if group >= count:
                carried[last + group - count] += lump
            elif group >= 0 and lump > 0.0:
                carried[group if move == STILL else count + group] += lump
            if theft >= 0:
                relabel(carried, theft, groups)
            if into >= 0:
                for c in range(wide):
                    cells[start + c] += carried[c] * inverse
            if kept >= 0:
                for c in range(wide):
                    found.kept[kept, c] += carried[c]
            if d == FEE:
                for c in range(wide):
                    found.fees[c] += carried[c]
            if per_transfer:
                found.sent[i, :] = carried
        if row >= 0:
            if emptied:
                headers[s].row = -1
                free[used[1]] = row
                used[1] += 1
            else:
                scale *= stays
                if scale < TINY:
                    for c in range(wide):
                        cells[base + c] *= scale
                    scale = 1.0
                cells[base + wide] = scale
