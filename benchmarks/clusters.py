"""Time clustering over a generated UTXO ledger; then precision and recall against the truth of a simulated economy.

    python benchmarks/clusters.py [--inputs 40000000] [--addresses 30000000] [--runs 3] [--size small] [--data FOLDER]

The generated ledger is harder than a real one on the cache: owners pay in random order, each with ten addresses. The time is
of the merging alone, on one thread; reading columns from disk is not in it, compiling neither. Precision: of the pairs of
addresses that are put into one cluster, how many have one owner; recall: of the pairs of one owner that ever signed something,
how many are in one cluster. With real data (``--data``, or the setting EXPOSURE_CHECK_DATA) the year 2009 and single raw
blocks are clustered as well.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from exposure.attribution.clusters import METHODS, Method
from exposure.attribution.clusters.coins import merge


def generated(inputs: int, addresses: int) -> dict[str, Any]:
    """Columns of a ledger of about so many inputs."""
    draw = np.random.default_rng(1)
    number = inputs // 2
    ins = draw.geometric(0.5, number).astype(np.int64)
    rows_each = ins + draw.choice([1, 2, 2, 2, 3], number)
    ends = np.cumsum(rows_each)
    rows = int(ends[-1])
    out = np.arange(rows) - np.repeat(ends - rows_each, rows_each) >= np.repeat(ins, rows_each)
    owner = np.repeat(draw.integers(0, addresses // 10, number), rows_each) * 10
    address = np.where(out, draw.integers(0, addresses, rows), owner + draw.integers(0, 10, rows))
    return {
        "tx_no": np.repeat(np.arange(number, dtype=np.int32), rows_each),
        "flags": out.astype(np.uint8),
        "address": address.astype(np.int32),
        "amount": draw.integers(1_000, 10**9, rows),
        "time": np.full(rows, 1_600_000_000),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=40_000_000)
    parser.add_argument("--addresses", type=int, default=30_000_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    columns = generated(given.inputs, given.addresses)
    inputs = int((columns["flags"] == 0).sum())
    nobody = np.full(given.addresses, -1, np.int32)
    table = Table("method", "inputs", "merges", "seconds", "inputs/s")
    for method in (Method.EVIDENCE, Method.EXPLORATION):
        script = np.zeros(given.addresses if method is Method.EXPLORATION else 0, np.int8)
        merge({name: column[:100] for name, column in columns.items()}, nobody, script, METHODS[method])
        taken = []
        for _ in range(given.runs):
            start = time.perf_counter()
            found = merge(columns, nobody, script, METHODS[method])
            taken.append(time.perf_counter() - start)
        seconds = statistics.median(taken)
        table.add_row(method, f"{inputs:,}", f"{len(found.links):,}", f"{seconds:.1f}", f"{inputs / seconds:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
