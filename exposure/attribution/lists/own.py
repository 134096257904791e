"""Tags in this project's own CSV form: one row a statement, columns by name, in any order.

``address`` (or ``subject``: also a coin, transaction or asset) and ``category`` are required; the rest is in `COLUMNS`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

from exposure.attribution.lists.csv_text import Lines
from exposure.attribution.subjects import read_any_subject, with_memo
from exposure.errors import AttributionError, InputError
from exposure.model.labels import Category
from exposure.model.tags import MAX_TEXT, Ground, ListKind, ParsedList, Problem, SubjectKind, Tag
from exposure.text import shown
from exposure.units import start_of_day, to_unix

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

DEFAULT_CONFIDENCE = 50

COLUMNS: Mapping[str, str] = {
    "subject": "address, coin (TX:N), transaction, asset (CHAIN/CONTRACT) or service (exchange/RU); also called `address`",
    "kind": "address, coin, tx, asset, service or joint; without it the form of the subject decides",
    "category": "one of the categories of docs/tags.md",
    "entity": "who it belongs to",
    "confidence": f"0 to 100; {DEFAULT_CONFIDENCE} where it is empty",
    "source": "where it is from: a link, a document",
    "note": "anything else",
    "valid_from": "first day on which the subject was that entity's",
    "valid_to": "last day on which it was",
    "regime": "who designated the entity: JP, US, EU, UK, UN, ...",
    "programme": "sanctions programmes, separated by ;",
    "listed_on": "day on which the entity was designated",
    "delisted_on": "day on which that ended",
    "address_listed_on": "day on which the address itself was listed, if that is known",
    "ticker": "what the address was filed under",
    "actor": "id of an actor in an actor pack",
    "country": "country of the entity",
    "reference": "id of the entity at its source; of a deposit address, the customer (`customer` is another name for it)",
    "memo": "destination tag or memo that belongs to the address, on chains that have one",
    "unvetted": "yes if anybody can write into the source",
    "measure": "what is imposed (asset freeze, trade ban, ...), separated by ;",
    "ground": f"why it counts as russia_linked: {', '.join(Ground)}; with that category it is required, and so is source",
}
"""Columns and what they mean. A column of another name is an error: a misread date must not be lost in silence."""

_ALIASES = {
    "address": "subject",
    "programmes": "programme",
    "measures": "measure",
    "currency": "ticker",
    "customer": "reference",
}
_TRUTH = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}


def category_named(text: str) -> Category:
    """The category of a name.

    Raises
    ------
    InputError
        If there is none of that name; the message suggests the nearest ones.
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    try:
        return Category(name)
    except ValueError:
        near = get_close_matches(name, list(Category), n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(Category)}"
        raise InputError(f"{shown(text, 40)!r} is not a category: {hint}") from None


def confidence_of(text: str) -> int:
    """A confidence between 0 and 100.

    Raises
    ------
    InputError
        If the text is not a whole number in that range.
    """
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 100:
        return int(text)
    raise InputError(f"{shown(text, 40)!r} is not a confidence: write a whole number from 0 to 100")


