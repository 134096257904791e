"""Where the rows of an own account file stand in the ledger, and what tells them apart, from what the source knew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

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

# `mates` are the rows that are ordered among themselves: those of one transaction; without hashes, those of one place.
_RANKED = """
    with grouped as (
        select *, case when weak then coalesce(cast(tx_index as varchar), '') else tx end as mates from draft
    )
    select *,
        row_number() over (partition by file, asset, tx, sender, receiver, amount order by line) as nth,
        row_number() over (partition by file, tx, fee order by line) as fee_nth,
        row_number() over (partition by file, block, mates, weak order by line) - 1 as place,
        count(*) over (partition by file, block, mates, weak, asset) as companions,
        count(*) over (partition by file, block, mates, weak, asset, "index") as same_index,
        min("index") over (partition by block, tx) as first_index,
        {within_tx} as within_tx
    from grouped
"""

_PLACED = """
    select file, line, chain, asset, tx, weak, block, time, sender, receiver, amount, fee, kind, status, memo, nth, fee_nth,
        coalesce(tx_index, case
            when weak then coalesce("index", place)
            when "index" is null or within_tx then hash_place
            else first_index end) as tx_index,
        case
            when weak and tx_index is null and ("index" is null or same_index = 1) then 0
            when "index" is null or same_index > 1 then place
            else "index" end as "index",
        coalesce(ordinal, case
            when weak then 'repeat:' || nth
            when "index" is not null and same_index = 1 then 'index:' || "index"
            else 'repeat:' || nth || ':' || left(md5(concat_ws('|', coalesce(sender, ''), coalesce(receiver, ''), amount)), 12)
            end) as ordinal,
        flags | case
            when "index" is null and tx_index is not null and companions = 1 then 0
            when "index" is not null and same_index = 1 and (tx_index is not null or not within_tx) then 0
            else {weak_order} end as flags
    from ({ranked})
    order by file, line
"""


def placed(staging: Staging) -> Iterator[pa.Table]:
    """Staged drafts with tx_index, index, ordinal and the flag WEAK_ORDER, from what was known and from ranks.

    An ``index`` without ``tx_index`` is a place in the block, unless two transactions of some block share one: then it is
    a place in the transaction. A transaction index on several rows of one asset is no order among them. Without either,
    rows follow (block or second, hash, place in the file).
    """
    within_tx = "true" if staging.value(_SHARED_INDEX) else "false"
    return staging.query(_PLACED.format(weak_order=Flag.WEAK_ORDER, ranked=_RANKED.format(within_tx=within_tx)))


def placed_by_itself(draft: pa.Table) -> pa.Table:
    """Drafts that have hash, tx_index and index: only the ordinal is missing, and fees are told apart by the store."""
    named = pc.binary_join_element_wise("index:", draft.column("index").cast(pa.string()), "")
    ordinal = pc.coalesce(draft.column("ordinal"), named)
    ones = pa.array(np.ones(draft.num_rows, np.int64))
    draft = draft.set_column(draft.schema.get_field_index("ordinal"), "ordinal", ordinal)
    return draft.append_column("nth", ones).append_column("fee_nth", ones)
