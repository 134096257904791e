"""bitcoin-etl's transactions: JSON lines as the tool and BigQuery write them, and Parquet as public buckets hold them.

A record carries its inputs and outputs. Amounts are satoshis in JSON; where they are doubles of whole bitcoins (Parquet of
public buckets) they are taken as the nearest satoshi and flagged. The script decides the address where it is there, since
the tool writes pseudo-addresses for what it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache

import pyarrow as pa

from exposure.errors import InputError
from exposure.model import addresses
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions, Reject
from exposure.sources.bulk.block_order import BlockOrder
from exposure.sources.bulk.columns import canonical_address
from exposure.sources.bulk.containers import Member, seekable
from exposure.sources.bulk.exact import base_units
from exposure.sources.bulk.stored import python_rows
from exposure.sources.bulk.text_lines import lines
from exposure.sources.bulk.times import unix_seconds
from exposure.text import shown

BATCH_RECORDS = 5_000
MAX_ITEMS = 200_000
"""Most inputs or outputs of a transaction; a block of four million weight units holds fewer."""

MARKS = frozenset({"hash", "block_number", "inputs", "outputs"})
"""Keys that tell a transaction of bitcoin-etl."""

_DECIMALS = 8
_KINDS = {
    "pubkey": "p2pk",
    "pubkeyhash": "p2pkh",
    "scripthash": "p2sh",
    "witness_v0_keyhash": "p2wpkh",
    "witness_v0_scripthash": "p2wsh",
    "witness_v1_taproot": "p2tr",
    "multisig": "multisig",
    "nulldata": "op_return",
    "nonstandard": "nonstandard",
}

Record = Mapping[str, object]
Row = tuple[object, ...]


class _RecordError(ValueError):
    """Why a record is rejected."""


def read_bitcoin_etl(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Outputs and inputs of bitcoin-etl's transactions, JSON lines."""
    chain = _chain(options)
    findings.every_block[chain.name] = 1
    for file in files:
        yield from _batches(_json_records(file, findings), file.name, chain, findings, coins=False)


