"""OpenSanctions' Ownership and Directorship (FollowTheMoney, one JSON object a line), as far as it lies below listed parties.

The file is read three times: who is listed and who holds what; then the names of those that matter. Of a file of some
gigabytes only the holdings below parties with a sanction are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.attribution.lists.dates import day_first
from exposure.attribution.lists.holdings import share_of
from exposure.attribution.lists.opensanctions import NAME, entities_of, regime_of, texts_of
from exposure.errors import InputError
from exposure.model.holdings import Holding, PartyDesignation, Tie
from exposure.model.tags import MAX_TEXT, Entity, ListKind, ParsedList, Problem

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

MAX_ID = 255
_TIES = {"Ownership": ("owner", "asset", Tie.OWNERSHIP), "Directorship": ("director", "organization", Tie.DIRECTORSHIP)}


def parse_opensanctions_holdings(stream: Bounded, name: str) -> ParsedList:
    """Read holdings below listed parties, and the designations of these.

    Raises
    ------
    AttributionError
        As `exposure.attribution.lists.opensanctions.parse_opensanctions`.
    """
    problems: list[Problem] = []
    below: dict[str, list[Holding]] = defaultdict(list)
    designated: list[PartyDesignation] = []
    rows = 0
    for line, entity in entities_of(stream, name):
        schema = entity.get("schema")
        if schema in _TIES:
            rows += 1
            for holding in _holdings(entity, str(schema), f"{name}, line {line}", problems):
                below[holding.owner].append(holding)
        elif schema == "Sanction":
            designated += _designations(entity)
    waiting = {one.party for one in designated}
    seen: set[str] = set()
    kept: list[Holding] = []
    while waiting:
        owner = waiting.pop()
        if owner not in seen:
            seen.add(owner)
            kept += below.get(owner, ())
            waiting |= {holding.owned for holding in below.get(owner, ()) if holding.tie is not Tie.DIRECTORSHIP}
    parties = {party for holding in kept for party in (holding.owner, holding.owned)}
    stream.rewind()
    names: dict[str, str] = {}
    aliases: dict[tuple[str, str], None] = {}
    for _, entity in entities_of(stream, name):
        party = str(entity.get("id", ""))
        if party in parties:
            caption = entity.get("caption")
            names[party] = next(iter(texts_of(entity, "name")), caption if isinstance(caption, str) else party)[:MAX_TEXT]
            others = entity.get("referents")
            for other in others if isinstance(others, list) else ():
                if isinstance(other, str) and other != party and 0 < len(other) <= MAX_ID:
                    aliases[party, other] = None
    named = [
        replace(one, owner_name=names.get(one.owner, one.owner), owned_name=names.get(one.owned, one.owned)) for one in kept
    ]
    return ParsedList(
        name=f"{NAME} holdings",
        kind=ListKind.CSV,
        form="opensanctions-holdings",
        tags=(),
        rows=rows,
        entities=tuple(Entity(party, names.get(party, party)) for party in sorted(parties)),
        problems=tuple(problems),
        holdings=tuple(dict.fromkeys(named)),
        designated=tuple(replace(one, name=names[one.party]) for one in dict.fromkeys(designated) if one.party in names),
        aliases=tuple(aliases),
    )


def _holdings(entity: Mapping[str, object], schema: str, where: str, problems: list[Problem]) -> list[Holding]:
    above, under, tie = _TIES[schema]
    share = ""
    for text in texts_of(entity, "percentage"):
        try:
            share = share_of(text)
        except InputError as error:
            problems.append(Problem(where, text, f"{error}; the stake is kept without a share"))
    since = next(filter(None, map(day_first, texts_of(entity, "startDate"))), None)
    until = next(filter(None, map(day_first, texts_of(entity, "endDate"))), None)
    source = next(iter(texts_of(entity, "sourceUrl")), NAME)
    return [
        Holding(owner, owned, owner, owned, share, tie, since, until, source)
        for owner in texts_of(entity, above)
        for owned in texts_of(entity, under)
        if owner != owned
    ]


def _designations(entity: Mapping[str, object]) -> list[PartyDesignation]:
    days = (*texts_of(entity, "listingDate"), *texts_of(entity, "startDate"))
    listed_on = next(filter(None, map(day_first, days)), None)
    delisted_on = next(filter(None, map(day_first, texts_of(entity, "endDate"))), None)
    programme = next(iter((*texts_of(entity, "programId"), *texts_of(entity, "program"))), "")
    return [
        PartyDesignation(party, party, regime_of(entity), programme, listed_on, delisted_on)
        for party in texts_of(entity, "entity")
    ]
