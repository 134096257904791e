"""Addresses from a file: one a line, a column of a CSV, or a column of a Parquet file; packed or not, with their lines."""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exposure.errors import InputError
from exposure.sources.bulk.containers import Member, members
from exposure.sources.bulk.text_lines import blocks, check_text, line_column, numbered_lines
from exposure.text import shown

if TYPE_CHECKING:  # annotations only: Arrow is imported when there is a list to read
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

USUAL_COLUMNS = ("address", "wallet", "account", "addr", "subject", "deposit_address")
"""Names by which the column of addresses is found where none is named, in this order."""

BATCH = 1 << 16
_PARQUET = b"PAR1"


class Listed(NamedTuple):
    """One address as it stands in a file: the line (the row, in a Parquet file), the text, and why it could not be read."""

    line: int
    text: str
    fault: str = ""


class Column(NamedTuple):
    """A stretch of a list: the texts that could be read with the lines they stand on, and what could not be."""

    lines: NDArray[np.int64]
    texts: pa.Array
    faults: list[Listed]


def read_addresses(path: str | Path, *, column: str | None = None) -> Iterator[list[Listed]]:
    """As `read_columns`, a row at a time: the addresses of a file in its order, in batches."""
    for found in read_columns(path, column=column):
        good = map(Listed, found.lines.tolist(), found.texts.to_pylist())
        yield list(heapq.merge(good, found.faults, key=attrgetter("line")))


def read_columns(path: str | Path, *, column: str | None = None) -> Iterator[Column]:
    """The addresses of a file (``-``: standard input), in its order, in batches.

    Parameters
    ----------
    path
        Text with one address a line (``#`` starts a comment), CSV with a header, or Parquet; gzip, bzip2 and zip too.
    column
        Name of the column that holds addresses; without it one of `USUAL_COLUMNS`, or the only one there is.

    Raises
    ------
    InputError
        If the file cannot be read, or the column is not found.
    """
    for member in members(str(path)):
        head = member.head()
        if head.startswith(_PARQUET):
            yield from _parquet(member, column)
        else:
            check_text(head, member.name)
            yield from _text(member, column)


def _text(member: Member, column: str | None) -> Iterator[Column]:
    place: int | None = None
    first = True
    with member.open() as stream:
        for number, block in blocks(stream):
            after = 0
            if first:
                head = next((line for line in numbered_lines(number, block) if _counts(line.text) and not line.fault), None)
                if head is not None:
                    first, place = False, _header(head.text, column, member.name)
                    after = head.number if place is not None else 0
            yield _fast(number, block, place, after) or _one_by_one(number, block, place, after)


def _counts(text: str) -> bool:
    return bool(text.strip()) and not text.startswith("#")


def _fast(number: int, block: bytes, place: int | None, after: int) -> Column | None:
    """The addresses of a block by columns of text; None where some line has quotes, or cannot be read."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    odd = b'"' in block or block.count(b"\r") != block.count(b"\r\n")
    texts = None if odd else line_column(block)
    if texts is None:
        return None
    lines = np.arange(number, number + len(texts))
    plain = pc.utf8_trim_whitespace(texts)
    counts = pc.and_not(pc.greater(pc.binary_length(plain), 0), pc.starts_with(texts, "#"))
    keep = counts.to_numpy(zero_copy_only=False) & (lines > after)
    texts, lines = plain.filter(pa.array(keep)), lines[keep]
    if place is None:
        return Column(lines, texts, [])
    cells = pc.split_pattern(texts, ",", max_splits=place + 1)
    count = pc.list_value_length(cells).to_numpy()
    good = count > place
    faults = [_short(int(lines[at]), texts[at].as_py(), int(count[at]), place) for at in np.flatnonzero(~good).tolist()]
    picked = cells.values.take(pa.array(cells.offsets.to_numpy()[:-1][good] + place))
    return Column(lines[good], pc.utf8_trim_whitespace(picked), faults)


def _one_by_one(number: int, block: bytes, place: int | None, after: int) -> Column:
    import numpy as np
    import pyarrow as pa

    good: list[tuple[int, str]] = []
    faults: list[Listed] = []
    for line in numbered_lines(number, block):
        if line.fault:
            faults.append(Listed(line.number, line.text, line.fault))
        elif _counts(line.text) and line.number > after:
            try:
                cells = [line.text] if place is None else next(csv.reader([line.text]), [])
            except csv.Error as error:
                faults.append(Listed(line.number, line.text[:80], f"is no CSV record: {error}"))
                continue
            at = place or 0
            if at < len(cells):
                good.append((line.number, cells[at].strip()))
            else:
                faults.append(_short(line.number, line.text.strip(), len(cells), at))
    return Column(np.array([line for line, _ in good], np.int64), pa.array([text for _, text in good], pa.string()), faults)


def _short(line: int, text: str, cells: int, place: int) -> Listed:
    return Listed(line, text[:80], f"has {cells} cells, and the addresses are in cell {place + 1}")


def _header(line: str, column: str | None, name: str) -> int | None:
    """Place of the column in a CSV header; None where the file is a plain list of addresses."""
    cells = [cell.strip() for cell in next(csv.reader([line]), [])]
    found = _column(cells, column)
    if found is not None:
        return found
    if column is not None or len(cells) > 1:
        raise InputError(_no_column(cells, column, name))
    return None


def _column(names: list[str], column: str | None) -> int | None:
    lower = [name.lower() for name in names]
    for wanted in (column.lower(),) if column is not None else USUAL_COLUMNS:
        if wanted in lower:
            return lower.index(wanted)
    return None


def _no_column(names: list[str], column: str | None, name: str) -> str:
    there = ", ".join(shown(known, 30) for known in names[:12])
    if column is not None:
        return f"{name} has no column {shown(column, 40)!r}; it has {there}"
    return f"{name}: which column holds the addresses? Name it with --column; there are {there}"


def _parquet(member: Member, column: str | None) -> Iterator[Column]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if member.path is None:
        raise InputError(f"{member.name} is a packed Parquet file: unpack it first")
    try:
        file = pq.ParquetFile(member.path)
        names = file.schema_arrow.names
        place = _column(names, column)
        if place is None and column is None and len(names) == 1:
            place = 0
        if place is None:
            raise InputError(_no_column(names, column, member.name))
        row = 1
        for batch in file.iter_batches(batch_size=BATCH, columns=[names[place]]):
            texts = batch.column(0).cast(pa.string())
            texts.validate(full=True)
            lines = np.arange(row, row + len(texts))
            there = pc.fill_null(pc.greater(pc.binary_length(texts), 0), False)
            missing = lines[~there.to_numpy(zero_copy_only=False)]
            good = lines[there.to_numpy(zero_copy_only=False)]
            yield Column(good, texts.filter(there), [Listed(line, "", "is empty") for line in missing.tolist()])
            row += len(texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{member.name} cannot be read as Parquet ({shown(error)}); get it again") from error
