"""What of an import is new: rows by their table's key, against the store and within the import, out of core.

Hashes of keys (64 bits a row) find the few candidates; only those are compared by key and content. Of equal rows the
stored one stays, else the one that comes first in canonical order, so that the order of rows in a file means nothing.
Same key but other content is a conflict: the stored row stays, the other is rejected.
"""

from __future__ import annotations

from typing import NamedTuple

from exposure.model.schemas import TABLES, Table
from exposure.store import query
from exposure.store.layouts import COIN_HASH, COIN_KEY, KEY_HASHES, ROW_KEY
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
DOUBLE_SPENDER = "belongs to a transaction that spends a coin that another stored transaction spends"


class Stored(NamedTuple):
    """Paths of parts: those whose hash columns this engine would fill alike, and those of another version of it."""

    alike: list[str]
    other: list[str]

    def sources(self, column: str, expression: str) -> list[tuple[str, str, list[str]]]:
        """(parameter name, SQL of the hash, paths) of those that there are any of."""
        found = [("alike", column, self.alike), ("other", expression, self.other)]
        return [source for source in found if source[2]]


class Outcome(NamedTuple):
    """Counts of an import's rows of one table, and its conflicts as (table, key, reason), at most 10,000 of them."""

    stored: int
    duplicate: int
    rejected: int
    conflicts: list[tuple[str, str, str]]


def hash_name(engine: query.Engine) -> str:
    """What tells one hash function of the query engine from another: its value on texts short and long."""
    sql = "select hash('a', 'a text of more than twelve bytes', 'x'), hash('b', 1::int, repeat('long ', 40))"
    return "-".join(str(value) for value in query.rows(engine, sql)[0])


def sift(engine: query.Engine, table: str, staged: str, stored: Stored) -> None:
    """Decide about every staged row; the temporary table ``drops_<table>`` then holds the ``seq`` of those left out.

    Parameters
    ----------
    engine : Engine
        The query engine.
    table : str
        Name of the table; only names in `exposure.model.schemas.TABLES` get here.
    staged : str
        Path of the staging file.
    stored : Stored
        Paths of the table's own parts in the store.
    """
    spec = TABLES[table]
    drops = f"drops_{table}"
    query.run(engine, f"create or replace temp table {drops} (seq bigint, reason varchar)")
    _drop_repeated_keys(engine, spec, drops, staged, stored)
    if table == "inputs":
        _drop_double_spends(engine, spec, drops, staged, stored)


def drop_double_spenders(engine: query.Engine, staged: dict[str, str]) -> None:
    """Leave out all rows of a transaction of which one input was left out as a double spend: it never happened.

    Parameters
    ----------
    engine : Engine
        The query engine, after `sift` of each table.
    staged : dict
        Path of the staging file by table.
    """
    if "inputs" not in staged:
        return
    query.run(
        engine,
        "create or replace temp table spenders as select distinct chain, tx from read_parquet($inputs) "
        "join drops_inputs using (seq) where reason = $reason",
        {"inputs": [staged["inputs"]], "reason": DOUBLE_SPEND},
    )
    if not query.number(engine, "select count(*) from spenders"):
        return
    for table in ("inputs", "outputs"):
        if table in staged:
            query.run(
                engine,
                f"insert into drops_{table} select seq, $reason from read_parquet($staged) "
                f"semi join spenders using (chain, tx) where seq not in (select seq from drops_{table})",
                {"staged": [staged[table]], "reason": DOUBLE_SPENDER},
            )


def outcome(engine: query.Engine, table: str, staged: str) -> Outcome:
    """What was decided about the rows of a table."""
    spec = TABLES[table]
    drops = f"drops_{table}"
    total = query.number(engine, "select count(*) from read_parquet($staged)", {"staged": [staged]})
    reasons = query.rows(engine, f"select coalesce(reason, ''), count(*) from {drops} group by all")
    duplicate = sum(_int(count) for reason, count in reasons if not reason)
    rejected = sum(_int(count) for reason, count in reasons if reason)
    return Outcome(total - duplicate - rejected, duplicate, rejected, _conflicts(engine, spec, drops, staged))


def _drop_repeated_keys(engine: query.Engine, spec: Table, drops: str, staged: str, stored: Stored) -> None:
    expression = KEY_HASHES[spec.name]
    if not _suspects(engine, expression, ROW_KEY, staged, stored):
        return
    names = ", ".join(f'"{name}"' for name in spec.names if name != "source")
    candidates, parameters = _candidates(expression, ROW_KEY, names, staged, stored)
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


def _drop_double_spends(engine: query.Engine, spec: Table, drops: str, staged: str, stored: Stored) -> None:
    if not _suspects(engine, COIN_HASH, COIN_KEY, staged, stored):
        return
    columns = "chain, spent_tx, spent_n, block, tx_index, tx, n"
    kept = f" and {SEQUENCE} not in (select seq from {drops})"
    candidates, parameters = _candidates(COIN_HASH, COIN_KEY, columns, staged, stored, kept)
    order = ", ".join(spec.order)
    query.run(
        engine,
        f"insert into {drops} select {SEQUENCE}, $reason from (select {SEQUENCE}, row_number() over ("
        f"partition by chain, spent_tx, spent_n order by {SEQUENCE} is not null, {order}) as place from ({candidates})) "
        f"where place > 1 and {SEQUENCE} is not null",
        {**parameters, "reason": DOUBLE_SPEND},
    )


def _suspects(engine: query.Engine, expression: str, column: str, staged: str, stored: Stored) -> bool:
    """Fill the temporary table ``suspects`` with the hashes that occur more than once; whether there are any."""
    query.run(
        engine,
        f"create or replace temp table staged_hashes as select {expression} as hash from read_parquet($staged)",
        {"staged": [staged]},
    )
    query.run(
        engine,
        "create or replace temp table suspects as select hash from staged_hashes group by hash having count(*) > 1",
    )
    for name, sql, paths in stored.sources(column, expression):
        query.run(
            engine,
            f"insert into suspects select distinct {sql} from read_parquet(${name}) "
            f"where {sql} in (select hash from staged_hashes) and {sql} not in (select hash from suspects)",
            {name: paths},
        )
    query.run(engine, "drop table staged_hashes")
    return query.number(engine, "select count(*) from suspects") > 0


def _candidates(
    expression: str, column: str, columns: str, staged: str, stored: Stored, more: str = ""
) -> tuple[str, dict[str, query.Value]]:
    """SQL of the rows that are suspect, staged ones with their sequence number, stored ones with none; its parameters."""
    suspect = "in (select hash from suspects)"
    parts = [f"select {columns}, {SEQUENCE} from read_parquet($staged) where {expression} {suspect}{more}"]
    parameters: dict[str, query.Value] = {"staged": [staged]}
    for name, sql, paths in stored.sources(column, expression):
        parts.append(f"select {columns}, null from read_parquet(${name}) where {sql} {suspect}")
        parameters[name] = paths
    return " union all ".join(parts), parameters


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
