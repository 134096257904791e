"""Lines of a text file: bounded in length, UTF-8, numbered; what is wrong with one costs only that one."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from exposure.errors import InputError

if TYPE_CHECKING:  # annotations only: screening reads short lists without Arrow
    import pyarrow as pa

MAX_LINE = 16 << 20
"""Longest line in bytes. A transaction of Bitcoin in JSON can take some megabytes."""

_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class Line(NamedTuple):
    """One line without its end. ``fault`` says why it cannot be read; ``text`` is then its beginning at most."""

    number: int
    text: str
    fault: str = ""


BLOCK = 4 << 20
"""Bytes of text that are looked at together, about."""


def check_text(head: bytes, name: str) -> None:
    """Refuse a file whose first bytes are not UTF-8 text.

    Raises
    ------
    InputError
        If it is in UTF-16 or UTF-32, or binary.
    """
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            raise InputError(f"{name} is in {encoding}: save it as UTF-8")
    if b"\x00" in head:
        raise InputError(f"{name} is no text file (NUL byte at offset {head.index(0)}) and of no binary form that is read")


def lines(stream: BinaryIO) -> Iterator[Line]:
    """The lines of a UTF-8 stream, with or without a byte order mark, numbered from 1; empty ones are left out."""
    number = 0
    while raw := stream.readline(MAX_LINE):
        number += 1
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if len(raw) >= MAX_LINE and not raw.endswith(b"\n"):
            while (more := stream.readline(MAX_LINE)) and not more.endswith(b"\n"):
                pass
            yield Line(number, raw[:80].decode("utf-8", "replace"), f"longer than {MAX_LINE >> 20} MiB")
            continue
        raw = raw.rstrip(b"\r\n")
        if not raw:
            continue
        if b"\x00" in raw:
            yield Line(number, raw[:80].decode("utf-8", "replace"), "has a NUL byte")
            continue
        try:
            yield Line(number, raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            fault = f"is not UTF-8 (byte 0x{raw[error.start]:02x} at {error.start + 1}): convert the file to UTF-8"
            yield Line(number, raw[:80].decode("utf-8", "replace"), fault)


def blocks(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The same stream in blocks of whole lines: the number of the first line, and the lines with their ends.

    What is wrong with a line is for `lines` to say, of the block that has it: one longer than `MAX_LINE` comes cut to that.
    """
    number, rest, start = 1, b"", True
    while True:
        more = stream.read(BLOCK)
        rest += more.removeprefix(codecs.BOM_UTF8) if start else more
        start = False
        cut = rest.rfind(b"\n") + 1 if more else len(rest)
        if not cut and len(rest) >= MAX_LINE:
            long, rest = rest[:MAX_LINE], b""
            while (more := stream.readline(MAX_LINE)) and not more.endswith(b"\n"):
                pass
            yield number, long
            number += 1
            continue
        if cut:
            yield number, rest[:cut]
            number += rest.count(b"\n", 0, cut)
            rest = rest[cut:]
        if not more:
            return


def numbered_lines(first: int, block: bytes) -> Iterator[Line]:
    """The lines of a block, one by one."""
    for line in lines(io.BytesIO(b"\n" + block)):  # an empty line before it: a mark of byte order stands in the first only
        yield line._replace(number=first + line.number - 2)


def line_column(block: bytes) -> pa.Array | None:
    """The lines of a block as a column of texts with their ends; None where one has to look at them one by one."""
    import numpy as np
    import pyarrow as pa

    octets = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(octets == 10) + 1
    places = np.concatenate([[0], ends, [len(block)] if not len(ends) or ends[-1] < len(block) else []]).astype(np.int32)
    texts = pa.Array.from_buffers(pa.string(), len(places) - 1, [None, pa.py_buffer(places), pa.py_buffer(block)])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return texts if b"\x00" not in block and len(block) < MAX_LINE else None
