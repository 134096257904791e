"""Traces of ethereum-etl: value moved inside transactions, block rewards, the first allocations.

A trace moves value if it is a plain call, a creation or a self-destruction, and neither it nor a trace around it failed;
``delegatecall``, ``staticcall`` and ``callcode`` move none. The outermost trace is the transaction itself: it is stored
once, from the transactions if they are given.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from exposure.model.assets import Chain
from exposure.model.ledger import LAST_INDEX, Flag
from exposure.sources.bulk.batches import Batch, Findings
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
from exposure.sources.bulk.stored import flag, rows_of

_MAX_NUMBER = 2**40

_PATH = "regexp_replace(coalesce(trace_address, ''), '[\\[\\] ]', '', 'g')"

OUTERMOST = f"""
    select distinct on (transaction_hash) transaction_hash as x_tx, to_address as x_created,
        case when error is not null or status = '0' then '0' else '1' end as x_status
    from traces where transaction_hash is not null and {_PATH} = '' and trace_type in ('call', 'create')
"""
"""Query of the outermost trace of each transaction: its status, and the contract it made."""

# `place` is the position in the order of execution (parents first); the list of numbers sorts as numbers, not as text.
_MOVEMENTS = """
    with t as (
        select *, {path} as path from traces
    ), failed as (
        select distinct transaction_hash as f_tx, path as f_path from t
        where transaction_hash is not null and (error is not null or status = '0')
    ), ranked as (
        select *,
            dense_rank() over (
                partition by transaction_hash order by case
                    when path = '' then cast([] as bigint[]) else try_cast(string_split(path, ',') as bigint[]) end
            ) - 1 as place,
            row_number() over (
                partition by file_name, block_number, trace_type, reward_type order by to_address, value, line
            ) - 1 as nth
        from t
        where trace_type in ('create', 'suicide', 'reward', 'genesis', 'daofork')
            or (trace_type = 'call' and coalesce(call_type, 'call') = 'call') or path = ''
    ), valid as (
        select ranked.* from ranked anti join failed on f_tx = transaction_hash and f_path <> ''
            and (f_path = path or starts_with(path, f_path || ','))
    )
    select v.*{columns},
        v.path = '' and v.transaction_hash is not null as outermost,
        v.transaction_hash is not null
            and exists (select 1 from failed where f_tx = v.transaction_hash and f_path = '') as tx_failed
    from valid v {joins}
