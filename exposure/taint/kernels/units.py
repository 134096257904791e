"""Where a transfer came from under fifo and lifo, backwards: which units of which receipts its units were, one hop at a time.

Which units a payment takes depends on amounts and order alone, never on what they carry. So the search follows just the
subject's units: a payment's unit ``u`` (0: the first one taken) lies somewhere among the pot's receipts, and these are gone
through from the payment back. Under lifo the units wanted are a stack by height, under fifo a queue by the order in which they
came in; both are read at one end. Nothing is looked at that lies before the last time a pot was empty. Exact, in 128 bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel
from exposure.taint.kernels.ends import FLAG, PLACE
from exposure.taint.kernels.queues import FIFO, LIFO
from exposure.taint.kernels.shares import ASKS, LAST_BUT_ONE, NAMED, STOPS, mark
from exposure.taint.kernels.wide import below, minus, plus


class Units(NamedTuple):
    """Units of payments, from (``high``, ``low``) to (``end_high``, ``end_low``), by pot and place in its run."""

    pot: NDArray[np.int32]
    at: NDArray[np.int32]
    high: NDArray[np.int64]
    low: NDArray[np.uint64]
    end_high: NDArray[np.int64]
    end_low: NDArray[np.uint64]


def subject(pot: int, at: int, amount: int) -> Units:
    """One payment, all of its units."""
    return Units(
        np.array([pot], np.int32),
        np.array([at], np.int32),
        np.zeros(1, np.int64),
        np.zeros(1, np.uint64),
        np.array([amount >> 64], np.int64),
        np.array([amount & (2**64 - 1)], np.uint64),
    )


def in_turn(units: Units) -> Units:
    """By pot, the latest payment first, of one payment the last units first."""
    order = np.lexsort((~units.low, -units.high, -units.at.astype(np.int64), units.pot))
    return Units._make(column[order] for column in units)


@kernel
def _longer(column: Any) -> Any:
    made = np.empty(2 * column.shape[0], column.dtype)
    made[: column.shape[0]] = column
    return made


@kernel
def _held(ends: Any, base: int, before: int) -> Any:
    """What a pot holds before its movement ``before``: the sum since it was last empty. Also how many ends were looked at."""
    high, low, i = np.int64(0), np.uint64(0), before - 1
    while i >= 0:
        end = ends[base + i]
        if end.at & FLAG == 0:
            high, low = plus(high, low, np.int64(end.high), end.low)
        elif end.after <= 0.0:
            break
        else:
            high, low = minus(high, low, np.int64(end.high), end.low)
        i -= 1
    return high, low, before - 1 - i


@kernel
def step(ends: Any, firsts: Any, marks: Any, wanted: Units, rule: int, mode: int) -> Any:
    """One hop back, as `shares.step` goes; ``wanted`` in turn (`in_turn`).

    Positions are relative: under lifo heights above what the pot holds after the payment at which a stretch begins, under fifo
    places in the order of arrival, 0 being the latest receipt's end.

    Returns
    -------
    tuple
        `Units` for the next hop; (payer or -1, row, high and low words) of what origins paid in; (pot, high, low) of what
        pots had not got; the sum of what lies beyond; pots that ask; ends looked at.
    """
    room = 64
    n_pot, n_at = np.empty(room, np.int32), np.empty(room, np.int32)
    n_high, n_low = np.empty(room, np.int64), np.empty(room, np.uint64)
    n_end_high, n_end_low = np.empty(room, np.int64), np.empty(room, np.uint64)
    o_who, o_row, o_high, o_low = (
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int64),
        np.empty(room, np.uint64),
    )
    s_pot, s_high, s_low = np.empty(16, np.int32), np.empty(16, np.int64), np.empty(16, np.uint64)
    q_high, q_low = np.empty(room, np.int64), np.empty(room, np.uint64)  # open ranges: begin and end, by position
    q_end_high, q_end_low = np.empty(room, np.int64), np.empty(room, np.uint64)
    asks = np.empty(16, np.int32)
    listed, origins, shorts, asking, looked = 0, 0, 0, 0, 0
    beyond = np.int64(0), np.uint64(0)
    zero = np.int64(0), np.uint64(0)
    number, g = wanted.pot.shape[0], 0
    while g < number:
        pot = wanted.pot[g]
        base = firsts[pot]
        i = wanted.at[g]
        head = tail = 0  # open ranges are head to tail - 1; lifo takes from the tail, fifo from the head
        here = zero  # lifo: the height at which movement i ends; fifo: where the latest receipt not passed ends
        drawn = zero  # fifo: where the payment i ends
        fresh = True  # whether a stretch begins at i
        while i >= 0:
            more = g < number and wanted.pot[g] == pot
            if head == tail:
                if not more:
                    break
                if rule == LIFO and wanted.at[g] < i:  # heights are relative: nothing in between matters
                    i, fresh = wanted.at[g], True
            end = ends[base + i]
            looked += 1
            amount = np.int64(end.high), np.uint64(end.low)
            if end.at & FLAG != 0:
                if end.after <= 0.0 or fresh:
                    # What is still open here no receipt since the pot was last empty brought: it was not there.
                    while head < tail:
                        tail -= 1
                        part = minus(q_end_high[tail], q_end_low[tail], q_high[tail], q_low[tail])
                        if shorts == s_pot.shape[0]:
                            s_pot, s_high, s_low = _longer(s_pot), _longer(s_high), _longer(s_low)
                        s_pot[shorts], s_high[shorts], s_low[shorts] = pot, part[0], part[1]
                        shorts += 1
                    head = tail = 0
                    if not more:
                        break
                    here = zero
                    if end.after > 0.0:
                        here = minus(zero[0], zero[1], amount[0], amount[1])
                    if rule == FIFO:
                        held_high, held_low, passed = _held(ends, base, i)
                        looked += passed
                        begin = minus(zero[0], zero[1], held_high, held_low)
                        here = zero
                        drawn = plus(begin[0], begin[1], amount[0], amount[1])  # past 0: the units that were not there
                    fresh = False
                if rule == FIFO:
                    begins = minus(drawn[0], drawn[1], amount[0], amount[1])
                else:
                    # a pot that could not pay in full is empty after: its units are counted down from what it held before
                    begins = here if end.after <= 0.0 else plus(here[0], here[1], amount[0], amount[1])
                while g < number and wanted.pot[g] == pot and wanted.at[g] == i:
                    if rule == FIFO:
                        low_end = plus(begins[0], begins[1], wanted.high[g], wanted.low[g])
                        high_end = plus(begins[0], begins[1], wanted.end_high[g], wanted.end_low[g])
                    else:
                        low_end = minus(begins[0], begins[1], wanted.end_high[g], wanted.end_low[g])
                        high_end = minus(begins[0], begins[1], wanted.high[g], wanted.low[g])
                    if tail == q_high.shape[0]:
                        if head > tail // 2:
                            for k in range(head, tail):
                                q_high[k - head], q_low[k - head] = q_high[k], q_low[k]
                                q_end_high[k - head], q_end_low[k - head] = q_end_high[k], q_end_low[k]
                            head, tail = 0, tail - head
                        else:
                            q_high, q_low = _longer(q_high), _longer(q_low)
                            q_end_high, q_end_low = _longer(q_end_high), _longer(q_end_low)
                    q_high[tail], q_low[tail] = low_end
                    q_end_high[tail], q_end_low[tail] = high_end
                    tail += 1
                    g += 1
                if rule == FIFO:
                    drawn = begins
                    # units past the latest receipt were not there
                    while head < tail and below(here[0], here[1], q_end_high[head], q_end_low[head]):
                        begin = q_high[head], q_low[head]
                        if below(begin[0], begin[1], here[0], here[1]):
                            begin = here
                        part = minus(q_end_high[head], q_end_low[head], begin[0], begin[1])
                        if shorts == s_pot.shape[0]:
                            s_pot, s_high, s_low = _longer(s_pot), _longer(s_high), _longer(s_low)
                        s_pot[shorts], s_high[shorts], s_low[shorts] = pot, part[0], part[1]
                        shorts += 1
                        if begin[0] == q_high[head] and begin[1] == q_low[head]:
                            head += 1
                        else:
                            q_end_high[head], q_end_low[head] = begin
                else:
                    here = begins
                i -= 1
                continue
            # a receipt: it lies from ``from_`` to ``here``
            from_ = minus(here[0], here[1], amount[0], amount[1])
            what = STOPS if end.other < 0 else mark(marks, end.other)
            touched = False
            while head < tail:
                k = head if rule == FIFO else tail - 1
                if not below(from_[0], from_[1], q_end_high[k], q_end_low[k]):
                    break
                begin = q_high[k], q_low[k]
                if below(begin[0], begin[1], from_[0], from_[1]):
                    begin = from_
                until = q_end_high[k], q_end_low[k]
                if begin[0] == q_high[k] and begin[1] == q_low[k]:
                    if rule == FIFO:
                        head += 1
                    else:
                        tail -= 1
                else:
                    q_end_high[k], q_end_low[k] = begin
                part = minus(until[0], until[1], begin[0], begin[1])
                touched = True
                if what in (STOPS, NAMED):
                    if origins == o_who.shape[0]:
                        o_who, o_row, o_high, o_low = _longer(o_who), _longer(o_row), _longer(o_high), _longer(o_low)
                    o_who[origins], o_row[origins] = end.other, np.int32(end.row & PLACE)
                    o_high[origins], o_low[origins] = part
                    origins += 1
                    continue
                if mode == LAST_BUT_ONE and end.row & FLAG == 0:
                    beyond = plus(beyond[0], beyond[1], part[0], part[1])
                    continue
                if listed == n_pot.shape[0]:
                    n_pot, n_at, n_high, n_low = _longer(n_pot), _longer(n_at), _longer(n_high), _longer(n_low)
                    n_end_high, n_end_low = _longer(n_end_high), _longer(n_end_low)
                n_pot[listed], n_at[listed] = end.other, np.int32(end.at & PLACE)
                n_high[listed], n_low[listed] = minus(begin[0], begin[1], from_[0], from_[1])
                n_end_high[listed], n_end_low[listed] = minus(until[0], until[1], from_[0], from_[1])
                listed += 1
            if touched and what == ASKS:
                if asking == asks.shape[0]:
                    asks = _longer(asks)
                asks[asking] = end.other
                asking += 1
            here = from_
            i -= 1
        while head < tail:  # the beginning of the run: it was never there
            tail -= 1
            part = minus(q_end_high[tail], q_end_low[tail], q_high[tail], q_low[tail])
            if shorts == s_pot.shape[0]:
                s_pot, s_high, s_low = _longer(s_pot), _longer(s_high), _longer(s_low)
            s_pot[shorts], s_high[shorts], s_low[shorts] = pot, part[0], part[1]
            shorts += 1
    following = Units(n_pot[:listed], n_at[:listed], n_high[:listed], n_low[:listed], n_end_high[:listed], n_end_low[:listed])
    return (
        following,
        (o_who[:origins], o_row[:origins], o_high[:origins], o_low[:origins]),
        (s_pot[:shorts], s_high[:shorts], s_low[:shorts]),
        beyond,
        asks[:asking],
        looked,
    )


@kernel
def lacking(ends: Any, firsts: Any, wanted: Units) -> Any:
    """Units of wanted payments that their pots had not got, the last ones taken, as (pot, high, low); the sum of the others."""
    number = wanted.pot.shape[0]
    who, highs, lows, found = np.empty(number, np.int32), np.empty(number, np.int64), np.empty(number, np.uint64), 0
    beyond, looked = (np.int64(0), np.uint64(0)), 0
    for g in range(number):
        base = firsts[wanted.pot[g]]
        begin, until = (wanted.high[g], wanted.low[g]), (wanted.end_high[g], wanted.end_low[g])
        whole = minus(until[0], until[1], begin[0], begin[1])
        if ends[base + wanted.at[g]].after < 0.0:
            held_high, held_low, passed = _held(ends, base, wanted.at[g])
            looked += passed
            if below(begin[0], begin[1], held_high, held_low):
                begin = held_high, held_low
            if below(begin[0], begin[1], until[0], until[1]):
                part = minus(until[0], until[1], begin[0], begin[1])
                who[found], highs[found], lows[found] = wanted.pot[g], part[0], part[1]
                found += 1
                whole = minus(whole[0], whole[1], part[0], part[1])
        beyond = plus(beyond[0], beyond[1], whole[0], whole[1])
    return (who[:found], highs[:found], lows[:found]), beyond, looked
