"""Recompute only what lies downstream of pots whose role changed: a new seed, one less, or another category.

Whatever the labels, a rule lays the same units of a pot's inflows on the same outflows (haircut, fifo, lifo). So what left a
changed pot goes where it went before, under another label: what it carried then is taken from the accounts that it
reached, and what it carries now is added. Three steps, each over the few transfers that bear on it:

1. backwards, which transfers bear on what the changed pots sent while they were ordinary; the rule over those alone says
   what each of their outflows carried;
2. forwards, which pots can have been reached by those outflows;
3. the rule over the transfers of these, with every outflow of a changed pot as so many origins as it carried labels.

Tiho serves by label, and a flag of poison does not say who set it: under these the whole ledger is carried out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.execute import QUEUES
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import doubles, in_units
from exposure.errors import EngineError
from exposure.model.settings import Rule
from exposure.taint.kernels import haircut, queues, reach
from exposure.taint.kernels.layout import BURN, FEE, LEAKS, NONE, Counted, Found, Groups, Transfers, Whole, width

Column = NDArray[Any]
NO32, NO64, NO8, NOF = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0)


@dataclass(frozen=True, slots=True)
class Change:
    """Roles of a ledger's pots before and after (`Sight.pot_roles`: groups, with `LEAKS`); the groups are the same."""

    ledger: Ledger
    rule: Rule
    groups: Groups
    before: Column
    after: Column

    @property
    def pots(self) -> NDArray[np.bool_]:
        """Pots whose role changed."""
        return np.asarray(self.before != self.after, np.bool_)


@dataclass(frozen=True, slots=True)
class Cost:
    """Transfers that were looked at closely: those that bear on what changed pots sent, and those downstream of it."""

    upstream: int
    downstream: int


@dataclass(slots=True)
class _Part:
    """Some transfers of a ledger, in order. ``place``: their rows in the ledger."""

    place: Column
    source: Column
    target: Column
    low: Column
    high: Column


def recomputed(change: Change, kept: Column, wanted: NDArray[np.int32], units: Column) -> tuple[Column, Cost]:
    """The accounts of wanted pots after a change of roles.

    Parameters
    ----------
    kept
        Accounts before it, by wanted row: `layout.width` columns and then the total, as a sweep leaves them (``State.kept``).
    wanted
        By pot, its row in ``kept``, or -1.
    units
        By asset, the unit in which order rules count.

    Raises
    ------
    EngineError
        Under tiho and poison.
    """
    if change.rule not in (Rule.HAIRCUT, *QUEUES):
        raise EngineError(f"{change.rule.value} is not recomputed downstream only: carry out the whole ledger again")
    pieces = [_sent(change, roles, units) for roles in (change.before, change.after)]
    into, looked_at = _delivered(change, pieces[0], pieces[1], wanted, len(kept), units)
    result = kept.copy()
    for (old, new), amounts in into:
        for sign, column in ((-1, old), (1, new)):
            _add(result, amounts, column, sign, change.groups)
    if change.rule is Rule.HAIRCUT:  # differences of doubles: what should be nothing may be a hair less
        parts, totals = result[:, :-1], result[:, -1:]
        result[:, :-1] = np.where((parts < 0) & (parts > -1e-9 * totals), 0.0, parts)
    return result, Cost(sum(piece.looked_at for piece in pieces), looked_at)


@dataclass(slots=True)
class _Sent:
    """What outflows of changed pots carried: pieces (``row``: the outflow's row in the ledger), each a column and an amount.

    A changed pot that is an origin itself sends one piece an outflow; ``group`` says which, by pot, and no piece is listed.
    """

    row: Column
    column: Column
    amount: Column
    group: Column
    looked_at: int


