"""Block files as newer nodes write them: every byte is combined with a key of eight that lies beside them in ``xor.dat``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from exposure.sources.bulk.containers import Member, seekable

KEY_FILE = "xor.dat"
KEY_BYTES = 8


class Seekable(Protocol):
    """What is asked of a stream of blocks."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an offset; the offset from the beginning."""
        ...


def unmasked(octets: bytes, offset: int, key: bytes) -> bytes:
    """Bytes that stand at ``offset`` of a file, without its key."""
    if not any(key):
        return octets
    mask = np.resize(np.roll(np.frombuffer(key, np.uint8), -(offset % KEY_BYTES)), len(octets))
    return (np.frombuffer(octets, np.uint8) ^ mask).tobytes()


class _Unmasked:
    """A stream without its key."""

    def __init__(self, stream: BinaryIO, key: bytes) -> None:
        self._stream, self._key = stream, key

    def read(self, size: int, /) -> bytes:
        offset = self._stream.tell()
        return unmasked(self._stream.read(size), offset, self._key)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)


def key_of(member: Member) -> bytes:
    """The key beside a plain file; zeros, which change nothing, where there is none."""
    try:
        path = member.path.parent / KEY_FILE if member.path is not None else None
        key = _first_bytes(path) if path is not None else b""
    except OSError:
        key = b""
    return key if len(key) == KEY_BYTES else bytes(KEY_BYTES)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(KEY_BYTES + 1)


@contextmanager
def block_stream(member: Member, work: Path | None, key: bytes) -> Iterator[Seekable]:
    """A member's bytes without a key, seekable."""
    with seekable(member, work) as stream:
        yield _Unmasked(stream, key)
