"""What of an import is new: rows by their table's key, against the store and within the import, out of core.

Digests of keys (64 bits a row) find the few candidates; only those are compared by key and content. Of equal rows the
stored one stays, else the one that comes first in canonical order, so that the order of rows in a file means nothing.
Same key but other content is a conflict: the stored row stays, the other is rejected.
"""

from __future__ import annotations

from typing import NamedTuple

from exposure.model.schemas import TABLES, Table
from exposure.store import query
from exposure.store.layouts import COIN_DIGEST, COIN_KEY, KEY_DIGESTS, ROW_KEY
from exposure.store.staging import SEQUENCE

MAX_CONFLICTS_LISTED = 10_000

CONTENT: dict[str, tuple[str, ...]] = {
    "transfers": ("sender", "receiver", "amount"),
    "outputs": ("address", "amount"),
    "inputs": ("spent_tx", "spent_n"),
    "prices": ("price",),
}
"""What must be equal in two rows of one key. The rest (time, status, flags) may be known better by one source."""

SAME_KEY = "conflicts with a stored row of the same key"
DOUBLE_SPEND = "spends a coin that another stored transaction spends"


class Outcome(NamedTuple):
    """Counts of an import's rows of one table, and its conflicts as (table, key, reason), at most 10,000 of them."""

    stored: int
    duplicate: int
    rejected: int
    conflicts: list[tuple[str, str, str]]


def sift(engine: query.Engine, table: str, staged: str, stored: list[str]) -> Outcome:
    """Decide about every staged row; the temporary table ``drops_<table>`` then holds the ``seq`` of those left out.

    Parameters
    ----------
    engine : Engine
        The query engine.
    table : str
        Name of the table; only names in `exposure.model.schemas.TABLES` get here.
    staged : str
        Path of the staging file.
    stored : list of str
        Paths of the table's own parts in the store.
    """
    spec = TABLES[table]
    drops = f"drops_{table}"
    query.run(engine, f"create or replace temp table {drops} (seq bigint, reason varchar)")
    _drop_repeated_keys(engine, spec, drops, staged, stored)
    if table == "inputs":
        _drop_double_spends(engine, spec, drops, staged, stored)
    total = query.number(engine, "select count(*) from read_parquet($staged)", {"staged": [staged]})
    reasons = query.rows(engine, f"select coalesce(reason, ''), count(*) from {drops} group by all")
    duplicate = sum(_int(count) for reason, count in reasons if not reason)
    rejected = sum(_int(count) for reason, count in reasons if reason)
    return Outcome(total - duplicate - rejected, duplicate, rejected, _conflicts(engine, spec, drops, staged))


def _drop_repeated_keys(engine: query.Engine, spec: Table, drops: str, staged: str, stored: list[str]) -> None:
    digest = KEY_DIGESTS[spec.name]
    if not _suspects(engine, digest, ROW_KEY, staged, stored):
        return
    names = ", ".join(f'"{name}"' for name in spec.names if name != "source")
    candidates = f"select {names}, {SEQUENCE} from read_parquet($staged) where {digest} in (select digest from suspects)"
    parameters: dict[str, query.Value] = {"staged": [staged]}
    if stored:
        candidates += f" union all select {names}, null from read_parquet($stored) where {ROW_KEY} in (from suspects)"
        parameters["stored"] = stored
    content = ", ".join(f'"{name}"' for name in CONTENT[spec.name])
    rest = ", ".join(f'"{name}"' for name in spec.names if name not in (*spec.key, "source"))
    key = ", ".join(f'"{name}"' for name in spec.key)
    # The place of a stored row (no sequence number) is first; a part never holds a key twice.
    window = f"over (partition by {key} order by {SEQUENCE} is not null, {rest}, {SEQUENCE})"
    query.run(
        engine,
        f"insert into {drops} select {SEQUENCE}, case when kept is distinct from own then $reason end from ("
        f"select {SEQUENCE}, row({content}) as own, first_value(row({content})) {window} as kept, "
        f"row_number() {window} as place from ({candidates})) where place > 1 and {SEQUENCE} is not null",
        {**parameters, "reason": SAME_KEY},
    )


def _drop_double_spends(engine: query.Engine, spec: Table, drops: str, staged: str, stored: list[str]) -> None:
    if not _suspects(engine, COIN_DIGEST, COIN_KEY, staged, stored):
        return
    columns = "chain, spent_tx, spent_n, block, tx_index, tx, n"
    candidates = (
        f"select {columns}, {SEQUENCE} from read_parquet($staged) where {COIN_DIGEST} in (select digest from suspects) "
        f"and {SEQUENCE} not in (select seq from {drops})"
    )
    parameters: dict[str, query.Value] = {"staged": [staged]}
    if stored:
        candidates += f" union all select {columns}, null from read_parquet($stored) where {COIN_KEY} in (from suspects)"
        parameters["stored"] = stored
    order = ", ".join(spec.order)
    query.run(
        engine,
        f"insert into {drops} select {SEQUENCE}, $reason from (select {SEQUENCE}, row_number() over ("
        f"partition by chain, spent_tx, spent_n order by {SEQUENCE} is not null, {order}) as place from ({candidates})) "
        f"where place > 1 and {SEQUENCE} is not null",
        {**parameters, "reason": DOUBLE_SPEND},
    )


def _suspects(engine: query.Engine, digest: str, column: str, staged: str, stored: list[str]) -> bool:
    """Fill the temporary table ``suspects`` with the digests that occur more than once; whether there are any."""
    query.run(
        engine,
        f"create or replace temp table staged_digests as select {digest} as digest from read_parquet($staged)",
        {"staged": [staged]},
    )
    query.run(
        engine,
        "create or replace temp table suspects as select digest from staged_digests group by digest having count(*) > 1",
    )
    if stored:
        query.run(
            engine,
            f"insert into suspects select distinct {column} from read_parquet($stored) "
            f"where {column} in (select digest from staged_digests) and {column} not in (select digest from suspects)",
            {"stored": stored},
        )
    query.run(engine, "drop table staged_digests")
    return query.number(engine, "select count(*) from suspects") > 0


def _conflicts(engine: query.Engine, spec: Table, drops: str, staged: str) -> list[tuple[str, str, str]]:
    key = ", ".join(f'"{name}"' for name in spec.key)
    found = query.rows(
        engine,
        f"select concat_ws(' ', {key}) as name, reason from read_parquet($staged) join {drops} using (seq) "
        f"where reason is not null order by all limit {MAX_CONFLICTS_LISTED}",
        {"staged": [staged]},
    )
    return [(spec.name, str(name), str(reason)) for name, reason in found]


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