def _sent(change: Change, roles: Column, units: Column) -> _Sent:
    """What the changed pots sent under some roles: pieces for those that are ordinary."""
    ledger, groups = change.ledger, change.groups
    asked = change.pots & (roles < 0)
    group = np.where(roles >= LEAKS, roles - LEAKS, roles)
    rows: list[Column] = [NO64]
    columns: list[Column] = [NO64]
    amounts: list[Column] = [NO64 if change.rule in QUEUES else NOF]
    looked_at = 0
    if asked.any():
        parts = [part for part in _feeding(ledger, asked, roles) if len(part.place)]
        used, number = _used(ledger, parts)
        own = roles[used] if used.size else np.full(1, NONE, np.int32)
        state: Any = queues.empty(own.size, own) if change.rule in QUEUES else haircut.empty(own.size, groups, own)
        for part in parts:
            looked_at += len(part.place)
            mine = np.flatnonzero((part.source >= 0) & asked[np.maximum(part.source, 0)])
            place, column, amount, state = _carried(change, part, mine, state, number, units)
            rows.append(part.place[mine][place])
            columns.append(column)
            amounts.append(amount)
    return _Sent(np.concatenate(rows), np.concatenate(columns), np.concatenate(amounts), group, looked_at)


def _carried(
    change: Change, part: _Part, mine: Column, state: Any, number: Column, units: Column
) -> tuple[Column, Column, Column, Any]:
    """Carry out a part; (place in ``mine``, column, amount) of what those of its transfers carried, in order."""
    groups, wide = change.groups, width(change.groups.number, change.groups.hops)
    source, target = (_renumbered(column, number) for column in (part.source, part.target))
    if change.rule in QUEUES:
        none = np.zeros((0, wide + 1), np.int64)
        ends = np.zeros(len(part.place) + 1, np.int64)
        found = Counted(none, np.zeros(wide + 1, np.int64), np.empty(4 * len(part.place) + 2, np.int64), ends, NO64)
        amounts = _in_units(change.ledger, part, units)
        whole = Whole(source, target, amounts, NO32, NO32, NO32, NO8)
        state, found = queues.run(state, whole, groups, found, QUEUES[change.rule])
        lots = found.sent[: 2 * ends[-1]].reshape(-1, 2)
        counts = ends[mine + 1] - ends[mine]
        place = np.repeat(np.arange(len(mine)), counts)
        at = np.repeat(ends[mine], counts) + np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        return place, lots[at, 0], lots[at, 1], state
    keep = np.full(len(part.place), NONE, np.int32)
    keep[mine] = np.arange(len(mine))
    kept = np.zeros((len(mine), wide + 1))
    amount, rest = doubles(part.low, part.high)
    moves = Transfers(source, target, amount, rest, NO32, NO32, keep, NO8)
    haircut.advance(state, moves, groups, Found(kept, np.zeros(wide + 1), np.empty((0, 0)), NOF))
    place, column = np.nonzero(kept[:, :wide])
    return place, column, kept[place, column], state


def _delivered(
    change: Change, before: _Sent, after: _Sent, wanted: NDArray[np.int32], count: int, units: Column
) -> tuple[list[tuple[tuple[int, int], Column]], int]:
    """By pair of columns (before, after) of what left a changed pot: how much of it each wanted row received, by hop."""
    ledger, changed, groups = change.ledger, change.pots, change.groups
    is_origin = (change.before >= 0) | (change.after >= 0)
    touched = _reached(ledger, changed, is_origin) | changed
    parts = list(_downstream(ledger, touched))
    pairs: dict[tuple[int, int], int] = {}
    split = [_split(change, part, before, after, changed, pairs, units) for part in parts]
    own = Groups(max(len(pairs), 1), max(len(pairs), 1), max(len(pairs), 1), groups.hops, np.array([NONE], np.int32))
    wide = width(own.number, own.hops)
    kept: Any = np.zeros((count, wide + 1), np.int64 if change.rule in QUEUES else np.float64)
    used, number = _used(ledger, parts)
    nobody = used.size  # an empty pot more: what is minted is drawn on it, and carries nothing that is followed
    state: Any = queues.empty(nobody + 1) if change.rule in QUEUES else haircut.empty(nobody + 1, own)
    for part, origin, amount in split:
        source = np.where(part.source < 0, np.int32(nobody), _renumbered(part.source, number))
        ends = (part.target >= 0) & is_origin[np.maximum(part.target, 0)]
        received = (part.target >= 0) & (part.target != part.source)
        keep = np.where(received, wanted[np.maximum(part.target, 0)], np.int32(NONE))
        target = np.where(ends, np.int32(BURN), _renumbered(part.target, number))
        if change.rule in QUEUES:
            counted = Counted(kept, np.zeros(wide + 1, np.int64), NO64, NO64, NO64)
            whole = Whole(source, target, amount, origin, NO32, keep, NO8)
            state, _ = queues.run(state, whole, own, counted, QUEUES[change.rule])
        else:
            high, low = amount
            moves = Transfers(source, target, high, low, origin, NO32, keep, NO8)
            haircut.advance(state, moves, own, Found(kept, np.zeros(wide + 1), np.empty((0, 0)), NOF))
    by_hop = kept[:, :wide].reshape(count, own.hops + 2, own.number)
    return [(pair, by_hop[:, :, number]) for pair, number in pairs.items()], sum(len(part.place) for part in parts)


