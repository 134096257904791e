"""Fifo and lifo over an account ledger, compiled: lots of exact integers, five to a cache line. Definition in the reference.

A lot is an amount and a tag (`layout`: hop and group). A pot's lots lie in a list of blocks: fifo takes from the front of its
first block and appends to the last, lifo pushes and pops at the top one. A lot of amount 0 is a hole, to be passed over. A pot
that holds nothing tracked has no lots at all, since its balance says everything; in a list such value is a lot that carries the
tag behind the last column.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD
from exposure.taint.kernels.layout import FEE, HOP, OWN, STILL, Counted, Groups, Whole, role_codes
from exposure.taint.kernels.memory import reserve

FIFO, LIFO = 0, 1
LOTS = 5
"""Lots of a block: 64 bytes are five amounts of 8, five tags of 4, and the number of the next block."""
POT = np.dtype(
    [("balance", "i8"), ("received", "i8"), ("head", "i4"), ("tail", "i4"), ("first", "i4"), ("last", "i4")], align=True
)
"""Header of a pot, 32 bytes. ``head``: the block to take from; -1: nothing tracked; less: a role (`layout.role_codes`).
``first``: lots taken from fifo's first block. ``last``: lots put into the block that is being filled."""
SPARE = 4
"""Blocks that one transfer may need beyond those that it gives back."""


class Queues(NamedTuple):
    """State: headers by pot, blocks of lots (the same memory seen as amounts, 8 to a block, and as words, 16 to a block), and
    ``used``: blocks ever in use, first free block (-1: none), tracked transfers."""

    headers: Any
    amounts: NDArray[np.int64]
    words: NDArray[np.int32]
    used: NDArray[np.int64]


def empty(pots: int, roles: NDArray[Any] | None = None, blocks: int = 1024) -> Queues:
    """State of ``pots`` empty pots; ``roles``: by pot, see `layout.role_codes`."""
    headers = reserve(pots, POT)
    headers["head"] = -1 if roles is None else role_codes(roles, pots)
    headers["tail"] = -1
    amounts = reserve(8 * blocks, np.int64)
    return Queues(headers, amounts, amounts.view(np.int32), np.array([0, -1, 0], np.int64))


def larger(queues: Queues) -> Queues:
    """The same state with room for twice as many lots."""
    amounts = reserve(2 * len(queues.amounts), np.int64)
    amounts[: 8 * queues.used[0]] = queues.amounts[: 8 * queues.used[0]]
    return queues._replace(amounts=amounts, words=amounts.view(np.int32))


def in_use(queues: Queues) -> dict[str, NDArray[Any]]:
    """The arrays of a state, each as far as it is in use; ``headers`` has an entry for each pot."""
    return {"headers": queues.headers, "amounts": queues.amounts[: 8 * queues.used[0]], "used": queues.used}


@kernel
def _block(queues: Queues) -> Any:
    """An empty block: a freed one, or one more."""
    amounts, words, used = queues.amounts, queues.words, queues.used
    block = used[1]
    if block >= 0:
        used[1] = words[16 * block + 15]
    else:
        block = used[0]
        used[0] += 1
    for lot in range(LOTS):
        amounts[8 * block + lot] = 0
    words[16 * block + 15] = -1
    return block


@kernel
def _give_back(queues: Queues, block: int) -> None:
    queues.words[16 * block + 15] = queues.used[1]
    queues.used[1] = block


@kernel
def _first(queues: Queues, d: int, tag: int, amount: int) -> None:
    """Begin a pot's list with a lot."""
    block = _block(queues)
    header = queues.headers[d]
    header.head = header.tail = block
    header.first, header.last = 0, 1
    queues.amounts[8 * block], queues.words[16 * block + 10] = amount, tag


