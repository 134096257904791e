"""The EU's consolidated list of financial sanctions, XML 1.1: addresses stand in remarks and in other identifications."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.attribution.lists.dates import day_first
from exposure.attribution.lists.listing import Entry, distinct, parsed_list
from exposure.attribution.lists.xml_records import Node, read_records
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "EU consolidated list"
REGIME = "EU"
SOURCE = "EU consolidated list of persons, groups and entities subject to financial sanctions"

# Attributes in which the list has texts of its own; the others are codes, numbers of rows, and translations of codes.
_TEXT_ATTRIBUTES = ("number", "latinNumber", "nameOnDocument", "value", "otherInformation", "wholeName", "street")


def parse_eu(stream: Bounded, name: str) -> ParsedList:
    """Read the list: one tag for each address in the remarks, identifications and contacts of an entity.

    Returns
    -------
    ParsedList
        ``listed_on`` is the earlier of the entity's designation and the day on which its regulation came into force.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    published: list[int] = []

    def entries() -> Iterator[Entry]:
        number = 0
        for node in read_records(stream, name, root="export", wanted=("sanctionEntity",)):
            if node.name == "sanctionEntity":
                number += 1
                yield _entity(node)
            else:
                published.extend(filter(None, [day_first(node.attributes.get("generationDate", ""))]))
        if not number:
            raise AttributionError(f"{name}: holds no sanctionEntity; get the whole list (XML, version 1.1)")

    parsed = parsed_list(entries(), name=NAME, form="eu", regime=REGIME, source=SOURCE)
    return replace(parsed, published=published[0]) if published else parsed


def _entity(node: Node) -> Entry:
    given = node.attributes
    reference = given.get("euReferenceNumber") or given.get("logicalId", "")
    regulations = node.all("regulation")
    dates = [given.get("designationDate", ""), *(rule.attributes.get("entryIntoForceDate", "") for rule in regulations)]
    names = sorted(node.all("nameAlias"), key=lambda alias: alias.attributes.get("strong") == "false")  # stable
    texts = []
    for part in node.walk():
        if part.name not in ("publicationUrl", "regulationSummary"):
            texts += [part.text, *(part.attributes.get(key, "") for key in _TEXT_ATTRIBUTES)]
    return Entry(
        where=f"entity {reference}",
        entity=next((alias.attributes["wholeName"] for alias in names if alias.attributes.get("wholeName")), f"EU {reference}"),
        reference=reference,
        programmes=distinct(rule.attributes.get("programme", "") for rule in regulations),
        listed_on=min((day for text in dates if (day := day_first(text)) is not None), default=None),
        texts=distinct(texts),
    )
