"""Part files as the catalogue names them: which of them a version sees, and where they lie."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from exposure.errors import StoreError
from exposure.store.catalogue import Connection

PARTS = "parts"
STAGING = "staging"


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
        reason = error.strerror or str(error)
        raise StoreError(
            f"cannot write to the store {folder}: {reason}; the last version stays as it was: free some space and try again"
        ) from error
