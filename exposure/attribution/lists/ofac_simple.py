"""OFAC's SDN list in its simple XML form (SDN.XML): addresses and programmes, but no date of designation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.attribution.lists.dates import month_first
from exposure.attribution.lists.listing import joined
from exposure.attribution.lists.ofac import NAME, REGIME
from exposure.attribution.lists.xml_records import Node, read_records
from exposure.attribution.subjects import read_subject
from exposure.errors import AttributionError
from exposure.model.labels import Category
from exposure.model.tags import ListKind, ParsedList, Problem, Tag

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

ID_PREFIX = "Digital Currency Address - "


def parse_ofac_simple(stream: Bounded, name: str) -> ParsedList:
    """Read the simple XML form of the SDN list.

    Returns
    -------
    ParsedList
        One tag a digital currency address. ``reference`` is the entry's uid, which is the profile id of the advanced form:
        both forms are editions of one list. ``listed_on`` is None, for this form does not state it.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    tags: list[Tag] = []
    problems: list[Problem] = []
    published: int | None = None
    entries = 0
    for node in read_records(stream, name, root="sdnList", wanted=("sdnEntry", "Publish_Date")):
        if node.name == "Publish_Date":
            published = month_first(node.text)
        elif node.name == "sdnEntry":
            entries += 1
            for tag in _tags(node, problems):
                tags.append(tag)
    if not entries:
        raise AttributionError(f"{name}: holds no sdnEntry; get the whole SDN.XML")
    return ParsedList(NAME, ListKind.OFFICIAL, "ofac-simple", tuple(tags), published, REGIME, len(tags), (), tuple(problems))


def _tags(entry: Node, problems: list[Problem]) -> list[Tag]:
    uid = entry.get("uid")
    where = f"entry {uid}"
    programmes = tuple(sorted({program.text for program in entry.all("programList") for program in program.children}))
    tags = []
    for identity in (identity for group in entry.all("idList") for identity in group.all("id")):
        kind, text = identity.get("idType"), identity.get("idNumber")
        if not kind.startswith(ID_PREFIX):
            continue
        if not text:
            problems.append(Problem(where, kind, "the address is empty", dropped=True))
            continue
        subject = read_subject(text)
        if subject.problem:
            problems.append(Problem(where, text, subject.problem))
        tags.append(
            Tag(
                kind=subject.kind,
                subject=subject.canonical,
                family=subject.family,
                entity=joined([entry.get("lastName"), entry.get("firstName")]) or f"OFAC entry {uid}",
                category=Category.SANCTIONED,
                regime=REGIME,
                programmes=programmes,
                source="OFAC Specially Designated Nationals list (simple XML)",
                original=text,
                ticker=kind.removeprefix(ID_PREFIX).strip(),
                reference=uid,
            )
        )
    return tags
