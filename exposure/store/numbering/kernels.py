"""Texts to dense numbers: a hash table over names that lie one after the other in memory. Exact: the names are compared.

A slot of the table holds the number of a name, from 1, in its low 32 bits, and 32 bits of the name's hash above them; 0
is empty. The hash has a key of its own in each index, so that nobody can make addresses that fall into one slot.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exposure.taint.kernels.compiled import kernel

FULL = 0.7
"""How full a table gets before it grows."""

_LOW = 0xFFFF_FFFF


@kernel
def _hash(text: Any, start: int, end: int, key: Any) -> Any:
    """64 bits of a text, eight bytes at a time."""
    state = key ^ (np.uint64(end - start) * np.uint64(0x9E3779B97F4A7C15))
    at = start
    while at < end:
        word = np.uint64(0)
        if at + 8 <= end:
            for byte in range(8):
                word |= np.uint64(text[at + byte]) << np.uint64(8 * byte)
        else:
            for byte in range(end - at):
                word |= np.uint64(text[at + byte]) << np.uint64(8 * byte)
        state = (state ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(29)
        at += 8
    state = (state ^ (state >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@kernel
def _same(text: Any, start: int, end: int, other: Any, first: int, last: int) -> bool:
    if end - start != last - first:
        return False
    for at in range(end - start):  # noqa: SIM110  # compiled: no generators
        if text[start + at] != other[first + at]:
            return False
    return True


@kernel
def _slot(slots: Any, names: Any, ends: Any, text: Any, start: int, end: int, hashed: Any) -> Any:
    """The slot of a text, or the empty one where it belongs. ``ends[n]``: where name n begins and n - 1 ends."""
    mask = np.uint64(slots.shape[0] - 1)
    at = hashed & mask
    tag = hashed >> np.uint64(32)
    while slots[at] != 0:
        if slots[at] >> np.uint64(32) == tag:
            number = np.int64(slots[at] & np.uint64(_LOW)) - 1
            if _same(text, start, end, names, ends[number], ends[number + 1]):
                break
        at = (at + np.uint64(1)) & mask
    return np.int64(at)


@kernel
def number_ends(table: Any, known: Any, texts: Any, others: Any, live: Any, key: Any, found: Any) -> Any:
    """Number the two ends of rows, new names in order of appearance; how many names there are then.

    Parameters
    ----------
    table
        (slots, bytes of the names, ends of the names), with room for two new names a row.
    known
        How many names there are.
    texts, others
        (bytes, offsets, whether there is one) of the first and of the second end of each row.
    live
        Rows that count; one whose two ends are the same text is no longer live afterwards.
    found
        Row by row, the two numbers; -1 where there is no text.
    """
    slots, names, ends = table
    left, left_at, left_is = texts
    right, right_at, right_is = others
    for row in range(live.shape[0]):
        if not live[row]:
            continue
        if (
            left_is[row]
            and right_is[row]
            and _same(left, left_at[row], left_at[row + 1], right, right_at[row], right_at[row + 1])
        ):
            live[row] = 0
            continue
        for side in range(2):
            if side == 0:
                there, text, start, end = left_is[row], left, left_at[row], left_at[row + 1]
            else:
                there, text, start, end = right_is[row], right, right_at[row], right_at[row + 1]
            if not there:
                found[row, side] = -1
                continue
            hashed = _hash(text, start, end, key)
            at = _slot(slots, names, ends, text, start, end, hashed)
            if slots[at] == 0:
                first = ends[known]
                for byte in range(end - start):
                    names[first + byte] = text[start + byte]
                known += 1
                ends[known] = first + end - start
                slots[at] = (hashed >> np.uint64(32)) << np.uint64(32) | np.uint64(known)
            found[row, side] = np.int64(slots[at] & np.uint64(_LOW)) - 1
    return known


@kernel
def fill(table: Any, known: int, key: Any) -> None:
    """Enter names that are there into an empty, larger table."""
    slots, names, ends = table
    mask = np.uint64(slots.shape[0] - 1)
    for number in range(known):
        hashed = _hash(names, ends[number], ends[number + 1], key)
        at = hashed & mask
        while slots[at] != 0:
            at = (at + np.uint64(1)) & mask
        slots[at] = (hashed >> np.uint64(32)) << np.uint64(32) | np.uint64(number + 1)


@kernel
def look_up(table: Any, texts: Any, key: Any, found: Any) -> None:
    """Numbers of texts, -1 for those that are no names."""
    slots, names, ends = table
    text, offsets, there = texts
    for row in range(found.shape[0]):
        found[row] = -1
        if there[row]:
            start, end = offsets[row], offsets[row + 1]
            at = _slot(slots, names, ends, text, start, end, _hash(text, start, end, key))
            if slots[at] != 0:
                found[row] = np.int64(slots[at] & np.uint64(_LOW)) - 1


@kernel
def hash_texts(texts: Any, key: Any, found: Any) -> None:
    """64 bits of each text."""
    text, offsets, _ = texts
    for row in range(found.shape[0]):
        found[row] = _hash(text, offsets[row], offsets[row + 1], key)


@kernel
def _pair(owner: Any, asset: Any) -> Any:
    state = np.uint64(owner) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(asset) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(32))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@kernel
def number_pots(pots: Any, known: Any, further: Any, asset: Any, live: Any, found: Any) -> Any:
    """Turn names into pots of (name, asset), new ones in order of appearance; how many pots there are, how many are further.

    Parameters
    ----------
    pots
        (first pot of each name or -1, name of each pot, asset of each pot, slots of further pots), with room enough. Most
        names have one pot; further ones of a name lie in a hash table.
    known, further
        How many pots there are, and how many are not the first of their name.
    asset, live
        By row.
    found
        Row by row, two names, which become two pots.
    """
    first, owner, of, slots = pots
    mask = np.uint64(slots.shape[0] - 1)
    for row in range(live.shape[0]):
        if not live[row]:
            continue
        for side in range(2):
            name = found[row, side]
            if name < 0:
                continue
            pot = first[name]
            if pot < 0:
                first[name] = pot = known
                owner[known], of[known] = name, asset[row]
                known += 1
            elif of[pot] != asset[row]:
                at = _pair(name, asset[row]) & mask
                while slots[at] != 0:
                    pot = slots[at] - 1
                    if owner[pot] == name and of[pot] == asset[row]:
                        break
                    at = (at + np.uint64(1)) & mask
                if slots[at] == 0:
                    pot = known
                    owner[known], of[known] = name, asset[row]
                    known += 1
                    further += 1
                    slots[at] = known
            found[row, side] = pot
    return known, further


@kernel
def fill_pots(pots: Any, known: int) -> None:
    """Enter the further pots into an empty, larger table."""
    first, owner, of, slots = pots
    mask = np.uint64(slots.shape[0] - 1)
    for pot in range(known):
        if first[owner[pot]] != pot:
            at = _pair(owner[pot], of[pot]) & mask
            while slots[at] != 0:
                at = (at + np.uint64(1)) & mask
            slots[at] = pot + 1


@kernel
def gather(names: Any, ends: Any, numbers: Any, offsets: Any, out: Any) -> None:
    """Copy the names of some numbers one after the other; ``offsets`` say where each begins."""
    for row in range(numbers.shape[0]):
        start = ends[numbers[row]]
        for at in range(offsets[row + 1] - offsets[row]):
            out[offsets[row] + at] = names[start + at]
