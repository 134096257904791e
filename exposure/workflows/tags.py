"""The use ``tags``: bring lists in, add and take back tags of one's own, and say who says what."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exposure.attribution.clusters import Method
from exposure.attribution.editions import reason_to_hold
from exposure.attribution.explain import Explanation, explain
from exposure.attribution.lists import ListFile, read_list
from exposure.attribution.lists.own import check_ground, ground_of
from exposure.attribution.resolve import Attribution
from exposure.attribution.subjects import read_any_subject
from exposure.errors import AttributionError, InputError
from exposure.model.addresses import family_of, parse
from exposure.model.labels import Category
from exposure.model.tags import MAX_TEXT, Edition, EditionState, ListKind, Problem, Statement, SubjectKind, Tag
from exposure.store import catalogue, holdings
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.text import shown
from exposure.units import start_of_day
from exposure.workflows.cluster_of import ClusterOf, clusters_of
from exposure.workflows.labels import Snapshot, snapshot

OWN_CONFIDENCE = 90
"""Confidence of a tag of the user's own, where none is given: above public tags, below official lists."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How list files are taken.

    ``form``: a key of `exposure.attribution.lists.FORMS`, or ``auto``. ``published``: unix seconds of the edition's day,
    where the file states none (or states it wrongly). ``name``: the list's name over its editions. ``accept``: let an
    edition count that would be held.
    """

    form: str = "auto"
    published: int | None = None
    name: str | None = None
    accept: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file. ``known``: this edition was there already, and nothing changed."""

    file_name: str
    edition: Edition
    known: bool
    problems: tuple[Problem, ...]

    @property
    def dropped(self) -> int:
        """Number of rows of which no tag could be made."""
        return sum(problem.dropped for problem in self.problems)

    @property
    def waits(self) -> bool:
        """Whether the edition is held until somebody accepts it."""
        return self.edition.state is EditionState.HELD


def import_lists(
    store: Store, files: Sequence[Path], options: ImportOptions = ImportOptions(), *, now: int | None = None
) -> list[Imported]:
    """Read list files and keep each as an edition. Importing the same file twice changes nothing.

    All files are read before any is kept, and all are kept in one transaction: one bad file, and nothing changes.

    Raises
    ------
    AttributionError
        If a file cannot be read as a list.
    """
    at = int(time.time()) if now is None else now
    read = [(path, read_list(path, form=options.form)) for path in files]
    imported: list[Imported] = []
    connection = catalogue.connect(store.path, write=True)
    try:
        with catalogue.transaction(connection):
            for path, file in read:
                imported.append(_keep(connection, path, file, options, at))
    finally:
        connection.close()
    return imported


def _keep(connection: catalogue.Connection, path: Path, file: ListFile, options: ImportOptions, at: int) -> Imported:
    parsed, name = file.parsed, options.name or file.parsed.name
    if not parsed.tags and not parsed.entities and (parsed.kind is not ListKind.OFFICIAL or not parsed.rows):
        raise AttributionError(f"{shown(path.name)}: holds no tag that could be used; nothing was changed")
    known = stored.edition_of(connection, name, file.sha256)
    if known is not None:
        return Imported(path.name, known, True, parsed.problems)
    published = start_of_day(next((day for day in (options.published, parsed.published) if day is not None), at))
    accepted = [edition for edition in stored.editions(connection, accepted=True) if edition.name == name]
    reason = reason_to_hold(parsed, published, accepted[-1] if accepted else None)
    held = bool(reason) and not options.accept
    edition = Edition(
        id=_edition_id(name, published, file.sha256),
        name=name,
        kind=parsed.kind,
        form=parsed.form,
        published=published,
        sha256=file.sha256,
        imported_at=at,
        file_name=path.name,
        rows=parsed.rows,
        tags=len(parsed.tags),
        subjects=parsed.subjects,
        entities=len(parsed.entities),
        unchecked=parsed.unchecked,
        problems=len(parsed.problems),
        state=EditionState.HELD if held else EditionState.ACCEPTED,
        reason=reason,
        regime=parsed.regime,
        accepted_at=None if held else at,
    )
    stored.add_edition(connection, parsed, edition)
    holdings.add(connection, edition.id, parsed)
    return Imported(path.name, edition, False, parsed.problems)


