"""ethereum-etl's tables: transactions, receipts, blocks, token_transfers, traces; any of them, in one command.

The same column names come as CSV from the tool, as CSV from BigQuery (with ``receipt_...`` columns in the transactions)
and as Parquet from public buckets. What a table lacks is taken from another if it is given:

* status and fee of a transaction from its receipt, else its status from its outermost trace, else it is unknown: the value
  counts, the row is flagged, and coverage cannot be declared;
* the times of blocks for transactions and token transfers that have none;
* internal value and rewards from traces (`ethereum_traces`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model import addresses
from exposure.model.addresses.hashes import keccak256
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import Flag, Kind, Status
from exposure.sources.bulk import ethereum_traces
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions
from exposure.sources.bulk.columns import (
    Sieve,
    address_column,
    amounts,
    as_text,
    hashes,
    integers,
    missing,
    required,
    times,
    truth,
)
from exposure.sources.bulk.staging import Staging
from exposure.sources.bulk.stored import ZERO_ADDRESS, fee_rows, flag, rows_of
from exposure.sources.bulk.tables import TableFile
from exposure.text import shown

_MAX_NUMBER = 2**40
_GAP = 10  # blocks without a transaction were common for years; a run of ten is worth a word

# What a table is recognised by. The order matters: a table of BigQuery has columns of several.
_MARKS = {
    "token_transfers": {"token_address", "from_address", "to_address", "value", "transaction_hash", "log_index"},
    "traces": {"trace_address", "trace_type", "value", "block_number"},
    "receipts": {"transaction_hash", "gas_used"},
    "transactions": {"hash", "from_address", "to_address", "value", "transaction_index", "block_number"},
    "blocks": {"number", "hash", "timestamp"},
}


def table_of(columns: Sequence[str]) -> str | None:
    """Which of ethereum-etl's tables has these columns; None if none has."""
    present = set(columns)
    return next((table for table, marks in _MARKS.items() if marks <= present), None)


