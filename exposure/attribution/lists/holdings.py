"""Holdings in this project's own CSV form: one row a stake; ``owner`` and ``owned`` are required, the rest is in `COLUMNS`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import PurePath
from typing import TYPE_CHECKING

from exposure.attribution.lists.csv_text import read_rows
from exposure.errors import AttributionError, InputError
from exposure.model.holdings import Holding, PartyDesignation, Tie
from exposure.model.tags import MAX_TEXT, Entity, ListKind, ParsedList, Problem
from exposure.text import shown
from exposure.units import start_of_day, to_unix

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

COLUMNS: Mapping[str, str] = {
    "owner": "who holds the stake",
    "owned": "in whom",
    "owner_id": "id of the owner in a list (a tag's reference), at OpenSanctions (NK-..., ofac-...), or of an actor",
    "owned_id": "the same of whom it is in; an id goes before a name",
    "share": "percent, such as 50 or 12.5; empty where it is not known",
    "tie": "ownership, control or directorship; ownership where it is empty",
    "from": "first day of the stake",
    "to": "last day of the stake",
    "source": "where that is from",
    "regime": "who designated the owner: JP, US, EU, UK, ...",
    "programme": "under which programme",
    "listed_on": "day on which the owner was designated",
    "delisted_on": "day on which that ended",
}


def share_of(text: str) -> str:
    """A share in percent as exact decimal text.

    Raises
    ------
    InputError
        If it is no number from 0 to 100.
    """
    try:
        share = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        share = Decimal(-1)
    if len(text) > 40 or not share.is_finite() or not 0 <= share <= 100:
        raise InputError(f"{shown(text, 40)!r} is not a share: write percent from 0 to 100")
    return format(share.normalize(), "f")


def parse_holdings(stream: Bounded, name: str) -> ParsedList:
    """Read holdings, and designations of their owners.

    Raises
    ------
    AttributionError
        If the header is not understood, or the file is no CSV text in UTF-8.
    """
    columns: list[str] = []
    holdings: dict[Holding, None] = {}
    designated: dict[PartyDesignation, None] = {}
    problems: list[Problem] = []
    rows = 0
    for line, row in read_rows(stream, name):
        if row[0].startswith("#"):
            continue
        where = f"{name}, line {line}"
        if not columns:
            columns = _header(row, where)
            continue
        rows += 1
        fields = {column: cell.strip()[:MAX_TEXT] for column, cell in zip(columns, row, strict=False)}
        try:
            if len(row) != len(columns):
                raise InputError(f"has {len(row)} fields, but the header names {len(columns)} columns")
            holding, listed = _read(fields)
        except InputError as error:
            problems.append(Problem(where, shown(fields.get("owned", "")), str(error), dropped=True))
            continue
        holdings[holding] = None
        if listed is not None:
            designated[listed] = None
    if not columns:
        raise AttributionError(f"{name}: is empty; the first line names the columns, such as owner,owned,share,from,to,source")
    parties = {
        party: name
        for holding in holdings
        for party, name in ((holding.owner, holding.owner_name), (holding.owned, holding.owned_name))
    }
    return ParsedList(
        name=f"holdings {PurePath(name).name.partition('.')[0]}",
        kind=ListKind.CSV,
        form="holdings",
        tags=(),
        rows=rows,
        entities=tuple(Entity(party, name) for party, name in parties.items()),
        problems=tuple(problems),
        holdings=tuple(holdings),
        designated=tuple(designated),
    )


def _header(row: list[str], where: str) -> list[str]:
    columns = [cell.strip().lower() for cell in row]
    for column in columns:
        if column not in COLUMNS:
            near = get_close_matches(column, COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(COLUMNS)}"
            raise AttributionError(f"{where}: unknown column {shown(column, 40)!r}: {hint}")
    for column in ("owner", "owned"):
        if column not in columns:
            raise AttributionError(f"{where}: the column {column!r} is missing; every holding needs it")
    if len(set(columns)) < len(columns):
        raise AttributionError(f"{where}: a column stands there twice; every column has one meaning")
    return columns


def _read(fields: Mapping[str, str]) -> tuple[Holding, PartyDesignation | None]:
    def get(key: str) -> str:
        return fields.get(key, "")

    def date(key: str) -> int | None:
        return start_of_day(to_unix(get(key))) if get(key) else None

    owner, owned = get("owner"), get("owned")
    if not owner or not owned:
        raise InputError("owner and owned have to be named")
    owner_id, owned_id = get("owner_id") or owner, get("owned_id") or owned
    if owner_id == owned_id:
        raise InputError("a party does not own itself: leave the row out")
    tie = (get("tie") or Tie.OWNERSHIP.value).lower()
    if tie not in set(Tie):
        raise InputError(f"{shown(tie, 40)!r} is no tie: use {', '.join(Tie)}")
    since, until = date("from"), date("to")
    if since is not None and until is not None and until < since:
        raise InputError("the last day of the stake lies before the first")
    share = share_of(get("share")) if get("share") else ""
    holding = Holding(owner_id, owned_id, owner, owned, share, Tie(tie), since, until, get("source"))
    listed_on, delisted_on = date("listed_on"), date("delisted_on")
    if not get("regime"):
        if listed_on is not None or delisted_on is not None or get("programme"):
            raise InputError("a designation needs its regime (JP, US, EU, ...)")
        return holding, None
    if listed_on is not None and delisted_on is not None and delisted_on < listed_on:
        raise InputError("delisted_on lies before listed_on")
    return holding, PartyDesignation(owner_id, owner, get("regime").upper(), get("programme"), listed_on, delisted_on)
