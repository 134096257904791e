"""Own CSV and Parquet of account chains: one movement a row, with whatever the source knew about its place.

What a row says of its place decides how much of the file must be seen before it can be placed:

* transaction hash, ``tx_index`` and ``index``: the row knows its place and goes straight through;
* ``index`` alone is a place within the block (such as a log index) if no two transactions of a block share one, else a
  place within the transaction;
* neither: ``(block or second, hash, place in the file)``, flagged WEAK_ORDER, never by address;
* no hash: the identity is (asset, from, to, amount, time, n-th repeat in the file), flagged WEAK_IDENTITY.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model.assets import WELL_KNOWN, Asset, Chain
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import Flag, Kind, Status
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions
from exposure.sources.bulk.columns import (
    Sieve,
    address_column,
    amounts,
    as_text,
    canonical_address,
    hashes,
    integers,
    missing,
    read_each,
    required,
    times,
    truth,
)
from exposure.sources.bulk.mapping import ACCOUNT_FIELDS, Mapped, resolve
from exposure.sources.bulk.own_places import placed, placed_by_itself, with_weak_identity
from exposure.sources.bulk.staging import Staging
from exposure.sources.bulk.stored import ZERO_ADDRESS, fee_rows, flag, hash_places, rows_of
from exposure.sources.bulk.tables import TableFile
from exposure.text import shown

_MAX_MEMO = 512
_MAX_TIME = 2**40

_STATUSES = {
    **dict.fromkeys(("ok", "1", "1.0", "0x1", "success", "true", "successful", "confirmed"), Status.OK),
    **dict.fromkeys(("failed", "0", "0.0", "0x0", "fail", "false", "error", "reverted"), Status.FAILED),
    "unknown": Status.UNKNOWN,
}


def read_own_transfers(files: Sequence[TableFile], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Transfers and fees of own files.

    Raises
    ------
    InputError
        If a file lacks a field that cannot be done without, or the chain is not known.
    """
    chain = own_chain(options)
    fields = [resolve(file.columns, options.columns, ACCOUNT_FIELDS, file.name) for file in files]
    for file, field in zip(files, fields, strict=True):
        _check(file, field)
    native = chain.native
    if all({"tx", "tx_index", "index"} <= set(field) for field in fields):
        for file, field in zip(files, fields, strict=True):
            for chunk in file.chunks(_columns(field), findings, "transfers"):
                draft = _draft(chunk, field, file.name, chain, options, findings)
                if (missing(draft.column("tx").combine_chunks())).any():
                    raise InputError(
                        f"{file.name}: some rows have no transaction hash; leave the tx_index of such a file unmapped"
                    )
                yield from _batches(placed_by_itself(draft), native)
        return
    with Staging(options.work) as staging:
        rows = 0
        for number, (file, field) in enumerate(zip(files, fields, strict=True)):
            for chunk in file.chunks(_columns(field), findings, "transfers"):
                draft = _draft(chunk, field, file.name, chain, options, findings)
                if draft.num_rows:
                    staging.add("draft", _numbered(draft, number, rows))
                rows += draft.num_rows
        if rows:
            for chunk in placed(staging, {name for field in fields for name in field}):
                yield from _batches(chunk, native)


def _numbered(draft: pa.Table, file: int, first: int) -> pa.Table:
    """A draft with what ranks are computed from: its file, the number of each row, the place that its hash gives."""
    draft = draft.append_column("file", pa.repeat(pa.scalar(file, pa.int32()), draft.num_rows))
    draft = draft.append_column("row", pa.array(np.arange(first, first + draft.num_rows)))
    return draft.append_column("hash_place", hash_places(draft.column("tx").combine_chunks()))


def own_chain(options: ReadOptions) -> Chain:
    """The chain of an own file: ``--chain``, or the chain in ``--asset``."""
    if options.chain:
        return chain_of(options.chain)
    if options.asset and "/" in options.asset:
        return chain_of(options.asset.partition("/")[0])
    raise InputError("own files do not say their chain: add --chain, such as --chain ethereum")


