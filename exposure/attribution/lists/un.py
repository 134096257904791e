"""The United Nations Security Council's consolidated list, XML: addresses, if any, stand in comments and notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.attribution.lists.dates import day_first
from exposure.attribution.lists.listing import Entry, distinct, joined, parsed_list
from exposure.attribution.lists.xml_records import Node, read_records
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "UN consolidated list"
REGIME = "UN"
SOURCE = "United Nations Security Council Consolidated List"

_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")


def parse_un(stream: Bounded, name: str) -> ParsedList:
    """Read the list: one tag for each address in the texts of an individual or an entity.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    published: list[int] = []

    def entries() -> Iterator[Entry]:
        number = 0
        for node in read_records(stream, name, root="CONSOLIDATED_LIST", wanted=("INDIVIDUAL", "ENTITY")):
            if node.name == "CONSOLIDATED_LIST":
                published.extend(filter(None, [day_first(node.attributes.get("dateGenerated", ""))]))
            else:
                number += 1
                yield _party(node)
        if not number:
            raise AttributionError(f"{name}: holds no INDIVIDUAL and no ENTITY; get the whole list")

    parsed = parsed_list(entries(), name=NAME, form="un", regime=REGIME, source=SOURCE)
    return replace(parsed, published=published[0]) if published else parsed


def _party(node: Node) -> Entry:
    reference = node.get("REFERENCE_NUMBER") or node.get("DATAID")
    return Entry(
        where=f"entry {reference}",
        entity=joined([node.get(part) for part in _NAMES]) or f"UN {reference}",
        reference=reference,
        programmes=distinct([node.get("UN_LIST_TYPE")]),
        listed_on=day_first(node.get("LISTED_ON")),
        texts=distinct(part.text for part in node.walk()),
    )
