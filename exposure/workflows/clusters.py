"""Clusters as part of the label snapshot: found in a stated ledger, kept in the store, and put into the labels of a run."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from exposure.attribution.clusters import LARGE, Clusters, Heuristic, Link, Method
from exposure.attribution.editions import Standing
from exposure.attribution.resolve import attribute, resolve
from exposure.model.labels import Category, Role
from exposure.model.settings import MIN_BOUNDARY_CONFIDENCE
from exposure.model.tags import SubjectKind
from exposure.store import clusters as kept
from exposure.store.store import Store
from exposure.workflows.labels import Snapshot

FORM = 1
"""Goes up whenever a heuristic changes its meaning: what older programs kept is found anew."""
SERVICES = frozenset(
    (
        Category.EXCHANGE,
        Category.PAYMENT_SERVICE,
        Category.GAMBLING,
        Category.OWN_INSTITUTION,
        Category.HIGH_RISK_EXCHANGE,
        Category.DARKNET_MARKET,
    )
)
"""Categories that give their customers deposit addresses."""


@dataclass(frozen=True, slots=True)
class Known:
    """What tags say, as far as clusters depend on it: a name of each tagged address, whether it is a service, and which
    transactions several owners made together though their form does not show it."""

    names: Mapping[str, str]
    services: frozenset[str]
    joint: frozenset[str] = frozenset()

    @classmethod
    def of(cls, found: Snapshot) -> Known:
        """As the tags of a snapshot say it."""
        names: dict[str, str] = {}
        services: set[str] = set()
        for (kind, subject), _ in found.standings.items():
            attribution = found.attribution(subject, kind) if kind is SubjectKind.ADDRESS else None
            if attribution is None or attribution.role is Role.NONE:
                continue
            names[subject] = (attribution.winner.entity or attribution.category.value).casefold()
            trusted = [one for one in attribution.candidates if not one.demoted]
            if any(one.standing.tag.category in SERVICES for one in trusted):
                services.add(subject)
        return cls(names, frozenset(services), frozenset(tx for kind, tx in found.standings if kind is SubjectKind.JOINT))

    def digest(self) -> str:
        """Hash of all of it."""
        said = [sorted(self.names.items()), sorted(self.services), *([sorted(self.joint)] if self.joint else [])]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def clusters(store: Store, chain: str, method: Method, found: Snapshot, *, as_of: int | None = None) -> Clusters:
    """The clusters of a chain up to a block: those that are kept, or found now and kept.

    Parameters
    ----------
    store, chain
        The ledger; one version of it.
    method
        Which heuristics.
    found
        Tags, which name services and say whom not to merge.
    as_of
        Last block to be seen; None: all.
    """
    if method is Method.NONE or chain not in store.chains():
        return Clusters({}, ())
    known = Known.of(found)
    said = [FORM, chain, method.value, as_of if as_of != store.last_block(chain) else None, LARGE, known.digest()]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
    there = kept.load(store, key)
    if there is None:
        from exposure.workflows.cluster_search import search  # compiled code: only where something has to be found

        table, refusals = search(store, chain, method, known, as_of)
        there = table, {"refusals": str(refusals)}
        kept.keep(store, key, *there)
    return _read(*there)


def _read(table: pa.Table, facts: Mapping[str, str]) -> Clusters:
    owners: dict[str, str] = {}
    links: list[Link] = []
    refused: list[Link] = []
    for row in table.to_pylist():
        link = Link(row["one"], row["other"], Heuristic(row["heuristic"]), row["tx"] or "", row["reason"] or "")
        if row["cluster"] is None:
            refused.append(link)
        else:
            links.append(link)
            owners[link.one] = owners[link.other] = row["cluster"]
    return Clusters(owners, tuple(links), tuple(refused), int(facts.get("refusals", "0")))


def too_weak(found: Snapshot, every: Clusters) -> set[str]:
    """Addresses of services whose tag would not be enough for a boundary if others inherited it: they stay by themselves."""
    percents = every.percents()
    by_owner: dict[str, list[Standing]] = defaultdict(list)
    for (kind, subject), those in found.standings.items():
        if kind is SubjectKind.ADDRESS and subject in every.owners:
            by_owner[every.owners[subject]].extend(those)
    alone: set[str] = set()
    for owner, tags in by_owner.items():
        winner = attribute(tags, roles=found.roles).winner
        left = winner.standing.tag.confidence * percents[owner] // 100
        if winner.role in (Role.BOUNDARY, Role.PASS_THROUGH) and left < MIN_BOUNDARY_CONFIDENCE:
            alone |= {standing.tag.subject for standing in tags}
    return alone


def with_clusters(found: Snapshot, every: Iterable[Clusters]) -> Snapshot:
    """A snapshot whose tags go over to the other members of clusters; its digest follows."""
    owners: dict[str, str] = {}
    percents: dict[str, int] = {}
    for one in every:
        strong = one.without(too_weak(found, one))
        owners |= strong.owners
        percents |= strong.percents()
    if not owners:
        return found
    labels = resolve(
        (standing for those in found.standings.values() for standing in those),
        roles=found.roles,
        actors=found.actors,
        hubs=found.labels.hubs,
        owners=owners,
        inherits=percents,
        seeds_from_designation=found.labels.seeds_from_designation,
        notes=found.labels.notes,
    )
    return replace(found, labels=labels)


def snapshot_with_clusters(store: Store, found: Snapshot, bounds: Mapping[str, int | None], method: Method) -> Snapshot:
    """A snapshot with the clusters of some chains, each up to a block."""
    if method is Method.NONE:
        return found
    return with_clusters(found, (clusters(store, chain, method, found, as_of=block) for chain, block in bounds.items()))
