"""Tables in files: CSV and Parquet, read in chunks of bounded size, each row with its place in the file.

A chunk is a `pyarrow.Table` of the wanted columns, as text (CSV) or in the file's own types (Parquet), and a column
``line``: the line in a CSV file, the row counted from 1 in a Parquet file.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from exposure.errors import InputError
from exposure.sources.bulk.batches import Findings, Reject
from exposure.sources.bulk.containers import Member, seekable
from exposure.sources.bulk.text_lines import Line, blocks, check_text, lines, numbered_lines
from exposure.text import shown

CHUNK_ROWS = 50_000
_CHUNK_CHARACTERS = 64 << 20
_MAX_COLUMNS = 2_000
_MAX_FIELD = 8 << 20
_MAX_RECORD_LINES = 50
_MAX_CELL = 1 << 16
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table in a file: where it is, its columns, how it is written."""

    member: Member
    columns: tuple[str, ...]
    delimiter: str = ","
    parquet: bool = False
    work: Path | None = None

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.member.name

    def chunks(self, wanted: Sequence[str], findings: Findings, table: str) -> Iterator[pa.Table]:
        """The wanted columns in chunks. Rows that cannot be split into columns are rejected here, under ``table``."""
        wanted = tuple(dict.fromkeys(wanted))
        source = self._parquet_chunks(wanted) if self.parquet else self._csv_chunks(wanted, findings, table)
        for chunk in source:
            findings.count(chunk.num_rows)
            yield chunk

    def _csv_chunks(self, wanted: Sequence[str], findings: Findings, table: str) -> Iterator[pa.Table]:
        with self.member.open() as stream:
            header = True
            source = blocks(stream)
            for number, block in source:
                chunk = self._as_columns(number, block, wanted, header=header)
                if chunk is not None:
                    yield chunk
                else:
                    # A quoted cell may go on behind the block: then there is no telling where a line begins.
                    rest = itertools.chain([(number, block)], source if b'"' in block else ())
                    found = itertools.chain.from_iterable(numbered_lines(*one) for one in rest)
                    records = _records(found, self.delimiter)
                    if header:
                        next(records, None)
                    yield from self._by_record(records, wanted, findings, table)
                header = False

    def _as_columns(self, number: int, block: bytes, wanted: Sequence[str], *, header: bool) -> pa.Table | None:
        """A block of lines read as columns; None where some line is not as most are: then its records tell which, and why."""
        count = block.count(b"\n") + (not block.endswith(b"\n"))
        empty = block.startswith((b"\n", b"\r")) or b"\n\n" in block or b"\n\r" in block
        if (
            empty
            or b"\x00" in block
            or block.count(b"\r") != block.count(b"\r\n")
            or not _plainly_quoted(block, self.delimiter)
        ):
            return None
        names = [f"{place}" for place in range(len(self.columns))]
        try:
            found = pyarrow.csv.read_csv(
                pa.BufferReader(block),
                pyarrow.csv.ReadOptions(
                    use_threads=False, block_size=len(block) + 1, skip_rows=int(header), column_names=names
                ),
                pyarrow.csv.ParseOptions(delimiter=self.delimiter, quote_char='"' if b'"' in block else False),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    include_columns=[names[self.columns.index(name)] for name in wanted],
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowException:
            return None
        if found.num_rows != count - header or not wanted:
            return None
        lines = pa.array(np.arange(number + header, number + count))
        return pa.table([*found.columns, lines], names=[*wanted, "line"])

    def _by_record(
        self, records: Iterator[_Record], wanted: Sequence[str], findings: Findings, table: str
    ) -> Iterator[pa.Table]:
        places = [self.columns.index(name) for name in wanted]
        pick = itemgetter(*places) if len(places) > 1 else (lambda cells: (cells[places[0]],)) if places else (lambda cells: ())
        schema = pa.schema([*((name, pa.string()) for name in wanted), ("line", pa.int64())])
        rows: list[tuple[str, ...]] = []
        numbers: list[int] = []
        characters = 0

        def chunk() -> pa.Table:
            columns = list(zip(*rows, strict=True)) if places else []
            return pa.table([*(pa.array(column, pa.string()) for column in columns), pa.array(numbers, pa.int64())], schema)

        for record in records:
            if record.fault or len(record.cells) != len(self.columns):
                fault = record.fault or f"has {len(record.cells)} columns, not {len(self.columns)} as the header"
                findings.reject(Reject(table, self.name, record.line, fault, shown(record.text, 200)))
                findings.count(1)
                continue
            picked = pick(record.cells)
            rows.append(picked)
            numbers.append(record.line)
            characters += sum(map(len, picked))
            if len(rows) >= CHUNK_ROWS or characters >= _CHUNK_CHARACTERS:
                yield chunk()
                rows, numbers, characters = [], [], 0
        if rows:
            yield chunk()

    def _parquet_chunks(self, wanted: Sequence[str]) -> Iterator[pa.Table]:
        with ExitStack() as stack:
            stream = stack.enter_context(seekable(self.member, self.work))
            try:
                # Buffered and not read ahead: a row group may be as large as the file.
                schema = pq.read_schema(stream)
                for name in wanted:
                    if pa.types.is_nested(schema.field(name).type):
                        kind = shown(schema.field(name).type, 60)
                        raise InputError(f"{self.name}: column {shown(name, 40)} holds {kind}: a table has one value a cell")
                texts = [name for name in wanted if _is_text(schema.field(name).type)]
                repeated = _long_and_repeated(stream, texts)
                file = pq.ParquetFile(stream, read_dictionary=repeated, buffer_size=1 << 20, pre_buffer=False)
                line = 1
                for batch in file.iter_batches(CHUNK_ROWS, columns=list(wanted), use_threads=False):
                    chunk = pa.table([batch.column(name) for name in wanted], names=list(wanted))
                    chunk.validate(full=True)  # text that is not UTF-8
                    for name in texts:
                        _check_lengths(chunk.column(name), name, self.name)
                    numbers = pa.array(np.arange(line, line + batch.num_rows, dtype=np.int64))
                    line += batch.num_rows
                    yield chunk.append_column("line", numbers)
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"{self.name} cannot be read as Parquet: {shown(error, 200)}; get it again") from error


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _long_and_repeated(stream: BinaryIO, texts: Sequence[str]) -> list[str]:
    """Columns of text with values so long that they must stay dictionaries: one, in every row, would take its size as often.

    Only a dictionary can hold a value once for many rows, so it is enough to look at the first row of each row group.
    """
    found: set[str] = set()
    file = pq.ParquetFile(stream, read_dictionary=list(texts), buffer_size=1 << 20, pre_buffer=False)
    for group in range(file.num_row_groups if texts else 0):
        # Not `read_row_group`: that reads the whole of it.
        batch = next(file.iter_batches(1, row_groups=[group], columns=list(texts), use_threads=False), None)
        for name, column in zip(texts, batch.columns, strict=True) if batch is not None else ():
            values = column.dictionary
            if CHUNK_ROWS * (pc.max(pc.binary_length(values)).as_py() or 0) > _CHUNK_CHARACTERS:
                found.add(name)
    return sorted(found)


