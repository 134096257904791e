"""One billion transfers through a compiled rule, in pieces that are generated, written, read, carried out and deleted.

    python -m benchmarks.billion [--transfers 1000000000] [--scenario M] [--births 0.11] [--pieces 10] [--write]

A piece is generated into one Parquet file (lz4) and synced, and the system is told to forget its pages. Then the clock of
propagation starts: one thread reads ahead and finds out who is a seed or a service, the other carries transfers out. It
stops when the piece is done; the file is deleted and the next one generated. So propagation is all that a run over a ledger
on disk costs, and generation stands beside it.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import rules, tables
from benchmarks.ledgers import Chunk, Shape, chunks
from benchmarks.scenarios import SCENARIOS, Scenario

GROUP = 1 << 20
AHEAD = 3
"""Row groups that wait, translated, for the rule."""
SMALL = Shape(20_000, 5_000)


def write_piece(path: Path, ledger: Iterator[Chunk]) -> None:
    """Write chunks as one Parquet file, a row group each, and push it out of memory."""
    schema = pa.schema([("source", pa.int32()), ("target", pa.int32()), ("amount", pa.int64())])
    with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False, write_statistics=False) as writer:
        for chunk in ledger:
            writer.write_table(pa.table(chunk._asdict(), schema), row_group_size=GROUP)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_ahead(path: Path, run: rules.Run) -> Iterator[Any]:
    """The parts of a piece as the rule wants them, read and translated by another thread."""
    file = pq.ParquetFile(path, pre_buffer=False)

    def part(group: int) -> Any:
        rows = file.read_row_group(group, use_threads=False)
        return run.translated(Chunk(*(column.chunk(0).to_numpy() for column in rows.columns)))

    with file, ThreadPoolExecutor(1) as reader:
        waiting: deque[Future[Any]] = deque()
        for group in range(file.num_row_groups):
            waiting.append(reader.submit(part, group))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def propagate(
    shape: Shape, mode: rules.Mode, scenario: Scenario, pieces: int, folder: Path, *, group: int = GROUP
) -> tables.Grid:
    """Carry a rule through a ledger piece by piece; prints a line for each, returns the table."""
    path = folder / "piece.parquet"
    small = rules.begin(mode, SMALL, scenario)  # compiles, for arrays such as files give
    write_piece(path, chunks(SMALL))
    for part in read_ahead(path, small):
        small.advance(part)
    run = rules.begin(mode, shape, scenario)
    columns = ("piece", "transfers", "generated s", "propagated s", "rule s", "M/s", "carrying %", "on disk MB", "resident GiB")
    grid = tables.Grid("", columns)
    groups = -(-shape.transfers // group)
    ledger = chunks(shape, group)
    generated = propagated = 0.0
    done = carried = 0
    for piece in range(min(pieces, groups)):
        count = groups * (piece + 1) // min(pieces, groups) - groups * piece // min(pieces, groups)
        start = time.perf_counter()
        write_piece(path, islice(ledger, count))
        wrote = time.perf_counter() - start
        size, before, n = path.stat().st_size, run.seconds, min(count * group, shape.transfers - done)
        start = time.perf_counter()
        for part in read_ahead(path, run):
            run.advance(part)
        took = time.perf_counter() - start
        path.unlink()
        carrying = run.carrying() - carried
        generated, propagated, done, carried = generated + wrote, propagated + took, done + n, carried + carrying
        grid.add(
            *(str(piece + 1), f"{n:,}", f"{wrote:.1f}", f"{took:.1f}", f"{run.seconds - before:.1f}"),
            *(f"{n / took / 1e6:.1f}", f"{100 * carrying / n:.1f}", f"{size / 1e6:.0f}", f"{_resident():.2f}"),
        )
        print(f"piece {piece + 1}: {n:,} transfers in {took:.1f} s, {n / took / 1e6:.1f} million/s", flush=True)
    grid.add(
        *("all", f"{done:,}", f"{generated:.1f}", f"{propagated:.1f}", f"{run.seconds:.1f}"),
        *(f"{done / propagated / 1e6:.1f}", f"{100 * carried / done:.1f}", "", f"{_peak():.2f}"),
    )
    grid.title = (
        f"{mode.name}, scenario {scenario.name} ({scenario.says}): {done:,} transfers, {shape.addresses:,} addresses "
        f"({shape.births:.1%} new ones per transfer). Propagated in {propagated:.0f} s (reading and rule); "
        f"generated in {generated:.0f} s; peak resident {_peak():.2f} GiB, of which the generator holds "
        f"{8 * shape.addresses / 2**30:.2f} GiB."
    )
    return grid


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _resident() -> float:
    """Resident memory now, in GiB; where the system does not say, the peak so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return _peak()
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each piece and one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transfers", type=int, default=1_000_000_000)
    parser.add_argument("--births", type=float, default=0.11, help="new addresses per transfer, at most 0.28")
    parser.add_argument("--scenario", choices=[scenario.name for scenario in SCENARIOS], default="M")
    parser.add_argument("--rule", choices=[mode.name for mode in rules.MODES], default=rules.HAIRCUT.name)
    parser.add_argument("--pieces", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="where pieces lie, one at a time; the system's temporary folder by default")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    parser.add_argument("--note", default="", help="a remark to write beside it, such as what else ran")
    chosen = parser.parse_args(arguments)
    if chosen.transfers < 1 or chosen.pieces < 1:
        parser.error("--transfers and --pieces are numbers of at least 1")
    shape = Shape.of(chosen.transfers, chosen.births)
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == chosen.scenario)
    mode = next(mode for mode in rules.MODES if mode.name == chosen.rule)
    try:
        with tempfile.TemporaryDirectory(prefix="exposure-benchmark-", dir=chosen.folder) as folder:
            grid = propagate(shape, mode, scenario, chosen.pieces, Path(folder))
    except OSError as fault:
        raise SystemExit(f"a piece could not be written or read: {fault}; nothing was measured") from fault
    tables.show(grid)
    if chosen.write:
        note = f" {chosen.note.strip().rstrip('.')}." if chosen.note.strip() else ""
        tables.write(f"billion {scenario.name}", f"Measured on: {tables.machine()}.{note}\n\n" + tables.markdown(grid))


if __name__ == "__main__":
    main()
