"""GraphSense TagPacks and actor packs: public attribution tags in YAML.

Everything is loaded as text: YAML would read a bare ``0x...`` as an integer and the country ``NO`` as false. A field of the
header holds for every tag that does not state it. Older packs lack network and confidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exposure.attribution.opening import read_text
from exposure.attribution.subjects import Subject, read_any_subject
from exposure.errors import AttributionError, InputError
from exposure.model.labels import Category
from exposure.model.tags import MAX_TEXT, Entity, ListKind, ParsedList, Problem, Tag
from exposure.text import shown

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

MAX_BYTES = 64 << 20
MAX_DEPTH = 20

CONFIDENCE: Mapping[str, int] = {
    "override": 100,
    "ownership": 100,
    "ledger_immanent": 100,
    "manual_transaction": 90,
    "service_api": 70,
    "authority_data": 60,
    "trusted_provider": 50,
    "service_data": 50,
    "forensic": 50,
    "untrusted_transaction": 40,
    "web_crawl": 20,
    "heuristic": 10,
    "unknown": 5,
}
"""Named levels of confidence of the TagPack format. A pack that names none is of ``unknown`` confidence."""

CATEGORIES: Mapping[str, Category] = {
    "sanction": Category.SANCTIONED,
    "sanctioned": Category.SANCTIONED,
    "mixing_service": Category.MIXER,
    "coinjoin": Category.MIXER,
    "market": Category.DARKNET_MARKET,
    "darknet_market": Category.DARKNET_MARKET,
    "ransomware": Category.RANSOMWARE,
    "terrorism": Category.TERRORIST_FINANCING,
    "service_hack": Category.STOLEN_FUNDS,
    "hack": Category.STOLEN_FUNDS,
    "thief": Category.STOLEN_FUNDS,
    "theft": Category.STOLEN_FUNDS,
    "scam": Category.SCAM,
    "phishing": Category.SCAM,
    "ponzi_scheme": Category.SCAM,
    "exit_scam": Category.SCAM,
    "investment_fraud": Category.SCAM,
    "sextortion": Category.SCAM,
    "extortion": Category.SCAM,
    "exchange": Category.EXCHANGE,
    "hosted_wallet": Category.EXCHANGE,
    "payment_processor": Category.PAYMENT_SERVICE,
    "payment_service": Category.PAYMENT_SERVICE,
    "gambling": Category.GAMBLING,
    "miner": Category.MINING_POOL,
    "mining_service": Category.MINING_POOL,
    "mining_pool": Category.MINING_POOL,
    "defi_bridge": Category.BRIDGE,
    "bridge": Category.BRIDGE,
    "defi_dex": Category.SWAP,
    "defi_lending": Category.CONTRACT,
    "defi": Category.CONTRACT,
    "contract": Category.CONTRACT,
    "smart_contract": Category.CONTRACT,
}
"""From the concepts of the format (``abuse``, ``category``, ``concepts``) to ours; every other concept is ``other``."""

# Of several concepts of one tag the first in this order counts: what an address is abused for says more than what it is.
_RANK = {category: rank for rank, category in enumerate(Category)}

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_HEADER_ONLY = frozenset({"title", "creator", "description", "owner", "is_public", "tags", "actors", "header"})
_TAG_FIELDS = frozenset(
    ("label", "source", "currency", "network", "confidence", "context", "is_cluster_definer", "lastmod", "category", "abuse")
    + ("address", "tx_hash", "actor", "concepts", "tag_type", "asset")
)


def _place(mark: object) -> str:
    line = getattr(mark, "line", None)
    return f", line {line + 1}" if isinstance(line, int) else ""


def _load(text: str, name: str) -> dict[str, object]:
    import yaml  # here, so that the other lists work where it is slow to import

    nesting = 0
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the base loaders know no types: every scalar is text
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise AttributionError(f"{name}{_place(event.start_mark)}: uses a YAML alias, which no TagPack needs; refused")
            nesting += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if nesting > MAX_DEPTH:
                raise AttributionError(f"{name}: nested deeper than {MAX_DEPTH} levels; this is not a TagPack")
        content = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        place = _place(getattr(error, "problem_mark", None))
        raise AttributionError(
            f"{name}{place}: not readable as YAML ({shown(getattr(error, 'problem', None) or error)})"
        ) from error
    if not isinstance(content, dict):
        raise AttributionError(f"{name}: not a TagPack or actor pack: it has no header with title, creator and tags")
    return content


def _text(fields: Mapping[str, object], key: str) -> str:
    value = fields.get(key)
    return value.strip()[:MAX_TEXT] if isinstance(value, str) else ""


def _texts(fields: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = fields.get(key)
    items = value if isinstance(value, list) else [value]
    return tuple(item.strip()[:MAX_TEXT] for item in items if isinstance(item, str) and item.strip())


def _day(text: str) -> int | None:
    found = _DAY.match(text)
    try:
        return int(datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC).timestamp()) if found else None
    except ValueError:
        return None


def category_of(concepts: tuple[str, ...]) -> Category:
    """Our category for the concepts of a tag: the gravest one that `CATEGORIES` knows, else ``other``."""
    known = [CATEGORIES[concept.lower()] for concept in concepts if concept.lower() in CATEGORIES]
    return min(known, key=_RANK.__getitem__, default=Category.OTHER)


def _confidence(level: str) -> tuple[int, str]:
    if not level:
        return CONFIDENCE["unknown"], ""
    if level in CONFIDENCE:
        return CONFIDENCE[level], ""
    if level.isascii() and level.isdigit() and int(level[:4]) <= 100:
        return int(level[:4]), ""
    return CONFIDENCE["unknown"], f"confidence level {shown(level, 40)} is not known: taken as unknown (5)"


def _subject(fields: Mapping[str, object]) -> Subject:
    if tx := _text(fields, "tx_hash"):
        return read_any_subject(tx, "tx")
    if address := _text(fields, "address"):
        return read_any_subject(address, "address")
    raise InputError("it has neither an address nor a tx_hash")


def _tags(header: Mapping[str, object], items: list[object], name: str) -> Iterator[Tag | Problem]:
    inherited = {key: value for key, value in header.items() if key not in _HEADER_ONLY}
    for number, item in enumerate(items, 1):
        where = f"{name}, tag {number}"
        if not isinstance(item, dict):
            yield Problem(where, shown(item), "it is not a list of fields", dropped=True)
            continue
        fields = inherited | {key: value for key, value in item.items() if isinstance(key, str)}
        original = _text(fields, "address") or _text(fields, "tx_hash")
        try:
            subject = _subject(fields)
        except InputError as error:
            yield Problem(where, original, str(error), dropped=True)
            continue
        confidence, doubt = _confidence(_text(fields, "confidence"))
        for reason in (subject.problem, doubt):
            if reason:
                yield Problem(where, original, reason)
        concepts = (*_texts(fields, "abuse"), *_texts(fields, "concepts"), *_texts(fields, "category"))
        yield Tag(
            kind=subject.kind,
            subject=subject.canonical,
            family=subject.family,
            entity=_text(fields, "label") or _text(fields, "actor") or _text(header, "title"),
            category=category_of(concepts),
            confidence=confidence,
            source=_text(fields, "source"),
            original=original,
            ticker=_text(fields, "currency") or _text(fields, "network"),
            note="; ".join(filter(None, (", ".join(dict.fromkeys(concepts)), _text(fields, "context")))),
            actor=_text(fields, "actor"),
        )


def _entities(items: list[object], name: str) -> Iterator[Entity | Problem]:
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict) or not _text(item, "id"):
            yield Problem(f"{name}, actor {number}", shown(item), "it has no id", dropped=True)
            continue
        yield Entity(
            id=_text(item, "id"),
            name=_text(item, "label") or _text(item, "id"),
            categories=_texts(item, "categories"),
            countries=_texts(item, "jurisdictions"),
            uri=_text(item, "uri"),
        )


def parse_tagpack(stream: Bounded, name: str) -> ParsedList:
    """Read a TagPack or an actor pack.

    Parameters
    ----------
    stream
        The unpacked file.
    name
        What to call it in messages.

    Returns
    -------
    ParsedList
        Tags (or entities); ``published`` is the newest ``lastmod`` in it. A field with an unknown name is reported.

    Raises
    ------
    AttributionError
        If it is not YAML of this form, is too large or too deep, or uses aliases.
    """
    header = _load(read_text(stream, name, limit=MAX_BYTES), name)
    listed, actors = header.get("tags"), header.get("actors")
    if not isinstance(listed, list) and not isinstance(actors, list):
        raise AttributionError(f"{name}: not a TagPack or actor pack: it has no list 'tags' or 'actors'")
    title = _text(header, "title")
    if not title:
        raise AttributionError(f"{name}: the header has no title, which names the pack over its editions; add one")
    tags: list[Tag] = []
    entities: list[Entity] = []
    problems: list[Problem] = []
    for tag in _tags(header, listed if isinstance(listed, list) else [], name):
        (tags if isinstance(tag, Tag) else problems).append(tag)  # type: ignore[arg-type]  # the list follows from the type
    for entity in _entities(actors if isinstance(actors, list) else [], name):
        (entities if isinstance(entity, Entity) else problems).append(entity)  # type: ignore[arg-type]  # as above
    changed = [_day(_text(header, "lastmod"))]
    if isinstance(listed, list):
        changed += [_day(_text(item, "lastmod")) for item in listed if isinstance(item, dict)]
    unknown = sorted(str(key) for key in header if key not in _HEADER_ONLY | _TAG_FIELDS)
    if unknown:
        problems.append(Problem(name, ", ".join(unknown), "header fields of unknown name: not used"))
    creator = _text(header, "creator")
    return ParsedList(
        name=f"TagPack {title} ({creator})" if creator else f"TagPack {title}",
        kind=ListKind.TAGPACK,
        form="tagpack",
        tags=tuple(tags),
        published=max((day for day in changed if day is not None), default=None),
        rows=len(tags) + len(entities),
        entities=tuple(entities),
        problems=tuple(problems),
    )
