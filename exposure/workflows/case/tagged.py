"""Whether the labels of a case are those that its tags make: each tagged subject is what they say, nobody else anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from exposure.attribution.editions import standings
from exposure.attribution.resolve import resolve
from exposure.attribution.service_rules import with_services
from exposure.casefile.evidence import Evidence
from exposure.model.labels import Category, Labels, Seed, Service
from exposure.model.ledger import Coin
from exposure.model.policy import role_of
from exposure.model.tags import SubjectKind
from exposure.text import counted, shown
from exposure.workflows.case.check import Check
from exposure.workflows.trace.options import TraceOptions

Party = Seed | Service


def labels(evidence: Evidence, options: TraceOptions) -> Check:
    """Whether the tags of the case make the labels that its figures used, all of them and no other."""
    stated = evidence.labels
    found = with_services(standings(evidence.statements, evidence.editions), evidence.actors)
    made = resolve(found, roles=role_of(options.roles), actors=evidence.actors, owners=stated.owners)
    if stated.seeds_from_designation != options.seeds_from_designation:
        return Check("labels", False, "labels.json and the settings disagree on when a party is a seed")
    subjects = {(tag.kind, tag.subject) for tag in (said.tag for said in evidence.statements)}
    wrong = [subject for kind, subject in sorted(subjects) if not _same(_at(stated, kind, subject), _at(made, kind, subject))]
    if wrong or stated.joint != made.joint:
        odd = wrong[0] if wrong else min(stated.joint ^ made.joint)
        return Check("labels", False, f"the tags do not make {shown(odd, 80)} what the figures take it for")
    tagged = {stated.owner(subject) if kind is SubjectKind.ADDRESS else subject for kind, subject in subjects}
    loose = next((key for key, _ in _parties(stated) if key not in tagged), None)
    if loose is not None:
        return Check("labels", False, f"no tag makes {shown(loose, 80)} what the figures take it for")
    lists = sorted({*(said.list_name for said in evidence.statements), *(edition.name for edition in evidence.editions)})
    given = tuple(f"that {shown(name, 60)} says this of the addresses, and no more" for name in lists)
    heirs = tuple(f"{shown(address, 80)}: {left} % sure by its cluster" for address, left in sorted(stated.inherited.items()))
    return Check(
        "labels",
        True,
        f"the labels used are those of {counted(len(evidence.statements), 'tag')}, and no other",
        given + heirs,
    )


def _at(found: Labels, kind: SubjectKind, subject: str) -> Party | None:
    """What some labels say of a subject."""
    if kind is SubjectKind.ADDRESS:
        owner = found.owner(subject)
        return found.seeds.get(owner) or found.boundaries.get(owner) or found.pass_through.get(owner)
    if kind is SubjectKind.COIN:
        tx, _, n = subject.rpartition(":")
        return found.coin_seeds.get(Coin(tx, int(n)))
    group = {SubjectKind.TX: found.tx_seeds, SubjectKind.ASSET: found.asset_seeds}.get(kind)
    return None if group is None else group.get(subject)


def _same(stated: Party | None, made: Party | None) -> bool:
    """Whether the figures took a subject for what its tags make it.

    An entity has one confidence and one list of sources in a whole snapshot, of which a case holds a part: the least sure of
    its tags and some of its sources may be of addresses that are not in it. One's own addresses are one owner, named by the
    first of them all.
    """
    if stated is None or made is None:
        return stated is made
    if stated.confidence > made.confidence or not set(made.sources) <= set(stated.sources):
        return False
    if stated.category == made.category == Category.OWN_INSTITUTION.value:
        return stated.entity == made.entity
    return replace(stated, confidence=0, sources=()) == replace(made, confidence=0, sources=())


def _parties(found: Labels) -> Iterator[tuple[str, Party]]:
    groups: tuple[Mapping[Any, Party], ...] = (
        found.seeds,
        found.coin_seeds,
        found.tx_seeds,
        found.asset_seeds,
        found.boundaries,
        found.pass_through,
    )
    for group in groups:
        for key, party in group.items():
            yield str(key), party
