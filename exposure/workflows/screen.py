"""The use ``screen``: is this address itself tagged, or with clusters one of its owner's? Tags only: no history, no network."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from exposure.attribution.clusters import Method
from exposure.attribution.editions import Standing
from exposure.attribution.resolve import Attribution, attribute
from exposure.errors import InputError
from exposure.measure.status import regimes
from exposure.model.addresses import parse
from exposure.model.addresses.bulk import canonical_many
from exposure.model.labels import Role
from exposure.model.provenance import EditionUsed
from exposure.model.results import Designated
from exposure.model.tags import SubjectKind
from exposure.sources.address_lists import BATCH, Listed
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.workflows.labels import Snapshot, snapshot


@dataclass(frozen=True, slots=True)
class Hit:
    """A tagged address: where it stands in the input, what it resolves to, and what each regime says of it now.

    ``line`` is the line of the file, or the place in the sequence, from 1. ``checked`` is False for the text of an address of
    a chain that is not read, found as it stands in a list. ``tags`` counts all tags on it, of which the winner is given.
    ``through``: the address of the same cluster that has the tag, for one that has none itself; ``confidence`` is what is left.
    """

    line: int
    text: str
    address: str
    category: str
    role: str
    entity: str
    country: str
    confidence: int
    sources: tuple[str, ...]
    regimes: tuple[Designated, ...]
    tags: int
    checked: bool = True
    through: str = ""

    @property
    def risk(self) -> bool:
        """Whether its category makes it a seed."""
        return self.role == Role.SEED.value

    @property
    def standing(self) -> str:
        """Listed, delisted, or neither, over all regimes."""
        found = {row.now for row in self.regimes}
        return "listed" if "listed" in found else "delisted" if "delisted" in found else ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A text that is no address that could be screened, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Screening:
    """The result: hits and rejected texts in the order of the input; which lists were asked, and their age.

    No hit is no clean bill: it says that no list in ``editions`` names the address, and nothing about where its money is from.
    ``tags_digest``: hash of the editions and own tags that counted.
    """

    as_of: int
    screened: int
    hits: tuple[Hit, ...]
    rejected: tuple[Rejected, ...]
    editions: tuple[EditionUsed, ...]
    official: frozenset[str]
    warnings: tuple[str, ...]
    tags_digest: str

    @property
    def risks(self) -> int:
        """Number of hits whose category makes them seeds."""
        return sum(hit.risk for hit in self.hits)


def screen(store: Store, addresses: Iterable[str], *, as_of: int | None = None, clusters: Method = Method.NONE) -> Screening:
    """Screen addresses against the store's lists and own tags.

    Parameters
    ----------
    store
        The store.
    addresses
        Any number of them, in any form that `exposure.model.addresses.parse` reads; repeats are screened again.
    as_of
        Tags as of this unix second; None: all that the store has.
    clusters
        By which heuristics the store's ledgers say who shares an owner.
    """
    return screen_listed(store, _numbered(addresses), as_of=as_of, clusters=clusters)


def _numbered(addresses: Iterable[str]) -> Iterator[list[Listed]]:
    batch: list[Listed] = []
    for line, text in enumerate(addresses, 1):
        batch.append(Listed(line, text))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def screen_listed(
    store: Store,
    batches: Iterable[Sequence[Listed]],
    *,
    as_of: int | None = None,
    clusters: Method = Method.NONE,
) -> Screening:
    """As `screen`, for batches of addresses with their lines (`exposure.sources.address_lists.read_addresses`)."""
    tags = _Tags(store, as_of, clusters)
    hits: list[Hit] = []
    rejected: list[Rejected] = []
    screened = 0
    for batch in batches:
        screened += len(batch)
        texts = [_read(*pair) for pair in zip(batch, canonical_many([listed.text for listed in batch]), strict=True)]
        labels, shared = tags.about(text for text, _ in texts)
        for listed, (text, fault) in zip(batch, texts, strict=True):
            found = _screened(listed, text, fault, labels, shared)
            if isinstance(found, Hit):
                hits.append(found)
            elif found is not None:
                rejected.append(found)
    lists, _ = tags.about(())
    return Screening(
        as_of=tags.now,
        screened=screened,
        hits=tuple(hits),
        rejected=tuple(rejected),
        editions=lists.editions,
        official=lists.official,
        warnings=lists.warnings,
        tags_digest=stored.digest(store.connection, as_of=as_of),
    )


class _Tags:
    """What tags say of addresses that are asked about. Only their tags are resolved, however many the store holds; with
    clusters all are, once: who shares an owner depends on who is named apart."""

    def __init__(self, store: Store, as_of: int | None, clusters: Method) -> None:
        self.store = store
        self.as_of = as_of
        self.now = int(time.time()) if as_of is None else as_of
        self.whole: tuple[Snapshot, Mapping[str, Attribution]] | None = None
        if clusters is not Method.NONE:
            from exposure.workflows.clusters import snapshot_with_clusters

            labels = snapshot_with_clusters(store, snapshot(store, as_of=as_of), dict.fromkeys(store.chains()), clusters)
            self.whole = labels, _shared(labels)

    def about(self, texts: Iterable[str]) -> tuple[Snapshot, Mapping[str, Attribution]]:
        """A snapshot that holds at least the tags of these, and what each cluster resolves to."""
        if self.whole is not None:
            return self.whole
        return snapshot(self.store, as_of=self.as_of, subjects=stored.with_tags(self.store.connection, texts)), {}


def _shared(labels: Snapshot) -> Mapping[str, Attribution]:
    """What each cluster whose members inherit a tag resolves to."""
    owners = labels.labels.owners
    heirs = {owners[member] for member in labels.labels.inherited}
    tags: dict[str, list[Standing]] = defaultdict(list)
    for (kind, subject), those in labels.standings.items():
        if heirs and kind is SubjectKind.ADDRESS and owners.get(subject) in heirs:
            tags[owners[subject]].extend(those)
    return {owner: attribute(those, roles=labels.roles, actors=labels.actors) for owner, those in tags.items()}


def _read(listed: Listed, canonical: str | None) -> tuple[str, str]:
    """An address as it is looked for; or the text as it stands, and why it is none."""
    if listed.fault:
        return listed.text.strip(), listed.fault
    try:
        return (parse(listed.text, suggest=False).canonical if canonical is None else canonical), ""
    except InputError as error:
        return listed.text.strip(), str(error)


def _screened(
    listed: Listed, text: str, fault: str, labels: Snapshot, shared: Mapping[str, Attribution]
) -> Hit | Rejected | None:
    if fault:
        unchecked = labels.attribution(text, SubjectKind.UNCHECKED) if not listed.fault else None
        if unchecked is not None:
            return _hit(listed, text, unchecked, labels.as_of, checked=False)
        return Rejected(listed.line, listed.text, fault)
    if (SubjectKind.ADDRESS, text) not in labels.standings:
        left = labels.labels.inherited.get(text)
        if left is None:
            return None
        found = shared[labels.labels.owners[text]]
        hit = _hit(listed, text, found, labels.as_of)
        return replace(hit, confidence=left, through=found.winner.standing.tag.subject)
    attribution = labels.attribution(text)
    return None if attribution is None else _hit(listed, text, attribution, labels.as_of)


def _hit(listed: Listed, address: str, attribution: Attribution, now: int, *, checked: bool = True) -> Hit:
    winner = attribution.winner
    return Hit(
        line=listed.line,
        text=listed.text,
        address=address,
        category=attribution.category.value,
        role=attribution.role.value,
        entity=winner.entity,
        country=winner.country,
        confidence=winner.standing.tag.confidence,
        sources=attribution.sources,
        regimes=regimes(attribution.designations, None, now),
        tags=len(attribution.candidates),
        checked=checked,
    )
