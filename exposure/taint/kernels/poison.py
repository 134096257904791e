"""Poison over an account ledger, compiled: one flag per group, with the smallest hop so far. Definition in the reference.

A flag is a byte: the hop, or `NO_FLAG`; a second byte per group says that the flag also came from past the hop limit. They
lie in the pot's own cache line, behind its balance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD, two_sum
from exposure.taint.kernels.layout import FEE, HOP, OWN, STILL, Found, Groups, Transfers, role_codes
from exposure.taint.kernels.memory import reserve

NO_FLAG = 255
MAX_HOPS = 253
LINE = 64
MARKED = 0
"""Role of an ordinary pot that has flags; -1 where it has none."""
FLAGS = 28
"""Bytes of a pot before its flags: balance, rest and what it received (8 each), then its role (4)."""


class Flags(NamedTuple):
    """State: the pots, the same memory seen as numbers, words and bytes; ``line``: bytes of a pot; ``used``: tracked transfers.

    Of a pot: numbers 0 to 2 are balance, rest, all received; word 6 its role (`layout.role_codes`); bytes from `FLAGS` on the
    hop by group, then one byte by group: whether its flag also came from past the limit.
    """

    numbers: NDArray[np.float64]
    words: NDArray[np.int32]
    octets: NDArray[np.uint8]
    line: int
    used: NDArray[np.int64]


def empty(pots: int, groups: Groups, roles: NDArray[Any] | None = None) -> Flags:
    """State of ``pots`` empty pots; ``roles``: by pot, see `layout.role_codes`."""
    line = -(-(FLAGS + 2 * groups.number) // LINE) * LINE
    octets = reserve(pots * line, np.uint8)
    words = octets.view(np.int32)
    words[6 :: line // 4] = -1 if roles is None else role_codes(roles, pots)
    octets.reshape(-1, line)[:, FLAGS : FLAGS + groups.number] = NO_FLAG
    return Flags(octets.view(np.float64), words, octets, line, np.zeros(3, np.int64))


def in_use(flags: Flags) -> dict[str, NDArray[Any]]:
    """The arrays of a state; ``headers`` has an entry for each pot."""
    return {"headers": flags.octets.reshape(-1, flags.line), "used": flags.used}


@kernel
def advance(flags: Flags, ledger: Transfers, groups: Groups, found: Found, categories: int = 0, mixer: int = -1) -> None:
    """Carry out transfers in order.

    In `Found.kept` a column holds the summed value of the transfers that carried the group's flag at that hop; in
    `Found.sent` it is the transfer's value where it carries the flag. Where rows of `Found.kept` are long enough, there follow
    behind the total: the value that carried an unresolved flag, and by category (the first groups) the value that carried its
    flag or may have: an unresolved one, or that of the category ``mixer``.
    """
    numbers, words, octets, used = flags.numbers, flags.words, flags.octets, flags.used
    line, per, half = flags.line, flags.line // 8, flags.line // 4
    source, target, amount = ledger.source, ledger.target, ledger.amount
    count, hops, seeds = groups.number, groups.hops, groups.seeds
    wide = (hops + 2) * count
    has_rest, has_origin, has_theft = ledger.rest.shape[0] > 0, ledger.origin.shape[0] > 0, ledger.theft.shape[0] > 0
    has_keep, has_move = ledger.keep.shape[0] > 0, ledger.move.shape[0] > 0
    by_pot, per_transfer, shorts = groups.shortfall.shape[0] > 1, found.sent.shape[0] > 0, found.short.shape[0] > 0
    judged = found.kept.shape[1] > wide + 1
    carried = np.empty(2 * count, np.uint8)
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(octets, line * max(source[i + AHEAD], 0))
            prefetch(octets, line * max(target[i + AHEAD], 0))
        value = amount[i]
        s, d = source[i], target[i]
        if value <= 0.0 or (s == d and s >= 0):
            continue
        rest = ledger.rest[i] if has_rest else 0.0
        group, lacking = -1, -1
        move = ledger.move[i] if has_move else HOP
        if has_origin:
            group = ledger.origin[i]
        elif s < 0:
            group = groups.minted
        elif words[half * s + 6] < -1:
            group = (-2 - words[half * s + 6]) >> 1
        drawn = group < 0
        mine = line * s + FLAGS
        if drawn:
            left, behind = two_sum(numbers[per * s], numbers[per * s + 1], -value, -rest)
            if left + behind < 0.0:
                lacking = groups.shortfall[s if by_pot else 0]
                if shorts:
                    found.short[s] -= left + behind
                left, behind = 0.0, 0.0
                if lacking >= 0:  # a shortfall is a receipt from unknown just before the spend: its flag stays
                    octets[mine + lacking], words[half * s + 6] = 0, MARKED
            numbers[per * s], numbers[per * s + 1] = left, behind
        into = d >= 0
        if into:
            numbers[per * d + 2] += value + rest
            role = words[half * d + 6]
            into = role >= -1
            if into or (-2 - role) & 1 == 0:
                numbers[per * d], numbers[per * d + 1] = two_sum(numbers[per * d], numbers[per * d + 1], value, rest)
        theft = ledger.theft[i] if has_theft else -1
        kept = ledger.keep[i] if has_keep else -1
        if kept >= 0:
            found.kept[kept, wide] += value + rest
        if d == FEE:
            found.fees[wide] += value + rest
        marked = drawn and words[half * s + 6] == MARKED
        if not marked and group < 0 and theft < 0:
            continue
        flagged = group >= 0 or theft >= 0
        for c in range(count):
            hop, past = np.uint8(NO_FLAG), np.uint8(0)
            if marked:
                hop, past = octets[mine + c], octets[mine + count + c]
                if move == HOP and hop == hops:
                    hop, past = np.uint8(NO_FLAG), np.uint8(1)
                elif hop != NO_FLAG and (move == HOP or (move == OWN and hop == 0)):
                    hop += np.uint8(1)
            carried[c], carried[count + c] = hop, past
            flagged |= hop != NO_FLAG or past > 0
        if not flagged:
            continue
        used[2] += 1
        if group >= count:
            carried[group] = 1
        elif group >= 0:
            carried[group] = min(carried[group], 0 if move == STILL else 1)
        loot = NO_FLAG  # hop of the theft's own flag, where the theft moves its own loot on
        if theft >= 0:
            unlabelled = groups.unresolved == count  # attributed origins may not be tracked
            for c in range(seeds, count):
                unlabelled |= carried[c] != NO_FLAG or carried[count + c] > 0
                carried[c], carried[count + c] = NO_FLAG, 0
            if unlabelled:
                loot = carried[theft]
                carried[theft] = 0
        if into:
            theirs, words[half * d + 6] = line * d + FLAGS, MARKED
            for c in range(count):
                octets[theirs + c] = min(octets[theirs + c], carried[c])
                octets[theirs + count + c] |= carried[count + c]
        if kept >= 0:
            _add(found.kept[kept], carried, value + rest, groups)
            if judged:
                lost, hidden = False, mixer >= 0 and carried[max(mixer, 0)] != NO_FLAG
                for c in range(count):
                    lost |= carried[count + c] > 0 or (categories <= c < groups.unresolved and carried[c] != NO_FLAG)
                if lost:
                    found.kept[kept, wide + 1] += value + rest
                for c in range(categories):
                    if lost or hidden or carried[c] != NO_FLAG:
                        found.kept[kept, wide + 2 + c] += value + rest
        if d == FEE:
            _add(found.fees, carried, value + rest, groups)
        if per_transfer:
            found.sent[i, :] = 0.0
            _add(found.sent[i], carried, value + rest, groups)
            if loot != NO_FLAG and loot > 0:
                found.sent[i, loot * count + theft] += value + rest


@kernel
def _add(into: NDArray[np.float64], carried: NDArray[np.uint8], amount: float, groups: Groups) -> None:
    """Add a transfer's value to the column of every flag that it carries."""
    count = groups.number
    for c in range(count):
        if carried[c] != NO_FLAG:
            into[carried[c] * count + c] += amount
        if carried[count + c] > 0:
            into[(groups.hops + 1) * count + c] += amount