@kernel
def _join(queues: Queues, rule: int, s: int, d: int) -> None:
    """Put a whole list behind (fifo) or on top of (lifo) another, in the order that it has."""
    headers, words = queues.headers, queues.words
    if headers[d].head < 0:
        headers[d].head, headers[d].tail = headers[s].head, headers[s].tail
        headers[d].first, headers[d].last = headers[s].first, headers[s].last
    elif rule == FIFO:
        words[16 * headers[d].tail + 15] = headers[s].head
        headers[d].tail, headers[d].last = headers[s].tail, headers[s].last
    else:
        words[16 * headers[s].tail + 15] = headers[d].head
        headers[d].head, headers[d].last = headers[s].head, headers[s].last
    headers[s].head = headers[s].tail = -1


@kernel
def _tidy(queues: Queues, rule: int, s: int, clean: int) -> None:
    """Forget the list of a pot that is empty, or of which but one lot is left and that carries nothing tracked."""
    headers, amounts, words = queues.headers, queues.amounts, queues.words
    block = headers[s].head
    at = headers[s].first if rule == FIFO else headers[s].last - 1
    if headers[s].balance > 0:
        while 0 <= at < LOTS and amounts[8 * block + at] == 0:
            at += 1 if rule == FIFO else -1
        if not 0 <= at < LOTS or words[16 * block + 10 + at] != clean or amounts[8 * block + at] != headers[s].balance:
            return
    while block >= 0:
        after = words[16 * block + 15]
        _give_back(queues, block)
        block = after
    headers[s].head = headers[s].tail = -1


