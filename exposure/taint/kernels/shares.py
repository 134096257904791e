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

ORDINARY, STOPS, ASKS = 0, 1, 2
"""What a pot is, two bits each: to be gone through; an origin; not to be gone through before somebody has asked."""
NOT_YET, LAST_BUT_ONE = 0, 1
"""Whether what ordinary pots paid in is gone through next, or only looked at for what they had not got."""
MINTED = -1
NEAR = 8


SLOT = np.dtype([("pot", "i4"), ("first", "i4"), ("top", "i4"), ("many", "i4")], align=True)
"""A pot of which payments are wanted: its first entry in the list, its latest wanted payment, and how many there are."""


class Wanted(NamedTuple):
    """Payments of which some came to the subject. ``pots``: see `SLOT`. By entry of the list: ``at``, the payment's place in
    the pot's run; ``weight``, how much of the subject came by it; ``after``, the same pot's next entry or -1."""

    pots: NDArray[Any]
    at: NDArray[np.int32]
    after: NDArray[np.int32]
    weight: NDArray[np.float64]


def subject(pot: int, at: int, amount: float) -> Wanted:
    """One payment, wanted whole."""
    return Wanted(
        np.array([(pot, 0, at, 1)], SLOT), np.array([at], np.int32), np.array([-1], np.int32), np.array([amount], np.float64)
    )


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
def _rehashed(size: int, slots: Any, known: int) -> Any:
    table = np.zeros(size, np.int32)
    mask = size - 1
    for slot in range(known):
        place = (np.int64(slots[slot].pot) * 2654435761 >> 7) & mask
        while table[place] != 0:
            place = (place + 1) & mask
        table[place] = slot + 1
    return table


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
        `Wanted` for the next hop; (payer or `MINTED`, row, amount) of what origins paid in; (pot, amount) of what pots had not
        got; the sum of what lies beyond; pots that ask; ends looked at.
    """
    slots, at, after, weight = wanted
    room, number = 64, slots.shape[0]
    most = 0
    for slot in range(number):
        most += slots[slot].top + 1
    # As many entries as there can be: memory is paid for where it is written, and nothing is ever copied.
    n_at, n_after, n_weight = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most)
    n_slots = np.empty(min(most, firsts.shape[0]), SLOT)
    table = np.zeros(4 * room, np.int32)
    o_who, o_row, o_amount = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    s_pot, s_amount = np.empty(16, np.int32), np.empty(16)
    asks = np.empty(16, np.int32)
    known, listed, origins, shorts, asking = 0, 0, 0, 0, 0
    beyond, looked = 0.0, 0
    for slot in range(number):
        if slot + 2 * NEAR < number:
            prefetch(firsts, slots[slot + 2 * NEAR].pot)
        if slot + NEAR < number:
            prefetch(ends, firsts[slots[slot + NEAR].pot] + slots[slot + NEAR].top)
        pot, top, pending = slots[slot].pot, slots[slot].top, slots[slot].many
        base = firsts[pot]
        entry = slots[slot].first
        while entry >= 0:
            scratch[at[entry]] += weight[entry]
            entry = after[entry]
        each = 0.0  # how much of the subject one unit in the pot brought
        for i in range(top, -1, -1):
            end = ends[base + i]
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
                if origins == o_who.shape[0]:
                    o_who, o_row, o_amount = _longer(o_who), _longer(o_row), _longer(o_amount)
                o_who[origins], o_row[origins], o_amount[origins] = payer, np.int32(end.row & PLACE), came
                origins += 1
                continue
            if what == ASKS:
                if asking == asks.shape[0]:
                    asks = _longer(asks)
                asks[asking] = payer
                asking += 1
            if mode == LAST_BUT_ONE and end.row & FLAG == 0:
                beyond += came
                continue
            place = (np.int64(payer) * 2654435761 >> 7) & (table.shape[0] - 1)
            while table[place] != 0 and n_slots[table[place] - 1].pot != payer:
                place = (place + 1) & (table.shape[0] - 1)
            theirs = np.int32(end.at & PLACE)
            n_at[listed], n_weight[listed] = theirs, came
            if table[place] == 0:
                fresh = n_slots[known]
                fresh.pot, fresh.first, fresh.top, fresh.many = payer, listed, theirs, 1
                n_after[listed] = -1
                known += 1
                table[place] = known
                if 2 * known > table.shape[0]:
                    table = _rehashed(2 * table.shape[0], n_slots, known)
            else:
                again = n_slots[table[place] - 1]
                n_after[listed] = again.first
                again.first = listed
                again.top = max(again.top, theirs)
                again.many += 1
            listed += 1
    following = Wanted(n_slots[:known], n_at[:listed], n_after[:listed], n_weight[:listed])
    return (
        following,
        (o_who[:origins], o_row[:origins], o_amount[:origins]),
        (s_pot[:shorts], s_amount[:shorts]),
        beyond,
        asks[:asking],
        looked,
    )


@kernel
def lacking(ends: Any, firsts: Any, wanted: Wanted) -> Any:
    """What pots had not got of wanted payments, as (pot, amount); and the sum of all else, which lies beyond the limit."""
    who, amounts, beyond, found = np.empty(wanted.at.shape[0], np.int32), np.empty(wanted.at.shape[0]), 0.0, 0
    for slot in range(wanted.pots.shape[0]):
        pot, entry = wanted.pots[slot].pot, wanted.pots[slot].first
        while entry >= 0:
            end = ends[firsts[pot] + wanted.at[entry]]
            missing = 0.0
            if end.after < 0.0:
                missing = wanted.weight[entry] * (-end.after / rounded(np.int64(end.high), end.low))
                who[found], amounts[found] = pot, missing
                found += 1
            beyond += wanted.weight[entry] - missing
            entry = wanted.after[entry]
    return who[:found], amounts[:found], beyond
