"""Clusters as part of the label snapshot: found in a stated ledger, kept in the store, and put into the labels of a run."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.attribution.clusters import HEURISTICS, LARGE, METHODS, REASONS, Clusters, Heuristic, Link, Method
from exposure.attribution.clusters import coins as by_coins
from exposure.attribution.clusters import deposits as by_transfers
from exposure.attribution.editions import Standing
from exposure.attribution.resolve import attribute, resolve
from exposure.model.labels import Category, Role
from exposure.model.settings import MIN_BOUNDARY_CONFIDENCE
from exposure.model.tags import SubjectKind
from exposure.store import clusters as kept
from exposure.store.numbered import Numbered, numbered
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
class _Known:
    """What tags say of addresses, as far as clusters depend on it: a name of each tagged one, and whether it is a service."""

    names: Mapping[str, str]
    services: frozenset[str]

    @classmethod
    def of(cls, found: Snapshot) -> _Known:
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
        return cls(names, frozenset(services))

    def digest(self) -> str:
        """Hash of all of it."""
        return hashlib.sha256(json.dumps([sorted(self.names.items()), sorted(self.services)]).encode()).hexdigest()


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
    known = _Known.of(found)
    said = [FORM, chain, method.value, as_of if as_of != store.last_block(chain) else None, LARGE, known.digest()]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
    there = kept.load(store, key)
    if there is None:
        with numbered(store, chain) as ledger:
            rows = len(ledger.columns["block"])
            if as_of is not None:
                rows = int(np.searchsorted(ledger.columns["block"], as_of, side="right"))
            find = _of_coins if ledger.utxo else _of_transfers
            table, refusals = find(store, chain, ledger, rows, method, known)
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


def _of_coins(store: Store, chain: str, ledger: Numbered, rows: int, method: Method, known: _Known) -> tuple[pa.Table, int]:
    heuristics = [one for one in METHODS[method] if one is not Heuristic.DEPOSIT_ADDRESS]
    entity = _numbers(ledger, known.names)
    change = any(one.value.startswith("change") for one in heuristics)
    script = by_coins.scripts(addresses for _, _, addresses in ledger.names()) if change else np.empty(0, np.int8)
    columns = {name: ledger.columns[name][:rows] for name in by_coins.COLUMNS}
    merged = by_coins.merge(columns, entity, script, heuristics)
    both = np.concatenate([merged.links, merged.refused[:, :4]])
    last = np.searchsorted(columns["tx_no"], both[:, 3], side="right") - 1  # the last row of each transaction, an output
    hashes = np.asarray(ledger.columns["tx"])[last] if len(both) else np.empty(0, np.uint64)
    _, first, which = np.unique(merged.parent[merged.links[:, 0]], return_index=True, return_inverse=True)
    cluster = merged.links[first, 0][which] if len(merged.links) else np.empty(0, np.int64)
    reasons = [REASONS[reason] for reason in merged.refused[:, 4].tolist()]
    return _table(store, chain, ledger, _Rows(both, cluster, hashes, reasons)), merged.refusals


@dataclass(frozen=True, slots=True)
class _Rows:
    """Links by number (pot, pot, heuristic) and hashes of their transactions: first those that were made, with the cluster of
    each, then those that were refused, with the reason of each."""

    links: NDArray[np.int64]
    cluster: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    reasons: Sequence[str]


def _table(store: Store, chain: str, ledger: Numbered, rows: _Rows) -> pa.Table:
    hashes = rows.hashes.tolist()
    txs = kept.names_of(store, chain, hashes, ledger)
    made, refused = len(rows.cluster), len(rows.reasons)
    columns = {
        "cluster": pa.concat_arrays([ledger.addresses(rows.cluster), pa.nulls(refused, pa.string())]),
        "one": ledger.addresses(rows.links[:, 0]),
        "other": ledger.addresses(rows.links[:, 1]),
        "heuristic": pa.array(HEURISTICS, pa.string()).take(pa.array(rows.links[:, 2])),
        "tx": pa.array([txs.get(number) for number in hashes], pa.string()),
        "reason": pa.array([*[None] * made, *rows.reasons], pa.string()),
    }
    return pa.table(columns, schema=kept.SCHEMA)


def _of_transfers(
    store: Store, chain: str, ledger: Numbered, rows: int, _method: Method, known: _Known
) -> tuple[pa.Table, int]:
    owner = np.asarray(ledger.owner)
    count = int(owner.max()) + 1 if len(owner) else 0
    entities: dict[str, int] = {}
    service, tagged = np.full(count, -1, np.int32), np.zeros(count, np.bool_)
    for subject, pots in _places(ledger, known.names):
        tagged[owner[pots]] = True
        if subject in known.services:
            service[owner[pots]] = entities.setdefault(known.names[subject], len(entities))
    columns = {name: ledger.columns[name][:rows] for name in ("source", "target", "low", "high", "fee")}
    found = by_transfers.deposit_addresses(by_transfers.Ledger(columns, owner, service, tagged))
    a_pot = np.zeros(count, np.int64)
    a_pot[owner] = np.arange(len(owner))
    heuristic = np.full(len(found), HEURISTICS.index(Heuristic.DEPOSIT_ADDRESS))
    links = np.stack([a_pot[found[:, 1]], a_pot[found[:, 0]], heuristic], axis=1)
    hashes = np.asarray(ledger.columns["tx"])[found[:, 2]]
    return _table(store, chain, ledger, _Rows(links, links[:, 0], hashes, ())), 0


def _numbers(ledger: Numbered, names: Mapping[str, str]) -> NDArray[np.int32]:
    """By pot: the number of the name that its address is tagged with, or -1."""
    entity = np.full(ledger.pots, -1, np.int32)
    numbers: dict[str, int] = {}
    for subject, pots in _places(ledger, names):
        entity[pots] = numbers.setdefault(names[subject], len(numbers))
    return entity


def _places(ledger: Numbered, addresses: Iterable[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The pots of those of some addresses that the ledger has."""
    wanted = sorted(addresses)
    places, pots = ledger.find(pa.array(wanted, pa.string()))
    different, starts = np.unique(places, return_index=True)
    for place, some in zip(different.tolist(), np.split(pots, starts[1:]), strict=False):
        yield wanted[place], some


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
