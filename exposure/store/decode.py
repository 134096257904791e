"""From stored columns to ledger values: pure, one place for account rows and one for coins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from exposure.model import joint
from exposure.model.ledger import Coin, Kind, Output, Place, Spend, Status, Transfer, UtxoTx
from exposure.store.lookup import integers

TRANSFER_COLUMNS = (
    *("asset", "block", "tx_index", "index", "tx", "ordinal", "time"),
    *("sender", "receiver", "amount", "kind", "status", "flags"),
)
OUTPUT_COLUMNS = ("tx", "n", "block", "tx_index", "time", "address", "amount", "coinbase")
INPUT_COLUMNS = ("tx", "n", "block", "tx_index", "time", "spent_tx", "spent_n", "address", "amount")

NO_OUTPUT = "script:unknown"
"""Address of an output whose row is missing between others of its transaction; its amount is 0."""

MIN_JOINT = 3
"""Inputs and outputs that a transaction of several owners has at least, as far as it can be recognised."""

_KINDS = {kind.value: kind for kind in Kind}


class OutputRow(NamedTuple):
    """A stored output."""

    tx: str
    n: int
    block: int
    tx_index: int
    time: int
    address: str
    amount: int
    coinbase: bool


class InputRow(NamedTuple):
    """A stored input; address and amount of the coin as far as its source or its parent states them."""

    tx: str
    n: int
    block: int
    tx_index: int
    time: int
    spent_tx: str
    spent_n: int
    address: str | None
    amount: int | None


def transfers(table: pa.Table | pa.RecordBatch) -> list[Transfer]:
    """Rows with `TRANSFER_COLUMNS` as transfers, in the order given."""
    return _transfers(table, table.column("sender").to_pylist(), table.column("receiver").to_pylist())


def movements(table: pa.Table) -> list[Transfer]:
    """Rows of the copy that is sorted by address, as transfers, in the order given."""
    ends, others, incoming = (table.column(name).to_pylist() for name in ("end", "other", "incoming"))
    senders = [other if comes else end for end, other, comes in zip(ends, others, incoming, strict=True)]
    receivers = [end if comes else other for end, other, comes in zip(ends, others, incoming, strict=True)]
    return _transfers(table, senders, receivers)


def _transfers(table: pa.Table | pa.RecordBatch, senders: list[str | None], receivers: list[str | None]) -> list[Transfer]:
    assets, blocks, tx_indices, indices, txs, ordinals, times, kinds, statuses, flags = (
        table.column(name).to_pylist() for name in TRANSFER_COLUMNS if name not in ("amount", "sender", "receiver")
    )
    amounts = integers(_chunked(table.column("amount")))
    return [
        Transfer(
            _ref(txs[row], ordinals[row], assets[row]),
            txs[row],
            Place(blocks[row], tx_indices[row], indices[row]),
            times[row],
            senders[row],
            receivers[row],
            assets[row],
            amounts[row],
            _KINDS[kinds[row]],
            statuses[row] == Status.FAILED.value,
            flags[row],
        )
        for row in range(table.num_rows)
    ]


def outputs(table: pa.Table | pa.RecordBatch) -> list[OutputRow]:
    """Rows with `OUTPUT_COLUMNS` as values."""
    txs, ns, blocks, tx_indices, times, addresses, coinbases = (
        table.column(name).to_pylist() for name in OUTPUT_COLUMNS if name != "amount"
    )
    amounts = integers(_chunked(table.column("amount")))
    return list(map(OutputRow, txs, ns, blocks, tx_indices, times, addresses, amounts, coinbases))


def inputs(table: pa.Table | pa.RecordBatch) -> list[InputRow]:
    """Rows with `INPUT_COLUMNS` as values."""
    txs, ns, blocks, tx_indices, times, spent_txs, spent_ns, addresses, amounts = (
        table.column(name).to_pylist() for name in INPUT_COLUMNS
    )
    exact = (None if amount is None else int(amount) for amount in amounts)
    return list(map(InputRow, txs, ns, blocks, tx_indices, times, spent_txs, spent_ns, addresses, exact))


def utxo_tx(received: list[OutputRow], spent: list[InputRow]) -> UtxoTx:
    """A transaction from its stored rows, each list sorted by ``n``; at least one list is not empty.

    A gap among the inputs, no inputs where there must be some, or more value out than in, means unknown inputs. A gap
    among the outputs is filled, since an output is named by its position.
    """
    first: OutputRow | InputRow = received[0] if received else spent[0]
    coinbase = any(output.coinbase for output in received)
    positions = [spend.n for spend in spent]
    whole = positions == list(range(len(spent))) and (bool(spent) or coinbase)
    amounts = [spend.amount for spend in spent if spend.amount is not None]
    if whole and not coinbase and len(amounts) == len(spent) and sum(amounts) < sum(row.amount for row in received):
        whole = False
    filled: list[Output] = []
    for output in received:
        filled += [Output(NO_OUTPUT, 0)] * (output.n - len(filled))
        filled.append(Output(output.address, output.amount))
    return UtxoTx(
        first.tx,
        Place(first.block, first.tx_index, 0),
        first.time,
        tuple(Spend(Coin(spend.spent_tx, spend.spent_n), spend.address, spend.amount) for spend in spent),
        tuple(filled),
        coinbase=coinbase,
        unknown_inputs=not whole,
        joint=_joint(received, spent),
    )


def _joint(received: list[OutputRow], spent: list[InputRow]) -> bool:
    """Whether a transaction looks as if several owners made it together."""
    if len(spent) < MIN_JOINT or len(received) < MIN_JOINT:
        return False
    inputs = [(row.address, row.amount) for row in spent]
    return joint.form(inputs, [(row.address, row.amount) for row in received], received[0].time) in joint.MARKED


def utxo_txs(received: Iterable[OutputRow], spent: Iterable[InputRow]) -> Iterator[UtxoTx]:
    """Transactions in canonical order from two streams of rows that both are sorted by (block, tx_index, tx, n)."""

    def place(row: OutputRow | InputRow) -> tuple[int, int, str]:
        return (row.block, row.tx_index, row.tx)

    output_groups, input_groups = groupby(received, place), groupby(spent, place)
    output_group, input_group = next(output_groups, None), next(input_groups, None)
    while output_group is not None or input_group is not None:
        take_outputs = output_group is not None and (input_group is None or output_group[0] <= input_group[0])
        take_inputs = input_group is not None and (output_group is None or input_group[0] <= output_group[0])
        own_outputs = list(output_group[1]) if output_group is not None and take_outputs else []
        own_inputs = list(input_group[1]) if input_group is not None and take_inputs else []
        yield utxo_tx(own_outputs, own_inputs)
        if take_outputs:
            output_group = next(output_groups, None)
        if take_inputs:
            input_group = next(input_groups, None)


def _ref(tx: str, ordinal: str, asset: str) -> str:
    # Event indices are unique in a transaction, and so are the movements of the chain's own coin; what a source counted
    # or numbered by itself is unique only within its asset.
    if ordinal.startswith("log:") or asset.endswith("/native"):
        return f"{tx}:{ordinal}"
    return f"{tx}:{ordinal}:{asset}"


def _chunked(column: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
