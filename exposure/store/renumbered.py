"""One movement told by two sources that number it differently: stored once.

Within a transaction one source numbers a transfer by its log, another by the path of its call, a third only counts equal
ones. All of them list every transfer of an asset between the same two ends with the same amount, so what can be compared is
how many there are: of a movement that is stored n times, a source with other numbers adds what it has beyond n.
"""

from __future__ import annotations

import json

from exposure.store import query
from exposure.store.catalogue import Connection, fact

FACT = "numbering"
"""Fact of the catalogue: which ways of numbering occur in the store, as [chain, kind, way]."""

_WAYS = ("log", "trace", "internal", "repeat", "index", "value")
_WAY = "split_part(ordinal, ':', 1)"
_MOVEMENT = "chain, kind, asset, tx, coalesce(sender, '') as sender, coalesce(receiver, '') as receiver, amount"
_SAME = "chain, kind, asset, tx, sender, receiver, amount"

Numbering = set[tuple[str, str, str]]


def drop_renumbered(engine: query.Engine, connection: Connection, staged: str, stored: list[str]) -> str:
    """Leave out staged transfers that are stored under other numbers; the fact to state with the import.

    Called after `exposure.store.dedup.sift`, whose table of rows to leave out is added to. Cost: nothing beyond a pass over
    the staged rows, unless a chain's rows of one kind are numbered in more than one way; then a look at the stored rows.

    Parameters
    ----------
    staged : str
        Path of the staging file of transfers.
    stored : list of str
        Paths of the parts of transfers.
    """
    known = _stated(connection)
    if known is None:
        known = _found(engine, stored, "") if stored else set()
    new = _found(engine, [staged], " and seq not in (select seq from drops_transfers)")
    every = known | new
    ways: dict[tuple[str, str], int] = {}
    for chain, kind, _ in every:
        ways[chain, kind] = ways.get((chain, kind), 0) + 1
    mixed = sorted({(chain, kind) for chain, kind, _ in new if ways[chain, kind] > 1})
    if mixed and stored:
        for chain, kind in mixed:
            _drop(engine, chain, kind, staged, stored)
    return json.dumps(sorted(every))


def _stated(connection: Connection) -> Numbering | None:
    text = fact(connection, FACT)
    return None if text is None else {(str(chain), str(kind), str(way)) for chain, kind, way in json.loads(text)}


def _found(engine: query.Engine, paths: list[str], also: str) -> Numbering:
    sql = f"select distinct chain, kind, {_WAY} from read_parquet($paths) where {_WAY} in (select unnest($ways)){also}"
    return {
        (str(chain), str(kind), str(way)) for chain, kind, way in query.rows(engine, sql, {"paths": paths, "ways": list(_WAYS)})
    }


def _drop(engine: query.Engine, chain: str, kind: str, staged: str, stored: list[str]) -> None:
    own = {"chain": chain, "kind": kind, "ways": list(_WAYS)}
    rows = f"select {_MOVEMENT}, {_WAY} as way, ordinal"
    such = f"chain = $chain and kind = $kind and {_WAY} in (select unnest($ways))"
    query.run(
        engine,
        f"create or replace temp table fresh as {rows}, seq from read_parquet($staged) "
        f"where {such} and seq not in (select seq from drops_transfers)",
        {**own, "staged": [staged]},
    )
    query.run(
        engine,
        f"create or replace temp table held as {rows} from read_parquet($stored) "
        f"semi join (select distinct tx from fresh) using (tx) where {such}",
        {**own, "stored": stored},
    )
    # Of a source's rows for one movement the last ones are new: the first ones are those that are stored already.
    query.run(
        engine,
        "insert into drops_transfers select seq, null from ("
        f"select seq, {_SAME}, way, count(*) over (partition by {_SAME}, way) as own, "
        f"row_number() over (partition by {_SAME}, way order by length(ordinal) desc, ordinal desc) as back from fresh) "
        f"join (select {_SAME}, count(*) as total from held group by all) using ({_SAME}) "
        f"left join (select {_SAME}, way, count(*) as alike from held group by all) using ({_SAME}, way) "
        "where back > greatest(0, coalesce(alike, 0) + own - total)",
    )
