"""From tags to one label snapshot: what each address is for the whole run, and why.

Several tags on one address resolve to one attribution: a seed before a boundary, a boundary before what is passed through;
then the higher confidence; then the order of lists (official, own, CSV, TagPack); then the list's and entity's name, so that
the outcome depends on nothing but what was said.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from json.encoder import encode_basestring_ascii
from types import MappingProxyType
from typing import Any

from exposure.attribution.editions import Standing
from exposure.model.labels import DEFAULT_ROLES, Category, Designation, Labels, Role, Seed, Service
from exposure.model.ledger import Coin
from exposure.model.settings import MIN_BOUNDARY_CONFIDENCE
from exposure.model.tags import LIST_ORDER, Entity, SubjectKind
from exposure.units import day

_ROLE_ORDER = {Role.SEED: 0, Role.BOUNDARY: 1, Role.PASS_THROUGH: 2, Role.NONE: 3}
_LIST_ORDER = {kind: place for place, kind in enumerate(LIST_ORDER)}

DISTRUSTED = (
    f"a tag of confidence below {MIN_BOUNDARY_CONFIDENCE}, or from where anybody can write, never makes a boundary: "
    "else a launderer tags himself"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tag on a subject with the role it would give, and why that is not the role of its category (or empty)."""

    standing: Standing
    role: Role
    entity: str
    country: str
    demoted: str = ""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one subject resolves to: its candidates, the winner first, and the designations of all of them."""

    candidates: tuple[Candidate, ...]
    designations: tuple[Designation, ...]

    @property
    def winner(self) -> Candidate:
        """The candidate that decides."""
        return self.candidates[0]

    @property
    def role(self) -> Role:
        """Role of the subject in the run."""
        return self.winner.role

    @property
    def category(self) -> Category:
        """Category of the subject in the run."""
        return self.winner.standing.tag.category

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the lists that give the winning category, the winner's first."""
        names = [
            candidate.standing.statement.list_name
            for candidate in self.candidates
            if candidate.standing.tag.category is self.category
        ]
        return tuple(dict.fromkeys(names))


def attribute(
    tags: Iterable[Standing],
    *,
    roles: Mapping[Category, Role] = DEFAULT_ROLES,
    actors: Mapping[str, Entity] = MappingProxyType({}),
) -> Attribution:
    """Resolve the tags of one subject (or of all members of one cluster).

    Parameters
    ----------
    tags
        At least one.
    roles
        Role of each category; a policy may have changed it.
    actors
        Names and countries of actors that tags refer to.
    """
    candidates = tuple(_candidate(tag, roles, actors) for tag in tags)
    if len(candidates) > 1:
        candidates = tuple(sorted(candidates, key=_rank))
    designations = tuple(dict.fromkeys(given for candidate in candidates for given in candidate.standing.designations))
    if len(designations) > 1:
        designations = tuple(sorted(designations, key=_designation_order))
    return Attribution(candidates, designations)


def _candidate(standing: Standing, roles: Mapping[Category, Role], actors: Mapping[str, Entity]) -> Candidate:
    tag = standing.tag
    actor = actors.get(tag.actor)
    role = roles.get(tag.category, Role.NONE)
    demoted = ""
    if role in (Role.BOUNDARY, Role.PASS_THROUGH) and (tag.confidence < MIN_BOUNDARY_CONFIDENCE or tag.unvetted):
        role, demoted = Role.NONE, DISTRUSTED
    return Candidate(
        standing,
        role,
        entity=actor.name if actor else tag.entity,
        country=tag.country or (", ".join(actor.countries) if actor else ""),
        demoted=demoted,
    )


def _rank(candidate: Candidate) -> tuple[int, int, int, str, str, str, str, str, str]:
    said, tag = candidate.standing.statement, candidate.standing.tag
    return (
        _ROLE_ORDER[candidate.role],
        -tag.confidence,
        _LIST_ORDER[said.list_kind],
        said.list_name,
        tag.category,
        candidate.entity,
        tag.subject,
        tag.ticker,
        tag.note,
    )


def _designation_order(given: Designation) -> tuple[str, int, int, int, str]:
    return (
        given.regime,
        given.listed_on if given.listed_on is not None else -1,
        given.address_listed_on if given.address_listed_on is not None else -1,
        given.delisted_on if given.delisted_on is not None else -1,
        given.programme,
    )


def designation_dates(designations: Iterable[Designation]) -> tuple[int, ...]:
    """Every moment at which a status changes, ascending: they cut a seed's transfers into epochs.

    Where the address's own date is known, the entity's earlier one changes nothing for the address. Where it is only
    "on or before", the status is unknown from the entity's date to the address's, so both count.
    """
    dates: set[int | None] = set()
    for given in designations:
        dates.add(given.delisted_on)
        dates.add(given.address_listed_on)
        if given.address_listed_on is None or given.on_or_before:
            dates.add(given.listed_on)
    return tuple(sorted(date for date in dates if date is not None))