def _check(file: TableFile, field: Mapping[str, Mapped]) -> None:
    absent = [name for name in ("from", "to", "amount", "time") if name not in field]
    if absent:
        columns = ", ".join(shown(column, 40) for column in file.columns[:30])
        raise InputError(
            f"{file.name} has no column for {', '.join(absent)}: map one with --map COLUMN={absent[0]}; "
            f"its columns are {columns}"
        )


def _columns(field: Mapping[str, Mapped]) -> list[str]:
    return [one.column for one in field.values()]


def _draft(
    chunk: pa.Table, field: Mapping[str, Mapped], file: str, chain: Chain, options: ReadOptions, findings: Findings
) -> pa.Table:
    """The good rows of a chunk with canonical values, before they have a place."""
    sieve = Sieve(chunk, "transfers", file, findings)
    size = chunk.num_rows

    def text(name: str) -> pa.Array:
        one = field.get(name)
        return as_text(chunk.column(one.column), hexbytes=one.format == "hexbytes") if one else pa.nulls(size, pa.string())

    sender = address_column(sieve, text("from"), "from", chain)
    receiver = address_column(sieve, text("to"), "to", chain)
    asset = _assets(sieve, text("asset"), chain, options.asset)
    if chain.family == "evm":  # the zero address is no owner: tokens come from it and go to it when made and destroyed
        token = pc.not_equal(asset, chain.native)
        sender, receiver = (
            pc.if_else(pc.and_(token, pc.fill_null(pc.equal(end, ZERO_ADDRESS), False)), pa.scalar(None, pa.string()), end)
            for end in (sender, receiver)
        )
    sieve.refuse(missing(sender) & missing(receiver), "from and to are both empty")
    amount, floats = amounts(sieve, chunk.column(field["amount"].column), "amount", field["amount"].decimals)
    required(sieve, amount, "amount")
    time = required(sieve, times(sieve, chunk.column(field["time"].column), "time", field["time"].format), "time")
    if "fee" in field:
        fee, fee_floats = amounts(sieve, chunk.column(field["fee"].column), "fee", field["fee"].decimals)
        floats = floats | fee_floats
    else:
        fee = pa.nulls(size, amount.type)
    numbers = {}
    for name, most in (("block", _MAX_TIME), ("tx_index", 2**31 - 2), ("index", 2**31 - 2)):
        numbers[name] = (
            integers(sieve, chunk.column(field[name].column), name, most) if name in field else pa.nulls(size, pa.int64())
        )
        if name in field:
            required(sieve, numbers[name], name)
    status = _statuses(sieve, text("status"), "status" in field)
    bits = flag(Flag.FLOAT_AMOUNT, floats) | flag(Flag.UNKNOWN_STATUS, truth(pc.equal(status, Status.UNKNOWN.value)))
    if "block" not in field or chain.family == "tron":
        # TRON makes a block in three seconds at the most, so the second names it; its lists of tokens know nothing else.
        numbers["block"] = time
        bits = bits | np.int32(Flag.TIME_ORDER)
    tx = hashes(sieve, text("tx"), "tx", chain)
    weak = missing(tx)
    kind = text("kind")
    sieve.refuse(
        truth(pc.invert(pc.is_in(kind, pa.array([*(str(k) for k in Kind if k != Kind.FEE), None])))),
        lambda row: f"kind {shown(kind[row].as_py(), 30)} is none of {', '.join(k for k in Kind if k != Kind.FEE)}",
    )
    table = pa.table(
        {
            "line": chunk.column("line"),
            "chain": pa.repeat(chain.name, size),
            "asset": asset,
            "tx": tx,
            "weak": pa.array(weak),
            **numbers,
            "time": time,
            "sender": sender,
            "receiver": receiver,
            "amount": amount,
            "fee": fee,
            "kind": _kinds(kind, asset, sender, receiver, chain.native),
            "ordinal": pc.utf8_slice_codeunits(text("ordinal"), 0, 100),
            "status": status,
            "memo": pc.utf8_slice_codeunits(text("memo"), 0, _MAX_MEMO),
            "flags": pa.array(bits),
        }
    )
    good = sieve.sift(table)
    if field["amount"].format:
        _check_decimals(good, field["amount"].decimals, findings)
    for asset_id in pc.unique(good.column("asset").filter(pc.equal(good.column("status"), Status.UNKNOWN.value))).to_pylist():
        findings.void(chain.name, asset_id, "the status of some transactions is not known")
    return with_weak_identity(good)


