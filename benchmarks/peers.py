"""An outside program on the same list: it gets the list on standard input, and is timed.

The list is a line with the number of vertices, a line with the number of transfers, then a line for each transfer: source,
destination, time, amount, tab separated. Fees go to a vertex of their own, the last. What the program prints is not read.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.ledgers import FEE, Chunk


def write_list(path: Path, ledger: Iterable[Chunk], addresses: int, transfers: int) -> None:
    """Write a ledger as such a list; the time is the row's number."""
    options = pa.csv.WriteOptions(include_header=False, delimiter="\t")
    done = 0
    with path.open("wb") as file:
        file.write(f"{addresses + 1}\n{transfers}\n".encode())
        for chunk in ledger:
            columns = {
                "source": chunk.source,
                "target": np.where(chunk.target == FEE, np.int32(addresses), chunk.target),
                "time": np.arange(done, done + len(chunk.source)),
                "amount": chunk.amount,
            }
            pa.csv.write_csv(pa.table(columns), file, options)
            done += len(chunk.source)


def run(command: str, path: Path) -> float:
    """Seconds that a program takes over a list, from start to exit, its reading included.

    Raises
    ------
    SystemExit
        If it cannot be started or fails: what it said last is in the sentence.
    """
    with path.open("rb") as file, tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        try:
            done = subprocess.run(shlex.split(command), stdin=file, stdout=subprocess.DEVNULL, stderr=said, check=False)
        except OSError as fault:
            raise SystemExit(f"the outside program {command!r} cannot be started: {fault.strerror}") from fault
        seconds = time.perf_counter() - start
        if done.returncode:
            said.seek(0)
            last = said.read()[-500:].decode(errors="replace").strip()
            raise SystemExit(f"the outside program {command!r} ended with {done.returncode}: {last}")
    return seconds