def _dated(given: Designation) -> str:
    if given.listed_on is None and given.address_listed_on is None:
        text = f"{given.regime} undated"
    elif given.listed_on is None:
        text = given.regime
    else:
        text = f"{given.regime} {day(given.listed_on)}"
    if given.address_listed_on is not None:
        text += f" (address {'by ' if given.on_or_before else ''}{day(given.address_listed_on)})"
    return text if given.delisted_on is None else f"{text} to {day(given.delisted_on)}"


def seed_name(entity: str, category: str, designations: Iterable[Designation]) -> str:
    """Name of a seed: entity, category, and the dates of its regimes, from its own content alone.

    Addresses of one entity, category and dates share it; whatever else is tagged never changes it.
    """
    dates = "; ".join(dict.fromkeys(_dated(given) for given in designations))
    return f"{entity} ({category}{'; ' if dates else ''}{dates})"


def _said(standing: Standing) -> tuple[object, ...]:
    """All of a standing that its party is made of, but for the subject."""
    said, tag = standing.statement, standing.tag
    who = (tag.entity, tag.actor, tag.category, tag.confidence, tag.unvetted)
    return (*who, said.list_name, standing.designations)


def _party(attribution: Attribution, subject: str) -> tuple[Role, Seed | Service | None]:
    role = attribution.role
    if role is Role.SEED:
        return role, _seed(attribution, subject)
    return role, _service(attribution, subject) if role in (Role.BOUNDARY, Role.PASS_THROUGH) else None


def _seed(attribution: Attribution, subject: str) -> Seed:
    winner = attribution.winner
    return Seed(
        name=seed_name(winner.entity or subject, attribution.category, attribution.designations),
        category=attribution.category.value,
        entity=winner.entity,
        dates=designation_dates(attribution.designations),
        designations=attribution.designations,
        confidence=winner.standing.tag.confidence,
        sources=attribution.sources,
    )


def _service(attribution: Attribution, subject: str) -> Service:
    winner = attribution.winner
    return Service(
        name=winner.entity or subject,
        category=attribution.category.value,
        entity=winner.entity,
        confidence=winner.standing.tag.confidence,
        sources=attribution.sources,
    )


def resolve(
    tags: Iterable[Standing],
    *,
    roles: Mapping[Category, Role] = DEFAULT_ROLES,
    actors: Mapping[str, Entity] = MappingProxyType({}),
    hubs: Mapping[str, str] = MappingProxyType({}),
    owners: Mapping[str, str] = MappingProxyType({}),
    inherits: Mapping[str, int] = MappingProxyType({}),
    seeds_from_designation: bool = False,
    notes: tuple[str, ...] = (),
) -> Labels:
    """The label snapshot of a run.

    Parameters
    ----------
    tags
        All standings of the day asked for; unchecked subjects are passed over.
    roles, actors
        As in `attribute`.
    hubs
        Addresses that behave like unknown services, with the reason. A tagged one is what its tag says.
    owners
        Cluster of an address; members share one attribution.
    inherits
        Of a cluster: what of a tag's confidence goes over to its other members, in percent.
    seeds_from_designation
        Make a seed an ordinary address before its first date.
    notes
        Sentences about the snapshot, for reports.

    Returns
    -------
    Labels
        With ``digest``, the SHA-256 over its sorted content.
    """
    tags = list(tags)
    clusters, owners = owners, _own_together(tags, dict(owners), roles)
    grouped: dict[tuple[SubjectKind, str], list[Standing]] = defaultdict(list)
    for tag in tags:
        kind, subject = tag.tag.kind, tag.tag.subject
        if kind is not SubjectKind.UNCHECKED:
            grouped[kind, owners.get(subject, subject) if kind is SubjectKind.ADDRESS else subject].append(tag)
    seeds: dict[SubjectKind, dict[str, Seed]] = defaultdict(dict)
    services: dict[Role, dict[str, Service]] = defaultdict(dict)
    address = SubjectKind.ADDRESS
    alone: dict[tuple[object, ...], tuple[Role, Seed | Service | None]] = {}
    for (kind, subject), those in sorted(grouped.items()):
        # One tag alone, as most subjects have it, makes the same party of every subject of which it says the same.
        same = _said(those[0]) if len(those) == 1 and those[0].tag.entity else None
        found = alone.get(same) if same is not None else None
        if found is None:
            found = _party(attribute(those, roles=roles, actors=actors), subject)
            if same is not None:
                alone[same] = found
        role, party = found
        if isinstance(party, Seed):
            seeds[kind][subject] = party
        elif party is not None and kind is address:
            services[role][subject] = party
    _unify(seeds.values())
    labels = Labels(
        seeds=seeds[SubjectKind.ADDRESS],
        coin_seeds={_coin(name): seed for name, seed in seeds[SubjectKind.COIN].items()},
        tx_seeds=seeds[SubjectKind.TX],
        asset_seeds=seeds[SubjectKind.ASSET],
        boundaries=services[Role.BOUNDARY],
        pass_through=services[Role.PASS_THROUGH],
        inherited=_inherited(
            {tag.tag.subject for tag in tags},
            {member: (inherits[cluster], owners[member]) for member, cluster in clusters.items() if cluster in inherits},
            {**seeds[SubjectKind.ADDRESS], **services[Role.BOUNDARY], **services[Role.PASS_THROUGH]},
        ),
        owners=owners,
        joint=frozenset(tag.tag.subject for tag in tags if tag.tag.kind is SubjectKind.JOINT),
        seeds_from_designation=seeds_from_designation,
        notes=notes,
    )
    return with_hubs(labels, hubs)


