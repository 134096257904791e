"""Tiho over an account ledger, compiled: lots of exact integers in queues by turn. Definition in the reference.

A lot is an amount and a tag (`layout`: hop and group). A pot has one queue for each turn, so that a lot finds its place at once
and what leaves first is the front of the first queue that is not empty. Lots that leave whole change hands without being
copied. A pot that holds nothing tracked has no queues at all: its balance says everything.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD
from exposure.taint.kernels.layout import FEE, HOP, NONE, OWN, STILL, Counted, Groups, Whole, role_codes, width
from exposure.taint.kernels.memory import reserve

POT = np.dtype([("balance", "i8"), ("received", "i8"), ("row", "i4"), ("first", "i4"), ("spare", "i8")], align=True)
"""Header of a pot, 32 bytes. ``row``: where its queues are; -1: nothing tracked; less: a role (`layout.role_codes`).
``first``: no queue before this one holds anything."""
LOT = np.dtype([("amount", "i8"), ("tag", "i4"), ("next", "i4")], align=True)
SPARE = 4
"""Lots that one transfer may need beyond those that it gives back."""


class Lists(NamedTuple):
    """State: headers by pot; by row the first and last lot of each turn (-1: none); pool of lots; a stack of free rows; and
    ``used``: lots ever in use, first free lot (-1: none), tracked transfers, rows ever in use, free rows."""

    headers: Any
    ends: NDArray[np.int32]
    lots: Any
    free: NDArray[np.int32]
    used: NDArray[np.int64]


def empty(pots: int, groups: Groups, roles: NDArray[Any] | None = None, lots: int = 4096) -> Lists:
    """State of ``pots`` empty pots; ``roles``: by pot, see `layout.role_codes`."""
    headers = reserve(pots, POT)
    headers["row"] = -1 if roles is None else role_codes(roles, pots)
    ends = reserve(pots * 2 * _queues(groups.hops), np.int32)
    return Lists(headers, ends, reserve(lots, LOT), reserve(pots, np.int32), np.array([0, -1, 0, 0, 0], np.int64))


def larger(lists: Lists) -> Lists:
    """The same state with room for twice as many lots."""
    lots = reserve(2 * len(lists.lots), LOT)
    lots[: lists.used[0]] = lists.lots[: lists.used[0]]
    return lists._replace(lots=lots)


def in_use(lists: Lists, groups: Groups) -> dict[str, NDArray[Any]]:
    """The arrays of a state, each as far as it is in use; ``headers`` has an entry for each pot."""
    ends, lots = lists.ends[: lists.used[3] * 2 * _queues(groups.hops)], lists.lots[: lists.used[0]]
    return {"headers": lists.headers, "ends": ends, "lots": lots, "free": lists.free[: lists.used[4]], "used": lists.used}


def _queues(hops: int) -> int:
    """Turns that there are: seeds by hop, unresolved, attributed by hop, not tracked."""
    return 2 * hops + 4


def turns(groups: Groups, *, doubtful: int = NONE) -> NDArray[np.int32]:
    """By tag, its turn, smallest first: seeds by hop, unresolved, attributed with most hops first, what is not tracked.

    ``doubtful``: a group among the seeds' that is served with the unresolved all the same.
    """
    count, hops = groups.number, groups.hops
    turn = np.full(width(count, hops) + 1, hops + 1, np.int32)
    turn[-1] = _queues(hops) - 1
    for hop in range(hops + 1):
        for group in range(count):
            if group < groups.seeds and group != doubtful:
                turn[hop * count + group] = hop
            elif group >= groups.unresolved:
                turn[hop * count + group] = hops + 2 + (hops - hop)
    return turn


@kernel
def _new(lots: Any, used: NDArray[np.int64]) -> Any:
    lot = used[1]
    if lot >= 0:
        used[1] = lots[lot].next
        return lot
    used[0] += 1
    return used[0] - 1


@kernel
def _free(lots: Any, used: NDArray[np.int64], lot: int) -> None:
    lots[lot].next = used[1]
    used[1] = lot


@kernel
def _put(lists: Lists, row: int, turn: int, lot: int) -> None:
    """Put a lot into a queue; neighbours that carry the same become one."""
    ends, lots = lists.ends, lists.lots
    at = row + 2 * turn
    lots[lot].next = -1
    if ends[at] < 0:
        ends[at] = ends[at + 1] = lot
    elif lots[ends[at + 1]].tag == lots[lot].tag:
        lots[ends[at + 1]].amount += lots[lot].amount
        _free(lots, lists.used, lot)
    else:
        lots[ends[at + 1]].next = lot
        ends[at + 1] = lot


@kernel
def advance(
    lists: Lists, ledger: Whole, groups: Groups, found: Counted, turn: NDArray[np.int32], start: int
) -> tuple[int, NDArray[np.int64]]:
    """Carry out transfers in order from place ``start`` on; see `queues.advance`."""
    headers, ends, lots, used = lists.headers, lists.ends, lists.lots, lists.used
    source, target, amount = ledger.source, ledger.target, ledger.amount
    count = groups.number
    last = (groups.hops + 1) * count
    clean = last + count
    queues = 2 * groups.hops + 4
    wide = 2 * queues
    has_origin, has_theft, has_keep = ledger.origin.shape[0] > 0, ledger.theft.shape[0] > 0, ledger.keep.shape[0] > 0
    has_move, by_pot, shorts = ledger.move.shape[0] > 0, groups.shortfall.shape[0] > 1, found.short.shape[0] > 0
    logs = found.ends.shape[0] > 0
    written, sent = found.ends[start] if logs else 0, found.sent
    n = source.shape[0]
    for i in range(start, n):
        if used[0] + SPARE > lots.shape[0]:
            return i, sent
        if i + AHEAD < n:
            prefetch(headers, max(source[i + AHEAD], 0))
            prefetch(headers, max(target[i + AHEAD], 0))
            ahead = headers[max(source[i + AHEAD // 2], 0)].row
            if ahead >= 0:
                prefetch(ends, wide * ahead)
            ahead = headers[max(target[i + AHEAD // 2], 0)].row
            if ahead >= 0:
                prefetch(ends, wide * ahead)
        value = amount[i]
        s, d = source[i], target[i]
        if value <= 0 or (s == d and s >= 0):
            if logs:
                found.ends[i + 1] = written
            continue
        group = -1
        if has_origin:
            group = ledger.origin[i]
        elif s < 0:
            group = groups.minted
        elif headers[s].row < -1:
            group = (-2 - headers[s].row) >> 1
        drawn, lacking, row, now = group < 0, value, -1, 0
        if drawn:
            row, now = headers[s].row, headers[s].first
            lacking = max(value - headers[s].balance, 0)
            headers[s].balance -= value - lacking
            if lacking:
                group = groups.shortfall[s if by_pot else 0]
                if shorts:
                    found.short[s] += lacking
        theft = ledger.theft[i] if has_theft else -1
        kept = ledger.keep[i] if has_keep else -1
        move = ledger.move[i] if has_move else HOP
        if kept >= 0:
            found.kept[kept, clean] += value
        if d == FEE:
            found.fees[clean] += value
        listed = row >= 0
        tracked = listed or theft >= 0 or (group >= 0 and lacking > 0)
        used[2] += tracked
        into = -1
        if d >= 0:
            headers[d].received += value
            role = headers[d].row
            if role >= 0 or (role == -1 and tracked):
                into = role
                if role < 0:
                    if used[4] > 0:
                        used[4] -= 1
                        into = lists.free[used[4]]
                    else:
                        into = used[3]
                        used[3] += 1
                    headers[d].row, headers[d].first = into, queues - 1
                    for at in range(wide * into, wide * into + wide):
                        ends[at] = -1
                    if headers[d].balance > 0:
                        lot = _new(lots, used)  # what was not tracked so far takes its place
                        lots[lot].amount, lots[lot].tag = headers[d].balance, clean
                        _put(lists, wide * into, queues - 1, lot)
            if role >= -1 or (-2 - role) & 1 == 0:
                headers[d].balance += value
        left = value
        while left > 0 and (listed or into >= 0 or kept >= 0 or d == FEE or logs):
            # the next lot to move: from the list, then what is not tracked, then the origin or shortfall
            whole, lot, take, tag = False, -1, left, clean
            if left > lacking:
                take = left - lacking
                if listed:
                    while ends[wide * row + 2 * now] < 0:
                        now += 1
                    lot = ends[wide * row + 2 * now]
                    tag = lots[lot].tag
                    if lots[lot].amount <= take:
                        take, whole = lots[lot].amount, True
                        ends[wide * row + 2 * now] = lots[lot].next
                    else:
                        lots[lot].amount -= take
                    if move == HOP:
                        tag += count if tag < last else 0
                    elif move == OWN and tag < count:
                        tag += count
            elif group >= count:
                tag = last + group - count
            elif group >= 0:
                tag = group if move == STILL else count + group
            left -= take
            if theft >= 0 and (tag == clean or tag % count >= groups.seeds):
                tag = theft
            if tag < clean:
                if kept >= 0:
                    found.kept[kept, tag] += take
                if d == FEE:
                    found.fees[tag] += take
            if logs:
                if 2 * written + 2 > sent.shape[0]:
                    longer = np.empty(2 * sent.shape[0] + 2, np.int64)
                    longer[: 2 * written] = sent[: 2 * written]
                    sent = longer
                sent[2 * written], sent[2 * written + 1] = tag, take
                written += 1
            if into >= 0:
                if not whole:
                    lot = _new(lots, used)
                lots[lot].amount, lots[lot].tag = take, tag
                headers[d].first = min(headers[d].first, turn[tag])
                _put(lists, wide * into, turn[tag], lot)
            elif whole:
                _free(lots, used, lot)
        if listed:
            while now < queues - 1 and ends[wide * row + 2 * now] < 0:
                now += 1
            headers[s].first = now
            if now == queues - 1:  # nothing tracked is left: the balance says it all
                if ends[wide * row + 2 * now] >= 0:
                    _free(lots, used, ends[wide * row + 2 * now])
                headers[s].row = -1
                lists.free[used[4]] = row
                used[4] += 1
        if logs:
            found.ends[i + 1] = written
    return n, sent


def run(lists: Lists, ledger: Whole, groups: Groups, found: Counted, turn: NDArray[np.int32]) -> tuple[Lists, Counted]:
    """Carry out transfers in order, with room made for lots as they need it; returns state and findings."""
    place, count = 0, len(ledger.source)
    while True:
        place, sent = advance(lists, ledger, groups, found, turn, place)
        found = found._replace(sent=sent)
        if place == count:
            return lists, found
        lists = larger(lists)


def lots(lists: Lists, pot: int, groups: Groups) -> list[tuple[int, int]]:
    """Tags and amounts of the lots of a pot, in the order in which they leave; none if it holds nothing tracked."""
    found, row, queues = [], int(lists.headers[pot]["row"]), _queues(groups.hops)
    for turn in range(queues if row >= 0 else 0):
        at = int(lists.ends[2 * (queues * row + turn)])
        while at >= 0:
            found.append((int(lists.lots[at]["tag"]), int(lists.lots[at]["amount"])))
            at = int(lists.lots[at]["next"])
    return found
