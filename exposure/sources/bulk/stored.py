"""The last step of every reader: columns of a ledger row into a table of the stored schema."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.model.ledger import LAST_INDEX, Kind, Status
from exposure.model.schemas import TABLES, arrow_schema
from exposure.sources.bulk.columns import Bools, truth

ZERO_ADDRESS = "0x" + "0" * 40


@cache
def schema(table: str) -> pa.Schema:
    """Schema of a stored table without ``source``, which the import writes."""
    whole = arrow_schema(TABLES[table])
    return pa.schema([field for field in whole if field.name != "source"])


def rows_of(table: str, columns: Mapping[str, pa.Array | pa.ChunkedArray | pa.Scalar], length: int) -> pa.Table:
    """A table of the stored schema; scalars fill their column, columns that are not given are null."""
    arrays = []
    for field in schema(table):
        value = columns.get(field.name)
        if value is None:
            arrays.append(pa.nulls(length, field.type))
        elif isinstance(value, pa.Scalar):
            arrays.append(pa.repeat(value.cast(field.type), length))
        else:
            arrays.append(value.cast(field.type))
    return pa.table(arrays, schema=schema(table))


def python_rows(table: str, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """A table of the stored schema from tuples in the order of its columns."""
    fields = list(schema(table))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)], schema=schema(table))


def flag(bits: int, where: Bools) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """``bits`` where a condition holds, else 0."""
    return np.where(where, np.int32(bits), np.int32(0)).astype(np.int32)


def hash_places(tx: pa.Array) -> pa.Array:
    """A transaction index for sources that give none: the first 31 bits of the hash.

    So the rows of a block follow their hashes, and where a transaction stands does not depend on what else a file holds.
    """
    if truth(pc.match_substring_regex(tx, "^(0x)?[0-9a-f]{64}$")).all() and len(tx):
        digits = pc.utf8_slice_codeunits(pc.replace_substring_regex(tx, "^0x", ""), 0, 8)
        letters = np.frombuffer(digits.buffers()[2], np.uint8, 8 * len(tx), 8 * digits.offset).reshape(-1, 8).astype(np.int64)
        nibbles = np.where(letters > ord("9"), letters - ord("a") + 10, letters - ord("0"))
        return pa.array(np.minimum((nibbles @ _SIXTEENS) >> 1, LAST_INDEX - 1))
    coded = pc.dictionary_encode(tx)
    return pa.array([hash_place(text) for text in coded.dictionary.to_pylist()], pa.int64()).take(coded.indices)


_SIXTEENS = 16 ** np.arange(7, -1, -1, dtype=np.int64)


def hash_place(tx: str) -> int:
    """`hash_places` of one transaction."""
    digits = tx.removeprefix("0x")[:8]
    try:
        first = int(digits, 16)
    except ValueError:
        first = int(hashlib.sha256(tx.encode()).hexdigest()[:8], 16)
    return min(first >> 1, LAST_INDEX - 1)


def fee_rows(transfers: pa.Table, fees: pa.Array, native: str, ordinals: pa.Array | pa.Scalar) -> pa.Table:
    """A row for each fee above zero: paid by the sender of the row it stands in, last in its transaction."""
    paid = pc.and_(pc.fill_null(pc.greater(fees, 0), False), pc.is_valid(transfers.column("sender")))
    length = transfers.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray | pa.Scalar] = {
        name: transfers.column(name) for name in transfers.column_names
    }
    columns |= {
        "asset": pa.scalar(native),
        "index": pa.scalar(LAST_INDEX),
        "ordinal": ordinals,
        "receiver": pa.nulls(length, pa.string()),
        "amount": fees,
        "kind": pa.scalar(str(Kind.FEE)),
        "status": pa.scalar(str(Status.OK)),
        "memo": pa.nulls(length, pa.string()),
    }
    return rows_of("transfers", columns, length).filter(paid)
