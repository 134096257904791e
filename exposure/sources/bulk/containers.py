"""Files as they come: plain, gzip, bz2, zip with several members, standard input. Recognised by content, not by name.

Whoever hands over a file can plant a bomb or a path in it: nothing is unpacked to disk under a name from the archive,
and what unpacks to far more than it is worth is refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from exposure.errors import InputError
from exposure.text import shown

MAX_RATIO = 250
"""Largest ratio of unpacked to packed size. Ledgers in text pack 3 to 20 times; bombs over 1,000 times."""

FREE_BYTES = 64 << 20
"""The ratio is looked at only behind this many unpacked bytes."""

MAX_MEMBERS = 10_000
_GZIP, _BZ2, _ZIP = b"\x1f\x8b", b"BZh", b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Member:
    """One readable content: a file, or a member of an archive. ``open`` may be called again and starts anew each time.

    ``packed``: bytes on disk, for progress and against bombs; 0 where that is not known. ``path`` is None unless the
    content is a plain file that can be read in place.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    packed: int
    path: Path | None = None

    def head(self, size: int = 1 << 16) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return _read_fully(stream, size)


def _read_fully(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _bomb(name: str) -> InputError:
    return InputError(f"{name} unpacks to more than {MAX_RATIO} times its size: refused; unpack it yourself if you trust it")


class _Guarded(io.RawIOBase):
    """An unpacking stream that refuses to grow out of proportion, and whose errors are sentences."""

    def __init__(self, stream: BinaryIO, name: str, packed: int) -> None:
        self._stream, self._name, self._packed, self._seen = stream, name, max(packed, 1), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # memoryview is what BufferedReader passes
        try:
            part = self._stream.read(len(buffer))
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(
                f"{self._name} cannot be unpacked behind byte {self._seen}: {shown(error)}; "
                "it is cut off or damaged, get it again"
            ) from error
        self._seen += len(part)
        if self._seen > FREE_BYTES and self._seen > self._packed * MAX_RATIO:
            raise _bomb(self._name)
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _guarded(stream: BinaryIO, name: str, packed: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Guarded(stream, name, packed), 1 << 18))


@dataclass(frozen=True, slots=True)
class Opened:
    """Files that are open for reading: their contents, and (name, path) of each file itself."""

    members: list[Member]
    sources: list[tuple[str, Path]]


@contextmanager
def opened(paths: Sequence[str], work: Path | None = None) -> Iterator[Opened]:
    """The contents of files: each itself, what it packs, or every member of a zip archive in the archive's order.

    Parameters
    ----------
    paths
        Paths, or ``-`` for standard input, which is copied to a temporary file first: readers look twice.
    work
        Folder for temporary files.

    Raises
    ------
    InputError
        If a file is missing, a folder, empty, encrypted, damaged, or unpacks to a bomb.
    """
    found: list[Member] = []
    sources: list[tuple[str, Path]] = []
    with ExitStack() as stack:
        for path in dict.fromkeys(paths):
            if path == "-":
                copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="exposure-stdin-", dir=work))
                shutil.copyfileobj(sys.stdin.buffer, copy)
                copy.flush()
                sources.append(("standard input", Path(copy.name)))
            else:
                sources.append((shown(path, 200), Path(path)))
            found += _unpacked(*sources[-1])
        yield Opened(found, sources)


def members(path: str, work: Path | None = None) -> Iterator[Member]:
    """The contents of one file or of standard input (``-``), one after the other; each is to be read before the next."""
    with opened([path], work) as source:
        yield from source.members


def _unpacked(name: str, path: Path) -> Iterator[Member]:
    try:
        if path.is_dir():
            raise InputError(f"{name} is a folder: name the files in it")
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise InputError(f"{name} is empty")
    if magic.startswith(_ZIP):
        yield from _zip_members(name, path)
        return
    packing = _packing(magic)
    if packing is None:

        @contextmanager
        def plain() -> Iterator[BinaryIO]:
            with path.open("rb") as file:
                yield file

        yield Member(name, plain, size, path)
        return

    @contextmanager
    def unpack() -> Iterator[BinaryIO]:
        with path.open("rb") as file, _guarded(packing(file), name, size) as stream:
            yield stream

    yield Member(name, unpack, size)


def _packing(magic: bytes) -> Callable[[BinaryIO], BinaryIO] | None:
    if magic.startswith(_GZIP):
        return lambda file: cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if magic.startswith(_BZ2):
        return lambda file: cast(BinaryIO, bz2.BZ2File(file))
    return None


def _zip_members(name: str, path: Path) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{name} is no readable zip archive: {shown(error)}; get it again") from error
    if len(entries) > MAX_MEMBERS:
        raise InputError(
            f"{name} holds {len(entries):,} members, more than {MAX_MEMBERS:,}: unpack it yourself if you trust it"
        )
    # macOS adds a folder of resource forks; it is no content.
    files = [
        entry for entry in entries if not entry.is_dir() and not entry.filename.startswith("__MACOSX/") and entry.file_size
    ]
    if not files:
        raise InputError(f"{name} holds no files")
    for entry in files:
        member = f"{name}:{shown(entry.filename, 100)}"
        if entry.flag_bits & 1:
            raise InputError(f"{member} is encrypted: unpack it yourself")
        if entry.file_size > FREE_BYTES and entry.file_size > max(entry.compress_size, 1) * MAX_RATIO:
            raise _bomb(member)
        yield Member(member, _zip_opener(path, entry, member), entry.compress_size)


def _zip_opener(path: Path, entry: zipfile.ZipInfo, name: str) -> Callable[[], AbstractContextManager[BinaryIO]]:
    @contextmanager
    def unpack() -> Iterator[BinaryIO]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(entry) as inner:
                outer = _guarded(cast(BinaryIO, inner), name, entry.compress_size)
                packing = _packing(outer.peek(4)[:4])  # type: ignore[attr-defined]  # it is a BufferedReader
                with outer if packing is None else _guarded(packing(outer), name, entry.compress_size) as stream:
                    yield stream
        except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise InputError(f"{name} cannot be unpacked: {shown(error)}; get it again, or unpack it yourself") from error

    return unpack


@contextmanager
def seekable(member: Member, work: Path | None = None) -> Iterator[BinaryIO]:
    """A stream that can seek: the plain file itself, else an unpacked temporary copy that goes with the context."""
    if member.path is not None:
        with member.path.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile(prefix="exposure-unpacked-", dir=work) as copy, member.open() as stream:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.seek(0, os.SEEK_SET)
        yield cast(BinaryIO, copy)
