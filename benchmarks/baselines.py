"""What the compiled rules are measured against, on the same list: a floor, the definition, networkx, and SQL."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ledgers import FEE, FIRST_ACCOUNT, FIRST_HUB, FIRST_SERVICE, SEEDS, Chunk, Shape, openings
from benchmarks.scenarios import CATEGORIES, NONE, Moves, Scenario, origins
from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import Kind, Place, Transfer
from exposure.model.settings import Rule, Settings
from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.reference import account
from exposure.taint.reference.lots import Run

ASSET = "ethereum/native"
AHEAD = 24
FLOOR_BYTES = 8
"""State of the floor: one 64-bit balance for each pot."""


def floor(addresses: int, ledger: Sequence[Moves]) -> tuple[float, NDArray[np.int64]]:
    """Seconds of the same loop that only moves balances, and the balances at the end.

    No engine that looks at every transfer can be faster: it reads the same columns, and prefetches as the rules do.
    """
    balances = np.zeros(addresses, np.int64)
    start = time.thread_time()
    for part in ledger:
        _move_balances(balances, part.source, part.target, part.amount, part.origin)
    return time.thread_time() - start, balances


@kernel
def _move_balances(balances: Any, source: Any, target: Any, amount: Any, origin: Any) -> None:
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(balances, source[i + AHEAD])
            prefetch(balances, max(target[i + AHEAD], 0))
        s, d, value = source[i], target[i], amount[i]
        if origin[i] < 0:
            balances[s] = max(balances[s] - value, 0)
        if d >= 0:
            balances[d] += value


def labels_of(scenario: Scenario) -> Labels:
    """A scenario as a label snapshot; an address is its id."""
    services = {str(n): Service(f"service {n}", "exchange") for n in range(FIRST_SERVICE, FIRST_HUB)}
    return Labels(
        seeds={str(n): Seed(f"seed {n}", CATEGORIES[n % len(CATEGORIES)]) for n in range(SEEDS)},
        boundaries=services if scenario.services_stop else {},
        hubs={str(n): "" for n in range(FIRST_HUB, FIRST_ACCOUNT)} if scenario.hubs_stop else {},
    )


def transfers_of(chunk: Chunk, first: int = 0) -> list[Transfer]:
    """A chunk as rows of the model; the time is the row's number."""
    rows = zip(chunk.source.tolist(), chunk.target.tolist(), chunk.amount.tolist(), strict=True)
    return [
        Transfer(str(i), str(i), Place(i, 0, 0), i, str(s), None if d == FEE else str(d), ASSET, v, _kind(d))
        for i, (s, d, v) in enumerate(rows, first)
    ]


def _kind(target: int) -> Kind:
    return Kind.FEE if target == FEE else Kind.VALUE


def reference(shape: Shape, chunk: Chunk, scenario: Scenario, rule: Rule = Rule.HAIRCUT) -> tuple[float, Run]:
    """Seconds and findings of the plain Python definition on the first transfers."""
    transfers, labels = transfers_of(chunk), labels_of(scenario)
    who, held = openings(shape)
    opened = {(str(n), ASSET): v for n, v in zip(who.tolist(), held.tolist(), strict=True)}
    start = time.thread_time()
    found = account.run(transfers, labels, Settings(rule=rule), openings=opened)
    return time.thread_time() - start, found


