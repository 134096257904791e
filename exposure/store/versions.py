"""Versions in use: a reader marks the one it sees, and what no version in use sees is swept."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path

from exposure.errors import StoreError
from exposure.store.catalogue import Connection
from exposure.store.parts import PARTS, STAGING, disk_errors, list_parts

READERS = "readers"
SPILL = "spill"


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
        if error.errno == errno.EROFS:  # nobody can sweep a read-only folder either
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
