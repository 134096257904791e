"""A catalogue that may only be read: on read-only media, or in somebody else's folder.

SQLite's own way of sharing a file writes beside it, so a copy is read: one moment's state, or none.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exposure.errors import StoreError

TRIES = 3


def may_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, by whoever runs this."""
    return os.access(folder, os.W_OK | os.X_OK)


@contextmanager
def copied(file: Path) -> Iterator[Path]:
    """A copy of a database that nobody was writing to, for as long as it takes to open it.

    Raises
    ------
    StoreError
        If it is in use, or cannot be copied.
    """
    with tempfile.TemporaryDirectory(prefix="exposure-") as place:
        copy = Path(place) / file.name
        try:
            if not any(_copy(file, copy) for _ in range(TRIES)):
                raise StoreError(
                    f"{file.parent} cannot be written to here and is not at rest, so it cannot be read either: wait until "
                    f"those who use it have ended (then there is no {file.name}-wal), or copy the folder and name the copy"
                )
        except OSError as error:
            raise StoreError(f"{file} cannot be copied to be read: {error.strerror or error}") from error
        yield copy


def _copy(file: Path, copy: Path) -> bool:
    """Copy a file; whether it was the same before and after, with no changes waiting beside it."""
    before = _state(file)
    shutil.copyfile(file, copy)
    return before is not None and before == _state(file)


def _state(file: Path) -> tuple[int, int] | None:
    changes = file.with_name(f"{file.name}-wal")
    if changes.exists() and changes.stat().st_size:
        return None
    found = file.stat()
    return found.st_size, found.st_mtime_ns
