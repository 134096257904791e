"""Part files: immutable, sorted Parquet files named by their content, and which of them a version sees."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exposure.errors import StoreError
from exposure.model.ledger import Flag
from exposure.store.catalogue import Connection
from exposure.store.layouts import Layout

PARTS = "parts"
STAGING = "staging"
READERS = "readers"
SPILL = "spill"


MAX_PART_ROWS = 2 * 2**20
"""Rows of a part file: a look-up in a large store opens one small footer, not one of the whole ledger."""


class Part(NamedTuple):
    """One part file and what its rows span. Blocks and times are None where the layout has none.

    ``run``: parts of one run are consecutive stretches of one sorted sequence, so they do not overlap. ``first_key`` and
    ``last_key``: the lead column's bounds where it is a text. ``hash``: name of the hash in its `ROW_KEY` column.
    """

    file: str
    layout: str
    chain: str
    run: str
    first_key: str | None
    last_key: str | None
    rows: int
    bytes: int
    first_block: int | None
    last_block: int | None
    first_time: int | None
    last_time: int | None
    time_order: bool
    hash: str


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


def list_parts(connection: Connection, version: int, layout: str | None = None) -> list[Part]:
    """The parts that a version sees, oldest first."""
    cursor = connection.execute(
        "select file, layout, chain, run, first_key, last_key, rows, bytes, first_block, last_block, first_time, last_time, "
        "time_order, hash from parts "
        "where added_in <= ? and (dropped_in is null or dropped_in > ?) and (? is null or layout = ?) order by id",
        (version, version, layout, layout),
    )
    return [Part._make((*row[:-2], bool(row[-2]), row[-1])) for row in cursor]


def add_parts(connection: Connection, version: int, parts: Sequence[Part], dropped: Sequence[Part]) -> None:
    """Let ``version`` see new parts, and no longer see those that were merged into them (inside a transaction)."""
    connection.executemany(
        "update parts set dropped_in = ? where file = ? and chain = ? and dropped_in is null",
        [(version, part.file, part.chain) for part in dropped],
    )
    connection.executemany(
        "insert into parts (file, layout, chain, run, first_key, last_key, rows, bytes, first_block, last_block, first_time, "
        "last_time, time_order, hash, added_in) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*part, version) for part in parts],
    )


def part_path(folder: Path, part: Part) -> Path:
    """Path of a part file, checked to be there in the right size.

    Raises
    ------
    StoreError
        If the file is missing or was cut.
    """
    path = folder / PARTS / part.file
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"{path} is missing: restore the store from a copy, or import again") from error
    if size != part.bytes:
        raise StoreError(
            f"{path} is damaged ({size:,} bytes instead of {part.bytes:,}): restore the store from a copy, or import again"
        )
    return path


@contextlib.contextmanager
def reading(folder: Path, version: int) -> Iterator[None]:
    """Keep the parts of ``version`` from being swept while the block runs."""
    descriptor = hold_version(folder, version)
    try:
        yield
    finally:
        release_version(descriptor)


def hold_version(folder: Path, version: int) -> int | None:
    """Mark ``version`` as being read, until `release_version`; None where the folder cannot be written to."""
    readers = folder / READERS
    try:
        readers.mkdir(mode=0o700, exist_ok=True)
        while True:
            descriptor = os.open(readers / str(version), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # a sweeper removed the file between the two calls
    except PermissionError:
        return None
    except OSError as error:
        if error.errno == 30:  # EROFS: nobody can sweep a read-only folder either
            return None
        raise StoreError(f"cannot mark the store {folder} as being read: {error.strerror or error}") from error


def release_version(descriptor: int | None) -> None:
    """End what `hold_version` began."""
    if descriptor is not None:
        os.close(descriptor)


def sweep(folder: Path, connection: Connection, version: int) -> int:
    """Delete what no version in use sees: files of killed writers and merged parts. Only under the writer's lock.

    Returns
    -------
    int
        Number of files deleted.
    """
    used = {version, *_versions_being_read(folder)}
    keep = {part.file for seen in used for part in list_parts(connection, seen)}
    with disk_errors(folder):
        orphans = [path for path in _files(folder / PARTS) if path.name not in keep]
        orphans += _files(folder / STAGING) + _abandoned_spills(folder / SPILL)
        for path in orphans:
            path.unlink(missing_ok=True)
        for path in sorted((*(folder / STAGING).glob("*"), *(folder / SPILL).glob("*")), reverse=True):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.rmdir()  # one that a reader still uses is not empty, or is made again
    return len(orphans)


def make_folders(folder: Path) -> None:
    """Make the folders of parts and of temporary files, private."""
    with disk_errors(folder):
        for name in (PARTS, STAGING):
            (folder / name).mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file, 0600, open for writing."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb") as file:
        yield file


def sync_folder(folder: Path) -> None:
    """Put a folder's names on disk for good."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full or failing disk into a sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, pa.ArrowException) and not error.errno:
            raise StoreError(f"a file of the store {folder} cannot be written or read: {error}") from error
        reason = error.strerror or str(error)
        raise StoreError(
            f"cannot write to the store {folder}: {reason}; the last version stays as it was: free some space and try again"
        ) from error


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


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()] if folder.is_dir() else []


def _abandoned_spills(folder: Path) -> list[Path]:
    """Temporary files that queries of killed readers left: older than a day, which no query takes."""
    yesterday = time.time() - 86_400
    return [path for path in _files(folder) if path.lstat().st_mtime < yesterday]


def _versions_being_read(folder: Path) -> list[int]:
    held = []
    for path in _files(folder / READERS):
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            except BlockingIOError:
                held.append(int(path.name))
            finally:
                os.close(descriptor)
    return held