def read_bitcoin_parquet(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Outputs and inputs of the same records in Parquet; amounts in whole bitcoins where they are doubles."""
    import pyarrow.parquet as pq

    chain = _chain(options)
    findings.every_block[chain.name] = 1
    for file in files:
        try:
            with seekable(file, options.work) as stream:
                parquet = pq.ParquetFile(stream, buffer_size=1 << 20, pre_buffer=False)
                yield from _batches(_parquet_records(parquet), file.name, chain, findings, coins=True)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{file.name} cannot be read as Parquet: {shown(error, 200)}; get it again") from error


def _chain(options: ReadOptions) -> Chain:
    chain = chain_of(options.chain or "bitcoin")
    if chain.ledger != "utxo":
        raise InputError(f"bitcoin-etl's transactions hold UTXO chains, and {chain.name} is none")
    return chain


def _json_records(file: Member, findings: Findings) -> Iterator[tuple[int, Record | None, str, str]]:
    with file.open() as stream:
        for line in lines(stream):
            if line.fault:
                yield line.number, None, line.fault, line.text
                continue
            try:
                record = json.loads(line.text, parse_float=Decimal, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:  # also integers of thousands of digits
                yield line.number, None, f"is no JSON: {shown(error, 120)}", line.text
                continue
            if not isinstance(record, dict):
                yield line.number, None, "is no JSON object", line.text
                continue
            yield line.number, record, "", line.text


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _parquet_records(parquet: object) -> Iterator[tuple[int, Record | None, str, str]]:
    wanted = ["hash", "block_number", "block_timestamp", "index", "is_coinbase", "inputs", "outputs"]
    names = parquet.schema_arrow.names  # type: ignore[attr-defined]  # a ParquetFile, which has no types
    row = 0
    for batch in parquet.iter_batches(1_000, columns=[name for name in wanted if name in names]):  # type: ignore[attr-defined]  # too
        try:
            records = batch.to_pylist()
        except (ValueError, OverflowError) as error:  # text that is not UTF-8, a time that Python has no date for
            raise pa.ArrowInvalid(str(error)) from error
        for record in records:
            row += 1
            yield row, record, "", str(record.get("hash"))


def _batches(
    records: Iterator[tuple[int, Record | None, str, str]], file: str, chain: Chain, findings: Findings, *, coins: bool
) -> Iterator[Batch]:
    outputs: list[Row] = []
    inputs: list[Row] = []
    order = BlockOrder()
    count = 0
    for line, record, fault, text in records:
        count += 1
        try:
            if record is None:
                raise _RecordError(fault)
            spent, made = _transaction(record, chain, order, coins=coins)
            inputs += spent
            outputs += made
        except (_RecordError, ValueError, InputError) as error:
            findings.reject(Reject("outputs", file, line, str(error), shown(text, 200)))
        if count == BATCH_RECORDS:
            findings.count(count)
            yield from _flush(outputs, inputs)
            outputs, inputs, count = [], [], 0
    findings.count(count)
    yield from _flush(outputs, inputs)


def _flush(outputs: list[Row], inputs: list[Row]) -> Iterator[Batch]:
    if outputs:
        yield Batch("outputs", python_rows("outputs", outputs))
    if inputs:
        yield Batch("inputs", python_rows("inputs", inputs))


def _transaction(record: Record, chain: Chain, order: BlockOrder, *, coins: bool) -> tuple[list[Row], list[Row]]:
    tx = _hash(record.get("hash"), "hash")
    block = _whole(record.get("block_number"), "block_number", 2**40)
    time = _seconds(record.get("block_timestamp"))
    inputs = _items(record, "inputs", ("index", "input_index"))
    outputs = _items(record, "outputs", ("index", "output_index"))
    # The tool leaves out the input of a coinbase; BigQuery and others say that it is one.
    coinbase = bool(record.get("is_coinbase")) or not inputs
    spent = [] if coinbase else [_spend(item, number, chain, coins) for number, item in inputs]
    made = [_output(item, number, tx, chain, coins) for number, item in outputs]
    if not made:
        raise _RecordError(f"transaction {tx} has no outputs")
    if record.get("index") is not None:
        place, bits = _whole(record["index"], "index", LAST_INDEX - 1), 0
    else:  # the tool writes a block's transactions in their order, and older versions of it say no more than that
        place, bits = order.next(block), int(Flag.WEAK_ORDER)
    place = LAST_INDEX if coinbase else place
    flags = bits | (int(Flag.FLOAT_AMOUNT) if coins else 0)
    return (
        [(chain.name, tx, number, block, place, time, *coin, flags) for number, *coin in spent],
        [
            (chain.name, tx, number, block, place, time, address, amount, kind, coinbase, flags)
            for number, address, amount, kind in made
        ],
    )


def _items(record: Record, key: str, numbers: Sequence[str]) -> list[tuple[int, Record]]:
    items = record.get(key)
    if items is None:
        items = []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _RecordError(f"{key} is no list of objects")
    if len(items) > MAX_ITEMS:
        raise _RecordError(f"{key} has {len(items):,} entries, more than {MAX_ITEMS:,}")
    found = []
    for place, item in enumerate(items):
        number = next((item[name] for name in numbers if item.get(name) is not None), place)
        found.append((_whole(number, f"index of {key}", 2**31 - 1), item))
    if len({number for number, _ in found}) != len(found):
        raise _RecordError(f"{key} has an index twice")
    return sorted(found, key=lambda pair: pair[0])


def _spend(item: Record, number: int, chain: Chain, coins: bool) -> tuple[int, str, int, str | None, Decimal | None]:
    parent = _hash(item.get("spent_transaction_hash"), "spent_transaction_hash")
    n = _whole(item.get("spent_output_index"), "spent_output_index", 2**31 - 1)
    value = item.get("value")
    amount = None if value is None else _amount(value, coins)
    return number, parent, n, _told_address(item, chain), amount


def _output(item: Record, number: int, tx: str, chain: Chain, coins: bool) -> tuple[int, str, Decimal, str]:
    amount = _amount(item.get("value"), coins)
    script = item.get("script_hex")
    if isinstance(script, str) and script:
        address, kind = _of_script(script, chain.name)
        return number, address, amount, kind
    told = _told_address(item, chain)
    kind = _KINDS.get(str(item.get("type")), "unknown")
    # Without script and address the coin keeps an id of its own, and is never merged with another.
    return number, told or f"script:unknown-{tx}-{number}", amount, kind


@lru_cache(maxsize=1 << 16)
def _of_script(script: str, chain: str) -> tuple[str, str]:
    try:
        octets = bytes.fromhex(script)
    except ValueError:
        raise _RecordError(f"script_hex {shown(script, 40)} is no hex") from None
    return addresses.script_address(octets, chain)


def _told_address(item: Record, chain: Chain) -> str | None:
    """The one address of an item, if it has exactly one that is real."""
    told = item.get("addresses", item.get("address"))
    texts = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    if len(texts) != 1 or not isinstance(texts[0], str) or not texts[0] or texts[0].startswith("nonstandard"):
        return None
    return canonical_address(texts[0], chain.name, chain.family)


def _hash(value: object, name: str) -> str:
    text = value.lower() if isinstance(value, str) else ""
    if len(text) != 64 or not all(digit in "0123456789abcdef" for digit in text):
        raise _RecordError(f"{name} {shown(value, 70)} is no transaction hash")
    return text


def _whole(value: object, name: str, most: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise _RecordError(f"{name} {shown(value, 40)} is no whole number from 0 to {most}")
    return value


def _seconds(value: object) -> int:
    if isinstance(value, int | str) and not isinstance(value, bool):
        return unix_seconds(str(value))
    if value is None:
        raise _RecordError("block_timestamp is missing")
    return unix_seconds(str(value), "iso")  # a timestamp of Parquet


def _amount(value: object, coins: bool) -> Decimal:
    """Satoshis. ``coins``: what has a point or exponent, or is a double, is in whole bitcoins."""
    if value is None or isinstance(value, bool):
        raise _RecordError("an output has no value")
    if isinstance(value, float):
        return Decimal(base_units(repr(value), _DECIMALS, of_double=True))
    text = str(value)
    if isinstance(value, Decimal) and coins:
        return Decimal(base_units(format(value, "f"), _DECIMALS))
    return Decimal(base_units(text, 0))
