"""What it costs to go on from a saved state, and to recompute what lies downstream of one new seed, beside whole runs.

    python -m benchmarks.changes [--transfers 2000000] [--addresses N] [--scenario M] [--runs 3] [--write]

Haircut, five categories by five hops, every origin tracked, through the local engine's own sweep: what a rescoring does,
without its store. The state is saved after 99 % of the transfers; the new seed is an ordinary account that pays in the
middle of the ledger (the median is over several such accounts). Every result is compared with that of a whole run.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks import tables
from benchmarks.ledgers import FEE, FIRST_ACCOUNT, FIRST_HUB, FIRST_SERVICE, SEEDS, Shape, chunks
from benchmarks.scenarios import CATEGORIES, SCENARIOS, Scenario
from exposure.engines.local import saved
from exposure.engines.local.downstream import Change, recomputed
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import Sight
from exposure.engines.local.roles import ALWAYS, NONE, Groups, Roles
from exposure.engines.local.state import Found
from exposure.engines.local.sweep import Sweep
from exposure.model.settings import Rule

T = TypeVar("T")
HOPS = 5
WANTED = 100
"""One account in so many is asked for."""
LATE = 0.99


def ledger_of(shape: Shape) -> Ledger:
    """A generated ledger as an index gives it, in memory. A row is a transaction of its own."""
    n = shape.transfers
    source, target, low = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint64)
    done = 0
    for chunk in chunks(shape):
        some = slice(done, done + len(chunk.source))
        source[some], target[some], low[some] = chunk.source, chunk.target, chunk.amount
        done = some.stop
    fee = (target == FEE).astype(np.uint8)
    target[fee == 1] = NONE
    zeros = np.zeros(n, np.int64)
    columns = {"source": source, "target": target, "low": low, "high": zeros.view(np.uint64), "block": zeros, "time": zeros}
    columns |= {"tx": np.arange(n, dtype=np.uint64), "fee": fee}
    return Ledger(False, shape.addresses, 0, 0, np.zeros(shape.addresses, np.int32), 1, columns)


def roles_of(shape: Shape, scenario: Scenario, seed: int | None = None) -> Roles:
    """Who is who; ``seed``: an account that is one more seed."""
    groups = Groups(tuple(sorted(CATEGORIES)))
    group = np.full(shape.addresses, NONE, np.int32)
    group[:SEEDS] = np.arange(SEEDS) % len(CATEGORIES)
    if scenario.services_stop:
        group[FIRST_SERVICE:FIRST_HUB] = groups.known
    if scenario.hubs_stop:
        group[FIRST_HUB:FIRST_ACCOUNT] = groups.blind
    if seed is not None:
        group[seed] = 0
    since = np.full(shape.addresses, ALWAYS)
    return Roles(
        groups, np.arange(shape.addresses, dtype=np.int32), group, since, np.array([NONE], np.int32), np.array([ALWAYS])
    )


def begun(ledger: Ledger, roles: Roles, state: saved.Saved | None = None) -> Sweep:
    """A sweep with its wanted pots."""
    wanted = np.full(ledger.pots, NONE, np.int32)
    wanted[::WANTED] = np.arange(len(wanted[::WANTED]))
    return Sweep(ledger, Rule.HAIRCUT, HOPS, Sight(roles, wanted), np.zeros(len(wanted[::WANTED]), np.int32), saved=state)


def same(one: Found, other: Found) -> bool:
    """Whether two results agree to 1e-9 of each total."""
    totals = one.parts.sum(axis=1, keepdims=True)
    return bool((np.abs(one.parts - other.parts) <= 1e-9 * totals).all() and np.array_equal(one.limbs, other.limbs))


def going_on(ledger: Ledger, roles: Roles, folder: Path) -> list[tuple[str, float, str]]:
    """Rows of the table about a saved state: (what, seconds, remark)."""
    rows = int(ledger.rows * LATE)
    whole, full = _timed(lambda: _run(begun(ledger, roles)))
    result = whole.found()
    del whole
    early = replace(ledger, columns={name: column[:rows] for name, column in ledger.columns.items()})
    earlier = _run(begun(early, roles))
    _, saving = _timed(partial(saved.save, earlier, folder / "state", lambda *_: "the same"))
    size = sum(file.stat().st_size for file in (folder / "state").iterdir())
    del earlier
    (later, reading) = _timed(lambda: begun(ledger, roles, saved.read(folder / "state", lambda *_: "the same", ledger.rows)))
    _, on = _timed(lambda: _run(later))
    equal = "equal to the whole run" if same(later.found(), result) else "NOT EQUAL"
    return [
        ("whole ledger", full, f"{ledger.rows:,} transfers"),
        ("state: write", saving, f"{size / 1e6:,.0f} MB"),
        ("state: read", reading, ""),
        ("state: go on", on, f"{ledger.rows - rows:,} transfers; {equal}"),
    ]


def one_more_seed(ledger: Ledger, shape: Shape, scenario: Scenario, runs: int) -> tuple[str, float, str]:
    """The row about a new seed."""
    base = _run(begun(ledger, roles_of(shape, scenario)))
    payers = ledger.columns["source"][ledger.rows // 2 :]
    seconds, looked, equal = [], [], True
    for seed in payers[payers >= FIRST_ACCOUNT][: 50 * runs : 50].tolist():
        after = begun(ledger, roles_of(shape, scenario, seed))
        change = Change(ledger, Rule.HAIRCUT, base.state.groups, base.sight.pot_roles, after.sight.pot_roles)
        units = np.array(base.state.units, object)
        (kept, cost), took = _timed(
            lambda change=change, units=units: recomputed(change, base.state.kept, base.sight.wanted, units)
        )
        seconds.append(took)
        looked.append(cost.upstream + cost.downstream)
        expected = _run(after).state.kept
        equal &= bool((np.abs(kept - expected) <= 1e-9 * expected[:, -1:]).all())
    words = "equal to whole runs" if equal else "NOT EQUAL"
    return "one new seed", statistics.median(seconds), f"{int(statistics.median(looked)):,} transfers looked at; {words}"


def _run(made: Sweep) -> Sweep:
    made.run()
    return made


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work returns, and its seconds on the clock."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=2_000_000)
    parser.add_argument("--addresses", type=int, help="a fifth of the transfers by default")
    parser.add_argument("--scenario", choices=[scenario.name for scenario in SCENARIOS], default="M")
    parser.add_argument("--runs", type=int, default=3, help="new seeds that are tried")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--note", default="", help="a remark to write beside it, such as what else ran")
    chosen = parser.parse_args(arguments)
    scenario = next(one for one in SCENARIOS if one.name == chosen.scenario)
    warm = Shape(20_000, 5_000)
    shape = Shape(chosen.transfers, chosen.addresses or chosen.transfers // 5)
    with tempfile.TemporaryDirectory(prefix="exposure-benchmark-") as folder:
        for each in (warm, shape):  # the first compiles
            ledger = ledger_of(each)
            rows = [
                *going_on(ledger, roles_of(each, scenario), Path(folder)),
                one_more_seed(ledger, each, scenario, chosen.runs),
            ]
    title = f"{shape.transfers:,} transfers, {shape.addresses:,} addresses, scenario {scenario.name} ({scenario.says})."
    grid = tables.Grid(title, ("what", "seconds", "share of a whole run", "remark"))
    for what, took, remark in rows:
        grid.add(what, f"{took:.2f}", f"{100 * took / rows[0][1]:.1f} %", remark)
    tables.show(grid)
    if chosen.write:
        note = f" {chosen.note.strip().rstrip('.')}." if chosen.note.strip() else ""
        tables.write(f"changes {scenario.name}", f"Measured on: {tables.machine()}.{note}\n\n" + tables.markdown(grid))


if __name__ == "__main__":
    main()
