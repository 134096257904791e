"""Evidence as Parquet tables and back. Every table is refused unless it has exactly its schema, whoever wrote it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exposure.casefile.evidence import Evidence
from exposure.errors import InputError
from exposure.model.ledger import Flag, Incomplete, Place, Transfer, UtxoTx
from exposure.model.schemas import INPUTS, OUTPUTS, TRANSFERS, arrow_schema
from exposure.store.decode import NO_OUTPUT
from exposure.store.prices import Price
from exposure.text import shown

if TYPE_CHECKING:  # annotations only: Arrow is imported when a case is written or read
    import pyarrow as pa

MAX_ROWS = 10_000_000
MAX_TABLE_BYTES = 2 * 2**30
"""Uncompressed size of a table that a stranger's case may have, counted before it is unpacked."""
MAX_CELL_BYTES = 64 * 2**10

SOURCE = "case"


def coverage_schema() -> pa.Schema:
    """Columns of ``coverage.parquet``. Places are block, transaction index and index, parted by dots."""
    import pyarrow as pa

    texts = ("chain", "address", "asset", "since", "until", "balance", "reason")
    return pa.schema(
        [*(pa.field(name, pa.string()) for name in texts), pa.field("complete", pa.bool_()), pa.field("oldest", pa.bool_())]
    )


def prices_schema() -> pa.Schema:
    """Columns of ``prices.parquet``: what was asked, and the answer (null: none was known)."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("asset", pa.string()),
            pa.field("currency", pa.string()),
            pa.field("time", pa.int64()),
            pa.field("value", pa.float64()),
            pa.field("as_of", pa.int64()),
            pa.field("source", pa.string()),
        ]
    )


def movement_table(evidence: Evidence) -> pa.Table:
    """Rows of account chains, in the store's own columns."""
    rows = sorted(evidence.transfers.items(), key=lambda item: (item[0][0], item[1].place, item[0][1]))
    return _table([_movement(chain, row) for (chain, _), row in rows], arrow_schema(TRANSFERS))


def _movement(chain: str, row: Transfer) -> dict[str, object]:
    ordinal = row.ref.removeprefix(f"{row.tx}:")
    if not (ordinal.startswith("log:") or row.asset.endswith("/native")):
        ordinal = ordinal.removesuffix(f":{row.asset}")
    status = "failed" if row.failed else "unknown" if row.flags & Flag.UNKNOWN_STATUS else "ok"
    return {
        "chain": chain,
        "asset": row.asset,
        "tx": row.tx,
        "block": row.place.block,
        "tx_index": row.place.tx_index,
        "index": row.place.index,
        "ordinal": ordinal,
        "time": row.time,
        "sender": row.sender,
        "receiver": row.receiver,
        "amount": Decimal(row.amount),
        "kind": row.kind.value,
        "status": status,
        "memo": None,
        "flags": row.flags,
        "source": SOURCE,
    }


def coin_tables(evidence: Evidence) -> tuple[pa.Table, pa.Table]:
    """Outputs and inputs of UTXO chains, in the store's own columns, inputs with the values of what they spend."""
    ordered = sorted(evidence.txs.items(), key=lambda item: (item[0][0], item[1].place, item[0][1]))
    outputs, inputs = [], []
    for (chain, _), tx in ordered:
        outputs += list(_outputs(chain, tx))
        inputs += list(_inputs(chain, tx))
    return _table(outputs, arrow_schema(OUTPUTS)), _table(inputs, arrow_schema(INPUTS))


def _outputs(chain: str, tx: UtxoTx) -> Iterator[dict[str, object]]:
    for n, output in enumerate(tx.outputs):
        if output.address != NO_OUTPUT:
            yield _common(chain, tx, n) | {
                "address": output.address,
                "amount": Decimal(output.amount),
                "script": "unknown",
                "coinbase": tx.coinbase,
            }


def _inputs(chain: str, tx: UtxoTx) -> Iterator[dict[str, object]]:
    # Inputs that are known not to be all begin at 1: a gap in the numbers is how the store says so.
    for n, spend in enumerate(tx.inputs, 1 if tx.unknown_inputs else 0):
        yield _common(chain, tx, n) | {
            "spent_tx": spend.coin.tx,
            "spent_n": spend.coin.n,
            "address": spend.address,
            "amount": None if spend.amount is None else Decimal(spend.amount),
        }


