"""Every compiled rule over a generated ledger, beside the floor, the definition, networkx, SQL and outside programs.

    python -m benchmarks.kernels [--transfers 1000000] [--addresses N] [--runs 3] [--rules haircut] [--peer CMD] [--write]

One thread; the median of some runs; compile time is not counted, nor is the generation of the ledger, nor finding out who
is a seed or a service (both lie in memory as columns). docs/performance.md says how each row is made and what it means.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import baselines, peers, rules, tables
from benchmarks.ledgers import Chunk, Shape, chunks
from benchmarks.scenarios import SCENARIOS, Reach, Scenario, ledger_moves, moves, reach

CHUNK = 1 << 22
SMALL = Shape(20_000, 5_000)
Cells = tuple[str, str, str, str]
NOTHING: Cells = ("", "", "", "")


def median(once: Callable[[], float], runs: int) -> float:
    """Median seconds of some runs."""
    return statistics.median(once() for _ in range(runs))


def timed(mode: rules.Mode, shape: Shape, ledger: Sequence[Chunk], scenario: Scenario, runs: int) -> tuple[float, int]:
    """Median seconds of a rule over a ledger, and how many transfers carried something tracked."""
    small, carrying = rules.begin(mode, SMALL, scenario), 0  # compiles
    for chunk in chunks(SMALL):
        small.advance(small.translated(chunk))
    translated = rules.begin(mode, shape, scenario).translated
    parts = [translated(chunk) for chunk in ledger]

    def once() -> float:
        nonlocal carrying
        run = rules.begin(mode, shape, scenario)
        for part in parts:
            run.advance(part)
        carrying = run.carrying()
        return run.seconds

    return median(once, runs), carrying


def floor_seconds(shape: Shape, ledger: Sequence[Chunk], scenario: Scenario, runs: int) -> float:
    """Median seconds of the floor over a ledger."""
    parts = [moves(chunk, scenario) for chunk in ledger]
    baselines.floor(SMALL.addresses, [moves(chunk, scenario) for chunk in chunks(SMALL)])  # compiles
    return median(lambda: baselines.floor(shape.addresses, parts)[0], runs)


class Bench:
    """One ledger, and the rows measured on it, scenario by scenario."""

    def __init__(self, shape: Shape, runs: int, scenarios: Sequence[Scenario]) -> None:
        self.shape, self.runs, self.scenarios = shape, runs, scenarios
        self.ledger: list[Chunk] = list(chunks(shape, CHUNK))
        self.rows: dict[str, dict[str, Cells]] = {}
        self.shares: dict[str, Reach] = {}
        self.floors: dict[str, float] = {}

    def put(self, row: str, scenario: str, seconds: float, transfers: int, share: str = "", touched: str = "") -> None:
        """Note a measurement; its cost per transfer is set against the floor's."""
        rate = transfers / seconds / 1e6
        times = seconds / transfers * self.shape.transfers / self.floors[scenario]
        self.rows.setdefault(row, {})[scenario] = _number(rate), _number(times), share, touched

    def compiled(self, scenario: Scenario, modes: Sequence[rules.Mode]) -> None:
        """The floor, and every mode."""
        name, shape, n = scenario.name, self.shape, self.shape.transfers
        self.shares[name] = reached = reach(shape.addresses, ledger_moves(shape, self.ledger, scenario))
        self.floors[name] = floor_seconds(shape, self.ledger, scenario, self.runs)
        touched = baselines.FLOOR_BYTES * (reached.drawn + reached.received) / n
        self.put("floor: balances only", name, self.floors[name], n, touched=f"{touched:.0f}")
        for mode in modes:
            seconds, carrying = timed(mode, shape, self.ledger, scenario, self.runs)
            touched = rules.touched(mode, shape, self.ledger, scenario)
            self.put(mode.name, name, seconds, n, _percent(carrying / n), f"{touched:.0f}")

    def compared(self, scenario: Scenario, slice_: int) -> None:
        """The definition and networkx on the first transfers, and SQL on all."""
        head = Chunk(*(column[: max(slice_ // 10, 1)] for column in self.ledger[0]))
        count = len(head.source)
        self.put(f"definition, first {count:,}", scenario.name, baselines.reference(self.shape, head, scenario)[0], count)
        head = Chunk(*(column[:slice_] for column in self.ledger[0]))
        count = len(head.source)
        seconds, _ = baselines.networkx_push(self.shape, head, scenario)
        self.put(f"networkx, first {count:,}", scenario.name, seconds, count)
        seconds, _ = baselines.duckdb_hops(self.ledger, scenario)
        self.put("DuckDB: reached, by hop", scenario.name, seconds, self.shape.transfers)

    def outside(self, commands: Sequence[str]) -> None:
        """Outside programs; they know no seeds, so they stand beside the last scenario."""
        if not commands:
            return
        with tempfile.TemporaryDirectory(prefix="exposure-benchmark-") as folder:
            path = Path(folder) / "list.tsv"
            peers.write_list(path, self.ledger, self.shape.addresses, self.shape.transfers)
            for number, command in enumerate(commands, 1):
                seconds = peers.run(command, path)
                self.put(f"peer {number}: {command}"[:24], self.scenarios[-1].name, seconds, self.shape.transfers)

    def grid(self) -> tables.Grid:
        """The table."""
        shape = self.shape
        names = [scenario.name for scenario in self.scenarios]
        columns = [f"{name}\n{what}" for name in names for what in ("M/s", "xfl", "%", "B")]
        title = (
            f"{shape.transfers:,} transfers over {shape.addresses:,} addresses, one thread, median of {self.runs}. "
            + "Tainted share: "
            + ", ".join(
                f"{s.name} ({s.says}) {_percent(self.shares[s.name].carrying / shape.transfers)} %" for s in self.scenarios
            )
            + ". M/s: million transfers a second; xfl: times the floor's time; %: transfers that carry something tracked; "
            + "B: bytes of state touched per transfer."
        )
        grid = tables.Grid(title, ("rule", *columns))
        for row, cells in self.rows.items():
            grid.add(row, *(cell for name in names for cell in cells.get(name, NOTHING)))
        return grid


def growth(sizes: Sequence[int], categories: Sequence[int], shape: Shape, runs: int, scenario: Scenario) -> tables.Grid:
    """Haircut's cost at some sizes, and at some numbers of columns."""
    grid = tables.Grid(
        f"Haircut in scenario {scenario.name}: cost by size, and by number of columns.",
        ("what", "transfers", "addresses", "columns", "ns/transfer", "ns of the floor", "seconds"),
    )
    by_size = [(Shape.of(size, shape.births), 5) for size in sizes]
    for what, cases in (("size", by_size), ("columns", [(shape, number) for number in categories])):
        for of, number in cases:
            mode = rules.Mode(f"haircut {number}x5", "haircut", number, 5)
            ledger = list(chunks(of, CHUNK))
            seconds, _ = timed(mode, of, ledger, scenario, runs)
            base = floor_seconds(of, ledger, scenario, runs)
            each, least = seconds / of.transfers * 1e9, base / of.transfers * 1e9
            grid.add(
                what,
                f"{of.transfers:,}",
                f"{of.addresses:,}",
                str(rules.columns(mode)),
                f"{each:.1f}",
                f"{least:.1f}",
                f"{seconds:.3f}",
            )
    return grid


def _number(value: float) -> str:
    """At most four characters from 0.01 to 99,999."""
    if value >= 10_000:
        return f"{value / 1000:.0f}k"
    if value >= 0.01:
        return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
    return f"{value:.0e}".replace("e-0", "e-")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.095 else f"{100 * share:.1f}"


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--addresses", type=int, help="a fifth of the transfers by default")
    parser.add_argument("--runs", type=int, default=3, help="the median of so many is shown")
    parser.add_argument("--slice", type=int, default=20_000, help="transfers for networkx; a tenth of them for the definition")
    parser.add_argument("--scenarios", default="LMH", help="which of L, M, H")
    parser.add_argument("--rules", default="", metavar="TEXT", help="only rows whose name has this in it")
    parser.add_argument("--peer", action="append", default=[], metavar="CMD", help="an outside program that reads the list")
    parser.add_argument("--sizes", default="", help="three sizes, comma separated; a quarter, a half and all by default")
    parser.add_argument("--categories", default="1,5,10", help="numbers of categories, comma separated")
    parser.add_argument("--fees", type=float, default=1 / 32, help="share of the accounts' payments that are fees")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another ledger")
    parser.add_argument("--no-baselines", action="store_true", help="leave out the definition, networkx and SQL")
    parser.add_argument("--no-growth", action="store_true", help="leave out the second table")
    parser.add_argument("--write", action="store_true", help="write both tables into docs/performance.md")
    parser.add_argument("--note", default="", help="a remark to write beside them, such as what else ran")
    chosen = parser.parse_args(arguments)
    chosen.addresses = chosen.addresses or chosen.transfers // 5
    chosen.categories = [int(number) for number in chosen.categories.split(",")]
    chosen.sizes = [int(size) for size in chosen.sizes.split(",") if size] or [
        chosen.transfers // 4,
        chosen.transfers // 2,
        chosen.transfers,
    ]
    if min(chosen.transfers, chosen.runs, chosen.slice, *chosen.sizes, *chosen.categories) < 1:
        parser.error("transfers, runs, slice, sizes and categories are numbers of at least 1")
    if not any(chosen.rules in mode.name for mode in rules.MODES):
        parser.error(f"--rules: no row has {chosen.rules!r} in its name; there are {', '.join(m.name for m in rules.MODES)}")
    if not set(chosen.scenarios) <= {"L", "M", "H"} or not chosen.scenarios:
        parser.error("--scenarios takes letters of LMH")
    return chosen


def main() -> None:
    """Print the tables, and write them where asked."""
    chosen = options()
    shape = Shape(chosen.transfers, chosen.addresses, chosen.fees, chosen.seed)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in chosen.scenarios]
    modes = [mode for mode in rules.MODES if chosen.rules in mode.name]
    bench = Bench(shape, chosen.runs, scenarios)
    for scenario in scenarios:
        bench.compiled(scenario, modes)
    if not chosen.no_baselines:
        for scenario in scenarios:
            bench.compared(scenario, chosen.slice)
    bench.outside(chosen.peer)
    grids = [bench.grid()]
    tables.show(grids[0])
    if not chosen.no_growth:
        bench.ledger = []
        grids.append(growth(chosen.sizes, chosen.categories, shape, chosen.runs, scenarios[-1]))
        tables.show(grids[1])
    if chosen.write:
        note = f" {chosen.note.strip().rstrip('.')}." if chosen.note.strip() else ""
        text = f"Measured on: {tables.machine()}.{note}\n\n" + "\n".join(tables.markdown(grid) for grid in grids)
        tables.write("kernels", text)


if __name__ == "__main__":
    main()