"""


def read_traces(staging: Staging, present: set[str], chain: Chain, findings: Findings) -> Iterator[Batch]:
    """Transfers of staged traces; see `exposure.sources.bulk.ethereum_etl` for the staging."""
    columns, joins = "", ""
    if "blocks" in present:
        columns += ", b.timestamp as b_time"
        joins += " left join (select distinct on (number) * from blocks) b on b.number = v.block_number"
    if "transactions" in present:
        columns += ", x.block_timestamp as x_time, x.transaction_index as x_tx_index, x.hash is not null as known"
        joins += " left join (select distinct on (hash) * from transactions) x on x.hash = v.transaction_hash"
    rewards = False
    for chunk in staging.query(_MOVEMENTS.format(path=_PATH, columns=columns, joins=joins)):
        rewards |= bool(truth(pc.equal(chunk.column("trace_type"), "reward").combine_chunks()).any())
        chunk = _moving(chunk)
        if chunk.num_rows:
            yield from _batch(chunk, chain, findings)
    if not rewards:
        findings.void(chain.name, chain.native, "the traces hold no block rewards")
    if "transactions" not in present:
        findings.void(chain.name, chain.native, "no transactions and receipts were given, so fees are not known")


def _moving(chunk: pa.Table) -> pa.Table:
    """Leave out what moves nothing, what failed, and outermost traces of transactions that are stored as such."""
    outermost = chunk.column("outermost")
    known = chunk.column("known") if "known" in chunk.column_names else pa.scalar(False)
    nothing = pc.is_in(chunk.column("value"), pa.array(["0", None, "0.0"]))
    inner = pc.and_(pc.invert(outermost), pc.and_(pc.invert(nothing), pc.invert(chunk.column("tx_failed"))))
    return chunk.filter(pc.or_(inner, pc.and_(outermost, pc.invert(known))))


def _batch(chunk: pa.Table, chain: Chain, findings: Findings) -> Iterator[Batch]:
    sieve = Sieve(
        chunk, "transfers", None, findings, ("block_number", "transaction_hash", "trace_type", "trace_address", "value")
    )
    text = {name: as_text(chunk.column(name)) for name in chunk.column_names if pa.types.is_string(chunk.column(name).type)}
    nothing = pa.nulls(chunk.num_rows, pa.string())
    path, kind = text["path"], text["trace_type"]
    sieve.refuse(
        ~truth(pc.fill_null(pc.match_substring_regex(path, r"^\d{1,9}(,\d{1,9})*$"), True)),
        "trace_address is no list of numbers",
    )
    block = required(sieve, integers(sieve, text["block_number"], "block_number", _MAX_NUMBER), "block_number")
    sender = address_column(sieve, text["from_address"], "from_address", chain)
    receiver = address_column(sieve, text["to_address"], "to_address", chain)
    made = pc.is_in(kind, pa.array(["reward", "genesis"]))
    sender = pc.if_else(made, pa.scalar(None, pa.string()), sender)
    sieve.refuse(missing(sender) & ~truth(made), "from_address is empty")
    failed = chunk.column("tx_failed").combine_chunks()
    sieve.refuse(missing(receiver) & ~truth(failed), "to_address is empty")
    amount, floats = amounts(sieve, chunk.column("value"), "value", 0)
    own = text["transaction_hash"]
    label = pc.binary_join_element_wise(kind, text["block_number"], ":")
    outermost = chunk.column("outermost").combine_chunks()
    place = integers(sieve, pc.coalesce(text["transaction_index"], text.get("x_tx_index", nothing)), "transaction_index")
    in_tx = truth(pc.is_valid(own))
    sieve.refuse(in_tx & missing(place), "transaction_index is empty: give the transactions in the same command")
    reward = pc.equal(kind, "reward")
    nth = chunk.column("nth").combine_chunks()
    inner = pc.binary_join_element_wise("trace", pc.replace_substring(pc.fill_null(path, ""), ",", "_"), ":")
    outer = pc.binary_join_element_wise(pc.coalesce(text["reward_type"], pa.scalar("row")), nth.cast(pa.string()), ":")
    rows = {
        "chain": pa.scalar(chain.name),
        "asset": pa.scalar(chain.native),
        "tx": pc.coalesce(hashes(sieve, own, "transaction_hash", chain), label),
        "block": block,
        "tx_index": pc.if_else(reward, LAST_INDEX, pc.fill_null(place, 0)),
        "index": pc.if_else(pc.is_valid(own), chunk.column("place").combine_chunks(), nth),
        "ordinal": pc.if_else(outermost, "value", pc.if_else(pc.is_valid(own), inner, outer)),
        "time": required(sieve, _times(sieve, text, nothing), "the time of the block"),
        "sender": sender,
        "receiver": pc.if_else(pc.and_(pc.is_null(receiver), failed), sender, receiver),
        "amount": required(sieve, amount, "value"),
        "kind": pc.if_else(
            reward, "reward", pc.if_else(pc.equal(kind, "genesis"), "mint", pc.if_else(outermost, "value", "internal"))
        ),
        "status": pc.if_else(failed, "failed", "ok"),
        "flags": pa.array(flag(Flag.FLOAT_AMOUNT, floats | truth(chunk.column("double_value").combine_chunks()))),
    }
    transfers = sieve.sift(rows_of("transfers", rows, chunk.num_rows))
    if transfers.num_rows:
        yield Batch("transfers", transfers)


def _times(sieve: Sieve, text: dict[str, pa.Array], nothing: pa.Array) -> pa.Array:
    told = pc.coalesce(text["block_timestamp"], text.get("b_time", nothing), text.get("x_time", nothing))
    return times(sieve, pa.chunked_array([told]), "block_timestamp")
