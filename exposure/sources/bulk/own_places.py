"""Where the rows of an own account file stand in the ledger, and what tells them apart, from what the source knew."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.model.ledger import Flag
from exposure.sources.bulk.columns import truth
from exposure.sources.bulk.staging import Staging
from exposure.sources.bulk.stored import flag


def with_weak_identity(draft: pa.Table) -> pa.Table:
    """Fill the empty hashes: a digest of what the row says, so that its identity does not depend on its place."""
    weak = truth(draft.column("weak").combine_chunks())
    if not weak.any():
        return draft
    names = ("asset", "sender", "receiver", "amount", "time")
    cells = zip(*(draft.column(name).to_pylist() for name in names), weak, draft.column("tx").to_pylist(), strict=True)
    tx = [_weak_tx(row[:5]) if row[5] else row[6] for row in cells]
    flags = draft.column("flags").to_numpy() | flag(Flag.WEAK_IDENTITY, weak)
    place = draft.schema.get_field_index
    return draft.set_column(place("tx"), "tx", pa.array(tx, pa.string())).set_column(place("flags"), "flags", pa.array(flags))


def _weak_tx(cells: Sequence[object]) -> str:
    joined = "|".join("" if cell is None else str(cell) for cell in cells)
    return "weak:" + hashlib.sha256(joined.encode()).hexdigest()[:32]


_SHARED_INDEX = """
    select count(*) from (
        select 1 from draft where "index" is not null and tx_index is null and not weak
        group by block, "index" having count(distinct tx) > 1 limit 1
    )
"""

# Ranks are computed on narrow rows, hashes instead of texts, and come back in the order of the file. `mates` are the rows
# that are ordered among themselves: those of one transaction; without hashes, those of one place.
_PLACES = """
    with narrow as (
        select row, file, block, tx_index, "index", weak, hash_place, hash(tx) as tx, hash(asset) as asset,
            hash(fee) as fee, case when weak then hash(tx_index) else hash(tx) end as mates,
            hash(tx, asset, sender, receiver, amount) as movement,
            left(md5(concat_ws('|', coalesce(sender, ''), coalesce(receiver, ''), amount)), 12) as digest
        from draft
    ), ranked as (
        select *,
            row_number() over (partition by file, movement order by row) as nth,
            row_number() over (partition by file, block, mates, weak order by row) - 1 as place,
            {fee_nth} as fee_nth, {companions} as companions, {same_index} as same_index, {first_index} as first_index,
            {within_tx} as within_tx
        from narrow
    )
    select nth, fee_nth,
        coalesce(tx_index, case
            when weak then coalesce("index", place)
            when "index" is null or within_tx then hash_place
            else first_index end) as tx_index,
        case
            when weak and tx_index is null and ("index" is null or same_index = 1) then 0
            when "index" is null or same_index > 1 then place
            else "index" end as "index",
        case
            when weak then 'repeat:' || nth
            when "index" is not null and same_index = 1 then 'index:' || "index"
            else 'repeat:' || nth || ':' || digest end as ordinal,
        case
            when "index" is null and tx_index is not null and companions = 1 then 0
            when "index" is not null and same_index = 1 and (tx_index is not null or not within_tx) then 0
            else {weak_order} end as flags
    from ranked
    order by row
"""


def placed(staging: Staging, fields: Container[str]) -> Iterator[pa.Table]:
    """Staged drafts with tx_index, index, ordinal and the flag WEAK_ORDER, from what was known and from ranks.

    An ``index`` without ``tx_index`` is a place in the block, unless two transactions of some block share one: then it is
    a place in the transaction. A transaction index on several rows of one asset is no order among them. Without either,
    rows follow (block or second, hash, place in the file).

    Parameters
    ----------
    staging
        Holds the table ``draft``, whose column ``row`` counts its rows.
    fields
        Fields that at least one file has; ranks over others are not computed.
    """
    group = "partition by file, block, mates, weak"
    sql = _PLACES.format(
        weak_order=Flag.WEAK_ORDER,
        within_tx="true" if "index" in fields and staging.value(_SHARED_INDEX) else "false",
        fee_nth="row_number() over (partition by file, tx, fee order by row)" if "fee" in fields else "1",
        companions=f"count(*) over ({group}, asset)" if "tx_index" in fields else "1",
        same_index=f'count(*) over ({group}, asset, "index")' if "index" in fields else "1",
        first_index='min("index") over (partition by block, tx)' if "index" in fields else "null::bigint",
    )
    ranks = staging.query(sql)
    held = pa.table({})
    for draft in staging.rows("draft"):
        while held.num_rows < draft.num_rows:
            more = next(ranks)
            held = pa.concat_tables([held, more]) if held.num_rows else more
        yield _joined(draft, held.slice(0, draft.num_rows))
        held = held.slice(draft.num_rows)


def _joined(draft: pa.Table, ranks: pa.Table) -> pa.Table:
    columns = {name: draft.column(name) for name in draft.column_names}
    columns |= {name: ranks.column(name).cast(pa.int64()) for name in ("nth", "fee_nth", "tx_index", "index")}
    columns["ordinal"] = pc.coalesce(draft.column("ordinal"), ranks.column("ordinal").cast(pa.string()))
    columns["flags"] = pc.bit_wise_or(draft.column("flags"), ranks.column("flags").cast(pa.int32()))
    return pa.table(columns)


def placed_by_itself(draft: pa.Table) -> pa.Table:
    """Drafts that have hash, tx_index and index: only the ordinal is missing, and fees are told apart by the store."""
    named = pc.binary_join_element_wise("index:", draft.column("index").cast(pa.string()), "")
    ordinal = pc.coalesce(draft.column("ordinal"), named)
    ones = pa.array(np.ones(draft.num_rows, np.int64))
    draft = draft.set_column(draft.schema.get_field_index("ordinal"), "ordinal", ordinal)
    return draft.append_column("nth", ones).append_column("fee_nth", ones)
