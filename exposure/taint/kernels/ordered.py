"""Fifo, lifo and tiho over an account ledger, compiled: lots of exact integers in linked lists. Definition in the reference.

A lot is an amount and a tag (`layout`: hop and group). The head of a pot's list is what leaves first: fifo appends at the
tail, lifo pushes at the head, tiho keeps the list sorted by turn. Lots that leave whole change hands without being copied.
A pot that holds nothing tracked has no lots at all: its balance says everything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD
from exposure.taint.kernels.layout import FEE, HOP, OWN, STILL, Groups

FIFO, LIFO, TIHO = 0, 1, 2
POT = np.dtype([("balance", "i8"), ("head", "i4"), ("tail", "i4")], align=True)
LOT = np.dtype([("amount", "i8"), ("tag", "i4"), ("next", "i4")], align=True)


class Queues(NamedTuple):
    """State: headers by pot, pool of lots, and ``used``: lots ever in use, first free lot (-1: none), tracked transfers."""

    headers: Any
    lots: Any
    used: NDArray[np.int64]


class Whole(NamedTuple):
    """As `layout.Transfers`, with amounts as integers of the asset's unit."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    amount: NDArray[np.int64]
    origin: NDArray[np.int32]
    theft: NDArray[np.int32]
    keep: NDArray[np.int32]
    move: NDArray[np.int8]


class Counted(NamedTuple):
    """As `layout.Found`, in integers; ``sent`` and ``ends``: lots of every transfer, one behind the other (tag, amount), and
    where each transfer's lots end (``ends`` empty: not asked for)."""

    kept: NDArray[np.int64]
    fees: NDArray[np.int64]
    sent: NDArray[np.int64]
    ends: NDArray[np.int64]
    short: NDArray[np.int64]


def empty(pots: int, lots: int = 1024) -> Queues:
    """State of ``pots`` empty pots."""
    headers = np.zeros(pots, POT)
    headers["head"] = headers["tail"] = -1
    return Queues(headers, np.empty(lots, LOT), np.array([0, -1, 0], np.int64))


def tables(groups: Groups) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """By kind of move and tag, the tag after it; by tag, its turn under tiho (smallest first).

    The tag behind the last column is value that is not tracked: it stays so, and is served last.
    """
    count, hops = groups.number, groups.hops
    wide = (hops + 1) * count + 2
    after = np.tile(np.arange(wide + 1, dtype=np.int32), (3, 1))
    turn = np.full(wide + 1, hops + 1, np.int32)
    turn[wide] = 3 * hops + 9
    for hop in range(hops + 1):
        for group in range(count):
            tag, seed = hop * count + group, group < groups.seeds
            beyond = wide - 2 if seed else wide - 1
            after[HOP, tag] = tag + count if hop < hops else beyond
            after[OWN, tag] = tag + count if hop == 0 else tag
            if seed:
                turn[tag] = hop
            elif group >= groups.unresolved:
                turn[tag] = hops + 2 + (hops - hop)
    return after, turn


@kernel
def _new(lots: Any, used: NDArray[np.int64]) -> tuple[Any, int]:
    if used[1] >= 0:
        lot = used[1]
        used[1] = lots[lot].next
        return lots, lot
    lot = used[0]
    used[0] += 1
    if lot >= lots.shape[0]:
        larger = np.empty(lots.shape[0] * 2, lots.dtype)
        larger[:lot] = lots[:lot]
        lots = larger
    return lots, lot


@kernel
def _free(lots: Any, used: NDArray[np.int64], lot: int) -> None:
    lots[lot].next = used[1]
    used[1] = lot


@kernel
def _put(headers: Any, lots: Any, used: NDArray[np.int64], rule: int, turn: NDArray[np.int32], d: int, lot: int) -> None:
    """Put a lot into a pot's list; neighbours that carry the same become one."""
    head, tail, tag = headers[d].head, headers[d].tail, lots[lot].tag
    if head < 0:
        lots[lot].next = -1
        headers[d].head = headers[d].tail = lot
    elif rule == LIFO:
        if lots[head].tag == tag:
            lots[head].amount += lots[lot].amount
            _free(lots, used, lot)
        else:
            lots[lot].next = head
            headers[d].head = lot
    elif rule == FIFO or turn[lots[tail].tag] <= turn[tag]:
        if lots[tail].tag == tag:
            lots[tail].amount += lots[lot].amount
            _free(lots, used, lot)
        else:
            lots[lot].next = -1
            lots[tail].next = lot
            headers[d].tail = lot
    elif turn[tag] < turn[lots[head].tag]:
        lots[lot].next = head
        headers[d].head = lot
    else:
        before = head
        while turn[lots[lots[before].next].tag] <= turn[tag]:
            before = lots[before].next
        if lots[before].tag == tag:
            lots[before].amount += lots[lot].amount
            _free(lots, used, lot)
        else:
            lots[lot].next = lots[before].next
            lots[before].next = lot


