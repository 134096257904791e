"""Labels of a case as JSON, and the tags behind them as a table; both back again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from exposure.errors import InputError
from exposure.model.labels import Category, Designation, Labels, Seed, Service
from exposure.model.ledger import Coin
from exposure.model.tags import Edition, EditionState, Entity, ListKind, Statement, SubjectKind, Tag
from exposure.text import shown

if TYPE_CHECKING:  # annotations only: Arrow is imported when a case is written or read
    import pyarrow as pa

_SEED_GROUPS = ("seeds", "coin_seeds", "tx_seeds", "asset_seeds")
_SERVICE_GROUPS = ("boundaries", "pass_through")
_TAG_FIELDS = tuple(field.name for field in fields(Tag))
_STATEMENT_FIELDS = ("list_name", "list_kind", "id", "editions", "added_at", "retracted_at", "retraction")


def labels_to_json(labels: Labels) -> dict[str, Any]:
    """A snapshot as JSON values."""
    return {
        **{name: {str(key): asdict(seed) for key, seed in getattr(labels, name).items()} for name in _SEED_GROUPS},
        **{name: {key: asdict(service) for key, service in getattr(labels, name).items()} for name in _SERVICE_GROUPS},
        "hubs": dict(labels.hubs),
        "inherited": dict(labels.inherited),
        "owners": dict(labels.owners),
        **({"joint": sorted(labels.joint)} if labels.joint else {}),
        "seeds_from_designation": labels.seeds_from_designation,
        "digest": labels.digest,
    }


def labels_from_json(value: Mapping[str, Any]) -> Labels:
    """`labels_to_json`, read.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    try:
        seeds = {name: {key: _seed(seed) for key, seed in value[name].items()} for name in _SEED_GROUPS}
        services = {name: {key: _service(one) for key, one in value[name].items()} for name in _SERVICE_GROUPS}
        return Labels(
            seeds=seeds["seeds"],
            coin_seeds={_coin(key): seed for key, seed in seeds["coin_seeds"].items()},
            tx_seeds=seeds["tx_seeds"],
            asset_seeds=seeds["asset_seeds"],
            boundaries=services["boundaries"],
            pass_through=services["pass_through"],
            hubs={str(key): str(why) for key, why in value["hubs"].items()},
            inherited={str(key): int(left) for key, left in value["inherited"].items()},
            owners={str(key): str(owner) for key, owner in value["owners"].items()},
            joint=frozenset(str(tx) for tx in value.get("joint", ())),
            seeds_from_designation=bool(value["seeds_from_designation"]),
            digest=str(value["digest"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the labels of the case cannot be read: {shown(error, 120)}") from error


def _seed(value: Mapping[str, Any]) -> Seed:
    designations = tuple(Designation(**one) for one in value["designations"])
    return Seed(**{**value, "dates": tuple(value["dates"]), "sources": tuple(value["sources"]), "designations": designations})


def _service(value: Mapping[str, Any]) -> Service:
    return Service(**{**value, "sources": tuple(value["sources"])})


def _coin(name: str) -> Coin:
    tx, _, n = name.rpartition(":")
    return Coin(tx, int(n))


def tags_schema() -> pa.Schema:
    """Columns of ``tags.parquet``: a tag's fields, and where and when it was said. All text; lists as JSON."""
    import pyarrow as pa

    return pa.schema([pa.field(name, pa.string()) for name in (*_TAG_FIELDS, *_STATEMENT_FIELDS)])


def tags_table(statements: tuple[Statement, ...]) -> pa.Table:
    """Statements as a table."""
    import pyarrow as pa

    rows = [
        {name: _text(getattr(one.tag, name)) for name in _TAG_FIELDS}
        | {name: _text(getattr(one, name)) for name in _STATEMENT_FIELDS}
        for one in statements
    ]
    return pa.Table.from_pylist(rows, schema=tags_schema())


def _text(value: object) -> str:
    if isinstance(value, StrEnum):
        return value.value
    return value if isinstance(value, str) else json.dumps(value)


def statements_from(table: pa.Table) -> tuple[Statement, ...]:
    """`tags_table`, read.

    Raises
    ------
    InputError
        If a cell is not of its field's form.
    """
    texts = {field.name for field in fields(Tag) if field.type == "str"}
    found = []
    try:
        for row in table.to_pylist():
            tag: dict[str, Any] = {
                name: row[name] if name in texts or name in ("kind", "category") else _value(row[name]) for name in _TAG_FIELDS
            }
            tag["kind"], tag["category"] = SubjectKind(tag["kind"]), Category(tag["category"])
            found.append(
                Statement(
                    Tag(**tag),
                    row["list_name"],
                    ListKind(row["list_kind"]),
                    id=int(row["id"]),
                    editions=tuple(json.loads(row["editions"])),
                    added_at=_value(row["added_at"]),
                    retracted_at=_value(row["retracted_at"]),
                    retraction=row["retraction"],
                )
            )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"tags.parquet of the case cannot be read: {shown(error, 120)}") from error
    return tuple(found)


def _value(text: str) -> Any:
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def editions_to_json(editions: tuple[Edition, ...], actors: Mapping[str, Entity]) -> dict[str, Any]:
    """Editions and actors as JSON values."""
    return {
        "editions": [{key: _plain(value) for key, value in asdict(edition).items()} for edition in editions],
        "actors": {key: asdict(actor) for key, actor in actors.items()},
    }


def editions_from_json(value: Mapping[str, Any]) -> tuple[tuple[Edition, ...], dict[str, Entity]]:
    """`editions_to_json`, read.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    try:
        editions = tuple(
            Edition(**{**one, "kind": ListKind(one["kind"]), "state": EditionState(one["state"])}) for one in value["editions"]
        )
        actors = {
            str(key): Entity(**{**one, "categories": tuple(one["categories"]), "countries": tuple(one["countries"])})
            for key, one in value["actors"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the editions of the case cannot be read: {shown(error, 120)}") from error
    return editions, actors


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value