def _check_decimals(rows: pa.Table, decimals: int, findings: Findings) -> None:
    """One number of decimals for a file of several tokens is soon wrong: say so where that can be known."""
    for asset in pc.unique(rows.column("asset")).to_pylist():
        known = WELL_KNOWN.get(asset)
        if known is not None and known.decimals != decimals:
            told = f"amounts of {known.symbol} ({asset}) are read with {decimals} decimals, as --map says"
            findings.warn(f"{told}, and it has {known.decimals}: import its rows by themselves")


def _assets(sieve: Sieve, text: pa.Array, chain: Chain, default: str | None) -> pa.Array:
    constant = asset_id(default, chain) if default else chain.native
    if missing(text).all():
        return pa.repeat(constant, len(text))
    return pc.fill_null(read_each(sieve, text, "asset", lambda cell: asset_id(cell, chain), pa.string()), constant)


def asset_id(text: str, chain: Chain) -> str:
    """Asset id on a chain of ``native``, the coin's symbol, a contract address, or an asset id.

    Raises
    ------
    InputError
        If it is none of these, or of another chain.
    """
    if text.lower() in ("native", chain.symbol.lower()):
        return chain.native
    name, slash, contract = text.partition("/")
    if slash:
        asset = Asset.parse(text)
        if asset.chain != chain.name:
            raise InputError(f"asset {shown(text, 80)} is of {asset.chain}, the file of {chain.name}: import chain by chain")
        if asset.contract is None:
            return asset.id
    return Asset(chain.name, canonical_address(contract if slash else name, chain.name, chain.family)).id


def _statuses(sieve: Sieve, text: pa.Array, given: bool) -> pa.Array:
    """A row of a ledger of transfers says that value moved; a status column that is empty says that nobody knows."""
    if not given:
        return pa.repeat(str(Status.OK), len(text))

    def read(cell: str) -> str:
        status = _STATUSES.get(cell.lower())
        if status is None:
            raise ValueError(f"{shown(cell, 40)} is none of ok, failed, unknown, 1, 0, success, error, true, false")
        return str(status)

    return pc.fill_null(read_each(sieve, text, "status", read, pa.string()), str(Status.UNKNOWN))


def _kinds(given: pa.Array, asset: pa.Array, sender: pa.Array, receiver: pa.Array, native: str) -> pa.Array:
    plain = pc.if_else(pc.equal(asset, native), str(Kind.VALUE), str(Kind.TOKEN))
    ends = pc.if_else(pc.is_null(sender), str(Kind.MINT), pc.if_else(pc.is_null(receiver), str(Kind.BURN), plain))
    return pc.coalesce(given, ends)


def _batches(chunk: pa.Table, native: str) -> Iterator[Batch]:
    if not chunk.num_rows:
        return
    transfers = rows_of("transfers", {name: chunk.column(name) for name in chunk.column_names}, chunk.num_rows)
    yield Batch("transfers", transfers)
    weak = truth(chunk.column("weak").combine_chunks())
    # A fee printed on every row of its transaction is paid once; without hashes each row is a transaction of its own.
    once = truth(pc.equal(chunk.column("fee_nth"), 1).combine_chunks()) | weak
    fees = pc.if_else(pa.array(once), chunk.column("fee").combine_chunks(), pa.scalar(None, chunk.schema.field("fee").type))
    nth = chunk.column("nth").cast(pa.string())
    ordinals = pc.if_else(pa.array(weak), pc.binary_join_element_wise("fee:", nth, ""), "fee")
    paid = fee_rows(transfers, fees, native, ordinals)
    if paid.num_rows:
        yield Batch("transfers", paid)
