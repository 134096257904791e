"""Chunks of a numbered account ledger as moves: what `exposure.taint.reference.account` does, for many transfers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.moves import Moves, Sight, blank, in_order, stolen
from exposure.taint.kernels.layout import BURN, FEE, NONE, STILL

CHUNK = 1 << 18
Columns = Mapping[str, NDArray[Any]]


def chunks(tx: NDArray[Any], size: int = CHUNK, start: int = 0) -> Iterator[slice]:
    """Slices of about ``size`` rows, from row ``start`` on, that never cut a transaction."""
    rows = len(tx)
    while start < rows:
        end = min(start + size, rows)
        while end < rows and tx[end] == tx[end - 1]:
            end += 1
        yield slice(start, end)
        start = end


def moves(columns: Columns, part: slice, asset_of: NDArray[np.int32], sight: Sight) -> Moves:
    """The moves of one chunk."""
    roles, groups = sight.roles, sight.roles.groups
    row = {name: np.asarray(column[part]) for name, column in columns.items()}
    ends = [np.where(row[name] >= 0, roles.owner[np.maximum(row[name], 0)], np.int32(NONE)) for name in ("source", "target")]
    lives = ends[0] != ends[1]
    row = {name: column[lives] for name, column in row.items()}
    source, target = ends[0][lives], ends[1][lives]
    block, time, fee = row["block"], row["time"], row["fee"] != 0
    count = len(source)
    asset = asset_of[np.where(row["source"] >= 0, row["source"], row["target"])]
    origin = np.where(source >= 0, roles.at(source, time), np.int32(groups.known))
    listed = (roles.asset_group[asset] >= 0) & (time >= roles.asset_since[asset])
    listed &= (origin < 0) | (origin >= groups.unknown)
    draws_too = listed & (source >= 0) & (origin < 0)
    origin = np.where(listed, roles.asset_group[asset], origin)
    ended = (target >= 0) & (roles.at(target, time) >= 0)
    kept = (target >= 0) & ~fee
    keep = np.where(kept, sight.wanted[np.maximum(row["target"], 0)], np.int32(NONE))
    source, target = sight.now(source, block), sight.now(target, block)
    opened = sight.is_open(source, block) & (origin < 0)
    target = np.where(ended, np.int32(BURN), np.where((target < 0) & fee, np.int32(FEE), target))
    theft = np.where(fee, np.int32(NONE), stolen(row["tx"], sight.thefts, time))
    place = np.arange(count)
    extras: list[tuple[Moves, tuple[Any, ...]]] = []
    if sight.poison and opened.any():
        assert sight.flagged is not None
        first = np.flatnonzero(opened)
        first = first[np.unique(source[first], return_index=True)[1]]
        first = first[~sight.flagged[source[first]]]
        sight.flagged[source[first]] = True
        unit = blank(len(first), target=source[first], low=1, origin=groups.unknown, move=STILL, asset=asset[first])
        extras.append((unit, (first, np.full(len(first), -2))))
    elif not sight.poison:
        origin = np.where(opened, np.int32(groups.unknown), origin)
    if draws_too.any():
        at = np.flatnonzero(draws_too)
        drawn = blank(len(at), source=source[at], target=BURN, low=row["low"][at], high=row["high"][at], asset=asset[at])
        extras.append((drawn, (at, np.full(len(at), -1))))
    if sight.tiho:
        source, aside = _served_together(row, source, target, origin, fee, asset, sight)
        if aside is not None:
            extras.append(aside)
    base = blank(
        count,
        source=np.where(origin >= 0, np.int32(NONE), source),
        target=target,
        low=row["low"],
        high=row["high"],
        origin=origin,
        theft=theft,
        keep=keep,
        time=time,
        asset=asset,
    )
    return in_order([(base, (place, np.zeros(count, np.int64))), *extras])


def as_they_stand(columns: Columns, part: slice, asset_of: NDArray[np.int32], sight: Sight) -> Moves:
    """The transfers of one chunk, where what the ends are says all (`Sight.pot_roles`)."""
    row = {name: np.asarray(column[part]) for name, column in columns.items()}
    source, target, fee = row["source"], row["target"], row["fee"] != 0
    kept = (target >= 0) & ~fee & (target != source)
    none = np.empty(0, np.int32)
    return Moves(
        source,
        np.where((target < 0) & fee, np.int32(FEE), target),
        row["low"],
        row["high"],
        none,
        np.where(fee, np.int32(NONE), stolen(row["tx"], sight.thefts, row["time"])) if sight.thefts else none,
        np.where(kept, sight.wanted[np.maximum(target, 0)], np.int32(NONE)),
        np.empty(0, np.int8),
        row["time"],
        asset_of[np.where(source >= 0, source, target)],
    )


def _served_together(
    row: Columns, source: Any, target: Any, origin: Any, fee: Any, asset: Any, sight: Sight
) -> tuple[Any, tuple[Moves, tuple[Any, ...]] | None]:
    """Outflows that tiho serves together are drawn where the first stands, into pots of their own, and go on from there."""
    plain = (origin < 0) & ~fee
    tx = row["tx"]
    starts = np.concatenate([[0], np.flatnonzero(tx[1:] != tx[:-1]) + 1, [len(tx)]]) if len(tx) else np.zeros(1, np.int64)
    number = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    some = np.flatnonzero(plain)
    order = some[np.lexsort((source[some], number[some]))]
    again = (number[order][1:] == number[order][:-1]) & (source[order][1:] == source[order][:-1])
    source = source.copy()
    drawn: list[tuple[int, int, int]] = []  # where it is drawn, which row, into which pot
    for transaction in np.unique(number[order][1:][again]).tolist():
        rows = range(int(starts[transaction]), int(starts[transaction + 1]))
        waiting: dict[int, list[int]] = defaultdict(list)
        together: list[list[int]] = []
        for n in rows:
            if target[n] >= 0 and int(target[n]) in waiting:
                together.append(waiting.pop(int(target[n])))
            if source[n] >= 0 and fee[n] and int(source[n]) in waiting:
                together.append(waiting.pop(int(source[n])))
            if plain[n]:
                waiting[int(source[n])].append(n)
        for group in [*together, *waiting.values()]:
            if len(group) > 1:
                amounts = {n: int(row["low"][n]) | int(row["high"][n]) << 64 for n in group}
                for n in sorted(group, key=lambda n: (-amounts[n], n)):
                    drawn.append((group[0], n, sight.spare + len(drawn)))
    if not drawn:
        return source, None
    at, which, pots = (np.array(column, np.int64) for column in zip(*drawn, strict=True))
    aside = blank(
        len(drawn),
        source=source[which],
        target=pots,
        low=row["low"][which],
        high=row["high"][which],
        move=STILL,
        asset=asset[which],
    )
    source[which] = pots
    return source, (aside, (at, np.full(len(drawn), -1)))
