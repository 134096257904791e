"""What a later source knows better: the stored row and the new one are one movement, and the best of both is kept.

Two rows are one movement if they share their table's key and content; or, since sources name movements differently, if they
share transaction, asset, ends and amount and are named by different kinds of name (a log index here, a count of repeats
there); or, where one source has no hashes, asset, ends, amount and second. Equal movements are paired in their order, so
that a second payment of the same amount stays a second payment.

Of a pair the better name and place are kept, a known status instead of an unknown one, the input's value where one source
states it. If that differs from what is stored, the stored row is taken out and the joined one put in its place.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from exposure.model.ledger import Flag
from exposure.model.schemas import TABLES, arrow_schema
from exposure.store import query
from exposure.store.layouts import COIN_KEY, KEY_HASHES, ROW_KEY
from exposure.store.parts import private_file

UNSURE = Flag.WEAK_ORDER | Flag.UNKNOWN_STATUS | Flag.FLOAT_AMOUNT
"""Flags that a source without them clears."""

WEAK_NAMES = "weak_names"
"""Fact of a store, followed by a colon and a chain: some rows have names that other sources do not share."""

# How much the name of a transfer says: nothing but its content (no hash), a count of repeats, a place in a file, a number that
# an explorer gives, a place in the chain's own records. Names of the last kind are everybody's.
_RANK = (
    "case when tx like 'weak:%' then 0 when ordinal like 'repeat:%' or ordinal like 'fee:%' then 1 "
    "when ordinal like 'index:%' then 2 when ordinal like 'internal:%' then 3 else 4 end"
)
_HASHES = {"transfers": ROW_KEY, "outputs": ROW_KEY, "inputs": f"{ROW_KEY}, {COIN_KEY}"}

_SAME_KEY = {
    "transfers": "s.chain = n.chain and s.asset = n.asset and s.tx = n.tx and s.ordinal = n.ordinal",
    "outputs": "s.chain = n.chain and s.tx = n.tx and s.n = n.n",
    "inputs": "s.chain = n.chain and s.tx = n.tx and s.n = n.n",
}
_SAME_CONTENT = {
    "transfers": (
        "s.sender is not distinct from n.sender and s.receiver is not distinct from n.receiver and s.amount = n.amount"
    ),
    "outputs": "s.address = n.address and s.amount = n.amount",
    "inputs": "s.spent_tx = n.spent_tx and s.spent_n = n.spent_n",
}
_LACKING = {
    "transfers": f"(flags & {int(UNSURE)} != 0 or status = 'unknown' or memo is null)",
    "outputs": f"(flags & {int(UNSURE)} != 0 or script = 'unknown')",
    "inputs": f"(flags & {int(UNSURE)} != 0 or address is null or amount is null)",
}

# Columns of the joined row; what is not named here is the stored row's.
_FROM_BETTER_NAME = ("tx", "ordinal", "block", "kind")
_PLACES = ("tx_index", "index")


def join_known(
    engine: query.Engine, table: str, staged: str, files: list[str], folder: Path, *, names_differ: bool
) -> str | None:
    """Pair staged rows with stored ones, and work out what the two know together.

    Afterwards ``drops_<table>`` also holds the staged rows that the store has under another name, and ``better_<table>`` what
    is to be put in the place of stored rows.

    Parameters
    ----------
    engine : Engine
        The query engine, after `exposure.store.dedup.sift`.
    table : str
        ``transfers``, ``outputs`` or ``inputs``.
    staged : str
        Path of the staging file.
    files : list of str
        The table's own parts.
    folder : Path
        Where to put the joined rows.
    names_differ : bool
        Whether some names, staged or stored, say so little that other sources may have others. Costs a pass over the hashes
        of all stored transfers.

    Returns
    -------
    str or None
        Path of a file of joined rows in the form of a staging file without sequence; None if nothing is to be replaced.
    """
    hashed = KEY_HASHES[table]
    if not names_differ and not query.number(engine, f"select count(*) from drops_{table} where reason is null"):
        return None
    query.run(
        engine,
        f"create or replace temp table lacking as select * exclude ({_HASHES[table]}) from read_parquet($files) "
        f"where {_LACKING[table]} and {hashed} in "
        f"(select {hashed} from read_parquet($staged) semi join drops_{table} using (seq))",
        {"staged": [staged], "files": files},
    )
    query.run(
        engine,
        f"create or replace temp table pairs as select n.seq as seq, s.source as source, {_both(table)} "
        f"from lacking as s join read_parquet($staged) as n on {_SAME_KEY[table]} and {_SAME_CONTENT[table]} "
        f"where n.seq in (select seq from drops_{table} where reason is null) "
        f"qualify row_number() over (partition by {', '.join(_key(table, 's'))} order by n.seq) = 1",
        {"staged": [staged]},
    )
    if table == "transfers" and names_differ:
        _pair_names(engine, staged, files)
    return _joined(engine, table, folder)


def weakly_named(engine: query.Engine, staged: str) -> list[str]:
    """Chains of which some staged transfers have names that other sources do not share."""
    found = query.rows(
        engine, f"select distinct chain from read_parquet($staged) where {_RANK} < 4 order by 1", {"staged": [staged]}
    )
    return [str(row[0]) for row in found]


def _pair_names(engine: query.Engine, staged: str, files: list[str]) -> None:
    """Add pairs of transfers that two sources name differently; a staged row that is paired is no new movement."""
    query.run(
        engine,
        f"create or replace temp table fresh as select *, {_RANK} as rank from read_parquet($staged) "
        "where seq not in (select seq from drops_transfers)",
        {"staged": [staged]},
    )
    query.run(
        engine,
        f"create or replace temp table near as select * exclude ({ROW_KEY}), {_RANK} as rank from read_parquet($files) "
        "where tx in (select tx from fresh) or time in (select time from fresh where rank = 0) "
        "or (tx like 'weak:%' and time in (select time from fresh))",
        {"files": files},
    )
    for where, group in (
        ("s.tx = n.tx and s.rank > 0 and n.rank > 0", "tx"),
        ("s.time = n.time and (s.rank = 0 or n.rank = 0)", "time"),
    ):
        # Equal movements are counted off: the k-th of a source's own kind of name is the k-th of those that have another.
        group = f"{group}, chain, asset, sender, receiver, amount, kind = 'fee'"
        place = 'block, tx_index, "index", ordinal'
        query.run(
            engine,
            f"create or replace temp table named as select n.seq as seq, s.source as source, {_both('transfers')} "
            f"from (select near.*, ranks.rank as for_rank, row_number() over (partition by {group}, ranks.rank "
            f"order by near.rank desc, {place}) as k "
            "from near, (select distinct rank from fresh) as ranks where near.rank <> ranks.rank) as s "
            f"join (select *, row_number() over (partition by {group}, rank order by {place}) as k from fresh) as n "
            f"on {where} and s.for_rank = n.rank and s.k = n.k "
            "and s.chain = n.chain and s.asset = n.asset and s.amount = n.amount and (s.kind = 'fee') = (n.kind = 'fee') "
            "and s.sender is not distinct from n.sender and s.receiver is not distinct from n.receiver "
            "where n.seq not in (select seq from drops_transfers) and (s.asset, s.tx, s.ordinal) not in "
            "(select (s_asset, s_tx, s_ordinal) from pairs) "
            "qualify row_number() over (partition by s.asset, s.tx, s.ordinal order by n.rank desc, n.seq) = 1",
        )
        query.run(engine, "insert into pairs select * from named")
        query.run(engine, "insert into drops_transfers select seq, null from named")


def _both(table: str) -> str:
    """The columns of a stored row and of a new one, side by side."""
    names = [name for name in TABLES[table].names if name != "source"]
    return ", ".join(f's."{name}" as "s_{name}", n."{name}" as "n_{name}"' for name in names)


def _joined(engine: query.Engine, table: str, folder: Path) -> str | None:
    """Write the joined rows that differ from what is stored, and note what they replace."""
    names = [name for name in TABLES[table].names if name != "source"]
    expressions = {name: _best(table, name) for name in names}
    joined = ", ".join(f'{expression} as "{name}"' for name, expression in expressions.items())
    differs = " or ".join(f'({expression}) is distinct from "s_{name}"' for name, expression in expressions.items())
    old = ", ".join(f'"s_{name}" as "old_{name}"' for name in (*TABLES[table].key, "block"))
    query.run(
        engine, f"create or replace temp table better_{table} as select {joined}, source, {old} from pairs where {differs}"
    )
    if not query.number(engine, f"select count(*) from better_{table}"):
        return None
    path = folder / f"{table}.better.parquet"
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(TABLES[table]).remove_metadata()])
    columns = ", ".join(f'"{name}"' for name in TABLES[table].names)
    with private_file(path) as sink, pq.ParquetWriter(sink, schema, store_schema=False) as writer:
        for batch in query.stream(engine, f"select {columns} from better_{table}"):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
    return str(path)


def _best(table: str, name: str) -> str:
    """SQL of a column of the joined row."""
    stored, new = f'"s_{name}"', f'"n_{name}"'
    if name == "flags":
        unsure = int(UNSURE)
        clear = f"(s_flags & n_flags & {unsure})"
        if table == "transfers":
            return f"(case when {_BETTER} then n_flags else s_flags end & {~unsure & 0xFF} | {clear})::int"
        return f"(s_flags & {~unsure & 0xFF} | {clear})::int"
    if table == "transfers":
        if name in _FROM_BETTER_NAME:
            return f"case when {_BETTER} then {new} else {stored} end"
        if name in _PLACES:
            return f"case when {_BETTER} or ({_SURER}) then {new} else {stored} end"
        if name == "status":
            return f"case when {stored} = 'unknown' then {new} else {stored} end"
        return f"coalesce({stored}, {new})" if name == "memo" else stored
    if name == "tx_index":
        return f"case when {_SURER} then {new} else {stored} end"
    if name == "script":
        return f"case when {stored} = 'unknown' then {new} else {stored} end"
    if table == "inputs" and name in ("address", "amount"):
        return f"coalesce({stored}, {new})"
    return stored


def _rank_of(side: str) -> str:
    return _RANK.replace("tx like", f"{side}_tx like").replace("ordinal like", f"{side}_ordinal like")


_BETTER = f"(({_rank_of('n')}) > ({_rank_of('s')}))"
_SURER = f"s_flags & {int(Flag.WEAK_ORDER)} != 0 and n_flags & {int(Flag.WEAK_ORDER)} = 0"


def _key(table: str, side: str) -> list[str]:
    return [f'{side}."{name}"' for name in TABLES[table].key]
