"""Tags in the catalogue: every edition of every list, what each said, and what the user added or took back.

A statement is kept once, whatever number of editions repeats it; ``tag_members`` says which do. Nothing is ever deleted: an
edition can be held, a user's tag retracted, and what was known on a day can be asked for later.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any

from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.model.tags import (
    Edition,
    EditionState,
    Entity,
    ListKind,
    ParsedList,
    Problem,
    Statement,
    SubjectKind,
    Tag,
)
from exposure.store.catalogue import Connection

DDL = """
create table if not exists tag_editions (
    id text primary key,
    name text not null,
    kind text not null,
    form text not null,
    regime text not null,
    published integer not null,
    sha256 text not null,
    imported_at integer not null,
    file_name text not null,
    rows integer not null,
    tags integer not null,
    subjects integer not null,
    entities integer not null,
    unchecked integer not null,
    problems integer not null,
    state text not null check (state in ('accepted', 'held')),
    reason text not null,
    accepted_at integer,
    arrival integer not null default 0,
    unique (name, sha256)
) without rowid;
create table if not exists tag_statements (
    id integer primary key,
    digest text not null unique,
    kind text not null,
    subject text not null,
    entity text not null,
    category text not null,
    family text not null,
    regime text not null,
    programmes text not null,
    listed_on integer,
    delisted_on integer,
    address_listed_on integer,
    valid_from integer,
    valid_to integer,
    confidence integer not null,
    source text not null,
    original text not null,
    ticker text not null,
    note text not null,
    actor text not null,
    country text not null,
    reference text not null,
    unvetted integer not null,
    measures text not null default '[]',
    ground text not null default ''
);
create index if not exists tag_statements_by_subject on tag_statements (subject);
create index if not exists tag_statements_of_services on tag_statements (subject) where kind = 'service';
create table if not exists tag_members (
    statement integer not null references tag_statements (id),
    edition text not null references tag_editions (id),
    primary key (statement, edition)
) without rowid;
create table if not exists tag_user (
    id integer primary key,
    statement integer not null references tag_statements (id),
    added_at integer not null,
    retracted_at integer,
    retraction text not null default ''
);
create index if not exists tag_user_by_statement on tag_user (statement);
create table if not exists tag_entities (
    edition text not null references tag_editions (id),
    id text not null,
    name text not null,
    categories text not null,
    countries text not null,
    uri text not null,
    primary key (edition, id)
) without rowid;
create table if not exists tag_checks (
    name text primary key,
    checked_at integer not null
) without rowid;
create table if not exists tag_problems (
    edition text not null references tag_editions (id),
    number integer not null,
    location text not null,
    text text not null,
    reason text not null,
    dropped integer not null,
    primary key (edition, number)
) without rowid;
"""

ADDED_COLUMNS = (
    ("tag_statements", "measures", "text not null default '[]'"),
    ("tag_statements", "ground", "text not null default ''"),
    ("tag_editions", "arrival", "integer not null default 0"),
)
"""(table, column, type) that stores made by an earlier version lack; `exposure.store.catalogue` adds them."""

USER_LIST = "own tags"
"""Name of the list that `tags add` writes to."""

# Columns and fields have one name and one order, so that neither can be forgotten.
_TAG_FIELDS = tuple(field.name for field in fields(Tag))
_EDITION_FIELDS = tuple(field.name for field in fields(Edition))
_TAG_COLUMNS = ", ".join(f"s.{name}" for name in _TAG_FIELDS)
_EDITION_COLUMNS = ", ".join(_EDITION_FIELDS)
_BATCH = 500
_FOREVER = 2**62


def _stored(value: object) -> object:
    """A field's value as SQLite keeps it: enumerations by value, tuples as JSON, truth as 0 or 1."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


_KINDS = {kind.value: kind for kind in SubjectKind}
_CATEGORIES = {category.value: category for category in Category}
_AT = {name: place for place, name in enumerate(_TAG_FIELDS)}


def _tag(row: Sequence[Any]) -> Tag:
    # Called once for each of maybe a million statements: by place, not by name.
    values = list(row)
    values[_AT["kind"]] = _KINDS[row[_AT["kind"]]]
    values[_AT["category"]] = _CATEGORIES[row[_AT["category"]]]
    for place in (_AT["programmes"], _AT["measures"]):
        values[place] = tuple(json.loads(row[place])) if row[place] != "[]" else ()
    values[_AT["unvetted"]] = bool(row[_AT["unvetted"]])
    return Tag(*values)