def _split(
    change: Change,
    part: _Part,
    before: _Sent,
    after: _Sent,
    changed: NDArray[np.bool_],
    pairs: dict[tuple[int, int], int],
    units: Column,
) -> tuple[_Part, NDArray[np.int32], Any]:
    """A part with each outflow of a changed pot split into what it carried, one origin for each pair of columns."""
    sends = (part.source >= 0) & changed[np.maximum(part.source, 0)] & (part.target != part.source)
    first = [np.searchsorted(sent.row, part.place[sends]) for sent in (before, after)]
    last = [np.searchsorted(sent.row, part.place[sends], side="right") for sent in (before, after)]
    whole = _in_units(change.ledger, part, units) if change.rule in QUEUES else None
    high, low = doubles(part.low, part.high)
    at: list[int] = []
    numbers: list[int] = []
    amounts: list[Any] = []
    for n, place in enumerate(np.flatnonzero(sends).tolist()):
        total = int(whole[place]) if whole is not None else float(high[place] + low[place])
        sides = []
        for side, sent in enumerate((before, after)):
            group = int(sent.group[part.source[place]])
            if group >= 0:
                sides.append([(change.groups.number + group, total)])
            else:
                some = slice(first[side][n], last[side][n])
                sides.append(list(zip(sent.column[some].tolist(), sent.amount[some].tolist(), strict=True)))
        for pair, amount in _refined(*sides):
            at.append(place)
            numbers.append(pairs.setdefault(pair, len(pairs)))
            amounts.append(amount)
    counts = np.ones(len(part.place), np.int64)
    np.add.at(counts, np.array(at, np.int64), 1)
    counts[sends] -= 1
    rows = np.repeat(np.arange(len(part.place)), counts)
    origin = np.full(len(rows), NONE, np.int32)
    origin[sends[rows]] = numbers
    made = _Part(*(column[rows] for column in (part.place, part.source, part.target, part.low, part.high)))
    if whole is not None:
        units_sent = whole[rows]
        units_sent[sends[rows]] = amounts
        return made, origin, units_sent
    parts, rest = high[rows], low[rows]
    parts[sends[rows]], rest[sends[rows]] = amounts, 0.0
    return made, origin, (parts, rest)


def _refined(one: list[tuple[int, Any]], other: list[tuple[int, Any]]) -> Iterator[tuple[tuple[int, int], Any]]:
    """Two accounts of the same units, in order, as one: (columns of both, amount)."""
    i = j = 0
    left, right = (one[0][1] if one else 0), (other[0][1] if other else 0)
    while i < len(one) and j < len(other):
        take = min(left, right)
        last = i == len(one) - 1 and j == len(other) - 1  # rounding of haircut's parts stays with the last
        if take > 0 or last:
            yield (one[i][0], other[j][0]), max(left, right) if last else take
        if last:
            return
        left, right = left - take, right - take
        if (left <= right and i < len(one) - 1) or j == len(other) - 1:
            i += 1
            left = one[i][1]
        else:
            j += 1
            right = other[j][1]


