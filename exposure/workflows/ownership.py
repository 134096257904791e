"""Holdings in a run: addresses of parties that belong to listed ones become `sanction_linked`; and who owns whom, shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from exposure.attribution.editions import Standing, standings
from exposure.attribution.ownership import Linked, Owners, rule_of
from exposure.errors import InputError
from exposure.model.holdings import Holding, PartyDesignation
from exposure.model.labels import Category, Designation
from exposure.model.tags import Entity, ListKind, Statement
from exposure.store import holdings as kept
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.text import shown

LIST = "holdings"
"""Name of the list under which what follows from holdings stands."""
BY_NAME = 80
"""Most confidence of a tag whose entity was found among the holdings by its name alone."""
NEAR = 5


def owners(store: Store, tags: Iterable[Standing], *, as_of: int | None = None) -> Owners | None:
    """The graph of holdings as of a moment; None if no list states any.

    ``tags``: all standings of the day, whose designations of parties count as well.
    """
    found, designated = kept.holdings(store.connection, as_of=as_of)
    if not found:
        return None
    listed = [
        PartyDesignation(
            standing.tag.reference or standing.tag.entity,
            standing.tag.entity,
            given.regime,
            given.programme,
            given.listed_on,
            given.delisted_on,
        )
        for standing in tags
        if standing.tag.category is Category.SANCTIONED and standing.tag.entity
        for given in standing.designations
    ]
    return Owners.of(found, [*designated, *dict.fromkeys(listed)])


def linked(store: Store, some: Sequence[Standing], actors: dict[str, Entity], *, as_of: int | None = None) -> list[Standing]:
    """What follows from holdings for tagged subjects: a standing for each subject, party and regime."""
    if not store_has_holdings(store):
        return []
    history = stored.editions(store.connection, as_of=as_of, accepted=True)
    graph = owners(store, standings(stored.statements(store.connection, as_of=as_of), history), as_of=as_of)
    if graph is None:
        return []
    made: dict[tuple[str, str, str, int | None], Standing] = {}
    for standing in some:
        tag = standing.tag
        actor = actors.get(tag.actor)
        name = actor.name if actor is not None else tag.entity
        by_id = [party for party in (tag.reference, tag.actor) if party and party in graph.graph]
        for party in by_id or (graph.find(name) if name else []):
            sure = tag.confidence if by_id else min(tag.confidence, BY_NAME)
            for one in graph.linked(party):
                key = tag.subject, party, one.regime, one.since
                if key not in made or made[key].tag.confidence < sure:
                    made[key] = _standing(standing, graph.names[party], one, sure)
    return list(made.values())


def store_has_holdings(store: Store) -> bool:
    """Whether any edition states holdings."""
    return store.connection.execute("select 1 from tag_holdings limit 1").fetchone() is not None


def _standing(standing: Standing, name: str, link: Linked, sure: int) -> Standing:
    sources = dict.fromkeys(holding.source for holding in link.chain if holding.source)
    tag = replace(
        standing.tag,
        entity=name,
        category=Category.SANCTION_LINKED,
        regime=link.regime,
        programmes=(link.programme,) if link.programme else (),
        listed_on=link.since,
        delisted_on=link.until,
        address_listed_on=None,
        confidence=sure,
        source="; ".join(sources),
        note=link.reason,
        actor="",
        ground="",
        measures=(),
    )
    said = Statement(tag, LIST, ListKind.CSV, editions=standing.statement.editions)
    return Standing(said, True, (Designation(link.regime, link.programme, link.since, link.until),), standing.first_seen)


@dataclass(frozen=True, slots=True)
class OwnersOf:
    """One party among the holdings: stakes in it and of it, what regimes say of it, and where it belongs to listed parties."""

    party: str
    name: str
    above: tuple[Holding, ...]
    below: tuple[Holding, ...]
    designated: tuple[PartyDesignation, ...]
    linked: tuple[Linked, ...]
    rules: tuple[tuple[str, str], ...]


def owners_of(store: Store, text: str, *, as_of: int | None = None) -> list[OwnersOf]:
    """Who owns a party, whom it owns, and whether it belongs to listed parties.

    Raises
    ------
    InputError
        If no list states holdings, or none of a party of this id or name; the message suggests near ones.
    """
    from difflib import get_close_matches

    history = stored.editions(store.connection, as_of=as_of, accepted=True)
    graph = owners(store, standings(stored.statements(store.connection, as_of=as_of), history), as_of=as_of)
    if graph is None:
        raise InputError("no list of holdings was imported: `exposure tags import holdings.csv` brings one in")
    parties = graph.find(text.strip())
    if not parties:
        near = get_close_matches(text.strip(), list(dict.fromkeys(graph.names.values())), n=NEAR)
        hint = f"near ones are {', '.join(shown(name, 60) for name in near)}" if near else "no name is near it"
        raise InputError(f"no holding names {shown(text, 80)!r}: {hint}")
    return [_of(graph, party) for party in parties]


def _of(graph: Owners, party: str) -> OwnersOf:
    found = graph.linked(party)
    regimes = dict.fromkeys(one.regime for one in found)
    return OwnersOf(
        party,
        graph.names[party],
        tuple(data["holding"] for _, _, data in graph.graph.in_edges(party, data=True)),
        tuple(data["holding"] for _, _, data in graph.graph.out_edges(party, data=True)),
        graph.designations.get(party, ()),
        found,
        tuple((regime, rule_of(regime).words) for regime in regimes),
    )
