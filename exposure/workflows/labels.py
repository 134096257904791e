"""The label snapshot of a run: what the store's lists and the user's own tags said up to a day, resolved."""

from __future__ import annotations

import contextlib
import gc
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from exposure.attribution.editions import Standing, standings
from exposure.attribution.resolve import Attribution, attribute, resolve
from exposure.attribution.service_rules import with_services
from exposure.model.labels import DEFAULT_ROLES, Category, Labels, Role
from exposure.model.provenance import EditionUsed
from exposure.model.sentences import Sentence
from exposure.model.tags import DAY, Edition, EditionState, Entity, ListKind, SubjectKind
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.units import day
from exposure.workflows.ownership import linked

STALE_DAYS = 7
"""Age of an official list from which every answer says so."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Labels as of a moment, and all that stands behind them.

    ``standings`` holds every tag by subject, also unchecked ones; ``editions`` the newest accepted edition of each list,
    ``official`` the names of those that are official;
    ``warnings`` what every answer has to say about the lists: none imported, old, held.
    """

    labels: Labels
    as_of: int
    editions: tuple[EditionUsed, ...]
    official: frozenset[str]
    warnings: tuple[str, ...]
    standings: Mapping[tuple[SubjectKind, str], tuple[Standing, ...]]
    actors: Mapping[str, Entity]
    roles: Mapping[Category, Role]

    def attribution(self, subject: str, kind: SubjectKind = SubjectKind.ADDRESS) -> Attribution | None:
        """What one subject resolves to, with every tag on it; None if there is none."""
        found = self.standings.get((kind, subject))
        return attribute(found, roles=self.roles, actors=self.actors) if found else None


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Keep the collector of cycles off: a snapshot makes millions of lasting objects and no cycle, and it would look at all
    of them again and again (half of the time at 100,000 tags)."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


@_without_collection()
def snapshot(
    store: Store,
    *,
    as_of: int | None = None,
    subjects: Sequence[str] | None = None,
    roles: Mapping[Category, Role] = DEFAULT_ROLES,
    hubs: Mapping[str, str] = MappingProxyType({}),
    owners: Mapping[str, str] = MappingProxyType({}),
    seeds_from_designation: bool = False,
) -> Snapshot:
    """Resolve the tags of a store as of a moment.

    Parameters
    ----------
    store
        The store.
    as_of
        Unix seconds, inclusive: editions published and own tags added up to then count. None: now, and all that is stored,
        also editions that state a day to come.
    subjects
        Only tags about these; None: all. The snapshot's digest then speaks of these alone.
    roles, hubs, owners, seeds_from_designation
        As in `exposure.attribution.resolve.resolve`.
    """
    now = int(time.time()) if as_of is None else as_of
    connection = store.connection
    history = stored.editions(connection, as_of=as_of, accepted=True)
    every = stored.editions(connection)
    actors = stored.entities(connection, as_of=as_of)
    asked = None if subjects is None else [*subjects, *stored.services(connection)]
    found = with_services(standings(stored.statements(connection, as_of=as_of, subjects=asked), history), actors)
    found += linked(store, found, actors, as_of=as_of)
    by_subject: dict[tuple[SubjectKind, str], list[Standing]] = defaultdict(list)
    for standing in found:
        by_subject[standing.tag.kind, standing.tag.subject].append(standing)
    newest = {edition.name: edition for edition in history}
    warnings = warnings_of(newest, every, stored.any_own(connection, as_of=as_of), now)
    if as_of is None:
        held = {edition.name for edition in every if edition.state is EditionState.HELD}
        checks = {name: at for name, at in stored.checks(connection).items() if name in newest and name not in held}
        warnings = _as_checked(warnings, checks, now)
    return Snapshot(
        labels=resolve(
            found,
            roles=roles,
            actors=actors,
            hubs=hubs,
            owners=owners,
            seeds_from_designation=seeds_from_designation,
            notes=warnings,
        ),
        as_of=now,
        editions=tuple(used(edition, now) for edition in newest.values()),
        official=frozenset(edition.name for edition in newest.values() if edition.kind is ListKind.OFFICIAL),
        warnings=warnings,
        standings={key: tuple(those) for key, those in by_subject.items()},
        actors=actors,
        roles=roles,
    )


def _as_checked(warnings: tuple[Sentence, ...], checks: Mapping[str, int], now: int) -> tuple[Sentence, ...]:
    """Say of an old list that its publisher had nothing newer, where he was asked within the days after which a list is old."""
    asked = {name: day(at) for name, at in checks.items() if now - at <= STALE_DAYS * DAY}
    return tuple(
        Sentence("lists.old_but_asked", **said.values, asked=asked[str(said.values["name"])])
        if said.key == "lists.old" and said.values["name"] in asked
        else said
        for said in warnings
    )


def used(edition: Edition, now: int) -> EditionUsed:
    """An edition as reports name it, with its age in whole days at ``now``."""
    return EditionUsed(
        name=edition.name,
        edition=edition.id,
        published=edition.published,
        age_days=max(now - edition.published, 0) // DAY,
        sha256=edition.sha256,
        tags=edition.tags,
    )


def warnings_of(newest: Mapping[str, Edition], every: Sequence[Edition], any_own: bool, now: int) -> tuple[Sentence, ...]:
    """What every answer has to say about the lists: none imported, old, held. ``newest``: the accepted edition of each."""
    found: list[Sentence] = []
    official = [edition for edition in every if edition.kind is ListKind.OFFICIAL]
    if not every:
        found.append(Sentence("lists.none_but_own" if any_own else "lists.none"))
    elif not official:
        found.append(Sentence("lists.no_official"))
    elif not any(edition.kind is ListKind.OFFICIAL for edition in newest.values()):
        first = min(official, key=lambda edition: edition.published)
        key = "lists.none_as_of_held" if first.state is EditionState.HELD else "lists.none_as_of"
        found.append(Sentence(key, day=day(now), name=first.name, first=day(first.published)))
    for edition in newest.values():
        age = (now - edition.published) // DAY
        if edition.kind is ListKind.OFFICIAL and age > STALE_DAYS:
            found.append(Sentence("lists.old", name=edition.name, n=age, day=day(edition.published)))
    for edition in every:
        later = newest.get(edition.name)
        if edition.state is EditionState.HELD and (later is None or edition.published >= later.published):
            dated = day(edition.published)
            found.append(Sentence("lists.held", name=edition.name, day=dated, why=edition.reason, id=edition.id))
    return tuple(found)