def _add(result: Column, amounts: Column, column: int, sign: int, groups: Groups) -> None:
    """Add what came by hops since it left a changed pot, where it carried ``column``."""
    hop, group = divmod(column, groups.number)
    for more in range(1, groups.hops + 2):
        total = groups.hops + 1 if more == groups.hops + 1 else min(hop + more - 1, groups.hops + 1)
        result[:, total * groups.number + group] += sign * amounts[:, more]


def _feeding(ledger: Ledger, asked: NDArray[np.bool_], roles: Column) -> list[_Part]:
    """The transfers that bear on what some pots send, in order; where what they reach does not matter, to nobody."""
    feeds, is_origin, parts = np.zeros(max(ledger.pots, 1), np.bool_), roles >= 0, []
    for chunk in reversed(list(ledger.chunks())):
        source, target, low, high = _ends(ledger, chunk)
        found = np.zeros(len(source), np.uint8)
        reach.feeding(source, target, low, high, asked, is_origin, feeds, found)
        part = _part(ledger, chunk, found != reach.IDLE)
        part.target = np.where(found[found != reach.IDLE] == reach.FEEDS, part.target, np.int32(BURN))
        parts.append(part)
    return parts[::-1]


def _reached(ledger: Ledger, changed: NDArray[np.bool_], is_origin: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = np.zeros(max(ledger.pots, 1), np.bool_)
    for chunk in ledger.chunks():
        reach.reached(*_ends(ledger, chunk), changed, is_origin, found)
    return found[: len(changed)]


def _downstream(ledger: Ledger, touched: NDArray[np.bool_]) -> Iterator[_Part]:
    for chunk in ledger.chunks():
        source, target, _, _ = _ends(ledger, chunk)
        near = np.empty(len(source), np.bool_)
        reach.near(source, target, touched, near)
        yield _part(ledger, chunk, near)


def _used(ledger: Ledger, parts: list[_Part]) -> tuple[Column, Column]:
    """The pots of some transfers, and by pot its number among them: state is kept for these alone."""
    is_used = np.zeros(max(ledger.pots, 1), np.bool_)
    for part in parts:
        for ends in (part.source, part.target):
            is_used[ends[ends >= 0]] = True
    return np.flatnonzero(is_used), np.cumsum(is_used, dtype=np.int32) - np.int32(1)


def _renumbered(ends: Column, number: Column) -> Column:
    return np.where(ends >= 0, number[np.maximum(ends, 0)], ends)


def _ends(ledger: Ledger, chunk: slice) -> tuple[Column, Column, Column, Column]:
    """Source, target and the words of the amounts of a chunk."""
    columns = ledger.columns
    source, target = np.asarray(columns["source"][chunk]), np.asarray(columns["target"][chunk])
    return source, target, np.asarray(columns["low"][chunk]), np.asarray(columns["high"][chunk])


def _part(ledger: Ledger, chunk: slice, which: NDArray[np.bool_]) -> _Part:
    rows = np.flatnonzero(which)
    source, target, low, high = (column[rows] for column in _ends(ledger, chunk))
    fee = np.asarray(ledger.columns["fee"][chunk])[rows] != 0
    return _Part(rows + chunk.start, source, np.where((target < 0) & fee, np.int32(FEE), target), low, high)


def _in_units(ledger: Ledger, part: _Part, units: Column) -> NDArray[np.int64]:
    if len(set(units)) == 1:
        return in_units(part.low, part.high, units[0])
    amount, asset = np.zeros(len(part.low), np.int64), ledger.asset[np.where(part.source >= 0, part.source, part.target)]
    for unit in set(units):
        which = np.array([own == unit for own in units])[asset]
        amount[which] = in_units(part.low[which], part.high[which], unit)
    return amount
