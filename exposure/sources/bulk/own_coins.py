"""Own files of UTXO chains: one of outputs, one of inputs, recognised by their columns.

``outputs (tx, n, block, tx_index, time, address, amount)`` and ``inputs (tx, n, spent_tx, spent_n)``. An input's place
is that of its transaction, found among the outputs. A transaction without inputs is a coinbase if an inputs file is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model.assets import Chain
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions, Reject
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
from exposure.sources.bulk.mapping import INPUT_FIELDS, OUTPUT_FIELDS, Mapped, resolve
from exposure.sources.bulk.own_transfers import own_chain
from exposure.sources.bulk.staging import Staging
from exposure.sources.bulk.stored import flag, hash_places, rows_of
from exposure.sources.bulk.tables import TableFile
from exposure.text import shown

_NEEDED_OUTPUT = ("tx", "n", "block", "time", "address", "amount")
_NEEDED_INPUT = ("tx", "n", "spent_tx", "spent_n")
_MAX_N = 2**31 - 1
_TRUE = ("true", "1", "t", "yes")


def is_inputs(columns: Sequence[str], options: ReadOptions) -> bool:
    """Whether a file has the columns of inputs, as they are or as mapped."""
    fields = {one.field for one in options.columns if one.column in columns} | set(columns)
    return set(_NEEDED_INPUT) <= fields


def is_outputs(columns: Sequence[str], options: ReadOptions) -> bool:
    """Whether a file has the columns of outputs, as they are or as mapped."""
    fields = {one.field for one in options.columns if one.column in columns} | set(columns)
    return set(_NEEDED_OUTPUT) <= fields and "spent_tx" not in fields


def read_own_coins(files: Sequence[TableFile], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Outputs and inputs of own files.

    Raises
    ------
    InputError
        If the chain is no UTXO chain, or a file has neither form.
    """
    chain = own_chain(options)
    if chain.ledger != "utxo":
        raise InputError(f"files of outputs and inputs belong to a UTXO chain, and {chain.name} is none: say --chain bitcoin")
    inputs = [file for file in files if is_inputs(file.columns, options)]
    outputs = [file for file in files if file not in inputs]
    for file in outputs:
        if not is_outputs(file.columns, options):
            absent = [
                name for name in _NEEDED_OUTPUT if name not in resolve(file.columns, options.columns, OUTPUT_FIELDS, file.name)
            ]
            raise InputError(
                f"{file.name} has neither the columns of outputs (missing: {', '.join(absent)}) nor those of inputs"
            )
    if not outputs:
        raise InputError("inputs without outputs have no place in the ledger: give the file of outputs in the same command")
    if not inputs:
        findings.warn("no file of inputs was given: no output counts as spent, and none as newly mined")
        findings.void(chain.name, "*", "no inputs were given")
    with Staging(options.work) as staging:
        rows = {"o": 0, "i": 0}
        for file in inputs:
            for draft in _inputs(file, chain, options, findings):
                rows["i"] += draft.num_rows
                staging.add("i", draft)
        for file in outputs:
            for draft in _outputs(file, chain, options, findings):
                rows["o"] += draft.num_rows
                staging.add("o", draft)
        if rows["o"]:
            coinbase = "coalesce(o.coinbase, o.tx not in (select tx from i))" if rows["i"] else "coalesce(o.coinbase, false)"
            for chunk in staging.query(f"select o.* exclude (coinbase), {coinbase} as coinbase from o"):
                yield Batch("outputs", _placed(chunk, "outputs"))
        if rows["i"]:
            yield from _input_batches(staging, rows["o"] > 0, findings)


def _input_batches(staging: Staging, outputs: bool, findings: Findings) -> Iterator[Batch]:
    places = (
        "select tx, min(block) as o_block, min(time) as o_time, min(tx_index) as o_place, bit_or(flags) as o_flags "
        "from o group by tx"
        if outputs
        else "select '' as tx, 0 as o_block, 0 as o_time, 0 as o_place, 0 as o_flags where false"
    )
    sql = f"""
        select i.* exclude (block, time, tx_index, flags),
            coalesce(i.block, o_block) as block, coalesce(i.time, o_time) as time,
            coalesce(i.tx_index, o_place) as tx_index,
            i.flags | coalesce(o_flags & {Flag.WEAK_ORDER}, 0) as flags
        from i left join ({places}) p on i.tx = p.tx
    """
    for chunk in staging.query(sql):
        lost = truth(pc.or_(pc.is_null(chunk.column("block")), pc.is_null(chunk.column("time"))).combine_chunks())
        if lost.any():
            for row in chunk.filter(pa.array(lost)).select(["file_name", "line", "tx"]).to_pylist():
                reason = f"transaction {shown(row['tx'], 80)} has no output in the files, so its place is not known"
                findings.reject(Reject("inputs", row["file_name"], row["line"], reason, row["tx"]))
            chunk = chunk.filter(pa.array(~lost))
        if chunk.num_rows:
            chunk = chunk.append_column("coinbase", pa.repeat(False, chunk.num_rows))
            yield Batch("inputs", _placed(chunk, "inputs"))