def _edition(row: Sequence[Any]) -> Edition:
    values = dict(zip(_EDITION_FIELDS, row, strict=True))
    values["kind"] = ListKind(values["kind"])
    values["state"] = EditionState(values["state"])
    return Edition(**values)


def _keep(connection: Connection, tags: Iterable[Tag]) -> list[int]:
    """Store statements that are not there yet; numbers of all of them, each once."""
    by_digest = {tag.digest: tag for tag in tags}
    connection.executemany(
        f"insert into tag_statements (digest, {', '.join(_TAG_FIELDS)}) values (?{', ?' * len(_TAG_FIELDS)}) "
        "on conflict (digest) do nothing",
        ((digest, *(_stored(getattr(tag, name)) for name in _TAG_FIELDS)) for digest, tag in by_digest.items()),
    )
    digests = list(by_digest)
    numbers: list[int] = []
    for start in range(0, len(digests), _BATCH):
        some = digests[start : start + _BATCH]
        found = connection.execute(f"select id from tag_statements where digest in ({', '.join('?' * len(some))})", some)
        numbers += [int(row[0]) for row in found]
    return numbers


def add_edition(connection: Connection, parsed: ParsedList, edition: Edition) -> None:
    """Keep an edition and all it says (inside a `transaction`). `edition_of` tells beforehand whether it is there."""
    values = [_stored(getattr(edition, name)) for name in _EDITION_FIELDS]
    # Editions of one day that come within one second follow each other as they came.
    connection.execute(
        f"insert into tag_editions ({_EDITION_COLUMNS}, arrival) values ({', '.join('?' * len(values))}, "
        "(select coalesce(max(arrival), 0) + 1 from tag_editions))",
        values,
    )
    connection.executemany(
        "insert into tag_members (statement, edition) values (?, ?)",
        ((number, edition.id) for number in _keep(connection, parsed.tags)),
    )
    actors = {actor.id: actor for actor in parsed.entities}
    connection.executemany(
        "insert into tag_entities values (?, ?, ?, ?, ?, ?)",
        (
            (edition.id, actor.id, actor.name, json.dumps(actor.categories), json.dumps(actor.countries), actor.uri)
            for actor in actors.values()
        ),
    )
    connection.executemany(
        "insert into tag_problems values (?, ?, ?, ?, ?, ?)",
        (
            (edition.id, number, problem.where, problem.text, problem.reason, int(problem.dropped))
            for number, problem in enumerate(parsed.problems)
        ),
    )


def editions(connection: Connection, *, as_of: int | None = None, accepted: bool = False) -> list[Edition]:
    """Editions of all lists: by list, then from the oldest to the newest; of one day, as they came.

    ``as_of``: published up to that unix second only; ``accepted``: without held ones.
    """
    rows = connection.execute(
        f"select {_EDITION_COLUMNS} from tag_editions where published <= ? and (state = 'accepted' or not ?) "
        "order by name, published, imported_at, arrival, id",
        (_FOREVER if as_of is None else as_of, int(accepted)),
    )
    return [_edition(row) for row in rows]


def edition_of(connection: Connection, name: str, sha256: str) -> Edition | None:
    """The edition of a list with this content, if it is there."""
    row = connection.execute(
        f"select {_EDITION_COLUMNS} from tag_editions where name = ? and sha256 = ?", (name, sha256)
    ).fetchone()
    return None if row is None else _edition(row)


def accept(connection: Connection, edition_id: str, at: int) -> Edition:
    """Let a held edition count (inside a `transaction`).

    Raises
    ------
    InputError
        If no edition has this id, or it is accepted already.
    """
    found = [edition for edition in editions(connection) if edition.id == edition_id]
    if not found:
        held = ", ".join(edition.id for edition in editions(connection) if edition.state is EditionState.HELD) or "none"
        raise InputError(f"there is no edition {edition_id!r}; held are: {held}")
    if found[0].state is EditionState.ACCEPTED:
        raise InputError(f"the edition {edition_id} is accepted already")
    connection.execute("update tag_editions set state = 'accepted', accepted_at = ? where id = ?", (at, edition_id))
    return replace(found[0], state=EditionState.ACCEPTED, accepted_at=at)


