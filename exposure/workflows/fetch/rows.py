"""Rows of a source's pages as tables of the stored schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from exposure.model.schemas import TABLES
from exposure.sources.remote import Row

if TYPE_CHECKING:  # annotations only
    import pyarrow as pa


def tables(rows: Mapping[str, Sequence[Row]]) -> dict[str, pa.Table]:
    """Tables without ``source`` from rows in the order of the columns; tables without rows are left out."""
    from exposure.sources.bulk.stored import python_rows

    return {name: python_rows(name, [_exact(name, row) for row in found]) for name, found in rows.items() if found}


def _exact(table: str, row: Row) -> Row:
    """The row with its amount as a decimal, which is what an Arrow amount is made of."""
    place = TABLES[table].names.index("amount")
    amount = row[place]
    assert amount is None or type(amount) is int, "amounts are whole numbers of base units"
    return (*row[:place], None if amount is None else Decimal(amount), *row[place + 1 :])
