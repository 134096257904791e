"""Poison over an account ledger, compiled: one flag per group, with the smallest hop so far. Definition in the reference.

A flag is a byte: the hop, or `NO_FLAG`; a second byte per group says that the flag also came from past the hop limit.
Pots that were never flagged pay for a header only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD, two_sum
from exposure.taint.kernels.layout import CLEAR, FEE, HOP, OWN, STILL, Found, Groups, Transfers

NO_FLAG = 255
MAX_HOPS = 253
POT = np.dtype([("balance", "f8"), ("rest", "f8"), ("row", "i4"), ("spare", "i4")], align=True)


class Flags(NamedTuple):
    """State: headers by pot, flags by row (hop by group, then one byte by group: also past the limit), rows in use."""

    headers: Any
    rows: NDArray[np.uint8]
    used: NDArray[np.int64]


def empty(pots: int, groups: Groups, rows: int = 1024) -> Flags:
    """State of ``pots`` empty pots."""
    headers = np.zeros(pots, POT)
    headers["row"] = -1
    return Flags(headers, np.empty((rows, 2 * groups.number + 1), np.uint8), np.zeros(3, np.int64))


@kernel
def advance(flags: Flags, ledger: Transfers, groups: Groups, found: Found) -> Flags:
    """Carry out transfers in order; returns the state, whose arrays may have been replaced by larger ones.

    In `Found.kept` a column holds the summed value of the transfers that carried the group's flag at that hop; in
    `Found.sent` it is the transfer's value where it carries the flag.
    """
    headers, rows, used = flags.headers, flags.rows, flags.used
    count, hops = groups.number, groups.hops
    wide = (hops + 1) * count + 2
    carried = np.empty(2 * count + 1, np.uint8)
    n = ledger.source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(headers, max(ledger.source[i + AHEAD], 0))
            prefetch(headers, max(ledger.target[i + AHEAD], 0))
        value, rest = ledger.amount[i], ledger.rest[i]
        if value <= 0.0:
            continue
        s, d, group = ledger.source[i], ledger.target[i], ledger.origin[i]
        row, lacking = -1, -1
        if group < 0:
            row = headers[s].row
            left, behind = two_sum(headers[s].balance, headers[s].rest, -value, -rest)
            if left + behind < 0.0:
                lacking = groups.shortfall[s if groups.shortfall.shape[0] > 1 else 0]
                if found.short.shape[0]:
                    found.short[s] -= left + behind
                left, behind = 0.0, 0.0
                if lacking >= 0:  # a shortfall is a receipt from unknown just before the spend: its flag stays
                    if row < 0:
                        rows, row = _new_row(rows, used)
                        headers[s].row = row
                    rows[row, lacking] = 0
            headers[s].balance, headers[s].rest = left, behind
        if d >= 0:
            headers[d].balance, headers[d].rest = two_sum(headers[d].balance, headers[d].rest, value, rest)
        theft = ledger.theft[i] if ledger.theft.shape[0] else -1
        kept = ledger.keep[i] if ledger.keep.shape[0] else -1
        code = ledger.move[i] if ledger.move.shape[0] else HOP
        move = code & 3
        if kept >= 0:
            found.kept[kept, wide] += value + rest
        if d == FEE:
            found.fees[wide] += value + rest
        if row < 0 and group < 0 and theft < 0:
            continue
        used[2] += 1
        carried[:] = NO_FLAG
        if row >= 0:
            for c in range(count):
                hop, past = rows[row, c], rows[row, count + c]
                if move == HOP and hop == hops:
                    past = 0
                elif hop != NO_FLAG:
                    carried[c] = hop + 1 if move == HOP or (move == OWN and hop == 0) else hop
                carried[count + c] = past
            carried[2 * count] = rows[row, 2 * count]
        if group == count:
            carried[2 * count] = 0
        elif group >= 0:
            carried[group] = 0 if move == STILL else 1
        loot = NO_FLAG  # hop of the theft's own flag, where the theft moves its own loot on
        if theft >= 0:
            unlabelled = groups.unresolved == count or carried[2 * count] != NO_FLAG  # attributed origins may not be tracked
            for c in range(groups.seeds, count):
                unlabelled |= carried[c] != NO_FLAG or carried[count + c] != NO_FLAG
                carried[c], carried[count + c] = NO_FLAG, NO_FLAG
            carried[2 * count] = NO_FLAG
            if unlabelled:
                loot = carried[theft]
                carried[theft] = 0
        if d >= 0:
            into = headers[d].row
            if into < 0:
                rows, into = _new_row(rows, used)
                headers[d].row = into
            for c in range(2 * count + 1):
                rows[into, c] = min(rows[into, c], carried[c])
        if kept >= 0:
            _add(found.kept[kept], carried, value + rest, groups)
        if d == FEE:
            _add(found.fees, carried, value + rest, groups)
        if found.sent.shape[0]:
            found.sent[i, :] = 0.0
            _add(found.sent[i], carried, value + rest, groups)
            if loot != NO_FLAG and loot > 0:
                found.sent[i, loot * count + theft] += value + rest
        if code & CLEAR and row >= 0:
            rows[row, :] = NO_FLAG
    return Flags(headers, rows, used)


@kernel
def _new_row(rows: NDArray[np.uint8], used: NDArray[np.int64]) -> tuple[NDArray[np.uint8], Any]:
    row = np.int32(used[0])
    used[0] += 1
    if row >= rows.shape[0]:
        larger = np.empty((rows.shape[0] * 2, rows.shape[1]), np.uint8)
        larger[:row] = rows[:row]
        rows = larger
    rows[row, :] = NO_FLAG
    return rows, row


@kernel
def _add(into: NDArray[np.float64], carried: NDArray[np.uint8], amount: float, groups: Groups) -> None:
    """Add a transfer's value to the column of every flag that it carries."""
    count, wide = groups.number, (groups.hops + 1) * groups.number + 2
    seeds = others = False
    for c in range(count):
        if carried[c] != NO_FLAG:
            into[carried[c] * count + c] += amount
        if carried[count + c] != NO_FLAG:
            seeds |= c < groups.seeds
            others |= c >= groups.seeds
    if seeds:
        into[wide - 2] += amount
    if others or carried[2 * count] != NO_FLAG:
        into[wide - 1] += amount
