"""What comes in: batches are cast to their table's schema, checked against its rules, and put aside in staging files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exposure.errors import InputError
from exposure.model.ledger import LAST_INDEX, Kind, Status
from exposure.model.schemas import TABLES, Table, arrow_schema
from exposure.store.parts import disk_errors, private_file
from exposure.text import counted

SEQUENCE = "seq"
"""Extra column of a staging file: arrival number of the row."""

MAX_TEXT = 1_024
"""Longest address, hash or id in bytes; an honest one is far shorter, and every copy of a row repeats it."""

MAX_MEMO = 8_192

MAX_POSITION = 999_999
"""Highest position of an output or input; a block of any chain that we read holds far fewer."""

_GROUP_ROWS = 262_144

Rule = tuple[str, Callable[[pa.Table], pa.ChunkedArray]]


class Staging:
    """Staging files of one import, one a table. Rows appended are checked, never sorted, never held in memory for long."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder = folder
        self.source = source
        self.rows: dict[str, int] = {}
        self._held: dict[str, list[pa.Table]] = {}
        self._held_rows: dict[str, int] = {}
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._open = contextlib.ExitStack()

    def path(self, table: str) -> Path:
        """Staging file of a table."""
        return self.folder / f"{table}.parquet"

    def append(self, table: Table, batch: pa.Table | pa.RecordBatch) -> None:
        """Check rows and put them aside.

        Raises
        ------
        InputError
            If a column is missing or a row breaks a rule of the table; nothing of the batch is kept.
        StoreError
            If the disk is full.
        """
        rows = checked(table, conform(table, batch, self.source))
        first = self.rows.get(table.name, 0)
        rows = rows.append_column(SEQUENCE, pa.array(range(first, first + rows.num_rows), pa.int64()))
        self.rows[table.name] = first + rows.num_rows
        self._held.setdefault(table.name, []).append(rows)
        self._held_rows[table.name] = self._held_rows.get(table.name, 0) + rows.num_rows
        if self._held_rows[table.name] >= _GROUP_ROWS:
            self._write_out(table.name)

    def finish(self) -> dict[str, int]:
        """Write out what is held and close the files; rows by table, tables without rows left out."""
        for name in list(self._held):
            self._write_out(name)
        with disk_errors(self.folder):
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()
            self._open.close()
        return {name: count for name, count in self.rows.items() if count}

    def discard(self) -> None:
        """Close and delete the files."""
        for writer in self._writers.values():
            with contextlib.suppress(Exception):  # thrown away anyway; a full disk may fail here a second time
                writer.close()
        self._writers.clear()
        with contextlib.suppress(OSError):
            self._open.close()
        for name in TABLES:
            self.path(name).unlink(missing_ok=True)

    def _write_out(self, name: str) -> None:
        held = self._held.pop(name, [])
        self._held_rows[name] = 0
        if not held:
            return
        table = pa.concat_tables(held)
        with disk_errors(self.folder):
            if name not in self._writers:
                sink: IO[bytes] = self._open.enter_context(private_file(self.path(name)))
                self._writers[name] = pq.ParquetWriter(sink, table.schema, compression="lz4", store_schema=False)
            self._writers[name].write_table(table, row_group_size=_GROUP_ROWS)


def conform(table: Table, batch: pa.Table | pa.RecordBatch, source: str) -> pa.Table:
    """The rows with exactly the table's columns and types; a missing nullable column is null, ``source`` is filled in.

    Places that a schema fixes are set here, whatever the reader knew: a fee is last in its transaction, a reward or a
    coinbase is the last transaction of its block.
    """
    given = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
    schema = arrow_schema(table).remove_metadata()
    extra = set(given.schema.names) - set(table.names)
    if extra:
        raise InputError(f"table {table.name} has no column {', '.join(sorted(extra))}; it has {', '.join(table.names)}")
    columns = []
    for column, field in zip(table.columns, schema, strict=True):
        if column.name in given.schema.names:
            if column.type == "amount" and pa.types.is_floating(given.schema.field(column.name).type):
                raise InputError(f"column {column.name} of {table.name} holds floats: amounts are exact whole base units")
            try:
                columns.append(given.column(column.name).cast(field.type))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise InputError(f"column {column.name} of {table.name} does not fit {field.type}: {error}") from error
        elif column.nullable or column.name == "source":
            columns.append(pa.chunked_array([pa.nulls(given.num_rows, field.type)]))
        else:
            raise InputError(f"rows for table {table.name} lack the column {column.name}: {column.doc}")
    # Nulls are checked by a rule of our own, so that the sentence can say where.
    loose = pa.schema([field.with_nullable(True) for field in schema])
    rows = pa.Table.from_arrays(columns, schema=loose)
    rows = _named(rows, source)
    if table.name == "transfers":
        rows = _put(rows, "index", pc.equal(rows["kind"], Kind.FEE.value))
        rows = _put(rows, "tx_index", pc.equal(rows["kind"], Kind.REWARD.value))
    elif table.name == "outputs":
        rows = _put(rows, "tx_index", rows["coinbase"])
    return rows