def _check_lengths(column: pa.ChunkedArray, name: str, file: str) -> None:
    for part in column.chunks:
        values = part.dictionary if isinstance(part, pa.DictionaryArray) else part
        longest = pc.max(pc.binary_length(values)).as_py() or 0
        if longest > _MAX_CELL:
            raise InputError(f"{file}: a value of column {shown(name)} has {longest:,} bytes, more than {_MAX_CELL:,}")


def table_file(member: Member, work: Path | None = None) -> TableFile:
    """Look at the head of a file and say which columns it has.

    Raises
    ------
    InputError
        If it is neither Parquet nor CSV in UTF-8, has no header, or names a column twice.
    """
    head = member.head()
    if head.startswith(PARQUET_MAGIC):
        with seekable(member, work) as stream:
            try:
                schema = pq.read_schema(stream)
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"{member.name} cannot be read as Parquet: {shown(error, 200)}; get it again") from error
        return TableFile(member, _checked(tuple(schema.names), member.name), parquet=True, work=work)
    check_text(head, member.name)
    with member.open() as stream:
        first = next(lines(stream), None)
    if first is None or first.fault:
        raise InputError(f"{member.name} has no header line{': it is ' + first.fault if first else ''}")
    delimiter = max(",;\t", key=first.text.count)
    if delimiter not in first.text:
        delimiter = ","
    record = next(_records(iter([first]), delimiter))
    if record.fault:
        raise InputError(f"{member.name}: the header line {record.fault}")
    return TableFile(member, _checked(tuple(cell.strip() for cell in record.cells), member.name), delimiter)


def _checked(columns: tuple[str, ...], name: str) -> tuple[str, ...]:
    if len(columns) > _MAX_COLUMNS:
        raise InputError(f"{name} has {len(columns):,} columns: that is no ledger")
    twice = {column for column in columns if columns.count(column) > 1}
    if twice:
        raise InputError(
            f"{name} names a column twice in its header: {', '.join(shown(column, 40) for column in sorted(twice))}"
        )
    return columns


def _plainly_quoted(block: bytes, delimiter: str) -> bool:
    """Whether each quote in a block opens or closes a whole cell, so that every reader of CSV reads it alike."""
    if b'"' not in block:
        return True
    comma = delimiter.encode()
    opening = block.count(comma + b'"') + block.count(b'\n"') + block.startswith(b'"')
    closing = block.count(b'"' + comma) + block.count(b'"\n') + block.count(b'"\r') + block.endswith(b'"')
    return opening == closing and 2 * opening == block.count(b'"') and b'""' not in block


class _Record(NamedTuple):
    line: int
    cells: Sequence[str]
    text: str
    fault: str = ""


def _records(source: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    """CSV records. A quoted cell may span lines; one that never ends costs its first line only, not the rest."""
    csv.field_size_limit(_MAX_FIELD)
    waiting: list[Line] = []
    while True:
        line = waiting.pop(0) if waiting else next(source, None)
        if line is None:
            return
        if line.fault:
            yield _Record(line.number, (), line.text, line.fault)
        elif '"' not in line.text:
            yield _Record(line.number, line.text.split(delimiter), line.text)
        else:
            yield _quoted(line, waiting, source, delimiter)


def _quoted(first: Line, waiting: list[Line], source: Iterator[Line], delimiter: str) -> _Record:
    text = first.text
    used = 0
    while text.count('"') % 2 and used < _MAX_RECORD_LINES:
        if used == len(waiting):
            more = next(source, None)
            if more is None:
                break
            waiting.append(more)
        if waiting[used].fault or len(text) > _MAX_FIELD:
            break
        text += "\n" + waiting[used].text
        used += 1
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        return _Record(first.number, (), first.text, f"is no CSV record: {error}")
    del waiting[:used]
    return _Record(first.number, cells, text)