def _common(chain: str, tx: UtxoTx, n: int) -> dict[str, object]:
    return {
        "chain": chain,
        "tx": tx.tx,
        "n": n,
        "block": tx.place.block,
        "tx_index": tx.place.tx_index,
        "time": tx.time,
        "flags": 0,
        "source": SOURCE,
    }


def coverage_table(evidence: Evidence) -> pa.Table:
    """What coverage answered."""
    rows = []
    for (chain, address, asset), gap in sorted(evidence.gaps.items()):
        row: dict[str, object] = {"chain": chain, "address": address, "asset": asset, "complete": gap is None}
        if gap is None:
            row |= {"since": "", "until": "", "balance": "", "reason": "", "oldest": False}
        else:
            row |= {
                "since": _place_text(gap.since),
                "until": _place_text(gap.until),
                "balance": "" if gap.balance is None else str(gap.balance),
                "reason": gap.reason,
                "oldest": gap.oldest,
            }
        rows.append(row)
    return _table(rows, coverage_schema())


def _place_text(place: Place | None) -> str:
    return "" if place is None else ".".join(map(str, place))


def _place(text: str) -> Place | None:
    if not text:
        return None
    block, tx_index, index = map(int, text.split("."))
    return Place(block, tx_index, index)


def coverage_from(table: pa.Table) -> dict[tuple[str, str, str], Incomplete | None]:
    """`coverage_table`, read."""
    found: dict[tuple[str, str, str], Incomplete | None] = {}
    for row in table.to_pylist():
        key = row["chain"], row["address"], row["asset"]
        balance = int(row["balance"]) if row["balance"] else None
        found[key] = (
            None
            if row["complete"]
            else Incomplete(
                row["address"],
                row["asset"],
                since=_place(row["since"]),
                oldest=row["oldest"],
                until=_place(row["until"]),
                balance=balance,
                reason=row["reason"],
            )
        )
    return found


def prices_table(evidence: Evidence) -> pa.Table:
    """What was asked about prices, and the answers."""
    rows = [
        {"asset": asset, "currency": currency, "time": time}
        | (
            {"value": None, "as_of": None, "source": ""}
            if price is None
            else {"value": price.value, "as_of": price.as_of, "source": price.source}
        )
        for (asset, currency, time), price in sorted(evidence.prices.items())
    ]
    return _table(rows, prices_schema())


def prices_from(table: pa.Table) -> dict[tuple[str, str, int], Price | None]:
    """`prices_table`, read."""
    return {
        (row["asset"], row["currency"], row["time"]): None
        if row["value"] is None
        else Price(row["value"], row["as_of"], row["source"])
        for row in table.to_pylist()
    }


def written(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def read(content: bytes, schema: pa.Schema, name: str) -> pa.Table:
    """A table of a case, which has to have exactly this schema and a bearable size.

    Raises
    ------
    InputError
        If it has not.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(io.BytesIO(content), memory_map=False)
        size = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
        if file.metadata.num_rows > MAX_ROWS or size > MAX_TABLE_BYTES:
            raise InputError(f"{name} of the case is too large: {file.metadata.num_rows:,} rows, {size:,} bytes")
        if not file.schema_arrow.equals(schema, check_metadata=False):
            raise InputError(f"{name} of the case has other columns than a case has")
        # What a file says of its sizes may be a lie, so that it is read column by column. And a word that stands there once
        # may be in every row: it is counted before it is written out for each of them.
        packed = pq.ParquetFile(io.BytesIO(content), memory_map=False, read_dictionary=texts)
        columns, unpacked = [], 0
        for field in schema:
            column = packed.read(columns=[field.name], use_threads=False)[field.name]
            unpacked += _unpacked(column) if field.name in texts else column.nbytes
            if unpacked > MAX_TABLE_BYTES:
                raise InputError(f"{name} of the case is too large once unpacked")
            columns.append(column)
        table = pa.table(columns, names=schema.names).cast(schema)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{name} of the case cannot be read: {shown(error, 200)}") from error
    return table


def _unpacked(column: pa.ChunkedArray) -> int:
    """Bytes of a text column once each row has its own; a cell that no honest case has counts as endless."""
    import pyarrow.compute as pc

    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary)
        if (pc.max(lengths).as_py() or 0) > MAX_CELL_BYTES:
            return MAX_TABLE_BYTES + 1
        total += pc.sum(lengths.take(chunk.indices)).as_py() or 0
    return total


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    return pa.Table.from_pylist(list(rows), schema=schema)
