"""OFAC's SDN list in its advanced XML form: the addresses of digital currencies, their owners, dates and programmes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.attribution.lists.ofac_xml import Entry, read_advanced
from exposure.attribution.subjects import read_subject
from exposure.model.labels import Category
from exposure.model.tags import ListKind, ParsedList, Problem, Tag

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "OFAC SDN"
REGIME = "US"


def parse_ofac(stream: Bounded, name: str) -> ParsedList:
    """Read the advanced XML form of the SDN list.

    Parameters
    ----------
    stream
        The unpacked file.
    name
        What to call it in messages.

    Returns
    -------
    ParsedList
        One tag a feature row (``rows`` counts them), category ``sanctioned``, regime US. ``listed_on`` is the *party's*
        first entry date; the list states no date of an address. ``reference`` is the profile id, by which names, dates and
        programmes are joined.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of. A party without an entry is a problem
        of the list, not an error.
    """
    content = read_advanced(stream, name)
    tags: list[Tag] = []
    problems: list[Problem] = []
    for party in content.parties:
        entry = content.entries.get(party.profile)
        where = f"profile {party.profile}"
        if entry is None or not entry.dates:
            problems.append(Problem(where, party.name, "no entry with a date: its designation date is not known"))
            entry = entry or Entry()
        if len(entry.dates) > 1:
            problems.append(Problem(where, party.name, f"{len(entry.dates)} entry dates: the first one is taken"))
        for ticker, text in party.features:
            if not text:
                problems.append(Problem(where, f"{party.name} ({ticker})", "the address is empty", dropped=True))
                continue
            subject = read_subject(text)
            if subject.problem:
                problems.append(Problem(where, text, subject.problem))
            tags.append(
                Tag(
                    kind=subject.kind,
                    subject=subject.canonical,
                    family=subject.family,
                    entity=party.name,
                    category=Category.SANCTIONED,
                    regime=REGIME,
                    programmes=tuple(sorted(entry.programmes)),
                    listed_on=min(entry.dates, default=None),
                    confidence=100,
                    source="OFAC Specially Designated Nationals list (advanced XML)",
                    original=text,
                    ticker=ticker,
                    reference=party.profile,
                )
            )
    return ParsedList(
        name=NAME,
        kind=ListKind.OFFICIAL,
        form="ofac",
        tags=tuple(tags),
        published=content.issued,
        regime=REGIME,
        rows=len(tags),
        problems=tuple(problems),
    )