def checked(table: Table, rows: pa.Table) -> pa.Table:
    """The same rows, if they keep the table's rules.

    Raises
    ------
    InputError
        Naming the rule, how many rows break it, and the first of them.
    """
    for column in table.columns:
        if not column.nullable and rows[column.name].null_count:
            raise _broken(table, rows, f"{column.name} is missing", pc.is_null(rows[column.name]))
        if column.type == "string":
            limit = MAX_MEMO if column.name == "memo" else MAX_TEXT
            if (pc.max(pc.binary_length(rows[column.name])).as_py() or 0) > limit:
                too_long = pc.greater(pc.binary_length(rows[column.name]), limit)
                raise _broken(table, rows, f"{column.name} is longer than {limit} bytes", too_long)
    for name, breaks in _RULES[table.name]:
        mask = pc.fill_null(breaks(rows), False)
        if pc.any(mask).as_py():
            raise _broken(table, rows, name, mask)
    return rows


def _named(rows: pa.Table, source: str) -> pa.Table:
    """Rows without a source of their own have the import as their source."""
    place = rows.schema.get_field_index("source")
    own = rows["source"]
    named = pc.if_else(pc.fill_null(pc.equal(own, ""), True), pa.scalar(source, pa.string()), own)
    return rows.set_column(place, rows.schema.field(place), named)


def _put(rows: pa.Table, column: str, where: pa.ChunkedArray) -> pa.Table:
    place = rows.schema.get_field_index(column)
    put = pc.if_else(pc.fill_null(where, False), pa.scalar(LAST_INDEX, pa.int32()), rows[column])
    return rows.set_column(place, rows.schema.field(column), put)


def _broken(table: Table, rows: pa.Table, rule: str, mask: pa.ChunkedArray) -> InputError:
    where = pc.index(pc.fill_null(mask, False), True).as_py()
    count = pc.sum(pc.fill_null(mask, False)).as_py()
    row = {name: rows[name][where].as_py() for name in table.key}
    shown = ", ".join(f"{name} {str(value)[:80]!r}" for name, value in row.items())
    return InputError(f"{counted(count, 'row')} of {table.name} cannot be stored: {rule}; the first has {shown}")


def _negative(name: str) -> Rule:
    return (f"{name} is negative", lambda rows: pc.less(rows[name], pa.scalar(0, rows.schema.field(name).type)))


def _too_high(name: str) -> Rule:
    return (f"{name} is above {MAX_POSITION:,}", lambda rows: pc.greater(rows[name], MAX_POSITION))


def _not_among(name: str, allowed: list[str]) -> Rule:
    values = pa.array(allowed, pa.string())
    return (f"{name} is none of {', '.join(allowed)}", lambda rows: pc.invert(pc.is_in(rows[name], values)))


def _is_fee(rows: pa.Table) -> pa.ChunkedArray:
    return pc.equal(rows["kind"], Kind.FEE.value)


_PLACE = [_negative("block"), _negative("tx_index"), _negative("time")]

_RULES: dict[str, list[Rule]] = {
    "transfers": [
        *_PLACE,
        _negative("index"),
        _negative("amount"),
        _not_among("kind", [kind.value for kind in Kind]),
        _not_among("status", [status.value for status in Status]),
        (
            "sender and receiver are both missing",
            lambda rows: pc.and_(pc.is_null(rows["sender"]), pc.is_null(rows["receiver"])),
        ),
        ("a fee has a receiver", lambda rows: pc.and_(_is_fee(rows), pc.is_valid(rows["receiver"]))),
        (
            "a fee has another status than ok",
            lambda rows: pc.and_(_is_fee(rows), pc.not_equal(rows["status"], Status.OK.value)),
        ),
    ],
    "outputs": [*_PLACE, _negative("n"), _too_high("n"), _negative("amount")],
    "inputs": [*_PLACE, _negative("n"), _too_high("n"), _negative("spent_n"), _negative("amount")],
    "prices": [
        _negative("time"),
        _not_among("currency", ["usd", "jpy"]),
        (
            "the price is not a positive number",
            lambda rows: pc.invert(pc.and_(pc.is_finite(rows["price"]), pc.greater(rows["price"], 0.0))),
        ),
    ],
}
