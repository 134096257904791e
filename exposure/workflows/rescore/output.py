"""The result as files have it, and the conditions under which it alarms."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from exposure.reporting.fail_on import Condition
from exposure.sources.address_lists import Listed
from exposure.workflows.rejects import formula_safe

_TIMES = ("first_at", "last_at")


class RowsFile:
    """Rows written one part after the other as ``csv``, ``jsonl`` or ``parquet``; nothing but a part is held.

    Times are ISO in text, amounts exact base units everywhere. No cell of text begins like a formula: addresses, names of
    chains and our own words do not; what people wrote themselves stands in the file of rejects only.
    """

    def __init__(self, sink: BinaryIO, form: str, schema: pa.Schema) -> None:
        self._form, self._sink, self._schema = form, sink, schema
        self._writer: Any = None

    def _begin(self) -> None:
        """Write what belongs at the beginning; not before there is a result, since standard output takes nothing back."""
        if self._writer is not None or self._form == "jsonl":
            return
        if self._form == "parquet":
            self._writer = pyarrow.parquet.ParquetWriter(self._sink, self._schema, compression="zstd", compression_level=1)
            return
        text = _plain(self._schema.empty_table()).schema
        quoting = pyarrow.csv.WriteOptions(quoting_style="needed")
        self._writer = pyarrow.csv.CSVWriter(self._sink, text, write_options=quoting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.close()
            return
        with contextlib.suppress(Exception):  # thrown away anyway; closing gives buffers back, and a full disk fails again
            if self._writer is not None:
                self._writer.close()

    def write(self, rows: pa.Table) -> None:
        """Add rows."""
        self._begin()
        if self._form == "jsonl":
            self._sink.write(_json_lines(_plain(rows)))
        else:
            self._writer.write_table(rows if self._form == "parquet" else _plain(rows))

    def close(self) -> None:
        """Write what belongs at the end."""
        self._begin()
        if self._writer is not None:
            self._writer.close()


def _plain(rows: pa.Table) -> pa.Table:
    """Rows with times and exact amounts as text."""
    for place, name in enumerate(rows.schema.names):
        if name in _TIMES:
            moments = pc.strftime(rows[name].cast(pa.timestamp("s", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
            rows = rows.set_column(place, name, moments)
        elif pa.types.is_decimal(rows.schema.field(name).type):
            rows = rows.set_column(place, name, rows[name].cast(pa.string()))
    return rows


def _json_lines(rows: pa.Table) -> bytes:
    """A line of JSON for each row; its columns are texts without quotes, backslashes or controls, and numbers."""
    parts: list[Any] = []
    for place, name in enumerate(rows.schema.names):
        column = rows[name].combine_chunks()
        text = column.cast(pa.string())
        if pa.types.is_string(column.type):
            if pc.any(pc.match_substring_regex(text, r'["\\\x00-\x1f]')).as_py():
                return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows.to_pylist())
            text = pc.binary_join_element_wise('"', text, '"', "")
        parts += [f"{',' if place else '{'}{json.dumps(name)}:", pc.fill_null(text, "null")]
    lines = pc.binary_join_element_wise(*parts, "}\n", "")
    whole = pa.concat_arrays(lines.chunks) if isinstance(lines, pa.ChunkedArray) else lines
    return "".join(whole.to_pylist()).encode()


def rejects_csv(rejected: Sequence[Listed]) -> str:
    """Rejected lines with their reasons, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("line", "reason", "text"))
    for row in rejected:
        writer.writerow((row.line, formula_safe(row.fault), formula_safe(row.text)))
    return text.getvalue()


class Alarms:
    """Conditions, and the wallets of which they hold: by a figure, or by the wallet's own tag."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._found: list[tuple[Condition, list[pa.Array]]] = [(one, []) for one in conditions]

    def see(self, rows: pa.Table) -> None:
        """Look at some rows."""
        for one, wallets in self._found:
            name = one.category.value
            found = pc.and_(pc.equal(rows["category"], name), pc.greater(rows["share"], 0.0))
            found = pc.and_kleene(found, pc.greater_equal(rows["share"], one.share))
            hit = rows["wallet"].filter(pc.fill_null(pc.or_kleene(found, pc.equal(rows["own"], name)), False))
            wallets.append(pc.unique(hit))

    def sentences(self) -> list[str]:
        """A sentence for each condition that holds for some wallet."""
        counts = [(one, pc.count_distinct(pa.chunked_array(wallets, pa.string())).as_py()) for one, wallets in self._found]
        return [f"{one.category.value}: {count:,} of the wallets" for one, count in counts if count]
