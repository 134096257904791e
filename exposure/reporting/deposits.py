"""The deposits of an address, as ``exposure trace ADDRESS --list`` prints them: each with the subject to trace it by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, tzinfo

from rich.text import Text

from exposure.model.results import Deposit
from exposure.reporting.layout import WIDTH, columns
from exposure.reporting.rows import Cell, Row, harmless
from exposure.reporting.words import coins, short
from exposure.text import counted, shown
from exposure.units import clock, exact_coins, iso

COLUMNS = ("subject", "chain", "asset", "symbol", "amount", "coins", "time", "block", "tx", "sender")
MAX_LINES = 200


def screen(subject: str, deposits: Sequence[Deposit], *, zone: tzinfo = UTC) -> Text:
    """One deposit a line, oldest first, with what to type to trace it. Hashes are whole, and subjects
    never broken over two lines: they are there to be copied.
    """
    head = f"{counted(len(deposits), 'deposit')} to {shown(subject, 70)}"
    lines = [Text(head, "bold")]
    for one in deposits[:MAX_LINES]:
        amount = coins(one.amount, one.decimals, one.symbol)
        sender = f"from {short(one.sender)}" if one.sender else ""
        lines.append(columns([(clock(one.time, zone), 40, ""), (amount, -24, ""), ("", 2, ""), (sender, WIDTH - 66, "dim")]))
        lines.append(Text.assemble("  ", (shown(one.subject, 200), "bold")))
    if len(deposits) > MAX_LINES:
        lines.append(Text(f"... and {len(deposits) - MAX_LINES:,} more: --format csv lists them, --since narrows"))
    return Text("\n").join(lines)


def rows(deposits: Sequence[Deposit]) -> list[Row]:
    """Rows of `COLUMNS`; amounts as text."""
    return [_row(one) for one in deposits]


def to_json(deposits: Sequence[Deposit]) -> str:
    """A JSON array of the rows."""
    return json.dumps(rows(deposits), indent=2, ensure_ascii=True) + "\n"


def to_jsonl(deposits: Sequence[Deposit]) -> str:
    """A row a line."""
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in rows(deposits))


def to_csv(deposits: Sequence[Deposit]) -> str:
    """The rows as CSV with a header; no cell starts a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in rows(deposits))
    return out.getvalue()


def to_parquet(deposits: Sequence[Deposit]) -> bytes:
    """The rows as a Parquet file in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(name, pa.int64() if name == "block" else pa.string()) for name in COLUMNS])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows(deposits), schema=schema), sink)
    return sink.getvalue()


def _row(one: Deposit) -> Row:
    cells: dict[str, Cell] = {
        "subject": one.subject,
        "chain": one.chain,
        "asset": one.asset,
        "symbol": one.symbol,
        "amount": str(one.amount),
        "coins": exact_coins(one.amount, one.decimals),
        "time": iso(one.time),
        "block": one.block,
        "tx": one.tx,
        "sender": one.sender,
    }
    return cells
