"""Score many wallets over a generated ledger, as a user would: whole commands, Parquet in, Parquet out.

    python benchmarks/rescore.py [--millions 1] [--wallets 1000,1000000] [--rule haircut] [--all] [--folder DIR]
        [--direct] [--write]

The ledger is synthetic: N million transfers over N/5 million addresses, 25 transfers a block, payers that were lately paid,
1,000 services with very many counterparties, 200 seeds in 5 categories; nobody spends more than it holds and the ledger is
declared whole, so that intervals are computed. It is generated and imported in pieces, each deleted after use. Each
command runs in a process of its own; what it took is asked of the system. With ``--folder`` the store is kept and used
again. ``--direct`` does not import: it writes the rows that rescoring reads straight into the store, without their copies for
look-ups, for ledgers that would take hours to import. ``--write`` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from exposure.store import catalogue, coverage, part_files, parts
from exposure.store.layouts import BY_NAME
from exposure.store.store import Store
from exposure.taint.kernels.compiled import kernel

PIECE = 20_000_000
CHUNK = 1_000_000
SERVICES, SEEDS = 1_000, 200
CATEGORIES = ("sanctioned", "mixer", "ransomware", "darknet_market", "scam")
ROOT = Path(__file__).resolve().parent.parent
ASSET, LAYOUT = "ethereum/native", BY_NAME["transfers"]
DOCUMENT, NAME = ROOT / "docs" / "performance.md", "rescore"
COMMAND = [sys.executable, "-c", "from exposure.cli import main; main()"]


@kernel
def draw(state: Any, held: Any, first: int, births: float, source: Any, target: Any, amount: Any) -> None:
    """The next transfers of a ledger. ``state``: how many addresses were born. Whoever has nothing is paid by a service."""
    np.random.seed(first)
    born, size = state[0], held.shape[0]
    for i in range(source.shape[0]):
        if first + i < SERVICES:  # what the services begin with is minted
            source[i], target[i], amount[i] = -1, first + i, 10**15
            held[first + i] += 10**15
            born = max(born, first + i + 1)
            continue
        r = np.random.random(6)
        lately = int(200.0 / (r[0] + 1e-4) ** 1.2)
        payer = born - 1 - lately % born
        if r[1] < 0.25 or held[payer] < 1_000:
            payer = int(SERVICES * r[2] ** 3)
        if born < size and r[3] < births:
            payee, born = born, born + 1
        elif r[3] < births + 0.2:
            payee = int(SERVICES * r[4] ** 3)
        else:
            payee = born - 1 - int(200.0 / (r[4] + 1e-4) ** 1.2) % born
        value = (
            int(held[payer] * (0.1 + 0.9 * r[5])) if payer >= SERVICES else int(min(held[payer] // 2, 10**7 / (r[5] + 1e-3)))
        )
        source[i], target[i], amount[i] = payer, payee, value
        held[payer] -= value
        held[payee] += value
    state[0] = born


def chunks(rows: int) -> Iterator[pa.Table]:
    """The ledger in the importer's own form, some rows at a time."""
    state, held = np.zeros(1, np.int64), np.zeros(rows // 5, np.int64)
    for first in range(0, rows, CHUNK):
        number = np.arange(first, min(first + CHUNK, rows))
        source, target, amount = (np.empty(len(number), np.int64) for _ in range(3))
        draw(state, held, first, 0.21, source, target, amount)
        block = number // 25
        yield pa.table(
            {
                "tx": hexed(number, 64, 1),
                "index": pa.array(np.zeros(len(number), np.int32)),
                "tx_index": pa.array((number % 25).astype(np.int32)),
                "block": pa.array(block),
                "time": pa.array(1_500_000_000 + 12 * block),
                "from": hexed(source, 40, 2, empty=source < 0),
                "to": hexed(target, 40, 2),
                "amount": pa.array(amount),
            }
        )


def pieces(rows: int, folder: Path) -> Iterator[Path]:
    """The ledger as files, one after the other; each is deleted when the next is asked for."""
    source = chunks(rows)
    for number in range(-(-rows // PIECE)):
        path, writer = folder / f"transfers-{number}.parquet", None
        for table in itertools.islice(source, PIECE // CHUNK):
            writer = writer or pq.ParquetWriter(path, table.schema, compression="lz4", use_dictionary=False)
            writer.write_table(table)
        if writer is not None:
            writer.close()
        yield path
        path.unlink()


def straight(tables: Iterable[pa.Table], folder: Path) -> Took:
    """Write a ledger as parts of a store, as an import leaves them, but without the copies that look-ups use."""
    start, spent = time.monotonic(), time.process_time()
    amount = pa.decimal128(38, 0)
    with Store.create(folder), contextlib.closing(catalogue.connect(folder, write=True)) as connection:
        parts.make_folders(folder)

        def batches() -> Iterator[pa.RecordBatch]:
            for table in tables:
                same = {
                    "chain": "ethereum",
                    "asset": ASSET,
                    "ordinal": "index:0",
                    "kind": "value",
                    "status": "ok",
                    "source": NAME,
                }
                index = pa.array(np.zeros(table.num_rows, np.int32))
                columns = {name: pa.DictionaryArray.from_arrays(index, [text]) for name, text in same.items()}
                if "kind" in table.column_names:
                    columns["kind"] = table["kind"]
                columns |= {"sender": table["from"], "receiver": table["to"], "amount": table["amount"].cast(amount)}
                columns |= {name: table[name] for name in ("tx", "block", "tx_index", "index", "time")}
                columns |= {"memo": pa.nulls(table.num_rows, pa.string()), "flags": index}
                columns["row_key"] = pa.array(np.zeros(table.num_rows, np.uint64))
                yield from pa.table({name: columns[name] for name in LAYOUT.columns}).to_batches()

        # No name of a hash: whoever imports more into this store makes the keys anew.
        made = part_files.write_run(folder, LAYOUT, "ethereum", batches(), hash_name="")
        with catalogue.transaction(connection):
            connection.execute("insert into versions values (1, 0, 'benchmark')")
            parts.add_parts(connection, 1, made, [])
            coverage.declare(connection, 1, [coverage.Coverage("ethereum", asset=ASSET, source=NAME)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Took(time.monotonic() - start, time.process_time() - spent, peak)


_LETTERS = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)


def hexed(number: Any, digits: int, kind: int, empty: Any = None) -> pa.Array:
    """0x-hex that looks as random as a hash: the same number and kind, the same text."""
    words = -(-digits // 16)
    mixed = np.empty((len(number), words), np.uint64)
    for word in range(words):
        part = number.astype(np.uint64) + np.uint64((kind << 56) + (word << 48)) + np.uint64(0x9E3779B97F4A7C15)
        part = (part ^ (part >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        part = (part ^ (part >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed[:, word] = part ^ (part >> np.uint64(31))
    text = np.empty((len(number), 2 + digits), np.uint8)
    text[:, 0], text[:, 1] = ord("0"), ord("x")
    text[:, 2:] = _LETTERS[mixed.view(np.uint8)].view(np.uint8)[:, :digits]
    ends = np.arange(0, (len(number) + 1) * (2 + digits), 2 + digits, dtype=np.int32)
    valid = None if empty is None else pa.py_buffer(np.packbits(~empty, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.string(), len(number), [valid, pa.py_buffer(ends), pa.py_buffer(text)])


class Took(NamedTuple):
    """What a command took: seconds on the clock and of the processor, peak memory in bytes."""

    seconds: float
    cpu: float
    peak: int


def run(*arguments: str | Path) -> Took:
    """Run ``exposure`` with some arguments, in a process of its own."""
    start = time.monotonic()
    child = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"exposure {arguments[0]} ended with {child.returncode}")
    return Took(time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def build(rows: int, work: Path, *, direct: bool) -> Took:
    """Make the store: ledger, tags; what the imports of the ledger took together."""
    store, spent = work / "store", []
    if direct:
        spent.append(straight(chunks(rows), store))
    for path in pieces(rows, work) if not direct else ():
        spent.append(run("import", path, "--chain", "ethereum", "--whole-ledger", "--store", store))
    seeds = np.arange(SEEDS) * ((rows // 5 - SERVICES) // SEEDS) + SERVICES
    names = [*hexed(np.arange(SERVICES), 40, 2).to_pylist(), *hexed(seeds, 40, 2).to_pylist()]
    kinds = ["exchange"] * SERVICES + [CATEGORIES[n % len(CATEGORIES)] for n in range(SEEDS)]
    lines = [f"{name},{kind} {n},{kind},100,benchmark" for n, (name, kind) in enumerate(zip(names, kinds, strict=True))]
    tags = work / "tags.csv"
    tags.write_text("\n".join(["address,entity,category,confidence,source", *lines]) + "\n")
    run("tags", "import", tags, "--store", store)
    return Took(sum(one.seconds for one in spent), sum(one.cpu for one in spent), max(one.peak for one in spent))


def wallets(count: int, addresses: int, path: Path) -> None:
    """A list of wallets: addresses of the ledger; where there are too few, addresses that it has never seen."""
    known = np.random.default_rng(2).permutation(addresses)[:count]
    rest = np.arange(addresses, addresses + count - len(known))
    pq.write_table(pa.table({"address": hexed(np.concatenate([known, rest]), 40, 2)}), path)


def main() -> None:
    """Build the store, measure, show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=1.0, help="million transfers")
    parser.add_argument("--wallets", default="1000,1000000", help="numbers of wallets")
    parser.add_argument("--rule", default="haircut")
    parser.add_argument("--folder", type=Path, help="keep ledger and store here; a temporary folder by default")
    parser.add_argument("--all", action="store_true", help="score every address, too: several passes over a large ledger")
    parser.add_argument("--direct", action="store_true", help="write the ledger into the store without importing it")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    chosen = parser.parse_args()
    rows = int(chosen.millions * 1_000_000)
    work = chosen.folder or Path(tempfile.mkdtemp(prefix="exposure-benchmark-"))
    work.mkdir(parents=True, exist_ok=True)
    steps: list[tuple[str, Took]] = []
    try:
        store = work / "store"
        if not store.exists():
            made = build(rows, work, direct=chosen.direct)
            steps.append(("the ledger straight into parts, no import" if chosen.direct else "import", made))
        shutil.rmtree(store / "index", ignore_errors=True)
        counts = [int(text) for text in chosen.wallets.split(",")]
        given, scored = work / "wallets.parquet", work / "scored.parquet"
        for place, count in enumerate([counts[0], *counts]):
            wallets(count, rows // 5, given)
            spent = run("rescore", given, "--rule", chosen.rule, "--store", store, "--quiet", "-o", scored)
            steps.append((f"{count:,} wallets" + (", building the index, compiling" if not place else ""), spent))
        if chosen.all:
            every = run("rescore", "--all", "--rule", chosen.rule, "--store", store, "--quiet", "-o", scored)
            steps.append((f"every address ({pq.read_metadata(scored).num_rows:,} rows)", every))
        show(rows, chosen.rule, steps, _size(store / "index"), write=chosen.write)
    finally:
        if chosen.folder is None:
            shutil.rmtree(work, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(rows: int, rule: str, steps: list[tuple[str, Took]], index: int, *, write: bool) -> None:
    """Print the table, and put it between its markers in the document."""
    heads = ("step", "seconds", "CPU seconds", "peak MiB")
    cells = [(name, f"{one.seconds:,.1f}", f"{one.cpu:,.1f}", f"{one.peak / 2**20:,.0f}") for name, one in steps]
    # Mapped columns count as memory while they are looked at; the system takes them back when it needs the room.
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    title = (
        f"{rows:,} transfers over {rows // 5:,} addresses, {rule}, interval too; index {index / 2**20:,.0f} MiB; "
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, load {os.getloadavg()[1]:.1f}"
    )
    drawn = Table(*heads, title=title)
    for column in drawn.columns[1:]:
        column.justify = "right"
    for row in cells:
        drawn.add_row(*row)
    Console(width=100).print(drawn)
    if write:
        lines = [title + ".", "", "| " + " | ".join(heads) + " |", "|---|---:|---:|---:|"]
        lines += ["| " + " | ".join(row) + " |" for row in cells]
        begin, end = f"<!-- {NAME} -->", f"<!-- /{NAME} -->"
        text = DOCUMENT.read_text()
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        DOCUMENT.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{tail}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
