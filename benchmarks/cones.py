"""The cone of a transfer by its definition, at once; a haircut over it with networkx; and who is in it, by SQL."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import networkx as nx
import numpy as np
from numpy.typing import NDArray

from exposure.store.ends import Ends
from exposure.store.numbered import Numbered
from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.ends import FLAG, PLACE
from exposure.taint.kernels.shares import FAR, NAMED, STOPS, mark


class Cone(NamedTuple):
    """How many transfers and pots a cone has; its rows and pots with their last movements, where they are few enough."""

    transfers: int
    pots: int
    rows: NDArray[np.int64] | None
    covered: NDArray[np.int32]


@kernel
def _layer(ends: Any, firsts: Any, marks: Any, upto: Any, wanted: Any, pots: Any, last: bool) -> Any:
    """Go through the movements of some pots up to those wanted of them; the pots of whom more is then wanted, and new pots."""
    places = np.empty(pots.shape[0], np.int32)
    for n in range(pots.shape[0]):
        places[n], wanted[pots[n]] = wanted[pots[n]], -1
    more, found = np.empty(1024, np.int32), 0
    fresh, new = np.empty(pots.shape[0], np.int32), 0
    for n in range(pots.shape[0]):
        pot = pots[n]
        begun = upto[pot]
        if places[n] <= begun:
            continue
        if begun < 0:
            fresh[new], new = pot, new + 1
        upto[pot] = places[n]
        for i in range(firsts[pot] + begun + 1, firsts[pot] + places[n] + 1):
            if last:
                break
            if i + FAR < firsts[pot] + places[n]:
                prefetch(wanted, max(ends[i + FAR].other, 0))
                prefetch(upto, max(ends[i + FAR].other, 0))
            payer, place = ends[i].other, np.int32(ends[i].at & PLACE)
            if ends[i].at & FLAG != 0 or payer < 0 or place <= upto[payer] or place <= wanted[payer]:
                continue
            if mark(marks, payer) in (STOPS, NAMED):
                continue
            if wanted[payer] < 0:
                if found == more.shape[0]:
                    longer = np.empty(2 * found, np.int32)
                    longer[:found] = more
                    more = longer
                more[found], found = payer, found + 1
            wanted[payer] = place
    return more[:found], fresh[:new]


def cone(ends: Ends, marks: NDArray[np.uint8], pot: int, at: int, hops: int, *, keep: int) -> Cone:
    """The cone of movement ``at`` of a pot, by the definition: for each pot all movements up to the last one wanted of it."""
    upto, wanted = (np.full(len(ends.firsts) - 1, -1, np.int32) for _ in range(2))
    pots, read = np.array([pot], np.int32), list[NDArray[np.int32]]()
    wanted[pot] = at
    for level in range(hops):
        pots, fresh = _layer(ends.ends, ends.firsts, marks, upto, wanted, np.sort(pots), level == hops - 1)
        read.append(fresh)
    covered = np.sort(np.concatenate(read))
    total, rows = int(_distinct(ends.ends, ends.firsts, covered, upto)), None
    if total <= keep:
        parts = [ends.ends[ends.firsts[p] : ends.firsts[p] + upto[p] + 1]["row"] & PLACE for p in covered.tolist()]
        rows = np.unique(np.concatenate(parts)).astype(np.int64)
    return Cone(total, len(covered), rows, covered)


@kernel
def _distinct(ends: Any, firsts: Any, covered: Any, upto: Any) -> Any:
    """Movements of covered pots, each transfer between two of them counted once."""
    count = 0
    for n in range(covered.shape[0]):
        pot = covered[n]
        stop = firsts[pot] + upto[pot] + 1
        for i in range(firsts[pot], stop):
            if i + FAR < stop:
                prefetch(upto, max(ends[i + FAR].other, 0))
            # of a transfer that both pots cover the receipt is the one that counts
            if ends[i].at & FLAG == 0 or ends[i].other < 0 or upto[ends[i].other] < np.int64(ends[i].at & PLACE):
                count += 1
    return count


def networkx_haircut(
    columns: Sequence[Any],
    one: Cone,
    stops: NDArray[np.int64],
    groups: NDArray[np.int8],
    hops: int,
    number: int,
    unknown: int,
) -> tuple[NDArray[np.float64], float, float]:
    """A haircut over a cone: a `MultiDiGraph` of its transfers, pushed edge by edge in order; (account, seconds, seconds).

    The account is of the cone's last transfer, by hop and group.
    """
    start = time.perf_counter()
    graph = nx.MultiDiGraph()
    origins, covered = set(stops.tolist()), set(one.covered.tolist())
    for row, (source, target, amount) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        graph.add_edge(source, target if target >= 0 else f"nowhere {row}", key=row, amount=amount)
    edges = sorted(graph.edges(keys=True, data="amount"), key=lambda edge: edge[2])
    built = time.perf_counter() - start
    start = time.perf_counter()
    balance: dict[Any, int] = defaultdict(int)
    parts: dict[Any, dict[tuple[int, int], float]] = defaultdict(lambda: defaultdict(float))
    sent: dict[tuple[int, int], float] = {}
    for source, target, _, amount in edges:
        if source < 0 or source in origins:
            sent = {(1, int(groups[source])): float(amount)}
        elif source not in covered:
            sent = {(hops + 1, unknown): float(amount)}
        else:
            held, mine = balance[source], parts[source]
            share, stays = (amount / held, (held - amount) / held) if amount < held else (1.0, 0.0)
            sent = {}
            for (hop, group), value in mine.items():
                key = (hop + 1, group) if hop < hops else (hops + 1, unknown)
                sent[key] = sent.get(key, 0.0) + value * share
            if amount > held:
                sent[1, unknown] = sent.get((1, unknown), 0.0) + (amount - held)
            balance[source] = max(held - amount, 0)
            parts[source] = defaultdict(float, {key: value * stays for key, value in mine.items()} if stays else {})
        if target in covered:
            balance[target] += amount
            for key, value in sent.items():
                parts[target][key] += value
    account = np.zeros((hops + 2, number))
    for (hop, group), value in sent.items():
        account[hop, unknown if hop == hops + 1 else group] += value
    return account, built, time.perf_counter() - start


_LOADED: dict[int, Any] = {}


def duckdb_cone(index: Numbered, stops: NDArray[np.int64], pot: int, row: int, hops: int) -> tuple[int, float]:
    """How many pots a cone has by one recursive query over the whole ledger; and its seconds, the table loaded before."""
    if id(index) not in _LOADED:
        engine = duckdb.connect(config={"threads": 1})
        engine.execute("create table ledger (n integer, source integer, target integer)")
        for first in range(0, index.rows, 1 << 22):
            some = slice(first, min(first + (1 << 22), index.rows))
            n = np.arange(some.start, some.stop, dtype=np.int32)
            source, target = (np.array(index.columns[name][some]) for name in ("source", "target"))
            engine.register("chunk", {"n": n, "source": source, "target": target})
            engine.execute("insert into ledger select n, source, target from chunk")
        _LOADED[id(index)] = engine
    engine = _LOADED[id(index)]
    engine.register("stopping", {"pot": stops.astype(np.int32)})
    start = time.perf_counter()
    ((count,),) = engine.execute(
        """
        with recursive cone(pot, before, hop) as (
            select $pot::integer, $row::integer, 1
            union all
            select l.source, max(l.n), cone.hop + 1
            from cone join ledger l on l.target = cone.pot and l.n < cone.before
            where cone.hop < $hops and l.source >= 0 and l.source not in (select pot from stopping)
            group by l.source, cone.hop
        )
        select count(distinct pot) from cone
        """,
        {"pot": pot, "row": row, "hops": hops},
    ).fetchall()
    return int(count), time.perf_counter() - start


__all__ = ["Cone", "cone", "duckdb_cone", "networkx_haircut"]
