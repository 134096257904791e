"""How each table lies on disk: its own rows in canonical order, and narrower copies sorted for one kind of look-up.

A copy is an index: look-ups by address, by transaction and by coin read one or two small row groups of it instead of
the table. Each part file holds rows of one chain and one layout. Every SQL fragment here is a constant of this module.
"""

from __future__ import annotations

from typing import NamedTuple

from exposure.model.schemas import INPUTS, OUTPUTS, PRICES, TABLES, TRANSFERS

ROW_KEY = "row_key"
"""64 bits of a hash of a row's key: finds candidates for duplicates cheaply; equality is always checked on the key itself."""

COIN_KEY = "coin_key"
"""The same for the coin that an input spends."""


class Layout(NamedTuple):
    """One sorted copy of a table.

    ``columns`` are SQL expressions by column name, ``order`` the sort, ``lead`` the column that look-ups search by
    (the first of ``order``). ``both_ends``: each row stands once per end of the transfer, under ``end``.
    """

    name: str
    table: str
    columns: dict[str, str]
    order: tuple[str, ...]
    rows_per_group: int
    both_ends: bool = False
    distinct: bool = False

    @property
    def plain(self) -> frozenset[str]:
        """Columns whose values hardly repeat: a dictionary would only cost time."""
        return _UNLIKE & frozenset(self.columns)

    @property
    def lead(self) -> str:
        """The column that the copy is searched by."""
        return self.order[0]


def _same(*names: str) -> dict[str, str]:
    return {name: f'"{name}"' for name in names}


def _hash(*names: str) -> str:
    # The engine's own hash, ten times cheaper than a digest. It may be another in another version of the engine, so each
    # part says which one it has (`exposure.store.dedup.hash_name`). Collisions cost time, never a row.
    return f"hash({', '.join(_same(*names).values())})"


KEY_HASHES = {table.name: _hash(*table.key) for table in TABLES.values()}
COIN_HASH = _hash("chain", "spent_tx", "spent_n")

_UNLIKE = frozenset({"tx", "spent_tx", "amount", "block", "time", "price", ROW_KEY, COIN_KEY})

_WIDE = 16_384
_NARROW = 2_048

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "transfers",
        "transfers",
        {**_same(*TRANSFERS.names), ROW_KEY: KEY_HASHES["transfers"]},
        ("block", "tx_index", "index", "tx", "ordinal", "asset"),
        _WIDE,
    ),
    Layout(
        "transfers_by_end",
        "transfers",
        {
            "end": '"end"',
            **_same("asset", "block", "tx_index", "index", "tx", "ordinal", "time"),
            "other": 'case when "sender" = "end" then "receiver" else "sender" end',
            "incoming": '"sender" is distinct from "end"',
            **_same("amount", "kind", "status", "flags"),
        },
        ("end", "asset", "block", "tx_index", "index", "tx", "ordinal"),
        _NARROW,
        both_ends=True,
    ),
    Layout("transfers_by_tx", "transfers", _same("tx", "block"), ("tx", "block"), _NARROW, distinct=True),
    Layout(
        "outputs",
        "outputs",
        {**_same(*OUTPUTS.names), ROW_KEY: KEY_HASHES["outputs"]},
        ("block", "tx_index", "tx", "n"),
        _WIDE,
    ),
    Layout(
        "outputs_by_tx",
        "outputs",
        _same("tx", "n", "block", "tx_index", "time", "address", "amount", "coinbase"),
        ("tx", "n"),
        _NARROW,
    ),
    Layout(
        "outputs_by_address",
        "outputs",
        _same("address", "block", "tx_index", "tx", "n", "time", "amount"),
        ("address", "block", "tx_index", "tx", "n"),
        _NARROW,
    ),
    Layout(
        "inputs",
        "inputs",
        {**_same(*INPUTS.names), ROW_KEY: KEY_HASHES["inputs"], COIN_KEY: COIN_HASH},
        ("block", "tx_index", "tx", "n"),
        _WIDE,
    ),
    Layout(
        "inputs_by_tx",
        "inputs",
        _same("tx", "n", "block", "tx_index", "time", "spent_tx", "spent_n", "address", "amount"),
        ("tx", "n"),
        _NARROW,
    ),
    Layout("inputs_by_coin", "inputs", _same("spent_tx", "spent_n", "tx", "block"), ("spent_tx", "spent_n"), _NARROW),
    Layout(
        "prices",
        "prices",
        {**_same(*PRICES.names), ROW_KEY: KEY_HASHES["prices"]},
        ("asset", "currency", "time"),
        _WIDE,
    ),
)

BY_NAME = {layout.name: layout for layout in LAYOUTS}


def copies(table: str) -> tuple[Layout, ...]:
    """The layouts of a table, its own first."""
    return tuple(layout for layout in LAYOUTS if layout.table == table)


def select(layout: Layout, rows: str) -> str:
    """SQL that turns ``rows`` (SQL of a row source with the table's columns) into the layout's rows, unsorted."""
    if layout.both_ends:
        # A transfer of an address to itself stands once.
        rows = (
            f'(select *, "sender" as "end" from {rows} where "sender" is not null union all '
            f'select *, "receiver" as "end" from {rows} where "receiver" is not null '
            'and "receiver" is distinct from "sender")'
        )
    columns = ", ".join(f'{expression} as "{name}"' for name, expression in layout.columns.items())
    return f"select {'distinct ' if layout.distinct else ''}{columns} from {rows}"


def order_by(layout: Layout) -> str:
    """The SQL sort clause of a layout."""
    return "order by " + ", ".join(_same(*layout.order).values())
