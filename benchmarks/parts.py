"""Where the time of a compiled rule goes: its loop while nothing is tracked, and what each tracked transfer adds.

    python -m benchmarks.parts [--transfers 20000000] [--addresses N] [--runs 3] [--scenarios MH] [--write]

The same moves are carried out three times: by the floor; by the rule with every origin untracked, so that it only reads columns
and headers; and by the rule as it is. The difference of the last two, shared among the transfers that carried something
tracked, is what rows, flags or lots cost. For order rules it is set against the lots that these moved.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks import baselines, rules, tables
from benchmarks.kernels import CHUNK, median
from benchmarks.ledgers import Chunk, Shape, chunks
from benchmarks.scenarios import NONE, SCENARIOS, Scenario, ledger_moves

NAMES = ("haircut 1x1", "haircut 5x5", "poison 5x5", "fifo 5x5", "lifo 5x5", "tiho 5x5")


def seconds(mode: rules.Mode, shape: Shape, ledger: Sequence[Chunk], scenario: Scenario, *, tracked: bool) -> tuple[float, int]:
    """CPU seconds of a run, and how many transfers carried something tracked."""
    run = rules.begin(mode, shape, scenario)
    for chunk in ledger:
        part = run.translated(chunk)
        if not tracked:  # what leaves an origin is drawn on a pot that is always empty
            source = np.where(part.origin >= 0, np.int32(shape.addresses), part.source)
            part = part._replace(source=source, origin=np.full(len(source), NONE, np.int32))
        run.advance(part)
    return run.seconds, run.carrying()


def clock(mode: rules.Mode, shape: Shape, ledger: Sequence[Chunk], scenario: Scenario, *, tracked: bool) -> float:
    """The seconds alone."""
    return seconds(mode, shape, ledger, scenario, tracked=tracked)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=20_000_000)
    parser.add_argument("--addresses", type=int, help="a fifth of the transfers by default")
    parser.add_argument("--scenarios", default="MH")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--note", default="", help="a remark to write beside it, such as what else ran")
    chosen = parser.parse_args(arguments)
    shape = Shape(chosen.transfers, chosen.addresses or chosen.transfers // 5)
    ledger, small = list(chunks(shape, CHUNK)), Shape(20_000, 5_000)
    title = f"{shape.transfers:,} transfers over {shape.addresses:,} addresses, median of {chosen.runs}; ns per transfer."
    grid = tables.Grid(
        title, ("rule", "floor", "nothing\ntracked", "as it is", "carried\n%", "ns per\ncarrying", "lots per\ncarrying")
    )
    for scenario in SCENARIOS:
        if scenario.name not in chosen.scenarios:
            continue
        moves = list(ledger_moves(shape, ledger, scenario))[1:]
        floor = median(lambda moves=moves: baselines.floor(shape.addresses, moves)[0], chosen.runs)
        for mode in rules.MODES:
            if mode.name not in NAMES:
                continue
            seconds(mode, small, list(chunks(small)), scenario, tracked=True)  # compiles
            took = [
                median(partial(clock, mode, shape, ledger, scenario, tracked=tracked), chosen.runs) for tracked in (False, True)
            ]
            carried = seconds(mode, shape, ledger, scenario, tracked=True)[1]
            base, full = (1e9 * value / shape.transfers for value in took)
            moved = ""
            if mode.rule in rules.ORDERS:
                moved = f"{rules.lots_moved(mode, shape, ledger, scenario).lots / max(carried, 1):.1f}"
            each = (full - base) * shape.transfers / max(carried, 1)
            grid.add(
                *(f"{mode.name}, {scenario.name}", f"{1e9 * floor / shape.transfers:.1f}", f"{base:.1f}", f"{full:.1f}"),
                *(f"{100 * carried / shape.transfers:.1f}", f"{each:.0f}", moved),
            )
    tables.show(grid)
    if chosen.write:
        note = f" {chosen.note.strip().rstrip('.')}." if chosen.note.strip() else ""
        tables.write("parts", f"Measured on: {tables.machine()}.{note}\n\n" + tables.markdown(grid))


if __name__ == "__main__":
    main()