def _own_together(tags: Iterable[Standing], owners: dict[str, str], roles: Mapping[Category, Role]) -> dict[str, str]:
    """One's own institution knows its addresses: those of one form are one owner, so moves among them are none.

    An address of it that somebody lists as anything graver stays by itself, else all of them would be that.
    """
    ours = {tag.tag.subject for tag in tags if tag.tag.category is Category.OWN_INSTITUTION}
    if not ours:
        return owners
    by_address: dict[str, list[Standing]] = defaultdict(list)
    for tag in tags:
        if tag.tag.subject in ours and tag.tag.kind is SubjectKind.ADDRESS:
            by_address[tag.tag.subject].append(tag)
    own: dict[tuple[str, str], list[str]] = defaultdict(list)
    for address, those in by_address.items():
        winner = attribute(those, roles=roles).winner
        if winner.role is Role.BOUNDARY and winner.standing.tag.category is Category.OWN_INSTITUTION:
            own[winner.entity, winner.standing.tag.family].append(address)
    for addresses in own.values():
        if len(addresses) > 1:
            head = min(addresses)
            clusters = {owners[address] for address in addresses if address in owners}
            owners |= {member: head for member, owner in owners.items() if owner in clusters}
            owners |= dict.fromkeys(addresses, head)
    return owners


def _inherited(tagged: set[str], heirs: Mapping[str, tuple[int, str]], parties: Mapping[str, Seed | Service]) -> dict[str, int]:
    """What is left of a tag's confidence for members of clusters (percent, owner) that have none of their own."""
    return {
        member: parties[owner].confidence * percent // 100
        for member, (percent, owner) in heirs.items()
        if owner in parties and member not in tagged
    }


def _unify(groups: Iterable[dict[str, Seed]]) -> None:
    """Give all subjects of one seed name one seed: the lowest confidence of them, the sources of all."""
    groups = list(groups)
    together: dict[str, Seed] = {}
    for seed in (seed for group in groups for seed in group.values()):
        known = together.setdefault(seed.name, seed)
        if known is not seed and known != seed:
            together[seed.name] = replace(
                known,
                confidence=min(known.confidence, seed.confidence),
                sources=tuple(sorted({*known.sources, *seed.sources})),
            )
    for group in groups:
        for subject, seed in group.items():
            group[subject] = together[seed.name]


def _coin(name: str) -> Coin:
    tx, _, n = name.rpartition(":")
    return Coin(tx, int(n))


def _plain(party: Seed | Service) -> dict[str, object]:
    """The fields of a party as plain values (`dataclasses.asdict` copies each of them, which takes five times as long)."""
    plain: dict[str, object] = {field.name: getattr(party, field.name) for field in fields(party)}
    if isinstance(party, Seed):
        plain["designations"] = [asdict(given) for given in party.designations]
    return plain


def digest_of(labels: Labels) -> str:
    """SHA-256 over the sorted content of a snapshot (without its notes): equal snapshots, equal digest."""
    written: dict[int, str] = {}

    def text(party: Seed | Service) -> str:  # one entity has many addresses: each party is written once
        if id(party) not in written:
            written[id(party)] = json.dumps(json.dumps(_plain(party), sort_keys=True))
        return written[id(party)]

    parties: tuple[Mapping[Any, Seed | Service], ...] = (
        labels.seeds,
        labels.coin_seeds,
        labels.tx_seeds,
        labels.asset_seeds,
        labels.boundaries,
        labels.pass_through,
    )
    # Written part by part, as one JSON text would be: that of a million addresses would take a gigabyte.
    digest = hashlib.sha256(b"[")
    for group in parties:
        named = sorted(group.items(), key=lambda item: str(item[0]))
        rows = ",".join(f"{encode_basestring_ascii(str(key))}:{text(party)}" for key, party in named)
        digest.update(f"{{{rows}}},".encode())
    for plain in (labels.hubs, labels.owners, *((labels.inherited,) if labels.inherited else ())):
        digest.update(json.dumps(dict(plain), sort_keys=True, separators=(",", ":")).encode() + b",")
    if labels.joint:
        digest.update(json.dumps(sorted(labels.joint)).encode() + b",")
    digest.update(json.dumps(labels.seeds_from_designation).encode() + b"]")
    return digest.hexdigest()


def with_hubs(labels: Labels, hubs: Mapping[str, str]) -> Labels:
    """A snapshot with (other) hubs, found while its ledger was read; its digest follows."""
    changed = replace(labels, hubs={address: why for address, why in hubs.items() if not _is_tagged(labels, address)})
    return replace(changed, digest=digest_of(changed))


def _is_tagged(labels: Labels, address: str) -> bool:
    return address in labels.seeds or address in labels.boundaries or address in labels.pass_through