@kernel
def advance(
    queues: Queues, ledger: Whole, groups: Groups, found: Counted, rule: int, start: int
) -> tuple[int, NDArray[np.int64]]:
    """Carry out transfers in order from place ``start`` on.

    Returns the place up to which it came, fewer than all if there is no room for more lots (see `run`), and `Counted.sent`,
    which may have been replaced by a larger array.
    """
    headers, amounts, words, used = queues.headers, queues.amounts, queues.words, queues.used
    source, target, amount = ledger.source, ledger.target, ledger.amount
    count = groups.number
    last = (groups.hops + 1) * count
    clean = last + count
    has_origin, has_theft, has_keep = ledger.origin.shape[0] > 0, ledger.theft.shape[0] > 0, ledger.keep.shape[0] > 0
    has_move, by_pot, shorts = ledger.move.shape[0] > 0, groups.shortfall.shape[0] > 1, found.short.shape[0] > 0
    logs = found.ends.shape[0] > 0
    written, sent = found.ends[start] if logs else 0, found.sent
    n = source.shape[0]
    for i in range(start, n):
        if used[0] + SPARE > amounts.shape[0] // 8:
            return i, sent
        if i + AHEAD < n:
            prefetch(headers, max(source[i + AHEAD], 0))
            prefetch(headers, max(target[i + AHEAD], 0))
            ahead = headers[max(source[i + AHEAD // 2], 0)].head
            if ahead >= 0:
                prefetch(amounts, 8 * ahead)
            ahead = headers[max(target[i + AHEAD // 2], 0)].tail
            if ahead >= 0:
                prefetch(amounts, 8 * ahead)
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
        elif headers[s].head < -1:
            group = (-2 - headers[s].head) >> 1
        drawn = group < 0
        lacking = value
        if drawn:
            lacking = max(value - headers[s].balance, 0)
            if lacking:
                group = groups.shortfall[s if by_pot else 0]
                if shorts:
                    found.short[s] += lacking
        listed = drawn and headers[s].head >= 0
        theft = ledger.theft[i] if has_theft else -1
        kept = ledger.keep[i] if has_keep else -1
        move = ledger.move[i] if has_move else HOP
        if kept >= 0:
            found.kept[kept, clean] += value
        if d == FEE:
            found.fees[clean] += value
        tracked = listed or theft >= 0 or (group >= 0 and lacking > 0)
        used[2] += tracked
        into = False  # whether the target has a list, or gets one now
        if d >= 0:
            headers[d].received += value
            role = headers[d].head
            if role >= -1:
                into = tracked or role >= 0
                if tracked and role < 0 and headers[d].balance > 0:
                    _first(queues, d, clean, headers[d].balance)  # what was not tracked so far takes its place
            if role >= -1 or (-2 - role) & 1 == 0:
                headers[d].balance += value
        if move == STILL and listed and into and headers[s].balance == value and theft < 0 and kept < 0:
            headers[s].balance = 0
            _join(queues, rule, s, d)  # a coin goes into its transaction as it lies, also as a stack
            if logs:
                found.ends[i + 1] = written
            continue
        if not (listed or into or kept >= 0 or d == FEE or logs):
            if drawn:
                headers[s].balance -= value - lacking
            continue
        # where the source's next lot and the target's last one are
        block, at = -1, 0
        if listed:
            block, at = headers[s].head, headers[s].first if rule == FIFO else headers[s].last - 1
        filling, filled = -1, LOTS
        if into and headers[d].head >= 0:
            filling, filled = headers[d].tail if rule == FIFO else headers[d].head, headers[d].last
        left = value
        while left > 0:
            # the next lot to move: from the list, then what is not tracked, then the origin or shortfall
            take, tag = left, clean
            if left > lacking:
                take = left - lacking
                if listed:
                    while at < 0 or at >= LOTS or amounts[8 * block + at] == 0:
                        if 0 <= at < LOTS:
                            at += 1 if rule == FIFO else -1
                        else:
                            after = words[16 * block + 15]
                            words[16 * block + 15] = used[1]
                            used[1] = block
                            block, at = after, 0 if rule == FIFO else LOTS - 1
                            prefetch(amounts, 8 * max(words[16 * block + 15], 0))
                    tag = words[16 * block + 10 + at]
                    take = min(take, amounts[8 * block + at])
                    amounts[8 * block + at] -= take
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
            if into:
                while rule == LIFO and filling >= 0 and filled > 0 and amounts[8 * filling + filled - 1] == 0:
                    filled -= 1
                if filling >= 0 and filled > 0 and words[16 * filling + 9 + filled] == tag:
                    amounts[8 * filling + filled - 1] += take  # neighbours that carry the same are one lot
                    continue
                if filled == LOTS:
                    fresh = _block(queues)
                    if filling < 0:
                        headers[d].head = headers[d].tail = fresh
                        headers[d].first = 0
                    elif rule == FIFO:
                        words[16 * filling + 15] = fresh
                        headers[d].tail = fresh
                    else:
                        words[16 * fresh + 15] = filling
                        headers[d].head = fresh
                    filling, filled = fresh, 0
                amounts[8 * filling + filled], words[16 * filling + 10 + filled] = take, tag
                filled += 1
        if into:
            headers[d].last = filled
        if listed:
            headers[s].head = block
            if rule == FIFO:
                headers[s].first = at
            else:
                headers[s].last = at + 1
        if drawn:
            headers[s].balance -= value - lacking
            if listed:
                _tidy(queues, rule, s, clean)
        if logs:
            found.ends[i + 1] = written
    return n, sent


def run(queues: Queues, ledger: Whole, groups: Groups, found: Counted, rule: int) -> tuple[Queues, Counted]:
    """Carry out transfers in order, with room made for lots as they need it; returns state and findings."""
    place, count = 0, len(ledger.source)
    while True:
        place, sent = advance(queues, ledger, groups, found, rule, place)
        found = found._replace(sent=sent)
        if place == count:
            return queues, found
        queues = larger(queues)


def lots(queues: Queues, pot: int, rule: int) -> list[tuple[int, int]]:
    """Tags and amounts of the lots of a pot, in the order in which they arrived; none if it holds nothing tracked."""
    header, found, block = queues.headers[pot], [], int(queues.headers[pot]["head"])
    first, last = (int(header["first"]), LOTS) if rule == FIFO else (0, int(header["last"]))
    while block >= 0:
        here = [
            (int(queues.words[16 * block + 10 + at]), int(queues.amounts[8 * block + at]))
            for at in range(first, last)
            if queues.amounts[8 * block + at] > 0
        ]
        found += here if rule == FIFO else here[::-1]
        first, last, block = 0, LOTS, int(queues.words[16 * block + 15])
    return found if rule == FIFO else found[::-1]
