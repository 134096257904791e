"""Trace random deposits on a large store, warm and cold, beside networkx and SQL on the same cones.

    python -m benchmarks.trace_large --folder DIR [--ledger spread] [--transfers 100000000] [--deposits 200] [--write]

The ledger is that of `benchmarks.spread` (or, with ``--ledger lately``, of `benchmarks.ledgers`), with a fifth as many
addresses as transfers; what is held at the beginning is minted first, so nobody but pools spends what he has not got. It is
written straight into a store, without the copies that look-ups use, and numbered; then the trace index is made. All of it is
kept in the folder and used again. What is timed is the figure of one deposit: from its place in the index to amounts by
category and hop. docs/performance.md says what the columns mean.
"""

from __future__ import annotations

import argparse
import itertools
import json
import mmap
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import ledgers, spread, tables
from benchmarks.cones import Cone, cone, duckdb_cone, networkx_haircut
from benchmarks.ledgers import FEE, Chunk
from benchmarks.rescore import hexed, straight
from benchmarks.scenarios import CATEGORIES
from exposure.engines.local.ancestry import NAMED, ORDINARY, STOPS, Ancestry, Search, marked
from exposure.model.settings import Rule
from exposure.store.ends import Ends, ends_of
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.taint.kernels import shares

HOPS = 5
BUSY = 100_000
"""Movements of a pot past which it stops value in scenario E; `E10000` is the same with another number."""
CLASSES = (0, 1_000, 30_000, 300_000, 3_000_000, 30_000_000, 1 << 62)
"""Bounds of the classes of cones by size."""
COMPARABLE = 300_000
"""Transfers of a cone up to which networkx is tried."""
CHAIN = "ethereum"
UNKNOWN, KNOWN = len(CATEGORIES), len(CATEGORIES) + 1
GROUPS = KNOWN + 1


class Kind(NamedTuple):
    """A kind of ledger: what is held at the beginning and what is transferred, by number of transfers; and who is who by id."""

    openings: Callable[[int], tuple[NDArray[np.int32], NDArray[np.int64]]]
    chunks: Callable[[int], Iterable[Chunk]]
    seeds: range
    services: range
    hubs: range


