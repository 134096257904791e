"""Time the compiled rules over a generated ledger, beside the floor (balances only) and the reference on a slice.

    python benchmarks/kernels.py [--transfers 5000000] [--addresses 1000000] [--runs 3] [--slice 20000]

The ledger is synthetic: heavy-tailed degrees, payers that were lately paid, 200 seeds in 5 categories, 1,000 services.
"Services stop" is what a run with services as boundaries sees; "nothing stops" follows value through everybody. Compile
time is not counted. One thread; the figure is the median of the runs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import Place, Transfer
from exposure.model.settings import Rule, Settings
from exposure.taint.kernels import haircut, ordered, poison
from exposure.taint.kernels.compiled import kernel
from exposure.taint.kernels.layout import BURN, NONE, Found, Groups, Transfers, width
from exposure.taint.reference import account

CATEGORIES, SEEDS, SERVICES = 5, 200, 1_000
Moves = tuple[Any, Any, Any]
Run = Callable[[], float]
EMPTY32, EMPTY8 = np.empty(0, np.int32), np.empty(0, np.int8)


@kernel
def floor(balances: Any, source: Any, target: Any, amount: Any) -> None:
    """Move balances and nothing else: no engine that looks at every transfer can be faster."""
    for i in range(source.shape[0]):
        s, d, value = source[i], target[i], amount[i]
        if value <= 0.0:
            continue
        balances[s] = max(balances[s] - value, 0.0)
        if d >= 0:
            balances[d] += value


class Ledger:
    """A generated ledger: ``source``, ``target`` (dense ids), ``amount``; who is a seed (category) or a service."""

    def __init__(self, transfers: int, addresses: int) -> None:
        draw = np.random.default_rng(1)
        front = (np.arange(transfers) * (addresses / transfers)).astype(np.int64)

        def lately(scale: int) -> Any:
            return (front - (draw.pareto(1.2, transfers) * scale).astype(np.int64)) % addresses

        self.source = lately(1_000).astype(np.int32)
        self.target = ((lately(1_000) + draw.integers(0, 1_000, transfers)) % addresses).astype(np.int32)
        services = draw.choice(addresses, SERVICES, replace=False)
        busy = draw.random(transfers)
        self.target[busy < 0.25] = services[(draw.pareto(1.0, int((busy < 0.25).sum())) * 20).astype(np.int64) % SERVICES]
        self.source[busy > 0.8] = services[(draw.pareto(1.0, int((busy > 0.8).sum())) * 20).astype(np.int64) % SERVICES]
        self.amount = np.ceil(draw.pareto(1.5, transfers) * 1e6)
        self.amount[self.source == self.target] = 0.0
        self.category = np.full(addresses, NONE, np.int32)
        self.category[draw.choice(addresses, SEEDS, replace=False)] = np.arange(SEEDS) % CATEGORIES
        self.service = np.zeros(addresses, bool)
        self.service[services] = True
        self.service &= self.category == NONE
        self.addresses = addresses

    def moves(self, *, services_stop: bool, groups: int, attributed: int) -> tuple[Any, Any, Any]:
        """Source, target and origin of every transfer, as kernels want them; one pot more is a source of untracked value."""
        ends = (self.category != NONE) | (self.service if services_stop else False)
        origin = np.where(self.category[self.source] != NONE, self.category[self.source] % groups, NONE).astype(np.int32)
        source = self.source.copy()
        if services_stop:
            from_service = self.service[self.source]
            if attributed != NONE:
                origin[from_service] = attributed
            source[from_service] = self.addresses
        target = np.where(ends[self.target], BURN, self.target).astype(np.int32)
        return source, target, origin


def median(run: Callable[[], float], runs: int) -> float:
    """Median seconds of some runs."""
    return statistics.median(run() for _ in range(runs))


def parts_run(
    ledger: Ledger, module: Any, groups: Groups, moves: tuple[Any, Any, Any], shares: list[float]
) -> Callable[[], float]:
    """A run of haircut or poison, with fees, totals and shortfalls kept."""
    wide = width(groups.number, groups.hops)
    rest = np.zeros(len(ledger.amount))
    table = Transfers(moves[0], moves[1], ledger.amount, rest, moves[2], EMPTY32, EMPTY32, EMPTY8)

    def run() -> float:
        found = Found(np.zeros((1, wide + 1)), np.zeros(wide + 1), np.empty((0, 0)), np.empty(0))
        state = module.empty(ledger.addresses + 1, groups)
        start = time.perf_counter()
        state = module.advance(state, table, groups, found)
        seconds = time.perf_counter() - start
        shares.append(float(state.used[2]) / len(ledger.amount))
        return seconds

    return run


def lots_run(
    ledger: Ledger, rule: int, groups: Groups, moves: tuple[Any, Any, Any], shares: list[float]
) -> Callable[[], float]:
    """A run of fifo, lifo or tiho with category tags."""
    wide = width(groups.number, groups.hops)
    whole = ordered.Whole(moves[0], moves[1], ledger.amount.astype(np.int64), moves[2], EMPTY32, EMPTY32, EMPTY8)
    after, turn = ordered.tables(groups)
    none = np.empty(0, np.int64)

    def run() -> float:
        found = ordered.Counted(np.zeros((1, wide + 1), np.int64), np.zeros(wide + 1, np.int64), none, none, none)
        state = ordered.empty(ledger.addresses + 1)
        start = time.perf_counter()
        state, _ = ordered.advance(state, whole, groups, found, rule, after, turn)
        seconds = time.perf_counter() - start
        shares.append(float(state.used[2]) / len(ledger.amount))
        return seconds

    return run


def configured(of: Ledger, kind: str, numbers: Groups, shares: list[float], *, services_stop: bool) -> Run:
    """A run of a rule over a ledger."""
    attributed = numbers.number - 1 if numbers.number > numbers.seeds else NONE
    moves = of.moves(services_stop=services_stop, groups=numbers.seeds, attributed=attributed)
    if kind in ("haircut", "poison"):
        return parts_run(of, haircut if kind == "haircut" else poison, numbers, moves, shares)
    rule = {"fifo": ordered.FIFO, "lifo": ordered.LIFO, "tiho": ordered.TIHO}[kind]
    return lots_run(of, rule, numbers, moves, shares)


def reference_rate(ledger: Ledger, count: int) -> float:
    """Transfers a second of the plain Python haircut on the first ``count`` transfers."""
    labels = Labels(
        seeds={str(a): Seed(f"seed {c}", f"c{c}") for a, c in enumerate(ledger.category.tolist()) if c != NONE},
        boundaries={str(a): Service(str(a), "exchange") for a in np.flatnonzero(ledger.service).tolist()},
    )
    rows = zip(ledger.source[:count].tolist(), ledger.target[:count].tolist(), ledger.amount[:count].tolist(), strict=True)
    transfers = [
        Transfer(str(i), str(i), Place(i, 0, 0), i, str(s), str(d), "a/native", int(v)) for i, (s, d, v) in enumerate(rows)
    ]
    start = time.perf_counter()
    account.run(transfers, labels, Settings(rule=Rule.HAIRCUT))
    return count / (time.perf_counter() - start)


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--transfers", type=int, default=5_000_000)
    options.add_argument("--addresses", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--slice", type=int, default=20_000)
    chosen = options.parse_args()
    console = Console(width=100)
    ledger = Ledger(chosen.transfers, chosen.addresses)
    small = Ledger(1_000, 1_000)
    table = Table(
        title=f"{chosen.transfers:,} transfers over {chosen.addresses:,} addresses, one thread, median of {chosen.runs}"
    )
    for name in ("what", "stops", "tracked", "M transfers/s", "x floor"):
        table.add_column(name, justify="left" if name in ("what", "stops") else "right")

    def add(what: str, stops: str, share: str, seconds: float) -> None:
        table.add_row(what, stops, share, f"{chosen.transfers / seconds / 1e6:.1f}", f"{seconds / base:.1f}")

    def floor_run(of: Ledger = ledger) -> float:
        balances = np.zeros(of.addresses)
        start = time.perf_counter()
        floor(balances, of.source, of.target, of.amount)
        return time.perf_counter() - start

    floor_run(small)
    base = median(floor_run, chosen.runs)
    add("floor: balances only", "-", "-", base)
    for stops in (True, False):
        word = "services" if stops else "nothing"
        for what, groups, hops, whole in (
            ("haircut, 1 x 1", 1, 1, False),
            ("haircut, 5 x 5", CATEGORIES, 5, False),
            ("haircut, 5 x 5, every origin", CATEGORIES, 5, True),
            ("poison, 5 x 5", CATEGORIES, 5, False),
            ("fifo, 5 x 5", CATEGORIES, 5, False),
            ("lifo, 5 x 5", CATEGORIES, 5, False),
            ("tiho, 5 x 5", CATEGORIES, 5, False),
        ):
            count = groups + 2 if whole else groups
            shortfall = np.array([groups if whole else NONE], np.int32)
            numbers = Groups(count, groups, groups + 1 if whole else groups, hops, shortfall)
            shares: list[float] = []
            kind = what.split(",")[0]
            configured(small, kind, numbers, shares, services_stop=stops)()  # compiles
            seconds = median(configured(ledger, kind, numbers, shares, services_stop=stops), chosen.runs)
            add(what, word, f"{shares[-1]:.0%}", seconds)
    rate = reference_rate(ledger, chosen.slice)
    add(f"reference, haircut (first {chosen.slice:,})", "services", "-", chosen.transfers / rate)
    console.print(table)


if __name__ == "__main__":
    main()
