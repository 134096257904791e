"""The traced flow of a report as a table: a row for each transfer and section, with what it carries by category."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from exposure.model.results import Report
from exposure.reporting.rows import harmless
from exposure.units import exact_coins, iso

if TYPE_CHECKING:  # an annotation only
    import pyarrow as pa

COLUMNS = (
    "section",
    "direction",
    "rule",
    "chain",
    "asset",
    "tx",
    "ref",
    "block",
    "time",
    "sender",
    "receiver",
    "amount",
    "coins",
    "carried",
)
"""``amount``: base units as text; ``carried``: JSON of base units by category; ``time``: UTC."""


def flow_rows(report: Report) -> Iterator[dict[str, str | int | None]]:
    """The rows, in the order of the sections and of the ledger."""
    for number, section in enumerate(report.sections):
        for row in section.flow:
            yield {
                "section": number,
                "direction": section.direction,
                "rule": section.rule,
                "chain": section.subject.chain,
                "asset": section.subject.asset,
                "tx": row.tx,
                "ref": row.ref,
                "block": row.block,
                "time": iso(row.time),
                "sender": row.sender,
                "receiver": row.receiver,
                "amount": str(row.amount),
                "coins": exact_coins(row.amount, section.subject.decimals),
                "carried": json.dumps({key: str(part) for key, part in sorted(row.carried.items())}),
            }


def flow_table(report: Report) -> pa.Table:
    """As an Arrow table."""
    import pyarrow as pa

    whole = ("section", "block")
    schema = pa.schema([pa.field(name, pa.int64() if name in whole else pa.string()) for name in COLUMNS])
    return pa.Table.from_pylist(list(flow_rows(report)), schema=schema)


def flow_csv(report: Report) -> str:
    """As CSV; no cell starts a formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: harmless(cell) for name, cell in row.items()} for row in flow_rows(report))
    return out.getvalue()