def problems(connection: Connection, edition_id: str) -> list[Problem]:
    """What could not be taken as it stood in an edition, in the order of the file."""
    rows = connection.execute(
        "select location, text, reason, dropped from tag_problems where edition = ? order by number", (edition_id,)
    )
    return [Problem(str(where), str(text), str(reason), bool(dropped)) for where, text, reason, dropped in rows]


def statements(
    connection: Connection,
    *,
    as_of: int | None = None,
    subjects: Sequence[str] | None = None,
    category: Category | None = None,
) -> list[Statement]:
    """What accepted editions published up to ``as_of`` say, and the user's tags added (and not retracted) by then.

    Parameters
    ----------
    connection
        The catalogue.
    as_of
        Unix second, inclusive; None: everything.
    subjects, category
        Only statements about these subjects, or of this category; None: all.

    Returns
    -------
    list of Statement
        One for each tag and list; ``editions`` oldest first.
    """
    day = _FOREVER if as_of is None else as_of
    return [
        *_listed(connection, day, subjects, category),
        *(
            said
            for said in user_tags(connection, subjects=subjects, category=category)
            if (said.added_at or 0) <= day and (said.retracted_at is None or said.retracted_at > day)
        ),
    ]


def services(connection: Connection) -> list[str]:
    """Subjects of every rule about a kind of service in a country, whoever states it: they can bear on any address."""
    return [str(row[0]) for row in connection.execute("select distinct subject from tag_statements where kind = 'service'")]


def with_tags(connection: Connection, subjects: Iterable[str]) -> list[str]:
    """Those of some subjects about which anything was ever said, by any edition or the user; in no order."""
    asked = list(dict.fromkeys(subjects))
    return [
        str(row[0])
        for condition, values in _about(asked)
        for row in connection.execute(f"select distinct s.subject from tag_statements s where {condition}", values)
    ]


def any_own(connection: Connection, *, as_of: int | None = None) -> bool:
    """Whether a tag of the user's own counts as of a unix second (None: now)."""
    day = _FOREVER if as_of is None else as_of
    row = connection.execute(
        "select 1 from tag_user where added_at <= ? and (retracted_at is null or retracted_at > ?) limit 1", (day, day)
    ).fetchone()
    return row is not None


def digest(connection: Connection, *, as_of: int | None = None) -> str:
    """SHA-256 over what counts as of a unix second (None: everything): accepted editions, and tags of the user's own.

    It costs nothing, however many tags the editions hold, and two stores that say the same have the same.
    """
    day = _FOREVER if as_of is None else as_of
    listed = sorted(
        (edition.name, edition.sha256, edition.published) for edition in editions(connection, as_of=as_of, accepted=True)
    )
    own = connection.execute(
        "select s.digest from tag_user u join tag_statements s on s.id = u.statement "
        "where u.added_at <= ? and (u.retracted_at is null or u.retracted_at > ?) order by s.digest",
        (day, day),
    )
    return hashlib.sha256(json.dumps([listed, [row[0] for row in own]]).encode()).hexdigest()


