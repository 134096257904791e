"""What lists and people say about addresses: tags, the editions they come in, and the entities they name.

A parser turns one file into a `ParsedList`; the store keeps it by edition; `exposure.attribution` resolves what was said up
to a day into one label snapshot. Nothing here reads a file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import StrEnum

from exposure.model.holdings import Holding, PartyDesignation
from exposure.model.labels import Category

MAX_TEXT = 2_000
"""Longest text of a tag that is kept; what is longer comes from a broken or hostile list."""

DAY = 86_400
"""Seconds of a day. Dates of lists are days; they are held as unix seconds of 00:00 UTC."""


class SubjectKind(StrEnum):
    """What a tag speaks about. ``UNCHECKED``: text that is no address of a chain we read, or one with a wrong checksum.

    ``SERVICE``: every address of a kind of service in a country, such as ``exchange/RU``. ``JOINT``: a transaction of which
    the source knows that several owners made it together (a payjoin, say, which has no form of its own).
    """

    ADDRESS = "address"
    COIN = "coin"
    TX = "tx"
    ASSET = "asset"
    SERVICE = "service"
    JOINT = "joint"
    UNCHECKED = "unchecked"


class Ground(StrEnum):
    """Why something counts as ``russia_linked``; a tag of that category states one, and its source."""

    OPERATOR = "operator"
    LOCATION = "location"
    MINING_REGION = "mining_region"
    EMBARGOED_REGION = "embargoed_region"
    LISTED_PARENT = "listed_parent"
    ASSET = "asset"


class ListKind(StrEnum):
    """Where a list comes from, in the order in which lists win when two tags of one confidence disagree."""

    OFFICIAL = "official"
    USER = "user"
    CSV = "csv"
    TAGPACK = "tagpack"


LIST_ORDER: tuple[ListKind, ...] = tuple(ListKind)


@dataclass(frozen=True, slots=True)
class Tag:
    """One statement: this subject belongs to this entity, in this category.

    Two kinds of dates are kept apart: ``valid_from``/``valid_to`` (when the subject was that entity's; None: always) and
    ``listed_on``/``delisted_on`` (the designation of the *entity* under ``regime``, as the list states it). All are unix
    seconds of 00:00 UTC. ``address_listed_on`` is set only where a list states the address's own date.

    ``subject`` is canonical (`exposure.model.addresses`), or the text as it stood for unchecked ones. ``original`` is the
    text as it stood; ``ticker`` what the list filed it under, which says nothing sure about the chain. ``reference`` is the
    list's own id of the entity. ``unvetted``: anybody can write into the source, so it never makes a boundary.
    ``measures`` are what the list says is imposed (asset freeze, trust services, ...); ``ground`` is why something counts as
    Russia-linked, one of `Ground`.
    """

    kind: SubjectKind
    subject: str
    entity: str
    category: Category
    family: str = ""
    regime: str = ""
    programmes: tuple[str, ...] = ()
    listed_on: int | None = None
    delisted_on: int | None = None
    address_listed_on: int | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    confidence: int = 100
    source: str = ""
    original: str = ""
    ticker: str = ""
    note: str = ""
    actor: str = ""
    country: str = ""
    reference: str = ""
    unvetted: bool = False
    measures: tuple[str, ...] = ()
    ground: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over every field: two tags of one digest say the same."""
        return hashlib.sha256(json.dumps([getattr(self, name) for name in _TAG_FIELDS]).encode()).hexdigest()

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes it the same statement in the next edition, whatever else of it was corrected."""
        return self.kind, self.subject, self.reference or self.entity, self.category, self.regime


_TAG_FIELDS = tuple(sorted(field.name for field in fields(Tag)))


@dataclass(frozen=True, slots=True)
class Entity:
    """A person, firm or state body that tags refer to by ``actor`` id (GraphSense actor packs)."""

    id: str
    name: str
    categories: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a list that could not be taken as it stood. ``dropped``: no tag was made of it."""

    where: str
    text: str
    reason: str
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class ParsedList:
    """All that one file of a list says.

    ``name`` identifies the list over its editions; ``published`` is the day the file states, None if it states none.
    ``rows`` counts the statements of the file before equal ones were joined. ``aliases``: (party, another id of it).
    """

    name: str
    kind: ListKind
    form: str
    tags: tuple[Tag, ...]
    published: int | None = None
    regime: str = ""
    rows: int = 0
    entities: tuple[Entity, ...] = ()
    problems: tuple[Problem, ...] = ()
    holdings: tuple[Holding, ...] = ()
    designated: tuple[PartyDesignation, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def subjects(self) -> int:
        """Number of distinct subjects."""
        return len({(tag.kind, tag.subject) for tag in self.tags})

    @property
    def unchecked(self) -> int:
        """Number of tags whose subject is no address of a chain that is read."""
        return sum(tag.kind is SubjectKind.UNCHECKED for tag in self.tags)


class EditionState(StrEnum):
    """``HELD`` editions count for nothing until `exposure tags accept`."""

    ACCEPTED = "accepted"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Edition:
    """One kept file of a list. ``published`` is its own day, or the day of import where it states none."""

    id: str
    name: str
    kind: ListKind
    form: str
    published: int
    sha256: str
    imported_at: int
    file_name: str
    rows: int
    tags: int
    subjects: int
    entities: int
    unchecked: int
    problems: int
    state: EditionState = EditionState.ACCEPTED
    reason: str = ""
    regime: str = ""
    accepted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One tag with where it was said and when: by editions of one list (ids, oldest first), or by the user.

    ``id`` is the store's number of the tag (what ``tags retract`` takes). ``added_at`` and ``retracted_at`` are set for
    user tags only; ``editions`` is empty for them.
    """

    tag: Tag
    list_name: str
    list_kind: ListKind
    id: int = 0
    editions: tuple[str, ...] = ()
    added_at: int | None = None
    retracted_at: int | None = None
    retraction: str = ""
