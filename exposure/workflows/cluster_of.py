"""The cluster of one address: who is in it, what they are tagged as, and which links lead there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from exposure.attribution.clusters import Clusters, Link, Method
from exposure.errors import InputError
from exposure.model.addresses import parse
from exposure.model.assets import chain as chain_of
from exposure.store.histories import as_of_block
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.clusters import clusters, too_weak, with_clusters
from exposure.workflows.labels import Snapshot, snapshot

MEMBERS_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Tagged:
    """A member with a tag of its own, and the links that lead to it from the address asked about.

    ``reason``: why it is so, where its tag follows from holdings or a rule.
    """

    address: str
    category: str
    entity: str
    confidence: int
    reason: str
    way: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class ClusterOf:
    """One address's cluster on one chain.

    ``cluster``: the address of it that was linked first. ``members``: the first `MEMBERS_SHOWN`, sorted; ``size`` counts all.
    ``role``, ``category``, ``entity`` and ``confidence``: what the address is through its cluster (empty: nothing).
    ``percent``: what of a tag's confidence goes over to the other members.
    ``apart``: tagged members that stay by themselves in a run, since too little of their tag's confidence would go over.
    ``links``: those of the address itself; ``refused``: merges of members that the guard did not allow.
    """

    address: str
    chain: str
    method: Method
    cluster: str
    size: int
    members: tuple[str, ...]
    role: str
    category: str
    entity: str
    confidence: int
    percent: int
    links: tuple[Link, ...]
    tagged: tuple[Tagged, ...]
    refused: tuple[Link, ...]
    refusals: int
    apart: tuple[str, ...]


def cluster_of(
    store: Store, text: str, method: Method, *, chain: str | None = None, as_of: int | None = None
) -> list[ClusterOf]:
    """The clusters of an address, one for each chain of the store that uses its form.

    ``as_of``: tags and ledger up to this unix second; None: all of both. A chain that has nothing by then is left out.

    Raises
    ------
    InputError
        If the address is not valid, or the store holds no such chain.
    """
    address = parse(text)
    chains = [name for name in store.chains() if chain in (None, name) and chain_of(name).family == address.family]
    if not chains:
        held = ", ".join(store.chains()) or "nothing"
        raise InputError(
            f"the store holds no chain on which {shown(address.canonical)} can be (it has {held}): import a ledger"
        )
    found = snapshot(store, as_of=as_of)
    return [one for name in chains if (one := _on(store, address.canonical, method, name, found, as_of)) is not None]


def clusters_of(store: Store, address: str, method: Method, *, as_of: int | None = None) -> tuple[ClusterOf, ...]:
    """As `cluster_of`, for a canonical address that no chain of the store needs to have; only clusters that it shares."""
    if method is Method.NONE or not any(chain_of(name).family == parse(address).family for name in store.chains()):
        return ()
    return tuple(one for one in cluster_of(store, address, method, as_of=as_of) if one.size > 1)


def _on(store: Store, address: str, method: Method, chain: str, found: Snapshot, as_of: int | None) -> ClusterOf | None:
    try:
        bound = None if as_of is None else as_of_block(store, chain, time=as_of)
    except InputError:  # the ledger begins later
        return None
    every = clusters(store, chain, method, found, as_of=bound)
    labels = with_clusters(found, [every]).labels
    owner = every.owners.get(address)
    members = sorted(member for member, known in every.owners.items() if owner is not None and known == owner) or [address]
    inside = [link for link in every.links if owner is not None and every.owners[link.one] == owner]
    tagged = []
    for member in members:
        attribution = found.attribution(member)
        if attribution is not None:
            sure = attribution.winner.standing.tag.confidence
            way = _way(inside, address, member)
            standing = attribution.winner.standing
            reason = standing.tag.note if standing.derived else ""
            tagged.append(Tagged(member, attribution.category.value, attribution.winner.entity, sure, reason, way))
    role, party = "", None
    for name, parties in (("seed", labels.seeds), ("boundary", labels.boundaries), ("pass_through", labels.pass_through)):
        if labels.owner(address) in parties:
            role, party = name, parties[labels.owner(address)]
    return ClusterOf(
        address,
        chain,
        method,
        owner or address,
        len(members),
        tuple(members[:MEMBERS_SHOWN]),
        role,
        "" if party is None else party.category,
        "" if party is None else party.entity,
        0 if party is None else labels.inherited.get(address, party.confidence),
        every.percents().get(owner or "", 100),
        tuple(link for link in inside if address in (link.one, link.other)),
        tuple(tagged),
        _of_members(every, set(members)),
        every.refusals,
        tuple(sorted(too_weak(found, every) & set(members))) if owner is not None else (),
    )


def _of_members(every: Clusters, members: set[str]) -> tuple[Link, ...]:
    return tuple(link for link in every.refused if link.one in members or link.other in members)


def _way(links: Sequence[Link], start: str, end: str) -> tuple[Link, ...]:
    """The links from one member to another: merges form a tree, so there is one way."""
    beside: dict[str, list[tuple[str, Link]]] = defaultdict(list)
    for link in links:
        beside[link.one].append((link.other, link))
        beside[link.other].append((link.one, link))
    came: dict[str, tuple[str, Link] | None] = {start: None}
    waiting = [start]
    while waiting and end not in came:
        here = waiting.pop()
        for other, link in beside[here]:
            if other not in came:
                came[other] = (here, link)
                waiting.append(other)
    way: list[Link] = []
    step = came.get(end)
    while step is not None:
        way.append(step[1])
        step = came[step[0]]
    return tuple(reversed(way))