def _about(subjects: Sequence[str] | None, category: Category | None = None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Conditions that select statements about some subjects or of a category, in batches that SQLite can bind."""
    of, named = ("true", ()) if category is None else ("s.category = ?", (category.value,))
    if subjects is None:
        yield of, named
        return
    for start in range(0, len(subjects), _BATCH):
        some = tuple(subjects[start : start + _BATCH])
        yield f"s.subject in ({', '.join('?' * len(some))}) and {of}", (*some, *named)


def _listed(connection: Connection, day: int, subjects: Sequence[str] | None, category: Category | None) -> Iterator[Statement]:
    known = editions(connection, as_of=day, accepted=True)  # each list from the oldest to the newest
    order = {edition.id: place for place, edition in enumerate(known)}
    # Statements of one import share their editions: what belongs to each set of them is worked out once.
    shared: dict[tuple[int, ...], list[tuple[str, ListKind, tuple[str, ...]]]] = {}
    for condition, values in _about(subjects, category):
        places: dict[int, tuple[int, ...]] = {}
        for number, edition in connection.execute(
            f"select m.statement, m.edition from tag_members m join tag_statements s on s.id = m.statement where {condition}",
            values,
        ):
            place = order.get(edition)
            if place is not None:
                places[number] = (*places.get(number, ()), place)
        for number, *row in connection.execute(f"select s.id, {_TAG_COLUMNS} from tag_statements s where {condition}", values):
            those = places.get(number)
            if those is None:
                continue
            if those not in shared:
                by_list: dict[str, list[Edition]] = defaultdict(list)
                for place in sorted(those):
                    by_list[known[place].name].append(known[place])
                shared[those] = [(name, some[0].kind, tuple(one.id for one in some)) for name, some in by_list.items()]
            tag = _tag(row)
            for name, kind, ids in shared[those]:
                yield Statement(tag, name, kind, number, ids)


def user_tags(
    connection: Connection, *, subjects: Sequence[str] | None = None, category: Category | None = None
) -> list[Statement]:
    """Every tag the user ever added, retracted ones too. ``id`` is what `retract` takes."""
    found: list[Statement] = []
    for condition, values in _about(subjects, category):
        for number, added_at, retracted_at, retraction, *row in connection.execute(
            f"select u.id, u.added_at, u.retracted_at, u.retraction, {_TAG_COLUMNS} "
            f"from tag_user u join tag_statements s on s.id = u.statement where {condition} order by u.id",
            values,
        ):
            found.append(
                Statement(
                    _tag(row),
                    USER_LIST,
                    ListKind.USER,
                    id=int(number),
                    added_at=int(added_at),
                    retracted_at=retracted_at,
                    retraction=str(retraction),
                )
            )
    return found


def add_user_tag(connection: Connection, tag: Tag, at: int) -> tuple[int, bool]:
    """Keep a tag of the user's own (inside a `transaction`): its number, and False if the same one stands already."""
    (statement,) = _keep(connection, [tag])
    row = connection.execute("select id from tag_user where statement = ? and retracted_at is null", (statement,)).fetchone()
    if row is not None:
        return int(row[0]), False
    number = connection.execute("insert into tag_user (statement, added_at) values (?, ?)", (statement, at)).lastrowid
    return int(number or 0), True


def retract(connection: Connection, number: int, at: int, reason: str) -> Statement:
    """Mark a user's tag as taken back (inside a `transaction`); it is kept, and counts for days before.

    Raises
    ------
    InputError
        If the user added no tag of this number, or it is retracted already.
    """
    found = [said for said in user_tags(connection) if said.id == number]
    if not found:
        raise InputError(f"there is no own tag number {number}; `exposure tags show ADDRESS` prints the numbers")
    if found[0].retracted_at is not None:
        raise InputError(f"the tag number {number} is retracted already")
    connection.execute("update tag_user set retracted_at = ?, retraction = ? where id = ?", (at, reason, number))
    return replace(found[0], retracted_at=at, retraction=reason)


def entities(connection: Connection, *, as_of: int | None = None) -> dict[str, Entity]:
    """Actors by id, of the newest accepted edition of each actor pack published up to ``as_of``."""
    newest = {edition.name: edition.id for edition in editions(connection, as_of=as_of, accepted=True) if edition.entities}
    known: dict[str, Entity] = {}
    for edition in newest.values():
        rows = connection.execute("select id, name, categories, countries, uri from tag_entities where edition = ?", (edition,))
        for id_, name, categories, countries, uri in rows:
            known[str(id_)] = Entity(str(id_), str(name), tuple(json.loads(categories)), tuple(json.loads(countries)), str(uri))
    return known


def note_check(connection: Connection, name: str, at: int) -> None:
    """Keep that a list's publisher was asked for a newer edition (inside a `transaction`)."""
    connection.execute(
        "insert into tag_checks values (?, ?) on conflict (name) do update set checked_at = excluded.checked_at", (name, at)
    )


def checks(connection: Connection) -> dict[str, int]:
    """When the publisher of each list was last asked, by the list's name; only lists that were."""
    return {str(name): int(at) for name, at in connection.execute("select name, checked_at from tag_checks")}


def edition_tags(connection: Connection, edition_id: str) -> list[Tag]:
    """What one edition says, each statement once, by subject."""
    rows = connection.execute(
        f"select {_TAG_COLUMNS} from tag_members m join tag_statements s on s.id = m.statement where m.edition = ? "
        "order by s.subject, s.entity, s.ticker, s.id",
        (edition_id,),
    )
    return [_tag(row) for row in rows]