def networkx_push(shape: Shape, chunk: Chunk, scenario: Scenario, hops: int = 5) -> tuple[float, Any]:
    """Seconds and graph of a haircut pushed over a MultiDiGraph, edge by edge in the order of time.

    Every node keeps its balance and a dictionary of parts by (category, hop), as one would write it with networkx; seeds'
    parts only, floating point. Building the graph is not timed, sorting its edges is.
    """
    import networkx

    table = origins(scenario)
    graph: Any = networkx.MultiDiGraph()
    who, held = openings(shape)
    graph.add_nodes_from((n, {"balance": float(v), "parts": {}}) for n, v in zip(who.tolist(), held.tolist(), strict=True))
    rows = zip(chunk.source.tolist(), chunk.target.tolist(), chunk.amount.tolist(), strict=True)
    graph.add_edges_from((s, d, i, {"amount": v}) for i, (s, d, v) in enumerate(rows))
    for node in graph:
        graph.nodes[node].setdefault("balance", 0.0)
        graph.nodes[node].setdefault("parts", {})
    start = time.thread_time()
    for s, d, _, amount in sorted(graph.edges(data="amount", keys=True), key=lambda edge: edge[2]):
        payer, payee = graph.nodes[s], graph.nodes[d]
        role = table[min(s, FIRST_ACCOUNT)]
        pushed: dict[tuple[int, int], float] = {}
        if role != NONE:
            if role < SEEDS:
                pushed[s % len(CATEGORIES), 1] = float(amount)
        elif payer["balance"] > amount:
            share = amount / payer["balance"]
            payer["balance"] -= amount
            for (category, hop), part in payer["parts"].items():
                key = category, min(hop, hops) + 1
                pushed[key] = pushed.get(key, 0.0) + part * share
                payer["parts"][category, hop] = part * (1.0 - share)
        else:  # all that is there goes; what is missing is not tracked
            for (category, hop), part in payer["parts"].items():
                key = category, min(hop, hops) + 1
                pushed[key] = pushed.get(key, 0.0) + part
            payer["balance"], payer["parts"] = 0.0, {}
        if d >= 0 and table[min(d, FIRST_ACCOUNT)] == NONE:
            payee["balance"] += amount
            for key, part in pushed.items():
                payee["parts"][key] = payee["parts"].get(key, 0.0) + part
    return time.thread_time() - start, graph


def duckdb_hops(chunks: Iterable[Chunk], scenario: Scenario, hops: int = 5) -> tuple[float, list[tuple[int, int, int]]]:
    """Seconds of a hop loop in SQL, and what it found: (account, category, smallest hop).

    The loop joins the edge list with those reached so far, once a hop, and keeps for each account and category the first
    transfer by which it is reached in that many hops: paths respect time. That is exactly whom poison flags and its
    smallest hop. It says nothing of amounts: a share depends on what lay in every pot at every transfer, in order, and a
    join has no such order. One thread; loading the table is not timed.
    """
    import duckdb
    import pyarrow as pa

    joined = Chunk(*(np.concatenate(columns) for columns in zip(*chunks, strict=True)))
    table = origins(scenario)[:FIRST_ACCOUNT]
    edges = pa.table({"i": np.arange(len(joined.source)), "src": joined.source, "dst": joined.target})
    stops = pa.table({"account": np.flatnonzero(table != NONE).astype(np.int32)})
    seeds = pa.table({"account": np.arange(SEEDS, dtype=np.int32), "category": np.arange(SEEDS) % len(CATEGORIES)})
    with tempfile.TemporaryDirectory() as spill, duckdb.connect(config={"threads": 1, "temp_directory": spill}) as db:
        for name, rows in (("edges", edges), ("stops", stops), ("seeds", seeds)):
            db.register("given", rows)
            db.execute(f"CREATE TABLE {name} AS SELECT * FROM given")  # names are the three above
            db.unregister("given")
        start = time.perf_counter()
        db.execute(
            "CREATE TABLE reached AS SELECT 1 AS hop, dst AS account, category, min(i) AS first "
            "FROM edges JOIN seeds ON src = account WHERE dst >= 0 GROUP BY dst, category"
        )
        for hop in range(2, hops + 1):
            db.execute(
                """
                INSERT INTO reached
                WITH next AS (
                    SELECT dst AS account, category, min(i) AS first
                    FROM reached JOIN edges ON src = account AND i > first
                    WHERE hop = ? - 1 AND account NOT IN (SELECT account FROM stops) AND dst >= 0
                    GROUP BY dst, category
                ), best AS (SELECT account, category, min(first) AS first FROM reached GROUP BY account, category)
                SELECT ?, next.account, next.category, next.first
                FROM next LEFT JOIN best USING (account, category)
                WHERE best.first IS NULL OR next.first < best.first
                """,
                [hop, hop],
            )
        found = db.execute("SELECT account, category, min(hop) FROM reached GROUP BY ALL ORDER BY ALL").fetchall()
        return time.perf_counter() - start, found
