"""Schemas of every stored table, in one place: column, Arrow type, meaning, and the rules a valid row keeps.

The types are named as strings, so that reading this module costs nothing; `arrow_schema` builds the pyarrow schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # an annotation only; nothing here imports pyarrow until a schema is asked for
    import pyarrow as pa

AMOUNT_DIGITS = 38
"""Stored amounts are decimal128(38, 0): exact, sortable, and understood by every engine. A larger one is rejected."""

MAX_AMOUNT = 10**AMOUNT_DIGITS - 1


class Column(NamedTuple):
    """One column: ``type`` is one of string, int32, int64, bool, amount, double."""

    name: str
    type: str
    doc: str
    nullable: bool = False


class Table(NamedTuple):
    """One table: its columns, the columns that identify a row, and its sort order within a part."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    rules: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


_CHAIN = Column("chain", "string", "chain name, such as `bitcoin` or `ethereum`")
_TX = Column("tx", "string", "transaction hash, lower case, as its chain prints it; a weak identity where it has none")
_BLOCK = Column("block", "int64", "block height; the unix second where the source has no blocks (flag TIME_ORDER)")
_TX_INDEX = Column("tx_index", "int32", "place of the transaction in its block; 2^31-1 for block rewards")
_TIME = Column("time", "int64", "unix seconds of the block, UTC")
_FLAGS = Column("flags", "int32", "bits of `exposure.model.ledger.Flag`")
_SOURCE = Column("source", "string", "id of the import or fetch that brought the row")

TRANSFERS = Table(
    "transfers",
    (
        _CHAIN,
        Column("asset", "string", "asset id: `<chain>/native` or `<chain>/<contract>`"),
        _TX,
        _BLOCK,
        _TX_INDEX,
        Column("index", "int32", "place within the transaction; 2^31-1 for the fee, which is always last"),
        Column(
            "ordinal",
            "string",
            "what distinguishes the row in its transaction: `log:5`, `trace:0_1`, `value`, `fee`, `repeat:2`",
        ),
        _TIME,
        Column("sender", "string", "canonical address; null: minted", True),
        Column("receiver", "string", "canonical address; null: burned, or a fee", True),
        Column("amount", "amount", "base units, exact"),
        Column("kind", "string", "value, internal, token, fee, reward, mint, burn"),
        Column("status", "string", "ok, failed (moves no value; its fee row is ok) or unknown (counts as moved)"),
        Column("memo", "string", "destination tag or memo, as the chain has it", True),
        _FLAGS,
        _SOURCE,
    ),
    key=("chain", "asset", "tx", "ordinal"),
    order=("block", "tx_index", "index", "tx", "ordinal"),
    rules=(
        "amount >= 0",
        "sender and receiver are not both null",
        "a fee has receiver null and status ok",
        "all rows of a chain share TIME_ORDER or none has it",
    ),
)

OUTPUTS = Table(
    "outputs",
    (
        _CHAIN,
        _TX,
        Column("n", "int32", "position of the output in its transaction"),
        _BLOCK,
        _TX_INDEX,
        _TIME,
        Column(
            "address",
            "string",
            "canonical address; P2PK filed under the P2PKH address of its key; else `script:<hash160 of the script>`",
        ),
        Column("amount", "amount", "base units, exact"),
        Column("script", "string", "p2pk, p2pkh, p2sh, p2wpkh, p2wsh, p2tr, multisig, op_return, nonstandard, unknown"),
        Column("coinbase", "bool", "whether the transaction is a coinbase"),
        _FLAGS,
        _SOURCE,
    ),
    key=("chain", "tx", "n"),
    order=("block", "tx_index", "tx", "n"),
    rules=("amount >= 0",),
)

INPUTS = Table(
    "inputs",
    (
        _CHAIN,
        _TX,
        Column("n", "int32", "position of the input in its transaction: fifo and lifo depend on it"),
        _BLOCK,
        _TX_INDEX,
        _TIME,
        Column("spent_tx", "string", "transaction whose output is spent"),
        Column("spent_n", "int32", "position of that output"),
        Column("address", "string", "address of the spent output, where the source states it", True),
        Column("amount", "amount", "amount of the spent output, where the source states it", True),
        _FLAGS,
        _SOURCE,
    ),
    key=("chain", "tx", "n"),
    order=("block", "tx_index", "tx", "n"),
    rules=("a coin is spent at most once: (chain, spent_tx, spent_n) is unique",),
)

PRICES = Table(
    "prices",
    (
        Column("asset", "string", "asset id; `fiat/usd` for the yen rate of the dollar"),
        Column("time", "int64", "unix seconds from which the price holds"),
        Column("currency", "string", "usd or jpy"),
        Column("price", "double", "currency per whole coin"),
        _SOURCE,
    ),
    key=("asset", "time", "currency"),
    order=("asset", "currency", "time"),
    rules=("price > 0",),
)

TABLES = {table.name: table for table in (TRANSFERS, OUTPUTS, INPUTS, PRICES)}


def arrow_schema(table: Table) -> pa.Schema:
    """The pyarrow schema of a table; amounts are decimal128(38, 0), column docs go into field metadata."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "double": pa.float64(),
        "amount": pa.decimal128(AMOUNT_DIGITS, 0),
    }
    return pa.schema(
        [
            pa.field(column.name, types[column.type], nullable=column.nullable, metadata={"doc": column.doc})
            for column in table.columns
        ]
    )
