"""The UK Sanctions List, XML and CSV: addresses stand only in free text, mostly under "Other Information".

The list of the Office of Financial Sanctions Implementation, which many programs still ask for, ended in January 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.attribution.lists.csv_text import read_rows
from exposure.attribution.lists.dates import day_first
from exposure.attribution.lists.listing import Entry, distinct, joined, parsed_list
from exposure.attribution.lists.xml_records import Node, read_records
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "UK Sanctions List"
REGIME = "UK"
SOURCE = "UK Sanctions List (Foreign, Commonwealth & Development Office)"

_NAMES = ("Name1", "Name2", "Name3", "Name4", "Name5", "Name6")
_COLUMNS = tuple(name.lower() for name in _NAMES)
# Short fields with a meaning of their own; the free texts are all the others.
_FACTS = frozenset(("lastupdated", "datedesignated", "uniqueid", "ofsigroupid", "regimename", "sanctionsimposed", *_COLUMNS))


def parse_uk_xml(stream: Bounded, name: str) -> ParsedList:
    """Read the XML form: one tag for each address in the texts of a designation.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    published: list[int] = []

    def entries() -> Iterator[Entry]:
        number = 0
        for node in read_records(stream, name, root="Designations", wanted=("Designation", "DateGenerated")):
            if node.name == "DateGenerated":
                published.extend(filter(None, [day_first(node.text)]))
            elif node.name == "Designation":
                number += 1
                yield _designation(node)
        if not number:
            raise AttributionError(f"{name}: holds no Designation; get the whole list")

    parsed = parsed_list(entries(), name=NAME, form="uk", regime=REGIME, source=SOURCE)
    return replace(parsed, published=published[0]) if published else parsed


def _designation(node: Node) -> Entry:
    names = [name for group in node.all("Names") for name in group.all("Name")]
    primary = [name for name in names if name.get("NameType").lower() == "primary name"] or names
    texts = [child.text for child in node.walk() if child.parts and child.name.lower() not in _FACTS]
    unique = node.get("UniqueID")
    return Entry(
        where=f"entry {unique}",
        entity=joined([primary[0].get(part) for part in _NAMES]) if primary else f"UK entry {unique}",
        reference=unique,
        programmes=distinct([node.get("RegimeName")]),
        measures=_measures(node.get("SanctionsImposed")),
        listed_on=day_first(node.get("DateDesignated")),
        texts=distinct(texts),
    )


def _measures(text: str) -> tuple[str, ...]:
    return distinct(re.split(r"[|;]", text))


def parse_uk_csv(stream: Bounded, name: str) -> ParsedList:
    """Read the CSV form: a line with the report's date, a header, a row for each name and address of a designation.

    Raises
    ------
    AttributionError
        If the text is no CSV in UTF-8, or no header with "Unique ID" and "Regime Name" is found.
    """
    rows = read_rows(stream, name)
    published: int | None = None
    header: list[str] = []
    for _, row in rows:
        header = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in row]
        if {"uniqueid", "regimename"} <= set(header):
            break
        for cell in row:
            published = published or day_first(cell.rpartition(":")[2].strip())
    else:
        raise AttributionError(
            f"{name}: has no header with the columns 'Unique ID' and 'Regime Name'; get the UK Sanctions List"
        )
    known: dict[str, list[dict[str, str]]] = {}
    for line, row in rows:
        if len(row) > len(header):
            raise AttributionError(f"{name}, line {line}: has {len(row)} fields, but the header names {len(header)} columns")
        fields = dict(zip(header, row, strict=False))
        if fields.get("uniqueid", "").strip():
            known.setdefault(fields["uniqueid"].strip(), []).append(fields)
    entries = (_group(unique, those) for unique, those in known.items())
    return parsed_list(entries, name=NAME, form="uk-csv", regime=REGIME, source=SOURCE, published=published)


def _group(unique: str, rows: list[dict[str, str]]) -> Entry:
    primary = next((row for row in rows if row.get("nametype", "").strip().lower() == "primary name"), rows[0])
    return Entry(
        where=f"entry {unique}",
        entity=joined([primary.get(part, "") for part in _COLUMNS]) or f"UK entry {unique}",
        reference=unique,
        programmes=distinct(row.get("regimename", "") for row in rows),
        measures=_measures("|".join(row.get("sanctionsimposed", "") for row in rows)),
        listed_on=next(filter(None, (day_first(row.get("datedesignated", "")) for row in rows)), None),
        texts=distinct(text for row in rows for column, text in row.items() if column not in _FACTS),
    )
