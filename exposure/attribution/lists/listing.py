"""From an entry of a free-text list to tags: one for each address that its texts name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exposure.attribution.free_text import find_addresses
from exposure.model.labels import Category
from exposure.model.tags import MAX_TEXT, ListKind, ParsedList, Problem, Tag

_SPEAKS_OF_MONEY = re.compile(
    r"crypto[ -]?(?:currency|wallet|asset|address|account)|virtual (?:asset|currency|wallet)|digital (?:currency|wallet|asset)"
    r"|\bwallets?\b|bitcoin|ethereum|tether|\bUSDT\b|\bBTC\b|\bTRC-?20\b|暗号資産|仮想通貨|ウォレット",
    re.IGNORECASE,
)

NO_ADDRESS = "speaks of a wallet or a digital currency, but no address was found in its texts"
"""Reason of the problem of an entry that names a wallet and no address: lint counts these."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One party of an official list: who, under which programmes and measures, since when, and every text about it.

    ``where`` is its place in the file, for messages. ``country`` is as the list states it.
    """

    where: str
    entity: str
    reference: str = ""
    programmes: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    listed_on: int | None = None
    delisted_on: int | None = None
    country: str = ""
    texts: tuple[str, ...] = ()


def tags_of(entry: Entry, *, regime: str, source: str) -> tuple[list[Tag], list[Problem]]:
    """One sanctioned tag for each address (and ticker) in the texts of an entry, and what could not be taken as it stands."""
    tags: dict[tuple[str, str], Tag] = {}
    problems: list[Problem] = []
    for text in entry.texts:
        found, near = find_addresses(text)
        problems += [Problem(entry.where, miss.text, miss.reason, dropped=True) for miss in near]
        for address in found:
            key = (address.subject.canonical, address.ticker)
            if key in tags:
                continue
            if address.doubt:
                problems.append(Problem(entry.where, address.original, address.doubt))
            tags[key] = Tag(
                kind=address.subject.kind,
                subject=address.subject.canonical,
                family=address.subject.family,
                entity=entry.entity[:MAX_TEXT],
                category=Category.SANCTIONED,
                regime=regime,
                programmes=entry.programmes,
                measures=entry.measures,
                listed_on=entry.listed_on,
                delisted_on=entry.delisted_on,
                source=source,
                original=address.original,
                ticker=address.ticker,
                note=address.context[:MAX_TEXT],
                country=entry.country,
                reference=entry.reference,
            )
    # The same address with and without a ticker is one statement, with the ticker.
    named = {subject for subject, ticker in tags if ticker}
    kept = [tag for (subject, ticker), tag in tags.items() if ticker or subject not in named]
    if not kept and not problems and any(_SPEAKS_OF_MONEY.search(text) for text in entry.texts):
        problems.append(Problem(entry.where, entry.entity, NO_ADDRESS))
    return kept, problems


def parsed_list(
    entries: Iterable[Entry], *, name: str, form: str, regime: str, source: str, published: int | None = None
) -> ParsedList:
    """A whole official list of free-text entries; ``rows`` counts its entries, with or without an address.

    Raises
    ------
    AttributionError
        As the iterator of entries raises it.
    """
    tags: list[Tag] = []
    problems: list[Problem] = []
    rows = 0
    for entry in entries:
        rows += 1
        some, doubts = tags_of(entry, regime=regime, source=source)
        tags += some
        problems += doubts
    return ParsedList(
        name=name,
        kind=ListKind.OFFICIAL,
        form=form,
        tags=tuple(tags),
        published=published,
        regime=regime,
        rows=rows,
        problems=tuple(problems),
    )


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts without empty ones and repeats, in order."""
    return tuple(dict.fromkeys(text.strip() for text in texts if text and text.strip()))


def joined(parts: Sequence[str]) -> str:
    """Parts of a name as one, single spaces between."""
    return " ".join(" ".join(parts).split())