def _lately(transfers: int) -> ledgers.Shape:
    return ledgers.Shape(transfers, transfers // 5)


KINDS = {
    "spread": Kind(
        spread.openings,
        spread.chunks,
        range(spread.SEEDS),
        range(spread.FIRST_HUB, spread.FIRST_ACCOUNT),
        range(0),
    ),
    "lately": Kind(
        lambda transfers: ledgers.openings(_lately(transfers)),
        lambda transfers: ledgers.chunks(_lately(transfers)),
        range(ledgers.SEEDS),
        range(ledgers.FIRST_SERVICE, ledgers.FIRST_HUB),
        range(ledgers.FIRST_HUB, ledgers.FIRST_ACCOUNT),
    ),
}


def ledger_tables(kind: Kind, transfers: int) -> Iterator[pa.Table]:
    """The ledger as an importer's tables: what is there at the beginning is minted, then a row is a transaction of its own."""
    who, held = kind.openings(transfers)
    done, beginning = 0, Chunk(np.full(len(who), -1, np.int32), who, held)
    for source, target, amount in itertools.chain([beginning], kind.chunks(transfers)):
        number = np.arange(done, done + len(source))
        done += len(source)
        block, fee = number // 25, target == FEE
        yield pa.table(
            {
                "tx": hexed(number, 64, 1),
                "index": pa.array(np.zeros(len(number), np.int32)),
                "tx_index": pa.array((number % 25).astype(np.int32)),
                "block": pa.array(block),
                "time": pa.array(1_500_000_000 + 12 * block),
                "from": hexed(source, 40, 2, empty=source < 0),
                "to": hexed(target, 40, 2, empty=fee),
                "amount": pa.array(amount),
                "kind": pa.DictionaryArray.from_arrays(pa.array(fee.astype(np.int32)), ["value", "fee"]),
            }
        )


@dataclass(frozen=True, slots=True)
class World:
    """The numbered ledger, its ends, and who is who in it, by pot."""

    index: Numbered
    ends: Ends
    seeds: NDArray[np.int64]
    services: NDArray[np.int64]
    hubs: NDArray[np.int64]

    def stops(self, scenario: str) -> NDArray[np.int64]:
        """The pots that stop value."""
        if scenario == "F":
            return np.unique(self.seeds)
        if scenario == "stops":
            return np.unique(np.concatenate([self.seeds, self.services, self.hubs]))
        busy, found = int(scenario[1:] or BUSY), [self.seeds]
        for start in range(0, self.index.pots, 1 << 20):
            found.append(start + np.flatnonzero(np.diff(self.ends.firsts[start : start + (1 << 20) + 1]) > busy))
        return np.unique(np.concatenate(found))

    def search(self, scenario: str) -> Search:
        """A search under a scenario."""
        marks = marked(self.index.pots)
        shares.put(marks, self.stops(scenario), STOPS)
        shares.put(marks, self.seeds, NAMED)
        return Search(self.ends.ends, self.ends.firsts, marks, lambda _pot: ORDINARY)

    def groups(self, scenario: str) -> NDArray[np.int8]:
        """The group of each origin, by pot and one more: what is minted."""
        found = np.full(self.index.pots + 1, KNOWN, np.int8)
        found[self.stops(scenario)] = KNOWN if scenario == "stops" else UNKNOWN
        found[self.services] = KNOWN
        found[self.seeds] = np.arange(len(self.seeds)) % len(CATEGORIES)
        return found


@contextmanager
def built(folder: Path, kind: Kind, transfers: int) -> Iterator[tuple[World, dict[str, Any]]]:
    """The store and its indexes, made where they are not there yet; and what making them took."""
    said = folder / "built.json"
    took: dict[str, Any] = json.loads(said.read_text()) if said.exists() else {}
    store = folder / "store"
    if not store.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "part"
        took["written s"] = round(straight(ledger_tables(kind, transfers), part).seconds)
        part.replace(store)
    with Store.open(store) as opened:
        start = time.monotonic()
        with numbered(opened, CHAIN) as index:
            between = time.monotonic()
            ends = ends_of(index)
            if "trace index s" not in took:
                took["numbered s"], took["trace index s"] = round(between - start), round(time.monotonic() - between)
            took["store MB"] = _size(store / "parts")
            took["index MB"] = _size(index.place)
            took["trace index MB"] = _size(index.place.with_name(f"{index.place.name}.ends"))
            said.write_text(json.dumps(took))
            seeds, services, hubs = (
                index.find(hexed(np.array(ids, np.int64), 40, 2))[1] for ids in (kind.seeds, kind.services, kind.hubs)
            )
            yield World(index, ends, seeds, services, hubs), took


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000


class Deposit(NamedTuple):
    """A payment of an account to a service: its row, and its place at the payer's pot."""

    row: int
    pot: int
    at: int


def deposits(world: World, count: int, seed: int) -> list[Deposit]:
    """Random deposits of the ledger's second half: payments of accounts to services."""
    special = np.zeros(world.index.pots, np.bool_)
    for pots in (world.seeds, world.services, world.hubs):
        special[pots] = True
    service = np.zeros(world.index.pots, np.bool_)
    service[world.services] = True
    search, found = world.search("F"), list[Deposit]()
    draw = np.random.default_rng(seed)
    while len(found) < count:
        row = int(draw.integers(world.index.rows // 2, world.index.rows))
        source, target = int(world.index.columns["source"][row]), int(world.index.columns["target"][row])
        if source >= 0 and target >= 0 and not special[source] and service[target]:
            found.append(Deposit(row, source, search.find(source, range(row, row + 1))[0]))
    return found


def account(found: Ancestry, groups: NDArray[np.int8], amount: int) -> NDArray[np.float64]:
    """Amounts by hop and group, checked to sum; beyond the last hop everything is unknown."""
    sums = np.zeros((HOPS + 2, GROUPS))
    np.add.at(sums, (found.origins.hop, groups[found.origins.pot]), found.origins.amount.astype(np.float64))
    np.add.at(sums, (found.lacking.hop, UNKNOWN), found.lacking.amount.astype(np.float64))
    sums[HOPS + 1, UNKNOWN] += float(found.beyond)
    if abs(sums.sum() - amount) > 1e-9 * amount:
        raise SystemExit(f"parts sum to {sums.sum()}, not to {amount}")
    return sums


class Peak:
    """The most anonymous memory of the process while something runs, asked for a hundred times a second."""

    def __init__(self) -> None:
        self.most, self._done = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.most = max(self.most, anonymous())  # what is over sooner was never asked

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.most = max(self.most, anonymous())


def anonymous() -> int:
    """Bytes of anonymous memory that the process has."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def forget(world: World) -> None:
    """Put the trace index out of the process and of the system's memory."""
    for array in (world.ends.ends, world.ends.firsts):
        mapped: Any = array._mmap  # numpy has no other way to the map behind an array
        mapped.madvise(mmap.MADV_DONTNEED)
        handle = os.open(array.filename, os.O_RDONLY)  # it is a `memmap`, see `ends_of`
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


class Times(NamedTuple):
    """Milliseconds on the clock and of the processor, and ends looked at, by deposit."""

    clock: list[float]
    cpu: list[float]
    looked: list[int]
    pots: list[int]


def measure(world: World, scenario: str, rule: Rule, some: Sequence[Deposit], *, cold: bool) -> Times:
    """Trace some deposits one after the other."""
    search, groups = world.search(scenario), world.groups(scenario)
    times = Times([], [], [], [])
    for deposit in some:
        if cold:
            forget(world)
        wall, cpu = time.perf_counter(), time.process_time()
        found = search.trace(deposit.pot, deposit.at, rule, HOPS)
        account(found, groups, int(world.index.columns["low"][deposit.row]))
        times.clock.append(1e3 * (time.perf_counter() - wall))
        times.cpu.append(1e3 * (time.process_time() - cpu))
        times.looked.append(found.looked)
        times.pots.append(found.pots)
    return times


def _ms(values: Sequence[float]) -> str:
    """Median and 95 %, of each three digits."""
    return " / ".join(f"{float(f'{value:.3g}'):,g}" for value in np.quantile(values, [0.5, 0.95]))


def _range(values: Sequence[float]) -> str:
    """Median and 95 % of counts: 948, 1.23k, 45.6M."""
    return " / ".join(map(_short, np.quantile(values, [0.5, 0.95])))


def _short(value: float) -> str:
    value = float(f"{value:.3g}")
    unit, size = next(((unit, size) for unit, size in (("M", 1e6), ("k", 1e3)) if value >= size), ("", 1))
    return f"{value / size:g}{unit}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Build or open the store, measure, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="store and indexes are kept here")
    parser.add_argument("--ledger", choices=tuple(KINDS), default="spread")
    parser.add_argument("--transfers", type=int, default=100_000_000)
    parser.add_argument("--deposits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the deposits")
    parser.add_argument("--scenarios", default="stops,E1000,E10000,E,F")
    parser.add_argument("--rules", default="haircut,fifo,lifo")
    parser.add_argument("--cold", type=int, default=50, help="deposits that are also traced cold, in each scenario")
    parser.add_argument("--compared", type=int, default=3, help="deposits that networkx and SQL also get, in each scenario")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--note", default="", help="a remark to write beside it, such as what else ran")
    chosen = parser.parse_args(arguments)
    with built(chosen.folder, KINDS[chosen.ledger], chosen.transfers) as (world, took):
        grid = shown(world, chosen, took)
        if chosen.write:
            note = f" {chosen.note.strip().rstrip('.')}." if chosen.note.strip() else ""
            tables.write(
                f"trace {chosen.ledger}", f"Measured on: {tables.machine()}, load {os.getloadavg()[1]:.1f}.{note}\n\n{grid}"
            )


def shown(world: World, chosen: argparse.Namespace, took: dict[str, Any]) -> str:
    """Measure everything, print it as it comes, and return it as Markdown."""
    some, rules = deposits(world, chosen.deposits, chosen.seed), [Rule(name) for name in chosen.rules.split(",")]
    for rule in rules:  # compiles
        measure(world, "stops", rule, some[:3], cold=False)
    title = (
        f"{world.index.rows:,} transfers over {world.index.pots:,} pots, {len(some)} random deposits, {HOPS} hops; "
        f"median / 95 %. Making the store: {', '.join(f'{name} {value:,}' for name, value in took.items())}."
    )
    grid = tables.Grid(title, ("scenario, rule", "cone", "looked at", "pots", "warm ms", "CPU ms", "cold ms", "anon\nMB"))
    compared = tables.Grid(
        f"The first {chosen.compared} deposits of each scenario whose cones have at most {COMPARABLE:,} transfers, haircut. "
        "Medians; networkx's and SQL's figures are not counted before the graph is built and the table loaded.",
        ("scenario", "cone", "this ms", "networkx: graph s", "networkx: haircut s", "DuckDB: cone s", "the same"),
    )
    by_size: list[tuple[int, float, float, int]] = []
    beside: dict[str, list[tuple[Deposit, Cone]]] = {}
    for scenario in chosen.scenarios.split(","):
        sizes, near = list[int](), list[tuple[Deposit, Cone]]()
        for rule in rules:
            measure(world, scenario, rule, some, cold=False)  # what the cold ones before put out comes back
            with Peak() as peak:
                warm = measure(world, scenario, rule, some, cold=False)
            cold = measure(world, scenario, rule, some[: chosen.cold], cold=True) if chosen.cold else None
            if not sizes:
                marks = world.search(scenario).marks
                for deposit in some:
                    keep = COMPARABLE if len(near) < chosen.compared else -1
                    one = cone(world.ends, marks, deposit.pot, deposit.at, HOPS, keep=keep)
                    sizes.append(one.transfers)
                    if one.rows is not None:
                        near.append((deposit, one))
            if rule is Rule.HAIRCUT:
                by_size += zip(sizes, warm.clock, warm.cpu, warm.looked, strict=True)
            grid.add(
                f"{scenario}, {rule.value}",
                _range(sizes),
                _range(warm.looked),
                _range(warm.pots),
                _ms(warm.clock),
                _ms(warm.cpu),
                _ms(cold.clock) if cold else "",
                f"{peak.most / 1e6:,.0f}",
            )
            print(" | ".join(grid.rows[-1]), flush=True)
        if near:
            beside[scenario] = near
    for scenario, those in beside.items():  # last: the table takes memory
        compared.add(scenario, *_beside(world, scenario, those))
    classes = _classes(by_size)
    for each in (grid, classes, compared):
        tables.show(each)
    return "\n".join(tables.markdown(each) for each in (grid, classes, compared))


def _classes(found: Sequence[tuple[int, float, float, int]]) -> tables.Grid:
    """Haircut's times by the size of the cone, over all scenarios."""
    grid = tables.Grid(
        "Haircut by the size of the cone, all scenarios together; median / 95 %.",
        ("transfers in the cone", "deposits", "looked at", "warm ms", "CPU ms"),
    )
    for low, high in itertools.pairwise(CLASSES):
        some = [one for one in found if low <= one[0] < high]
        if some:
            _, clock, cpu, looked = zip(*some, strict=True)
            name = f"{low:,} and more" if high == CLASSES[-1] else f"{low:,} to {high:,}"
            grid.add(name, f"{len(some):,}", _range(looked), _ms(clock), _ms(cpu))
    return grid


def _beside(world: World, scenario: str, some: Sequence[tuple[Deposit, Cone]]) -> list[str]:
    """One row: our time, networkx's and DuckDB's, on the same cones, and whether they agree."""
    search, groups, stops = world.search(scenario), world.groups(scenario), world.stops(scenario)
    mine, building, running, sql, same = [], [], [], [], True
    for deposit, one in some:
        search.trace(deposit.pot, deposit.at, Rule.HAIRCUT, HOPS)  # theirs is in memory too
        start = time.perf_counter()
        found = account(
            search.trace(deposit.pot, deposit.at, Rule.HAIRCUT, HOPS), groups, int(world.index.columns["low"][deposit.row])
        )
        mine.append(1e3 * (time.perf_counter() - start))
        assert one.rows is not None
        columns = [np.asarray(world.index.columns[name][one.rows]) for name in ("source", "target", "low")]
        theirs, built_in, ran_in = networkx_haircut(columns, one, stops, groups, HOPS, GROUPS, UNKNOWN)
        same &= bool((np.abs(theirs - found) <= 1e-9 * found.sum()).all())
        building.append(built_in)
        running.append(ran_in)
        pots, seconds = duckdb_cone(world.index, stops, deposit.pot, deposit.row, HOPS)
        same &= pots == one.pots
        sql.append(seconds)
    medians = [float(np.median(values)) for values in (mine, building, running, sql)]
    sizes = _range([one.transfers for _, one in some])
    return [sizes, f"{medians[0]:.2f}", *(f"{value:.2f}" for value in medians[1:]), "yes" if same else "NO"]


if __name__ == "__main__":
    main()
