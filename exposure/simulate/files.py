"""Writing rows: CSV (gzip) for small runs, Parquet for the others. Bounded memory: rows come in chunks."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from exposure.simulate.coins import InputRow, OutputRow

if TYPE_CHECKING:  # annotations only: pyarrow is loaded when a Parquet file is written
    import pyarrow as pa
    import pyarrow.parquet as pq

Cell = str | int | None
Row = Sequence[Cell]

AMOUNT = "amount"  # decimal128(38, 0), as the store has it
OUTPUT_COLUMNS = dict(zip(OutputRow._fields, ("string", "int32", "int64", "int32", "int64", "string", "int64"), strict=True))
INPUT_COLUMNS = dict(zip(InputRow._fields, ("string", "int32", "string", "int32"), strict=True))
TRANSFER_COLUMNS = dict(
    zip(
        ("tx", "index", "block", "time", "from", "to", "amount", "fee", "asset", "status", "memo"),
        ("string", "int32", "int64", "int64", "string", "string", AMOUNT, AMOUNT, "string", "string", "string"),
        strict=True,
    )
)
DEPOSIT_COLUMNS = {
    "id": "string",
    "customer": "string",
    "chain": "string",
    "tx": "string",
    "index": "int32",
    "address": "string",
    "asset": "string",
    "amount": AMOUNT,
    "time": "int64",
}
TRUTH_COLUMNS = {
    "deposit": "string",
    "truth": "string",
    "kind": "string",
    "category": "string",
    "entity": "string",
    "hop": "int32",
    "amount": "string",
}


class RowFile(Protocol):
    """A file that takes rows in chunks."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class CsvFile:
    """CSV, in gzip if the path ends so: without a time or a name inside, the bytes depend on the rows (and on zlib) alone.

    No cell here holds a comma, a quote or a line break, and `write` checks that.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        self._raw = path.open("xb")
        packed = path.suffix == ".gz"
        inner = gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=self._raw, mtime=0) if packed else self._raw
        self._text = io.TextIOWrapper(inner, encoding="ascii", newline="\n")
        self._text.write(",".join(columns) + "\n")

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows; None is an empty cell."""
        for row in rows:
            cells = ["" if cell is None else str(cell) for cell in row]
            line = ",".join(cells)
            if line.count(",") != len(cells) - 1 or '"' in line or "\n" in line:
                raise ValueError(f"a cell would need quoting: {line!r}")
            self._text.write(line + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._text.close()
        self._raw.close()


class ParquetFile:
    """Parquet with zstd, one row group a chunk."""

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {"string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), AMOUNT: pa.decimal128(38, 0)}
        note = {"note": "SYNTHETIC: made by `exposure simulate`"}
        self._schema: pa.Schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()], metadata=note)
        self._file: pq.ParquetWriter = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows as one row group."""
        import pyarrow as pa

        columns = list(zip(*rows, strict=True))
        if columns:
            arrays = [_array(pa, cells, field.type) for cells, field in zip(columns, self._schema, strict=True)]
            self._file.write_table(pa.table(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _array(pa: pa, cells: Sequence[Cell], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        # Through text: Arrow does not take Python integers of more than 64 bits for decimals.
        return pa.array([None if cell is None else str(cell) for cell in cells], pa.string()).cast(kind)
    return pa.array(cells, kind)


def row_file(path: Path, columns: dict[str, str]) -> RowFile:
    """Open a file for writing, in the form that the ending of its name says."""
    return ParquetFile(path, columns) if path.suffix == ".parquet" else CsvFile(path, columns)