def _edition_id(name: str, published: int, sha256: str) -> str:
    """A short id that people can type: list, day, and what tells two editions of one day apart."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower().removeprefix("tagpack ")).strip("-")[:14].strip("-") or "list"
    mark = hashlib.sha256(f"{name}\0{sha256}".encode()).hexdigest()[:8]
    return f"{slug}-{time.strftime('%Y%m%d', time.gmtime(published))}-{mark}"


def accept(store: Store, edition_id: str, *, now: int | None = None) -> Edition:
    """Let a held edition count.

    Raises
    ------
    InputError
        If no edition of this id is held.
    """
    connection = catalogue.connect(store.path, write=True)
    try:
        with catalogue.transaction(connection):
            return stored.accept(connection, edition_id, int(time.time()) if now is None else now)
    finally:
        connection.close()


def list_editions(store: Store) -> list[Edition]:
    """Every kept edition: by list, from the oldest to the newest."""
    return stored.editions(store.connection)


@dataclass(frozen=True, slots=True)
class OwnTag:
    """What the user says about a subject. ``source`` and ``note`` are required: a tag that nobody can check helps nobody.

    ``ground`` is one of `exposure.model.tags.Ground`, required for ``russia_linked``.
    """

    subject: str
    category: Category
    entity: str
    source: str
    note: str
    confidence: int = OWN_CONFIDENCE
    ground: str = ""


def add_tag(store: Store, own: OwnTag, *, now: int | None = None) -> tuple[Statement, bool]:
    """Add a tag of the user's own; False if the same one stands already.

    Raises
    ------
    InputError
        If the address is not valid (a typed one has to be), a field is empty or too long, or the confidence is not 0 to 100.
    """
    for label, text in (("entity", own.entity), ("source", own.source), ("note", own.note)):
        if not text.strip():
            raise InputError(f"the {label} is empty; say who it is, where that is from, and why, so that others can check it")
        if len(text) > MAX_TEXT:
            raise InputError(f"the {label} has {len(text):,} characters; at most {MAX_TEXT:,} are kept")
    if not 0 <= own.confidence <= 100:
        raise InputError(f"{own.confidence} is not a confidence: give a whole number from 0 to 100")
    kind, subject, family = typed_subject(own.subject)
    tag = Tag(
        kind=kind,
        subject=subject,
        family=family,
        entity=own.entity.strip(),
        category=own.category,
        confidence=own.confidence,
        source=own.source.strip(),
        original=own.subject.strip(),
        note=own.note.strip(),
        ground=ground_of(own.ground),
    )
    check_ground(tag)
    connection = catalogue.connect(store.path, write=True)
    try:
        with catalogue.transaction(connection):
            number, new = stored.add_user_tag(connection, tag, int(time.time()) if now is None else now)
            return next(said for said in stored.user_tags(connection, subjects=[subject]) if said.id == number), new
    finally:
        connection.close()


def retract(store: Store, number: int, reason: str, *, now: int | None = None) -> Statement:
    """Take back a tag of the user's own. It is kept, marked, and still counts for the days before.

    Raises
    ------
    InputError
        If there is no such tag, it is retracted already, or no reason is given.
    """
    if not reason.strip():
        raise InputError("the reason is empty; say why the tag is taken back")
    connection = catalogue.connect(store.path, write=True)
    try:
        with catalogue.transaction(connection):
            return stored.retract(connection, number, int(time.time()) if now is None else now, reason.strip()[:MAX_TEXT])
    finally:
        connection.close()


def typed_subject(text: str) -> tuple[SubjectKind, str, str]:
    """Kind, canonical form and family of what a user typed: an address, coin, transaction or asset.

    Text that looks like an address of a chain that is not read is unchecked, as it stands.

    Raises
    ------
    InputError
        If it is none of these, or its checksum is wrong.
    """
    subject = read_any_subject(text)
    if subject.kind is SubjectKind.UNCHECKED or subject.problem:
        if not subject.problem and (foreign := family_of(text)) is not None:
            return SubjectKind.UNCHECKED, text.strip(), foreign
        parse(text)  # says what is wrong, and suggests
        raise InputError(f"{shown(text)}: {subject.problem}")
    return subject.kind, subject.canonical, subject.family


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is known about one subject: its tags (the deciding one first), why, and the user's retracted ones.

    ``clusters``: those that the address shares with others in the stored ledgers, where that was asked for.
    """

    kind: SubjectKind
    subject: str
    attribution: Attribution | None
    explanation: Explanation | None
    retracted: tuple[Statement, ...]
    snapshot: Snapshot
    clusters: tuple[ClusterOf, ...] = ()


def show(store: Store, text: str, *, as_of: int | None = None, clusters: Method = Method.NONE) -> Shown:
    """Who says what about an address (coin, transaction, asset), as of a moment, and what it resolves to.

    ``clusters``: by which heuristics the store's ledgers say who shares an owner with it.

    Raises
    ------
    InputError
        If the text is no valid subject. An unchecked one that a list has is found as it stands there.
    """
    stripped = text.strip()
    found = snapshot(store, as_of=as_of, subjects=[stripped])
    if (SubjectKind.UNCHECKED, stripped) in found.standings:
        kind, subject = SubjectKind.UNCHECKED, stripped
    else:
        kind, subject, _ = typed_subject(text)
        found = snapshot(store, as_of=as_of, subjects=[subject])
        if kind is SubjectKind.TX and (SubjectKind.JOINT, subject) in found.standings:
            kind = SubjectKind.JOINT if (kind, subject) not in found.standings else kind
    attribution = found.attribution(subject, kind)
    gone = [
        said
        for said in stored.user_tags(store.connection, subjects=[subject])
        if said.retracted_at is not None and said.retracted_at <= found.as_of
    ]
    explanation = explain(attribution, subject) if attribution is not None else None
    shared = clusters_of(store, subject, clusters, as_of=as_of) if kind is SubjectKind.ADDRESS else ()
    return Shown(kind, subject, attribution, explanation, tuple(gone), found, shared)
