"""Where a transfer came from under haircut, backwards: from pot to pot, one hop at a time.

The rule is linear: of every unit in a pot, a payment takes the same share. So the search carries, for each payment that is
wanted, how much of the subject came by it, and shares that out among what its pot had received: what each receipt
brought is what one unit in the pot at that time brought, which only payments change. No origin needs a column of its own, and
nothing is looked at that lies before the last time a pot was empty. Definition: the reference, run forwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.ends import FLAG, PLACE
from exposure.taint.kernels.wide import rounded

ORDINARY, STOPS, ASKS, NAMED = 0, 1, 2, 3
"""What a pot is, two bits each: to be gone through; an origin; not to be gone through before somebody has asked; an origin
whose payments are told one by one, not added up."""
NOT_YET, LAST_BUT_ONE = 0, 1
"""Whether what ordinary pots paid in is gone through next, or only looked at for what they had not got."""
MINTED = -1
MANY = 4_096
NEAR, FAR = 8, 12
"""How many pots, and movements, ahead memory is asked for."""

SLOT = np.dtype([("pot", "i4"), ("first", "i4"), ("top", "i4"), ("many", "i4")], align=True)
"""A pot of which payments are wanted: its first entry in the list, its latest wanted payment, and how many there are."""


ENTRY = np.dtype([("at", "i4"), ("after", "i4"), ("weight", "f8")], align=True)
"""A wanted payment: its place in the pot's run; the same pot's next entry of the list, or -1; how much of the subject came by
it."""

SUM = np.dtype([("pot", "i4"), ("amount", "f8")], align=True)
"""What an origin paid in, over one hop."""


class Wanted(NamedTuple):
    """Payments of which some came to the subject: ``pots``, see `SLOT`, and the ``list`` of `ENTRY`."""

    pots: NDArray[Any]
    list: NDArray[Any]


def subject(pot: int, at: int, amount: float) -> Wanted:
    """One payment, wanted whole."""
    return Wanted(np.array([(pot, 0, at, 1)], SLOT), np.array([(at, -1, amount)], ENTRY))


def in_turn(wanted: Wanted) -> Wanted:
    """By pot, where there are many: their runs then lie in memory and on the disk as they are read."""
    if len(wanted.pots) < MANY:
        return wanted
    return wanted._replace(pots=wanted.pots[np.argsort(wanted.pots["pot"])])


@kernel
def mark(marks: Any, pot: Any) -> Any:
    """What a pot is."""
    return (marks[pot >> 2] >> ((pot & 3) << 1)) & 3


@kernel
def put(marks: Any, pots: Any, what: int) -> None:
    """Say what some pots are."""
    for pot in pots:
        shift = (pot & 3) << 1
        marks[pot >> 2] = (marks[pot >> 2] & ~(3 << shift)) | (what << shift)


@kernel
def _longer(column: Any) -> Any:
    made = np.empty(2 * column.shape[0], column.dtype)
    made[: column.shape[0]] = column
    return made


@kernel
def _slot(pot: Any, size: int) -> Any:
    """Where a pot is first looked for in a table whose size is a power of two."""
    return (np.int64(pot) * 2654435761 >> 7) & (size - 1)


@kernel
def _found(table: Any, known: Any, pot: Any) -> Any:
    """The place of a pot in a table of places in ``known``, one up; or where it would be put, which is 0."""
    place = _slot(pot, table.shape[0])
    while table[place] != 0 and known[table[place] - 1].pot != pot:
        place = (place + 1) & (table.shape[0] - 1)
    return place


@kernel
def _rehashed(size: int, slots: Any, known: int) -> Any:
    table = np.zeros(size, np.int32)
    mask = size - 1
    for slot in range(known):
        place = _slot(slots[slot].pot, size)
        while table[place] != 0:
            place = (place + 1) & mask
        table[place] = slot + 1
    return table


@kernel
def _told(sums: Any, named: Any, rows: Any) -> Any:
    """Sums and single payments as columns: pot, row or -1, amount."""
    many = sums.shape[0]
    total = many + named.shape[0]
    who, row, amount = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total)
    for n in range(total):
        one = sums[n] if n < many else named[n - many]
        who[n], amount[n] = one.pot, one.amount
        row[n] = -1 if n < many else rows[n - many]
    return who, row, amount


@kernel
def step(ends: Any, firsts: Any, marks: Any, wanted: Wanted, scratch: Any, mode: int) -> Any:
    """One hop back: share out what came by the wanted payments among what their pots had received before.

    Parameters
    ----------
    scratch
        Zeros, one for each place of the longest run; left as zeros.
    mode
        `NOT_YET`: what ordinary pots paid in is wanted next. `LAST_BUT_ONE`: it lies beyond the limit, but for payments of
        which the payer had not got all.

    Returns
    -------
    tuple
        `Wanted` for the next hop; (payer or `MINTED`, row, amount) of what origins paid in, row -1 where it is a sum; (pot,
        amount) of what pots had not got; the sum of what lies beyond; pots that ask; ends looked at.
    """
    slots, entries = wanted
    room, number = 64, slots.shape[0]
    most = 0
    for slot in range(number):
        most += slots[slot].top + 1
    # As many entries as there can be: memory is paid for where it is written, and nothing is ever copied.
    n_entries = np.empty(most, ENTRY)
    n_slots = np.empty(min(most, firsts.shape[0]), SLOT)
    table = np.zeros(4 * room, np.int32)
    named, n_row = np.empty(room, SUM), np.empty(room, np.int32)
    sums, summed = np.empty(room, SUM), np.zeros(4 * room, np.int32)
    s_pot, s_amount = np.empty(16, np.int32), np.empty(16)
    asks = np.empty(16, np.int32)
    known, listed, origins, told, shorts, asking = 0, 0, 0, 0, 0, 0
    beyond, looked = 0.0, 0
    for slot in range(number):
        if slot + 2 * NEAR < number:
            prefetch(firsts, slots[slot + 2 * NEAR].pot)
        if slot + NEAR < number:
            far = firsts[slots[slot + NEAR].pot] + slots[slot + NEAR].top
            for line in range(0, min(slots[slot + NEAR].top + 1, 8), 2):
                prefetch(ends, far - line)
            prefetch(entries, slots[slot + NEAR].first)
        pot, top, pending = slots[slot].pot, slots[slot].top, slots[slot].many
        base = firsts[pot]
        entry = slots[slot].first
        while entry >= 0:
            scratch[entries[entry].at] += entries[entry].weight
            entry = entries[entry].after
        each = 0.0  # how much of the subject one unit in the pot brought
        for i in range(top, -1, -1):
            end = ends[base + i]
            if i >= FAR:
                other = max(ends[base + i - FAR].other, 0)
                prefetch(marks, other >> 2)
                if mode == NOT_YET:
                    prefetch(table, _slot(other, table.shape[0]))
                    prefetch(n_slots, max(table[_slot(max(ends[base + i - NEAR].other, 0), table.shape[0])] - 1, 0))
            amount = rounded(np.int64(end.high), end.low)
            looked += 1
            if end.at & FLAG != 0:
                whole, left = scratch[i], end.after
                if whole != 0.0:
                    scratch[i] = 0.0
                    pending -= 1
                if left > 0.0:
                    each = each * (left / (left + amount)) + whole / (left + amount)
                else:
                    each = 0.0
                    if whole > 0.0:
                        if left < 0.0:
                            if shorts == s_pot.shape[0]:
                                s_pot, s_amount = _longer(s_pot), _longer(s_amount)
                            s_pot[shorts], s_amount[shorts] = pot, whole * (-left / amount)
                            shorts += 1
                        if amount + left > 0.0:
                            each = whole / amount
                if each == 0.0 and pending <= 0:
                    break
                continue
            came = each * amount
            if came <= 0.0:
                continue
            payer = end.other
            what = STOPS if payer < 0 else mark(marks, payer)
            if what == STOPS:
                place = _found(summed, sums, payer)
                if summed[place] == 0:
                    if origins == sums.shape[0]:
                        sums = _longer(sums)
                    sums[origins].pot, sums[origins].amount = payer, 0.0
                    origins += 1
                    summed[place] = origins
                sums[summed[place] - 1].amount += came
                if 2 * origins > summed.shape[0]:
                    summed = _rehashed(2 * summed.shape[0], sums, origins)
                continue
            if what == NAMED:
                if told == named.shape[0]:
                    named, n_row = _longer(named), _longer(n_row)
                named[told].pot, named[told].amount, n_row[told] = payer, came, np.int32(end.row & PLACE)
                told += 1
                continue
            if what == ASKS:
                if asking == asks.shape[0]:
                    asks = _longer(asks)
                asks[asking] = payer
                asking += 1
            if mode == LAST_BUT_ONE and end.row & FLAG == 0:
                beyond += came
                continue
            place = _found(table, n_slots, payer)
            theirs = np.int32(end.at & PLACE)
            new = n_entries[listed]
            new.at, new.weight = theirs, came
            if table[place] == 0:
                fresh = n_slots[known]
                fresh.pot, fresh.first, fresh.top, fresh.many = payer, listed, theirs, 1
                new.after = -1
                known += 1
                table[place] = known
                if 2 * known > table.shape[0]:
                    table = _rehashed(2 * table.shape[0], n_slots, known)
            else:
                again = n_slots[table[place] - 1]
                new.after = again.first
                again.first = listed
                again.top = max(again.top, theirs)
                again.many += 1
            listed += 1
    following = Wanted(n_slots[:known], n_entries[:listed])
    return (
        following,
        _told(sums[:origins], named[:told], n_row[:told]),
        (s_pot[:shorts], s_amount[:shorts]),
        beyond,
        asks[:asking],
        looked,
    )


@kernel
def lacking(ends: Any, firsts: Any, wanted: Wanted) -> Any:
    """What pots had not got of wanted payments, as (pot, amount); and the sum of all else, which lies beyond the limit."""
    number, beyond, found = wanted.list.shape[0], 0.0, 0
    who, amounts = np.empty(number, np.int32), np.empty(number)
    for slot in range(wanted.pots.shape[0]):
        pot, entry = wanted.pots[slot].pot, wanted.pots[slot].first
        while entry >= 0:
            one = wanted.list[entry]
            end = ends[firsts[pot] + one.at]
            missing = 0.0
            if end.after < 0.0:
                missing = one.weight * (-end.after / rounded(np.int64(end.high), end.low))
                who[found], amounts[found] = pot, missing
                found += 1
            beyond += one.weight - missing
            entry = one.after
    return who[:found], amounts[:found], beyond
