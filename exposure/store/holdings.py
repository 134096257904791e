"""Holdings and designations of parties in the catalogue, by the edition that states them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from exposure.model.holdings import Holding, PartyDesignation, Tie
from exposure.model.tags import ParsedList
from exposure.store import tags
from exposure.store.catalogue import Connection

DDL = """
create table if not exists tag_holdings (
    edition text not null references tag_editions (id),
    number integer not null,
    owner text not null,
    owned text not null,
    owner_name text not null,
    owned_name text not null,
    share text not null,
    tie text not null,
    since integer,
    until integer,
    source text not null,
    primary key (edition, number)
) without rowid;
create table if not exists tag_designated (
    edition text not null references tag_editions (id),
    number integer not null,
    party text not null,
    name text not null,
    regime text not null,
    programme text not null,
    listed_on integer,
    delisted_on integer,
    primary key (edition, number)
) without rowid;
create table if not exists tag_aliases (
    edition text not null references tag_editions (id),
    party text not null,
    alias text not null,
    primary key (edition, party, alias)
) without rowid;
"""

_HOLDING = tuple(field.name for field in fields(Holding))
_DESIGNATED = tuple(field.name for field in fields(PartyDesignation))


def add(connection: Connection, edition: str, parsed: ParsedList) -> None:
    """Keep what an edition says of parties (inside a `transaction`, behind the edition itself)."""
    for table, names, rows in (
        ("tag_holdings", _HOLDING, parsed.holdings),
        ("tag_designated", _DESIGNATED, parsed.designated),
    ):
        connection.executemany(
            f"insert into {table} (edition, number, {', '.join(names)}) values (?, ?{', ?' * len(names)})",
            ((edition, number, *(_stored(getattr(row, name)) for name in names)) for number, row in enumerate(rows)),
        )
    connection.executemany(
        "insert or ignore into tag_aliases (edition, party, alias) values (?, ?, ?)",
        ((edition, party, alias) for party, alias in parsed.aliases),
    )


def _stored(value: object) -> object:
    return value.value if isinstance(value, Tie) else value


def _newest(connection: Connection, as_of: int | None) -> list[str]:
    return list({edition.name: edition.id for edition in tags.editions(connection, as_of=as_of, accepted=True)}.values())


def aliases(connection: Connection, *, as_of: int | None = None) -> list[tuple[str, str]]:
    """(party, another id of it), of the newest accepted edition of each list published up to ``as_of``."""
    return [
        (str(party), str(alias))
        for edition in _newest(connection, as_of)
        for party, alias in connection.execute("select party, alias from tag_aliases where edition = ?", (edition,))
    ]


def holdings(connection: Connection, *, as_of: int | None = None) -> tuple[list[Holding], list[PartyDesignation]]:
    """What the newest accepted edition of each list says, published up to ``as_of`` (None: everything)."""
    found: list[Holding] = []
    designated: list[PartyDesignation] = []
    for edition in _newest(connection, as_of):
        for row in _rows(connection, "tag_holdings", _HOLDING, edition):
            values = dict(zip(_HOLDING, row, strict=True))
            found.append(Holding(**{**values, "tie": Tie(values["tie"])}))
        designated += (PartyDesignation(*row) for row in _rows(connection, "tag_designated", _DESIGNATED, edition))
    return found, designated


def _rows(connection: Connection, table: str, names: Sequence[str], edition: str) -> list[tuple[Any, ...]]:
    sql = f"select {', '.join(names)} from {table} where edition = ? order by number"
    return [tuple(row) for row in connection.execute(sql, (edition,))]
