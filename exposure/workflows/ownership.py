"""Holdings in a run: addresses of parties that belong to listed ones become `sanction_linked`; and who owns whom, shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from exposure.attribution.editions import Standing, standings
from exposure.attribution.ownership import Linked, Owners, ids_of, key, rule_of
from exposure.errors import InputError
from exposure.model.holdings import Holding, PartyDesignation
from exposure.model.labels import Category, Designation
from exposure.model.tags import Entity, ListKind, Statement, Tag
from exposure.store import holdings as kept
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.text import shown

LIST = "holdings"
"""Name of the list under which what follows from holdings stands."""
BY_NAME = 80
"""Most confidence of a tag whose entity was found among the holdings by its name alone."""
NEAR = 5


def owners(store: Store, *, as_of: int | None = None, only_of: Iterable[Standing] | None = None) -> Owners | None:
    """The graph of holdings as of a moment; None if no list states any.

    ``only_of``: None as well where no holding names the party of any of these tags, which costs much less than the graph.
    """
    found, designated = kept.holdings(store.connection, as_of=as_of)
    if not found:
        return None
    aliases = kept.aliases(store.connection, as_of=as_of)
    if only_of is not None and not _any_named(found, aliases, only_of, stored.entities(store.connection, as_of=as_of)):
        return None
    history = stored.editions(store.connection, as_of=as_of, accepted=True)
    listed = [
        PartyDesignation(
            standing.tag.reference or standing.tag.entity,
            standing.tag.entity,
            given.regime,
            given.programme,
            given.listed_on,
            given.delisted_on,
        )
        for standing in standings(stored.statements(store.connection, as_of=as_of, category=Category.SANCTIONED), history)
        if standing.tag.entity
        for given in standing.designations
    ]
    return Owners.of(found, [*designated, *dict.fromkeys(listed)], aliases)


def _any_named(
    holdings: Iterable[Holding], aliases: Iterable[tuple[str, str]], tags: Iterable[Standing], actors: Mapping[str, Entity]
) -> bool:
    """Whether a holding names the party of any of some tags."""
    ids, names = {alias for _, alias in aliases}, set[str]()
    for holding in holdings:
        ids |= {holding.owner, holding.owned}
        names |= {key(holding.owner_name), key(holding.owned_name)}
    return any(
        not ids.isdisjoint(ids_of(tag.reference, tag.regime, tag.actor)) or key(_named(tag, actors)) in names
        for tag in (standing.tag for standing in tags)
    )


def _named(tag: Tag, actors: Mapping[str, Entity]) -> str:
    actor = actors.get(tag.actor)
    return actor.name if actor is not None else tag.entity


def linked(store: Store, some: Sequence[Standing], actors: Mapping[str, Entity], *, as_of: int | None = None) -> list[Standing]:
    """What follows from holdings for tagged subjects: a standing for each subject, party and regime."""
    graph = owners(store, as_of=as_of, only_of=some)
    if graph is None:
        return []
    made: dict[tuple[str, str, str, int | None], Standing] = {}
    for standing in some:
        tag = standing.tag
        ids = ids_of(tag.reference, tag.regime, tag.actor)
        parties = graph.parties(ids, _named(tag, actors))
        by_id = bool(graph.parties(ids, ""))
        for party in parties if len(parties) == 1 else ():  # of several with one name nobody can tell which
            sure = tag.confidence if by_id else min(tag.confidence, BY_NAME)
            for one in graph.linked(party):
                key = tag.subject, party, one.regime, one.since
                if key not in made or made[key].tag.confidence < sure:
                    made[key] = _standing(standing, graph.names[party], one, sure)
    return list(made.values())


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
    designation = Designation(link.regime, link.programme, link.since, link.until)
    return Standing(said, True, (designation,), standing.first_seen, derived=True)


def namesakes(store: Store, tags: Iterable[Tag]) -> tuple[list[Tag], tuple[str, ...]]:
    """Tags whose entity several parties among the holdings may be, and names of listed parties of which that is so."""
    graph = owners(store)
    if graph is None:
        return [], ()
    actors = stored.entities(store.connection)
    doubtful = [
        tag for tag in tags if len(graph.parties(ids_of(tag.reference, tag.regime, tag.actor), _named(tag, actors))) > 1
    ]
    return doubtful, graph.ambiguous


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

    graph = owners(store, as_of=as_of)
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
