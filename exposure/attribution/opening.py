"""Opening a list file: plain, gzip, bzip2 or zip, recognised by its first bytes, never by its name; bounded in size."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from exposure.errors import AttributionError, InputError
from exposure.text import shown

MAX_UNPACKED = 1 << 30
"""Most bytes that a list may unpack to: eight times the largest official list of 2025."""

CHUNK = 1 << 20
WORKBOOK_MARK = "[Content_Types].xml"
"""The file that a zip archive holds if it is a workbook."""

_UNPACKING_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


class Bounded(io.RawIOBase):
    """A binary stream that says so when it has given more than ``limit`` bytes, or when its packing is damaged."""

    def __init__(self, source: BinaryIO, name: str, limit: int = MAX_UNPACKED) -> None:
        super().__init__()
        self._source = source
        self._name = name
        self._limit = limit
        self._given = 0
        self._hash = hashlib.sha256()
        self._hashing = True

    @property
    def sha256(self) -> str:
        """SHA-256 of the unpacked bytes given so far: one list packed in two ways has one hash."""
        return self._hash.hexdigest()

    def readable(self) -> bool:
        """True: the stream is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # the buffer protocol has no type before Python 3.12
        """As `read`, into a buffer."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises
        ------
        AttributionError
            If the file unpacks to more than the limit, is cut off inside its packing, or cannot be read.
        """
        wanted = self._limit - self._given + 1
        if 0 <= size < wanted:
            wanted = size
        try:
            block = self._source.read(wanted)
        except _UNPACKING_ERRORS as error:
            raise AttributionError(
                f"{self._name}: the file is cut off or damaged inside its packing after {self._given:,} unpacked bytes "
                f"({shown(error)}); get it again"
            ) from error
        self._given += len(block)
        if self._hashing:
            self._hash.update(block)
        if self._given > self._limit:
            raise AttributionError(
                f"{self._name}: unpacks to more than {self._limit:,} bytes, which no list does; it was not read"
            )
        return block

    def rewind(self) -> None:
        """Begin again at the first byte, once the whole has been read: the hash stays that of the first pass."""
        while self.read(CHUNK):
            pass
        self._source.seek(0)
        self._given = 0
        self._hashing = False

    def whole(self, limit: int) -> io.BytesIO:
        """All bytes in memory.

        Raises
        ------
        AttributionError
            If there are more than ``limit``.
        """
        content = io.BytesIO()
        while block := self.read(CHUNK):
            content.write(block)
            if content.tell() > limit:
                raise AttributionError(
                    f"{self._name}: holds more than {limit:,} bytes, which no list of this form does; it was not read"
                )
        content.seek(0)
        return content


def _unpacked(raw: BinaryIO, name: str) -> BinaryIO:
    head = raw.read(4)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    if head.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(raw))
    if not head.startswith(b"PK\x03\x04"):
        return raw
    try:
        archive = zipfile.ZipFile(raw)
        members = [member for member in archive.infolist() if not member.is_dir()]
        if any(member.filename == WORKBOOK_MARK for member in members):
            raw.seek(0)
            return raw  # a workbook is a zip archive that is read as it is
        if len(members) != 1:
            raise AttributionError(f"{name}: the zip archive holds {len(members)} files; hand over one with the list alone")
        return cast("BinaryIO", archive.open(members[0]))
    except _UNPACKING_ERRORS as error:
        raise AttributionError(f"{name}: the zip archive cannot be read ({shown(error)}); get it again") from error


@contextmanager
def open_list(path: Path, *, limit: int = MAX_UNPACKED) -> Iterator[Bounded]:
    """The unpacked bytes of a list file.

    Raises
    ------
    InputError
        If the file cannot be opened.
    AttributionError
        If it is no ordinary file; while reading, if it is damaged or unpacks to more than ``limit`` bytes.
    """
    name = shown(path.name)
    try:
        raw = path.open("rb")
    except OSError as error:
        raise InputError(f"{shown(path)}: cannot be opened ({error.strerror}); check the path") from error
    with raw:
        if not path.is_file():
            raise AttributionError(f"{shown(path)}: is no ordinary file; hand over the list itself")
        yield Bounded(_unpacked(raw, name), name, limit)


def read_text(stream: Bounded, name: str, *, limit: int) -> str:
    """A whole small list as text: UTF-8, with or without a byte order mark.

    Raises
    ------
    AttributionError
        If it holds more than ``limit`` bytes or is not UTF-8; the message names the line.
    """
    content = stream.whole(limit).getvalue()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AttributionError(f"{name}, line {line}: not UTF-8 text; save the file as UTF-8 and import it again") from error