def ground_of(text: str) -> str:
    """The ground of a name, or an empty one.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name and name not in list(Ground):
        raise InputError(f"{shown(text, 40)!r} is not a ground: use one of {', '.join(Ground)}")
    return name


def check_ground(tag: Tag) -> None:
    """Refuse a Russia-linked tag that does not say why, and where that is from.

    Raises
    ------
    InputError
        With what is missing.
    """
    if tag.category is Category.RUSSIA_LINKED and not (tag.ground and tag.source.strip()):
        missing = "ground" if not tag.ground else "source"
        raise InputError(
            f"a russia_linked tag needs a {missing}: say why it is linked (ground: {', '.join(Ground)}) and where that is from"
        )


def _day(text: str) -> int | None:
    return start_of_day(to_unix(text)) if text else None


def _header(row: list[str], where: str) -> list[str]:
    columns = [_ALIASES.get(cell.strip().lower(), cell.strip().lower()) for cell in row]
    for column in columns:
        if column not in COLUMNS:
            near = get_close_matches(column, [*COLUMNS, *_ALIASES], n=1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(COLUMNS)}"
            raise AttributionError(f"{where}: unknown column {shown(column, 40)!r}: {hint}")
    for column in ("subject", "category"):
        if column not in columns:
            raise AttributionError(f"{where}: the column {column!r} is missing; every tag needs it")
    if len(set(columns)) < len(columns):
        raise AttributionError(f"{where}: a column stands there twice; every column has one meaning")
    return columns


def tag_of(fields: Mapping[str, str]) -> tuple[Tag, str]:
    """The tag of one row (keys as in `COLUMNS`), and a sentence where its subject could not be taken as it stands.

    Raises
    ------
    InputError
        If a field is not what it has to be.
    """

    def get(key: str) -> str:
        return fields.get(key, "").strip()[:MAX_TEXT]

    kind = get("kind").lower()
    if kind not in ("", *(known.value for known in SubjectKind if known is not SubjectKind.UNCHECKED)):
        raise InputError(f"{shown(kind, 40)!r} is not a kind of subject: use address, coin, tx, asset, service or joint")
    if not get("subject"):
        raise InputError("the subject is empty")
    subject = with_memo(read_any_subject(get("subject"), kind), get("memo"))
    unvetted = get("unvetted").lower()
    if unvetted not in _TRUTH:
        raise InputError(f"{shown(unvetted, 40)!r} in the column unvetted is neither yes nor no")
    tag = Tag(
        kind=subject.kind,
        subject=subject.canonical,
        family=subject.family,
        entity=get("entity"),
        category=category_named(get("category")),
        regime=get("regime").upper(),
        programmes=tuple(part.strip() for part in get("programme").split(";") if part.strip()),
        listed_on=_day(get("listed_on")),
        delisted_on=_day(get("delisted_on")),
        address_listed_on=_day(get("address_listed_on")),
        valid_from=_day(get("valid_from")),
        valid_to=_day(get("valid_to")),
        confidence=confidence_of(get("confidence")) if get("confidence") else DEFAULT_CONFIDENCE,
        source=get("source"),
        original=get("subject"),
        ticker=get("ticker"),
        note=get("note"),
        actor=get("actor"),
        country=get("country"),
        reference=get("reference"),
        unvetted=_TRUTH[unvetted],
        measures=tuple(part.strip() for part in get("measure").split(";") if part.strip()),
        ground=ground_of(get("ground")),
    )
    check_ground(tag)
    if tag.kind is SubjectKind.JOINT and not (tag.category is Category.OTHER and tag.source):
        raise InputError("a joint transaction is nobody's: give it the category other, and the source from which it is known")
    for first, last, what in (
        (tag.listed_on, tag.delisted_on, "delisted_on lies before listed_on"),
        (tag.valid_from, tag.valid_to, "valid_to lies before valid_from"),
    ):
        if first is not None and last is not None and last < first:
            raise InputError(what)
    if (tag.listed_on or tag.delisted_on or tag.address_listed_on) and not tag.regime:
        raise InputError("a designation date needs its regime (JP, US, EU, ...)")
    return tag, subject.problem


def parse_own(stream: Bounded, name: str) -> ParsedList:
    """Read tags in the project's own CSV form.

    Parameters
    ----------
    stream
        The unpacked file.
    name
        The file's name; without its ending it names the list over its editions.

    Returns
    -------
    ParsedList
        Rows that cannot be used are among the problems, marked dropped; ``published`` is None, for the file does not say.

    Raises
    ------
    AttributionError
        If the header is not understood, or it is not CSV text in UTF-8.
    """
    reader = csv.reader(Lines(stream, name), strict=True)
    tags: list[Tag] = []
    problems: list[Problem] = []
    rows = 0
    try:
        filled = (row for row in reader if any(cell.strip() for cell in row) and not row[0].startswith("#"))
        first = next(filled, None)
        if first is None:
            raise AttributionError(f"{name}: is empty; the first line names the columns, such as address,entity,category")
        columns = _header(first, f"{name}, line {reader.line_num}")
        for row in filled:
            rows += 1
            where = f"{name}, line {reader.line_num}"
            fields = dict(zip(columns, row, strict=False))
            try:
                if len(row) != len(columns):
                    raise InputError(f"has {len(row)} fields, but the header names {len(columns)} columns")
                tag, doubt = tag_of(fields)
            except InputError as error:
                problems.append(Problem(where, shown(fields.get("subject", "")), str(error), dropped=True))
                continue
            tags.append(tag)
            if doubt:
                problems.append(Problem(where, tag.original, doubt))
    except csv.Error as error:
        raise AttributionError(f"{name}, line {reader.line_num}: not readable as CSV ({error})") from error
    return ParsedList(
        name=f"CSV {PurePath(name).name.partition('.')[0]}",
        kind=ListKind.CSV,
        form="csv",
        tags=tuple(tags),
        rows=rows,
        problems=tuple(problems),
    )
