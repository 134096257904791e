"""Addresses from a file: one a line, a column of a CSV, or a column of a Parquet file; packed or not, with their lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from exposure.errors import InputError
from exposure.sources.bulk.containers import Member, members
from exposure.sources.bulk.text_lines import check_text, lines
from exposure.text import shown

USUAL_COLUMNS = ("address", "wallet", "account", "addr", "subject", "deposit_address")
"""Names by which the column of addresses is found where none is named, in this order."""

BATCH = 1 << 16
_PARQUET = b"PAR1"


class Listed(NamedTuple):
    """One address as it stands in a file: the line (the row, in a Parquet file), the text, and why it could not be read."""

    line: int
    text: str
    fault: str = ""


def read_addresses(path: str | Path, *, column: str | None = None) -> Iterator[list[Listed]]:
    """The addresses of a file (``-``: standard input), in its order, in batches of up to 65,536.

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
            yield from _batched(_text(member, column))


def _batched(rows: Iterator[Listed]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(member: Member, column: str | None) -> Iterator[Listed]:
    with member.open() as stream:
        place: int | None = None
        first = True
        for line in lines(stream):
            if line.fault:
                yield Listed(line.number, line.text, line.fault)
                continue
            if not line.text.strip() or line.text.startswith("#"):
                continue
            if first:
                first = False
                place = _header(line.text, column, member.name)
                if place is not None:
                    continue
            if place is None:
                yield Listed(line.number, line.text.strip())
                continue
            cells = next(csv.reader([line.text]), [])
            if place < len(cells):
                yield Listed(line.number, cells[place].strip())
            else:
                yield Listed(line.number, line.text[:80], f"has {len(cells)} cells, and the addresses are in cell {place + 1}")


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


def _parquet(member: Member, column: str | None) -> Iterator[list[Listed]]:
    import pyarrow as pa
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
        row = 0
        for batch in file.iter_batches(batch_size=BATCH, columns=[names[place]]):
            texts = batch.column(0).cast(pa.string()).to_pylist()
            yield [Listed(row + at, text or "", "" if text else "is empty") for at, text in enumerate(texts, 1)]
            row += len(texts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{member.name} cannot be read as Parquet ({shown(error)}); get it again") from error
