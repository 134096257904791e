"""Import a generated ledger of many transfers and print what it took: seconds, rows a second, peak memory, bytes on disk.

    python benchmarks/import_rows.py [--rows 20000000] [--through store|workflow] [--folder DIR]

The ledger is synthetic: 25 transfers a block, few addresses with very many, every hundredth row twice, rows shuffled
within each chunk. Generation is not measured; the import runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK = 500_000
ADDRESSES = 3_000_000
LIMIT_BYTES = 2 * 2**30


def generate(path: Path, rows: int) -> None:
    """Write the ledger as one Parquet file in the importer's own form: tx, index, block, time, from, to, amount.

    Everything follows from the row's number, so that a row that stands twice is the same both times.
    """
    draw = np.random.default_rng(1)
    writer: pq.ParquetWriter | None = None
    for first in range(0, rows, CHUNK):
        number = np.arange(first, min(first + CHUNK, rows))
        number[99::100] = number[98::100][: len(number[99::100])]
        draw.shuffle(number)
        block = number // 25
        table = pa.table(
            {
                "tx": _hex(number, 64),
                "index": pa.array(np.zeros(len(number)), pa.int32()),
                "tx_index": pa.array(number % 25, pa.int32()),
                "block": pa.array(block, pa.int64()),
                "time": pa.array(1_500_000_000 + 12 * block, pa.int64()),
                "from": _hex(_address(2 * number), 40),
                "to": _hex(_address(2 * number + 1), 40),
                "amount": pa.array((number * 2_654_435_761) % 10**15, pa.int64()),
            }
        )
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _address(end: np.ndarray) -> np.ndarray:
    """Number of the address at each end of each transfer: few have very many, most have one or two."""
    return (ADDRESSES * (_mixed(end.astype(np.uint64)) / 2.0**64) ** 3).astype(np.int64)


def _mixed(state: np.ndarray) -> np.ndarray:
    """64 bits that look random, from 64 bits that do not (the finaliser of splitmix64)."""
    mixed = state + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _hex(number: np.ndarray, digits: int) -> pa.Array:
    """0x-hex that looks as random as a hash: the same number, the same text."""
    words = [_mixed(number.astype(np.uint64) + np.uint64(word << 40)) for word in range(-(-digits // 16))]
    raw = np.stack(words, axis=1).astype(">u8").tobytes()
    width = 8 * len(words)
    return pa.array(["0x" + raw[at : at + width].hex()[:digits] for at in range(0, len(raw), width)], pa.string())


def through_store(path: Path, folder: Path) -> dict[str, object]:
    """Hand the file to the store's writer, batch by batch."""
    from exposure.store.store import Store

    with Store.create(folder) as store, store.writer("benchmark", complete=True) as writer:
        for batch in pq.ParquetFile(path, pre_buffer=False).iter_batches(CHUNK // 4):
            count = batch.num_rows
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns |= {
                "sender": columns.pop("from"),
                "receiver": columns.pop("to"),
                "flags": pa.array(np.zeros(count), pa.int32()),
            }
            for name, value in {
                "chain": "ethereum",
                "asset": "ethereum/native",
                "ordinal": "value",
                "kind": "value",
                "status": "ok",
            }.items():
                columns[name] = pa.repeat(value, count)
            writer.append("transfers", pa.table(columns))
        result = writer.commit()
    return {"stored": result.stored, "duplicate": result.duplicate, "rejected": result.rejected}


def through_workflow(path: Path, folder: Path) -> dict[str, object]:
    """Import the file as ``exposure import`` does."""
    command = [
        sys.executable,
        "-c",
        "from exposure.cli import main; main()",
        "import",
        str(path),
        "--chain",
        "ethereum",
        "--store",
        str(folder),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return {"exit": done.returncode, "said": (done.stdout + done.stderr)[-2000:]}


def main() -> None:
    """Generate, import in a child process, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--through", choices=["store", "workflow"], default="store")
    parser.add_argument("--folder", type=Path, help="keep ledger and store here; a temporary folder by default")
    parser.add_argument("--child", type=Path, nargs=2, metavar=("FILE", "STORE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        file, folder = chosen.child
        start = time.monotonic()
        outcome = (through_store if chosen.through == "store" else through_workflow)(file, folder)
        seconds = time.monotonic() - start
        who = resource.RUSAGE_SELF if chosen.through == "store" else resource.RUSAGE_CHILDREN
        print(json.dumps({"seconds": round(seconds, 1), "peak": resource.getrusage(who).ru_maxrss * 1024, **outcome}))
        return
    work = chosen.folder or Path(tempfile.mkdtemp(prefix="exposure-benchmark-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        file, folder = work / f"transfers-{chosen.rows}.parquet", work / f"store-{chosen.rows}"
        if not file.exists():
            generate(file, chosen.rows)
        command = [sys.executable, __file__, "--through", chosen.through, "--child", str(file), str(folder)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        rate = chosen.rows / told["seconds"]
        print(f"{chosen.rows:,} rows in {told['seconds']:,} s: {rate:,.0f} rows/s")
        print(
            f"peak memory {told['peak'] / 2**20:,.0f} MiB (limit {LIMIT_BYTES / 2**20:,.0f} MiB); store {size / 2**20:,.0f} MiB"
        )
        print({key: value for key, value in told.items() if key not in ("seconds", "peak")})
        if told["peak"] > LIMIT_BYTES:
            raise SystemExit("the import took more memory than it may")
    finally:
        if chosen.folder is None:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