def _placed(chunk: pa.Table, table: str) -> pa.Table:
    # A coinbase counts as the last transaction of its block.
    place = pc.if_else(chunk.column("coinbase"), LAST_INDEX, chunk.column("tx_index"))
    columns = {name: chunk.column(name) for name in chunk.column_names}
    return rows_of(table, {**columns, "tx_index": place}, chunk.num_rows)


def _common(sieve: Sieve, field: Mapping[str, Mapped], chain: Chain) -> dict[str, pa.Array]:
    """The fields that outputs and inputs share; what a file does not have is null."""
    chunk, size = sieve.chunk, sieve.chunk.num_rows

    def text(name: str) -> pa.Array:
        one = field.get(name)
        return as_text(chunk.column(one.column), hexbytes=one.format == "hexbytes") if one else pa.nulls(size, pa.string())

    def number(name: str, most: int) -> pa.Array:
        return integers(sieve, chunk.column(field[name].column), name, most) if name in field else pa.nulls(size, pa.int64())

    tx = hashes(sieve, required(sieve, text("tx"), "tx"), "tx", chain)
    time = times(sieve, chunk.column(field["time"].column), "time", field["time"].format) if "time" in field else None
    if "amount" in field:
        amount, floats = amounts(sieve, chunk.column(field["amount"].column), "amount", field["amount"].decimals)
    else:
        amount, floats = pa.nulls(size, pa.decimal128(38, 0)), np.zeros(size, bool)
    given = number("tx_index", LAST_INDEX)
    weak = missing(given)
    return {
        "line": chunk.column("line").combine_chunks(),
        "file_name": pa.repeat(sieve.file or "", size),
        "chain": pa.repeat(chain.name, size),
        "tx": tx,
        "n": required(sieve, number("n", _MAX_N), "n"),
        "block": number("block", 2**40),
        "tx_index": given,
        "time": time if time is not None else pa.nulls(size, pa.int64()),
        "address": address_column(sieve, text("address"), "address", chain),
        "amount": amount,
        "flags": pa.array(flag(Flag.FLOAT_AMOUNT, floats) | flag(Flag.WEAK_ORDER, weak)),
    }


def _outputs(file: TableFile, chain: Chain, options: ReadOptions, findings: Findings) -> Iterator[pa.Table]:
    field = resolve(file.columns, options.columns, OUTPUT_FIELDS, file.name)
    for chunk in file.chunks([one.column for one in field.values()], findings, "outputs"):
        sieve = Sieve(chunk, "outputs", file.name, findings)
        columns = _common(sieve, field, chain)
        for name in ("block", "time", "address", "amount"):
            required(sieve, columns[name], name)
        by_hash = hash_places(columns["tx"])
        columns["tx_index"] = pc.coalesce(columns["tx_index"], by_hash)
        columns["script"] = _script_kinds(columns["address"])
        columns["coinbase"] = (
            pc.is_in(pc.utf8_lower(as_text(chunk.column(field["coinbase"].column))), pa.array(_TRUE))
            if "coinbase" in field
            else pa.nulls(chunk.num_rows, pa.bool_())
        )
        yield sieve.sift(pa.table(columns))


def _inputs(file: TableFile, chain: Chain, options: ReadOptions, findings: Findings) -> Iterator[pa.Table]:
    field = resolve(file.columns, options.columns, INPUT_FIELDS, file.name)
    for chunk in file.chunks([one.column for one in field.values()], findings, "inputs"):
        sieve = Sieve(chunk, "inputs", file.name, findings)
        columns = _common(sieve, field, chain)
        spent = as_text(chunk.column(field["spent_tx"].column), hexbytes=field["spent_tx"].format == "hexbytes")
        columns["spent_tx"] = hashes(sieve, required(sieve, spent, "spent_tx"), "spent_tx", chain)
        number = integers(sieve, chunk.column(field["spent_n"].column), "spent_n", _MAX_N)
        columns["spent_n"] = required(sieve, number, "spent_n")
        if "tx_index" not in field:  # its place is that of its transaction, and so is the flag
            columns["flags"] = pc.bit_wise_and(columns["flags"], pa.scalar(~Flag.WEAK_ORDER, pa.int32()))
        yield sieve.sift(pa.table(columns))


_KINDS = (("1", "p2pkh"), ("m", "p2pkh"), ("n", "p2pkh"), ("3", "p2sh"), ("2", "p2sh"), ("script:", "nonstandard"))


def _script_kinds(address: pa.Array) -> pa.Array:
    """Kind of script as far as an address tells: a P2PK coin under its key's address is not told from P2PKH."""
    coded = pc.dictionary_encode(address)
    return pa.array([_script_kind(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _script_kind(address: str) -> str:
    for prefix, kind in _KINDS:
        if address.startswith(prefix):
            return kind
    program = address.rpartition("1")[2]
    if program.startswith("q"):
        return "p2wpkh" if len(program) == 39 else "p2wsh"
    return "p2tr" if program.startswith("p") and len(program) == 59 else "unknown"
