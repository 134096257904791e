"""Writing part files: immutable, sorted Parquet files named by their content."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exposure.model.ledger import Flag
from exposure.store.layouts import Layout
from exposure.store.parts import PARTS, STAGING, Part, disk_errors, private_file, sync_folder

MAX_PART_ROWS = 2 * 2**20
"""Rows of a part file: a look-up in a large store opens one small footer, not one of the whole ledger."""


class _Span:
    """Smallest and largest value of a column over tables."""

    def __init__(self) -> None:
        self.first: Any = None
        self.last: Any = None

    def see(self, table: pa.Table, name: str) -> None:
        if name in table.schema.names and table.num_rows:
            found = pc.min_max(table.column(name)).as_py()
            self.first = found["min"] if self.first is None else min(self.first, found["min"])
            self.last = found["max"] if self.last is None else max(self.last, found["max"])


def write_run(folder: Path, layout: Layout, chain: str, batches: Iterable[pa.RecordBatch], *, hash_name: str) -> list[Part]:
    """Write sorted rows as part files, each on disk for good (fsync) before its name exists.

    A name is the layout and a digest of the content, so writing the same rows again gives the same files.

    Parameters
    ----------
    folder : Path
        The store's folder.
    layout : Layout
        What the rows are; its row group size is kept.
    chain : str
        Chain of all rows.
    batches : iterable of RecordBatch
        Rows in the layout's order.
    hash_name : str
        Name of the hash that fills the `ROW_KEY` column.

    Returns
    -------
    list of Part
        In order; empty if there are no rows.
    """
    run = secrets.token_hex(8)
    groups = _groups(batches, layout.rows_per_group)
    written = []
    for first in groups:
        part = _write_part(folder, layout, chain, run, itertools.chain([first], groups))
        written.append(part._replace(hash=hash_name))
    with disk_errors(folder):
        sync_folder(folder / PARTS)
    return written


def _write_part(folder: Path, layout: Layout, chain: str, run: str, groups: Iterator[pa.Table]) -> Part:
    """Write up to `MAX_PART_ROWS` of what ``groups`` (tables of whole row groups) still has; there is something."""
    temporary = folder / STAGING / f"{secrets.token_hex(8)}.part"
    blocks, times, keys, time_order, rows = _Span(), _Span(), _Span(), False, 0
    try:
        with disk_errors(folder), private_file(temporary) as sink, contextlib.ExitStack() as closing:
            writer: pq.ParquetWriter | None = None
            for table in groups:
                if writer is None:
                    writer = _parquet_writer(sink, layout, table.schema)
                    closing.callback(_close_quietly, writer)
                writer.write_table(table, row_group_size=layout.rows_per_group)
                rows += table.num_rows
                blocks.see(table, "block")
                times.see(table, "time")
                if pa.types.is_string(table.schema.field(layout.lead).type):
                    keys.see(table, layout.lead)
                if not time_order and "flags" in table.schema.names:
                    time_order = _any_flag(table, Flag.TIME_ORDER)
                if rows >= MAX_PART_ROWS:
                    break
            if writer is not None:
                writer.close()
            sink.flush()
            os.fsync(sink.fileno())
        with disk_errors(folder):
            size = temporary.stat().st_size
            name = f"{layout.name}-{_digest(temporary)}.parquet"
            temporary.rename(folder / PARTS / name)
    finally:
        temporary.unlink(missing_ok=True)
    spans = (blocks.first, blocks.last, times.first, times.last)
    return Part(name, layout.name, chain, run, keys.first, keys.last, rows, size, *spans, time_order=time_order, hash="")


def _parquet_writer(sink: IO[bytes], layout: Layout, schema: pa.Schema) -> pq.ParquetWriter:
    dictionary = [name for name in schema.names if name not in layout.plain]
    return pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionary,
        write_statistics=True,
        write_page_checksum=True,
        store_schema=False,
    )


def _close_quietly(writer: pq.ParquetWriter) -> None:
    # After an error the file is thrown away: closing only gives buffers back, and may fail for the reason already told.
    with contextlib.suppress(Exception):
        writer.close()


def _groups(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Batches put together into tables of a whole number of row groups, the last one less."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= rows:
            table = pa.Table.from_batches(held)
            whole = count - count % rows
            yield table.slice(0, whole)
            held = table.slice(whole).to_batches()
            count -= whole
    if count:
        yield pa.Table.from_batches(held)


def _any_flag(table: pa.Table, flag: int) -> bool:
    return bool(pc.any(pc.not_equal(pc.bit_wise_and(table.column("flags"), pa.scalar(flag, pa.int32())), 0)).as_py())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