@kernel
def _join(headers: Any, lots: Any, rule: int, s: int, d: int) -> None:
    """Put a whole list behind (fifo) or in front of (lifo) another, in the order it has."""
    if headers[d].head < 0:
        headers[d].head, headers[d].tail = headers[s].head, headers[s].tail
    elif rule == FIFO:
        lots[headers[d].tail].next = headers[s].head
        headers[d].tail = headers[s].tail
    else:
        lots[headers[s].tail].next = headers[d].head
        headers[d].head = headers[s].head
    headers[s].head = headers[s].tail = -1


@kernel
def advance(
    queues: Queues,
    ledger: Whole,
    groups: Groups,
    found: Counted,
    rule: int,
    after: NDArray[np.int32],
    turn: NDArray[np.int32],
) -> tuple[Queues, Counted]:
    """Carry out transfers in order; returns state and findings, whose arrays may have been replaced by larger ones."""
    headers, lots, used = queues.headers, queues.lots, queues.used
    sent, ends = found.sent, found.ends
    count = groups.number
    wide = (groups.hops + 1) * count + 2
    written = 0
    n = ledger.source.shape[0]
    for i in range(n):
        if ends.shape[0]:
            ends[i] = written
        if i + AHEAD < n:
            prefetch(headers, max(ledger.source[i + AHEAD], 0))
            prefetch(headers, max(ledger.target[i + AHEAD], 0))
            ahead = headers[max(ledger.source[i + AHEAD // 2], 0)].head
            if ahead >= 0:
                prefetch(lots, ahead)
        value = ledger.amount[i]
        if value <= 0:
            continue
        s, d, group = ledger.source[i], ledger.target[i], ledger.origin[i]
        theft = ledger.theft[i] if ledger.theft.shape[0] else -1
        kept = ledger.keep[i] if ledger.keep.shape[0] else -1
        move = ledger.move[i] & 3 if ledger.move.shape[0] else HOP
        if kept >= 0:
            found.kept[kept, wide] += value
        if d == FEE:
            found.fees[wide] += value
        lacking, head = 0, -1
        if group < 0:
            head = headers[s].head
            lacking = max(value - headers[s].balance, 0)
            headers[s].balance -= value - lacking
            if lacking:
                group = groups.shortfall[s if groups.shortfall.shape[0] > 1 else 0]
                if found.short.shape[0]:
                    found.short[s] += lacking
        else:
            lacking = value
        tracked = head >= 0 or theft >= 0 or (group >= 0 and lacking > 0)
        if d >= 0 and (tracked or headers[d].head >= 0) and headers[d].head < 0 and headers[d].balance > 0:
            lots, clean = _new(lots, used)  # what was not tracked so far takes its place in the list
            lots[clean].amount, lots[clean].tag = headers[d].balance, wide
            _put(headers, lots, used, rule, turn, d, clean)
        if d >= 0:
            headers[d].balance += value
        if not tracked and (d < 0 or headers[d].head < 0):
            continue
        used[2] += tracked
        if move == STILL and rule != TIHO and head >= 0 and d >= 0 and headers[s].balance == 0 and lacking == 0 and theft < 0:
            _join(headers, lots, rule, s, d)  # a coin goes into its transaction as it lies, also as a stack
            continue
        left = value
        while left > 0:
            # the next lot to move: from the list, then what is not tracked, then the origin or shortfall
            whole = False
            lot = -1
            if head >= 0:
                lot = head
                tag = after[move, lots[lot].tag]
                take = lots[lot].amount
                if take <= left:
                    head, whole = lots[lot].next, True
                else:
                    take = left
                    lots[lot].amount -= take
            elif left > lacking:
                take, tag = left - lacking, wide
            else:
                take = left
                if group < 0:
                    tag = wide
                elif group == count:
                    tag = wide - 1
                else:
                    tag = group if move == STILL else count + group
            left -= take
            if theft >= 0 and not (tag < wide - 2 and tag % count < groups.seeds) and tag != wide - 2:
                tag = theft
            if tag < wide:
                if kept >= 0:
                    found.kept[kept, tag] += take
                if d == FEE:
                    found.fees[tag] += take
            if ends.shape[0]:
                if 2 * written + 2 > sent.shape[0]:
                    larger = np.empty(sent.shape[0] * 2 + 2, np.int64)
                    larger[: 2 * written] = sent[: 2 * written]
                    sent = larger
                sent[2 * written], sent[2 * written + 1] = tag, take
                written += 1
            if d >= 0:
                if not whole:
                    lots, lot = _new(lots, used)
                lots[lot].amount, lots[lot].tag = take, tag
                _put(headers, lots, used, rule, turn, d, lot)
            elif whole:
                _free(lots, used, lot)
        if ledger.origin[i] < 0:
            headers[s].head = head
            if head < 0:
                headers[s].tail = -1
            elif lots[head].next < 0 and lots[head].tag == wide:
                _free(lots, used, head)  # nothing tracked is left: the balance says it all
                headers[s].head = headers[s].tail = -1
    if ends.shape[0]:
        ends[n] = written
    return Queues(headers, lots, used), Counted(found.kept, found.fees, sent, ends, found.short)