def read_ethereum_etl(files: Sequence[TableFile], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Transfers, fees and rewards of ethereum-etl's tables.

    Raises
    ------
    InputError
        If a file is none of the tables, or a table needs one that is not given.
    """
    chain = chain_of(options.chain or "ethereum")
    if chain.family != "evm":
        raise InputError(f"ethereum-etl's tables hold EVM chains, and {chain.name} is none")
    tables: dict[str, list[TableFile]] = {}
    for file in files:
        table = table_of(file.columns)
        if table is None:
            names = ", ".join(shown(name, 40) for name in file.columns[:30])
            raise InputError(
                f"{file.name} is none of ethereum-etl's tables (transactions, receipts, blocks, token_transfers, traces): "
                f"its columns are {names}; if it is a ledger of your own, use --form own with --map"
            )
        tables.setdefault(table, []).append(file)
    if not tables.keys() & {"transactions", "token_transfers", "traces"}:
        raise InputError("receipts and blocks alone move no value: give transactions, token_transfers or traces with them")
    with Staging(options.work) as staging:
        present = _stage(tables, staging, findings)
        if "transactions" in present:
            findings.every_block[chain.name] = 1 if "blocks" in present else _GAP
            if "blocks" in present:  # blocks without a transaction are seen too
                for chunk in staging.query("select try_cast(number as bigint) as number from blocks where number is not null"):
                    findings.see_blocks(chain.name, chunk.column("number").drop_null().to_numpy())
            yield from _transactions(staging, present, chain, findings)
        if "token_transfers" in present:
            yield from _token_transfers(staging, present, chain, findings)
        if "traces" in present:
            yield from ethereum_traces.read_traces(staging, present, chain, findings)


_OPTIONAL = {
    "transactions": (
        *("nonce", "block_timestamp", "gas_price", "receipt_status", "receipt_gas_used"),
        *("receipt_effective_gas_price", "receipt_contract_address", "receipt_l1_fee"),
    ),
    "receipts": ("status", "effective_gas_price", "contract_address", "transaction_index", "l1_fee"),
    "blocks": (),
    "token_transfers": ("block_number", "block_timestamp", "transaction_index"),
    "traces": (
        *("from_address", "to_address", "transaction_hash", "transaction_index", "call_type", "reward_type"),
        *("error", "status", "block_timestamp"),
    ),
}
_NEEDED = {
    "transactions": ("hash", "block_number", "transaction_index", "from_address", "to_address", "value"),
    "receipts": ("transaction_hash", "gas_used"),
    "blocks": ("number", "timestamp"),
    "token_transfers": ("token_address", "from_address", "to_address", "value", "transaction_hash", "log_index"),
    "traces": ("block_number", "value", "trace_type", "trace_address"),
}


def _stage(tables: dict[str, list[TableFile]], staging: Staging, findings: Findings) -> set[str]:
    """Copy the columns that matter to the staging place, all as text, so that tables can be joined."""
    staged = set()
    for table, files in tables.items():
        names = (*_NEEDED[table], *_OPTIONAL[table])
        for file in files:
            have = [name for name in names if name in file.columns]
            for chunk in file.chunks(have, findings, "transfers"):
                columns = {
                    name: as_text(chunk.column(name)) if name in have else pa.nulls(chunk.num_rows, pa.string())
                    for name in names
                }
                if "value" in have:  # a column of doubles must not pass for exact text
                    double = pa.types.is_floating(chunk.column("value").type)
                    columns["double_value"] = pa.repeat(double, chunk.num_rows)
                columns["file_name"] = pa.repeat(file.name, chunk.num_rows)
                columns["line"] = chunk.column("line").combine_chunks()
                staging.add(table, pa.table(columns))
                staged.add(table)
    return staged


def _transactions(staging: Staging, present: set[str], chain: Chain, findings: Findings) -> Iterator[Batch]:
    columns, joins = _beside(present, "t.hash", "t.block_number")
    native = chain.native
    if "traces" not in present:
        findings.void(chain.name, native, "no traces were given, so value moved inside transactions is not known")
    for chunk in staging.query(f"select t.*{columns} from transactions t {joins}"):
        sieve = Sieve(chunk, "transfers", None, findings, _NEEDED["transactions"])
        text = _Text(chunk)
        sender = required(sieve, address_column(sieve, text["from_address"], "from_address", chain), "from_address")
        receiver = address_column(sieve, text["to_address"], "to_address", chain)
        created = _created(sieve, text, sender, receiver, chain)
        amount, floats = amounts(sieve, chunk.column("value"), "value", 0)
        required(sieve, amount, "value")
        status = _status(pc.coalesce(text["r_status"], text["receipt_status"], text["x_status"]))
        unknown = truth(pc.equal(status, str(Status.UNKNOWN)))
        if unknown.any():
            findings.void(chain.name, native, "the status of some transactions is not known: no receipts")
        size = chunk.num_rows
        bits = flag(Flag.UNKNOWN_STATUS, unknown) | flag(
            Flag.FLOAT_AMOUNT, floats | truth(chunk.column("double_value").combine_chunks())
        )
        rows = {
            "chain": pa.scalar(chain.name),
            "asset": pa.scalar(native),
            "tx": hashes(sieve, required(sieve, text["hash"], "hash"), "hash", chain),
            "block": required(sieve, integers(sieve, text["block_number"], "block_number", _MAX_NUMBER), "block_number"),
            "tx_index": required(sieve, integers(sieve, text["transaction_index"], "transaction_index"), "transaction_index"),
            "index": pa.scalar(0),
            "ordinal": pa.scalar("value"),
            "time": _time(sieve, text, "block_timestamp", "b_time"),
            "sender": sender,
            "receiver": pc.coalesce(receiver, created),
            "amount": amount,
            "kind": pa.scalar(str(Kind.VALUE)),
            "status": status,
            "flags": pa.array(bits),
        }
        fee = _fees(sieve, text)
        if missing(fee).any():
            findings.void(chain.name, native, "the fees of some transactions are not known: no receipts")
            findings.warn(
                "some transactions have no receipt: their fees are not known and not stored, and their status may not be"
            )
        good = pa.array(sieve.good)
        transfers = sieve.sift(rows_of("transfers", rows, size))
        if transfers.num_rows:
            yield Batch("transfers", transfers)
            paid = fee_rows(transfers, fee.filter(good), native, pa.scalar("fee"))
            if paid.num_rows:
                yield Batch("transfers", paid)


def _beside(present: set[str], tx: str, block: str) -> tuple[str, str]:
    """Columns and joins that stand receipt, outermost trace and block beside a row; nothing where no such table is given."""
    columns, joins = "", ""
    if "receipts" in present:
        columns += (
            ", r.status as r_status, r.gas_used as r_gas_used, r.effective_gas_price as r_gas_price, r.l1_fee as r_l1_fee, "
            "r.contract_address as r_contract, r.transaction_index as r_tx_index"
        )
        joins += f" left join (select distinct on (transaction_hash) * from receipts) r on r.transaction_hash = {tx}"
    if "traces" in present:
        columns += ", x.x_status, x.x_created"
        joins += f" left join ({ethereum_traces.OUTERMOST}) x on x.x_tx = {tx}"
    if "blocks" in present:
        columns += ", b.timestamp as b_time"
        joins += f" left join (select distinct on (number) * from blocks) b on b.number = {block}"
    return columns, joins


class _Text:
    """Columns of a chunk of text by name; one that is not there is null throughout."""

    def __init__(self, chunk: pa.Table) -> None:
        self._chunk = chunk

    def __getitem__(self, name: str) -> pa.Array:
        if name not in self._chunk.column_names:
            return pa.nulls(self._chunk.num_rows, pa.string())
        return as_text(self._chunk.column(name))


def _time(sieve: Sieve, text: _Text, *names: str) -> pa.Array:
    time = times(sieve, pa.chunked_array([pc.coalesce(*(text[name] for name in names))]), "block_timestamp")
    sieve.refuse(missing(time), "the time of its block is not known: give the blocks file in the same command")
    return time


def _status(text: pa.Array) -> pa.Array:
    plain = pc.replace_substring_regex(pc.utf8_lower(text), r"\.0$", "")
    ok = pc.is_in(plain, pa.array(["1", "true", "0x1"]))
    failed = pc.is_in(plain, pa.array(["0", "false", "0x0"]))
    return pc.if_else(ok, str(Status.OK), pc.if_else(failed, str(Status.FAILED), str(Status.UNKNOWN)))


def _fees(sieve: Sieve, text: _Text) -> pa.Array:
    """Gas used times the price paid for it, in wei, and on rollups the fee for the layer below; null where not known."""
    used = integers(sieve, pc.coalesce(text["r_gas_used"], text["receipt_gas_used"]), "gas_used", _MAX_NUMBER)
    prices = pc.coalesce(text["r_gas_price"], text["receipt_effective_gas_price"], text["gas_price"])
    price = integers(sieve, prices, "gas_price", 10**18)
    lower = integers(sieve, pc.coalesce(text["r_l1_fee"], text["receipt_l1_fee"]), "l1_fee", 10**18)
    wide = pa.decimal256(19, 0)  # the product of two such needs more than 38 digits by its type, not by its value
    product = pc.multiply(used.cast(wide), price.cast(wide))
    return pc.add(product, pc.fill_null(lower, 0).cast(wide)).cast(pa.decimal128(38, 0))


def _created(sieve: Sieve, text: _Text, sender: pa.Array, receiver: pa.Array, chain: Chain) -> pa.Array:
    """Receivers of transactions that name none: the contract that they make, at the address that sender and nonce give."""
    rows = np.flatnonzero(missing(receiver) & sieve.good)
    made: list[str | None] = [None] * len(receiver)
    if len(rows):
        told = address_column(
            sieve, pc.coalesce(text["r_contract"], text["receipt_contract_address"], text["x_created"]), "contract", chain
        )
        nonce = integers(sieve, text["nonce"], "nonce", 2**63 - 1)
        for row in rows:
            known, number = told[row].as_py(), nonce[row].as_py()
            made[row] = known if known is not None or number is None else contract_address(sender[row].as_py(), number)
    found = pa.array(made, pa.string())
    sieve.refuse(
        missing(receiver) & missing(found), "to_address is empty, and neither nonce nor receipt says which contract was made"
    )
    return found


def contract_address(sender: str, nonce: int) -> str:
    """Address of the contract that a transaction makes: the tail of Keccak-256 of RLP (sender, nonce)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    item = number if len(number) == 1 and number[0] < 0x80 else bytes([0x80 + len(number)]) + number
    body = b"\x94" + bytes.fromhex(sender[2:]) + item
    return addresses.evm_address(keccak256(bytes([0xC0 + len(body)]) + body)[12:])


def _token_transfers(staging: Staging, present: set[str], chain: Chain, findings: Findings) -> Iterator[Batch]:
    columns, joins = _beside(present - {"traces"}, "t.transaction_hash", "t.block_number")
    if "transactions" in present:
        columns += ", x.block_timestamp as x_time, x.transaction_index as x_tx_index, x.block_number as x_block"
        joins += " left join (select distinct on (hash) * from transactions) x on x.hash = t.transaction_hash"
    for chunk in staging.query(f"select t.*{columns} from token_transfers t {joins}"):
        sieve = Sieve(chunk, "transfers", None, findings, _NEEDED["token_transfers"])
        text = _Text(chunk)
        contract = required(sieve, address_column(sieve, text["token_address"], "token_address", chain), "token_address")
        sender, receiver = (
            _owner(required(sieve, address_column(sieve, text[name], name, chain), name))
            for name in ("from_address", "to_address")
        )
        sieve.refuse(missing(sender) & missing(receiver), "goes from the zero address to the zero address")
        amount, floats = amounts(sieve, chunk.column("value"), "value", 0)
        place = integers(
            sieve, pc.coalesce(text["transaction_index"], text["x_tx_index"], text["r_tx_index"]), "transaction_index"
        )
        # The number of a log counts through its block, so it is an order of the block's events without the transaction's.
        bits = flag(Flag.WEAK_ORDER, missing(place)) | flag(
            Flag.FLOAT_AMOUNT, floats | truth(chunk.column("double_value").combine_chunks())
        )
        number = required(sieve, integers(sieve, text["log_index"], "log_index", 2**31 - 2), "log_index")
        block = integers(sieve, pc.coalesce(text["block_number"], text["x_block"]), "block_number", _MAX_NUMBER)
        rows = {
            "chain": pa.scalar(chain.name),
            "asset": pc.binary_join_element_wise(chain.name, contract, "/"),
            "tx": hashes(sieve, required(sieve, text["transaction_hash"], "transaction_hash"), "transaction_hash", chain),
            "block": required(sieve, block, "block_number"),
            "tx_index": pc.fill_null(place, 0),
            "index": number,
            "ordinal": pc.binary_join_element_wise("log", number.cast(pa.string()), ":"),
            "time": _time(sieve, text, "block_timestamp", "b_time", "x_time"),
            "sender": sender,
            "receiver": receiver,
            "amount": required(sieve, amount, "value"),
            "kind": pc.if_else(
                pc.is_null(sender), str(Kind.MINT), pc.if_else(pc.is_null(receiver), str(Kind.BURN), str(Kind.TOKEN))
            ),
            "status": pa.scalar(str(Status.OK)),
            "flags": pa.array(bits),
        }
        transfers = sieve.sift(rows_of("transfers", rows, chunk.num_rows))
        if transfers.num_rows:
            yield Batch("transfers", transfers)


def _owner(address: pa.Array) -> pa.Array:
    """The zero address owns nothing: tokens come from it when they are made, and go to it when they are destroyed."""
    return pc.if_else(pc.equal(address, ZERO_ADDRESS), pa.scalar(None, pa.string()), address)
