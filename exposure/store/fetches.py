"""What was fetched from outside, how far, and which blocks were seen then: so that a fetch goes on after any kill.

A fetch is one address at one source. Its cursor is written in the same transaction that makes its rows visible; the
replies that brought them are recorded by hash, time and address without key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from exposure.store.catalogue import Connection

DDL = """
create table if not exists fetches (
    id text primary key,
    chain text not null,
    address text not null,
    source text not null,
    state text not null,
    since integer not null,
    until integer not null,
    until_hash text not null,
    cursor text,
    covered text not null,
    balances text not null,
    rows integer not null,
    answers integer not null,
    updated_at integer not null
) without rowid;
create index if not exists fetches_by_address on fetches (chain, address);
create table if not exists answers (
    id integer primary key,
    fetch text not null,
    url text not null,
    sha256 text not null,
    time integer not null,
    rows integer not null
);
create index if not exists answers_by_fetch on answers (fetch);
create table if not exists seen_blocks (
    chain text not null,
    height integer not null,
    hash text not null,
    primary key (chain, height)
) without rowid;
create table if not exists reorganisations (
    id integer primary key,
    chain text not null,
    height integer not null,
    version integer not null,
    time integer not null
);
"""

RUNNING, READ, DONE = "running", "read", "done"
"""States: pages are left; all pages are stored, what they prove is not yet declared; declared."""


class Stretch(NamedTuple):
    """What is whole after the pages so far, as `exposure.sources.remote.Covered` says it."""

    kind: str
    first: int
    last: int
    reason: str = ""
    opening: int | None = None


class Queried(NamedTuple):
    """A balance that the source was asked for."""

    asset: str
    amount: int
    block: int


class Reply(NamedTuple):
    """A reply on record."""

    url: str
    sha256: str
    time: int
    rows: int


class Reorganisation(NamedTuple):
    """Rows above ``height`` were taken out in ``version``, at a time."""

    height: int
    version: int
    time: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """How far an address is fetched from a source. ``since`` to ``until`` are the blocks that were asked for."""

    chain: str
    address: str
    source: str
    state: str
    since: int
    until: int
    until_hash: str
    cursor: str | None = None
    covered: tuple[Stretch, ...] = ()
    balances: tuple[Queried, ...] = ()
    rows: int = 0
    answers: int = 0
    updated_at: int = 0

    @property
    def id(self) -> str:
        """Id of the fetch, which its rows carry as ``source``: the same whenever the same is fetched."""
        return fetch_id(self.chain, self.address, self.source)

    def moved(self, **changes: object) -> Fetch:
        """The same fetch, further."""
        return replace(self, **changes)  # type: ignore[arg-type]  # fields by name, checked by the dataclass


def fetch_id(chain: str, address: str, source: str) -> str:
    """Id of a fetch: short, and without the address, since it stands in every row."""
    digest = hashlib.sha256("\x00".join((chain, address, source)).encode()).hexdigest()
    return f"fetch-{digest[:20]}"


def find(connection: Connection, chain: str, address: str, source: str) -> Fetch | None:
    """How far a fetch is; None if it never began."""
    found = list(_select(connection, "id = ?", (fetch_id(chain, address, source),)))
    return found[0] if found else None


def by_id(connection: Connection, name: str) -> Fetch | None:
    """The fetch that rows name as their source; None if there is none of that id."""
    found = list(_select(connection, "id = ?", (name,)))
    return found[0] if found else None


def of_address(connection: Connection, chain: str, address: str) -> list[Fetch]:
    """Every fetch of one history, by source."""
    return list(_select(connection, "chain = ? and address = ?", (chain, address)))


def of_chain(connection: Connection, chain: str) -> list[Fetch]:
    """All fetches of a chain, by address and source."""
    return list(_select(connection, "chain = ?", (chain,)))


def save(connection: Connection, fetch: Fetch, replies: Sequence[Reply] = ()) -> None:
    """Write down how far a fetch is, and the replies that brought it there (inside a transaction)."""
    connection.execute(
        "insert or replace into fetches values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(fetch.id, fetch.chain, fetch.address, fetch.source, fetch.state, fetch.since, fetch.until, fetch.until_hash),
            fetch.cursor,
            json.dumps([[*stretch[:4], _text(stretch.opening)] for stretch in fetch.covered]),
            json.dumps([[asset, str(amount), block] for asset, amount, block in fetch.balances]),
            *(fetch.rows, fetch.answers, fetch.updated_at),
        ),
    )
    connection.executemany(
        "insert into answers (fetch, url, sha256, time, rows) values (?, ?, ?, ?, ?)", [(fetch.id, *reply) for reply in replies]
    )


def replies(connection: Connection, fetch: str) -> list[Reply]:
    """The replies of a fetch, oldest first."""
    cursor = connection.execute("select url, sha256, time, rows from answers where fetch = ? order by id", (fetch,))
    return [Reply(*row) for row in cursor]


def see_blocks(connection: Connection, chain: str, blocks: Iterable[tuple[int, str]]) -> None:
    """Write down the hashes of blocks (inside a transaction); the newest statement holds."""
    connection.executemany("insert or replace into seen_blocks values (?, ?, ?)", [(chain, *block) for block in blocks])


def seen_blocks(connection: Connection, chain: str, *, up_to: int | None = None) -> list[tuple[int, str]]:
    """(height, hash) of the blocks seen of a chain, the highest first."""
    cursor = connection.execute(
        "select height, hash from seen_blocks where chain = ? and (? is null or height <= ?) order by height desc",
        (chain, up_to, up_to),
    )
    return [(int(height), str(hash_)) for height, hash_ in cursor]


def forget_above(connection: Connection, chain: str, height: int, version: int, now: int) -> None:
    """The chain was reorganised above ``height``: blocks there are forgotten, and fetches that reach there begin again."""
    connection.execute("delete from seen_blocks where chain = ? and height > ?", (chain, height))
    connection.execute("delete from fetches where chain = ? and until > ?", (chain, height))
    connection.execute(
        "insert into reorganisations (chain, height, version, time) values (?, ?, ?, ?)", (chain, height, version, now)
    )


def reorganised(connection: Connection, chain: str, *, after: int) -> int | None:
    """Lowest height up to which a chain stands as a version said it, if it was reorganised since; None if it was not."""
    return min((one.height for one in reorganisations(connection, chain) if one.version > after), default=None)


def reorganisations(connection: Connection, chain: str, *, up_to: int | None = None) -> list[Reorganisation]:
    """Reorganisations of a chain, the oldest first; ``up_to``: those that a version has seen."""
    cursor = connection.execute(
        "select height, version, time from reorganisations where chain = ? and (? is null or version <= ?) order by id",
        (chain, up_to, up_to),
    )
    return [Reorganisation(*row) for row in cursor]


def _select(connection: Connection, where: str, parameters: tuple[object, ...]) -> Iterable[Fetch]:
    """Fetches that meet a condition, which is a constant of this module."""
    cursor = connection.execute(
        "select chain, address, source, state, since, until, until_hash, cursor, covered, balances, rows, answers, updated_at "
        f"from fetches where {where} order by address, source",
        parameters,
    )
    for row in cursor:
        stretches = [
            Stretch(kind, first, last, reason, _amount(held)) for kind, first, last, reason, held in json.loads(row[8])
        ]
        balances = [Queried(asset, int(amount), block) for asset, amount, block in json.loads(row[9])]
        yield Fetch(
            chain=str(row[0]),
            address=str(row[1]),
            source=str(row[2]),
            state=str(row[3]),
            since=row[4],
            until=row[5],
            until_hash=row[6],
            cursor=row[7],
            covered=tuple(stretches),
            balances=tuple(balances),
            rows=row[10],
            answers=row[11],
            updated_at=row[12],
        )


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _amount(text: str | None) -> int | None:
    return None if text is None else int(text)
