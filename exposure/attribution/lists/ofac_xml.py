"""Reading OFAC's advanced XML by expat events: parties with digital currency addresses, and their entries.

The file has about 120 MB and 2.6 million elements; it is read once and only what is needed is kept. Names are compared
without their namespace, which has changed twice. A document type or an entity of its own is refused before expat looks at
it: the official file has none, and both are how XML is made to explode or to read other files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

from exposure.errors import AttributionError
from exposure.text import shown

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

ROOT = "Sanctions"
FEATURE_PREFIX = "Digital Currency Address - "

_CHUNK = 1 << 20
_MAX_SILENCE = 16 << 20  # bytes without a new element: the longest stretch in the official file is below 10 kB
_MAX_DEPTH = 64
_MAX_NAMES = 5_000
_MAX_ADDRESS = 1_000
_NO_SECTION = ""


@dataclass(slots=True)
class Party:
    """A party with its names and the texts of its digital currency addresses, by ticker."""

    profile: str
    names: list[tuple[bool, bool, str]] = field(default_factory=list)  # (primary, Latin script, text)
    features: list[tuple[str, str]] = field(default_factory=list)  # (ticker, text as it stands)

    @property
    def name(self) -> str:
        """The primary name, in Latin script where there is one. The list prints persons as SURNAME Given."""
        ranked = sorted(self.names, key=lambda known: (not known[0], not known[1]))  # stable: document order among equals
        return ranked[0][2] if ranked else f"OFAC profile {self.profile}"


@dataclass(slots=True)
class Entry:
    """What the entries of a party say: days (unix seconds) and programme codes."""

    dates: set[int] = field(default_factory=set)
    programmes: set[str] = field(default_factory=set)


def _day(parts: dict[str, str], where: str) -> int:
    try:
        year, month, day = (int(parts[name]) for name in ("Year", "Month", "Day"))
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except (KeyError, ValueError, OverflowError) as error:
        raise AttributionError(
            f"{where}: a date is not a year, month and day: {shown(parts)}; the list was not read"
        ) from error


class _Reader:
    """The state of one pass. Holds the invariant that text is gathered only inside the few elements that are read."""

    def __init__(self, name: str) -> None:
        self.file = name
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = self.refuse_doctype
        self.parser.EntityDeclHandler = self.refuse_entity
        self.parser.ExternalEntityRefHandler = self.refuse_external
        self.openings: dict[str, Callable[[_Reader, dict[str, str]], None] | None] = {}
        self.closings: dict[str, Callable[[_Reader], None] | None] = {}
        self.section = _NO_SECTION
        self.sections: set[str] = set()
        self.depth = 0
        self.alive = False
        self.text: list[str] | None = None
        self.attributes: dict[str, str] = {}
        self.tickers: dict[str, str] = {}
        self.latin: set[str] = set()
        self.programme_types: set[str] = set()
        self.issued: int | None = None
        self.date: dict[str, str] | None = None
        self.party = Party("")
        self.ticker: str | None = None
        self.primary = False
        self.parts: list[tuple[bool, str]] | None = None
        self.parties: list[Party] = []
        self.entry: Entry | None = None
        self.entries: dict[str, Entry] = {}
        self.in_event = False
        self.in_programme = False
        self.wanted: set[str] = set()

    # -- refused constructs

    def refuse_doctype(self, *_: object) -> None:
        raise AttributionError(f"{self.where()}: has a document type declaration, which the official list has not; refused")

    def refuse_entity(self, *_: object) -> None:
        raise AttributionError(f"{self.where()}: declares an entity, which the official list does not; refused")

    def refuse_external(self, *_: object) -> int:
        raise AttributionError(f"{self.where()}: refers to something outside the file; refused")

    def where(self) -> str:
        return f"{self.file}, line {self.parser.CurrentLineNumber:,}"

    # -- events

    def learn(self, qualified: str) -> None:
        """Note what to do at elements of a name that is met for the first time."""
        if len(self.openings) > _MAX_NAMES:
            raise AttributionError(f"{self.where()}: more than {_MAX_NAMES:,} kinds of elements; this is not the OFAC list")
        name = qualified.rpartition(" ")[2]
        self.openings[qualified] = _OPENINGS.get(name)
        self.closings[qualified] = _CLOSINGS.get(name)

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        # Called 2.6 million times: everything that can be is decided once a name.
        self.alive = True
        self.depth += 1
        if self.depth > 2:
            if qualified not in self.openings:
                self.learn(qualified)
            opening = self.openings[qualified]
            if opening is not None:
                opening(self, attributes)
            if self.depth > _MAX_DEPTH:
                raise AttributionError(f"{self.where()}: elements nested deeper than {_MAX_DEPTH}; this is not the OFAC list")
        else:
            self.start_outer(qualified.rpartition(" ")[2])

    def start_outer(self, name: str) -> None:
        if self.depth == 1:
            if name != ROOT:
                raise AttributionError(
                    f"{self.file}: its root element is {shown(name, 60)}, not {ROOT}; "
                    "hand over SDN_ADVANCED.XML, the advanced form"
                )
            return
        self.section = name
        self.sections.add(name)
        if name == "DateOfIssue":
            self.date = {}

    def end(self, qualified: str) -> None:
        if self.depth > 2:
            closing = self.closings[qualified]
            if closing is not None:
                closing(self)
        elif self.depth == 2:
            if self.section == "DateOfIssue" and self.date is not None:
                self.issued = _day(self.date, self.where())
                self.date = None
            elif self.section == "DistinctParties":
                self.wanted = {party.profile for party in self.parties}
            self.section = _NO_SECTION
        self.depth -= 1

    def gather(self) -> None:
        self.text = []
        self.parser.CharacterDataHandler = self.characters

    def characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def gathered(self) -> str:
        text = "".join(self.text or ()).strip()
        self.text = None
        self.parser.CharacterDataHandler = None
        return text


def _open_reference(reader: _Reader, attributes: dict[str, str]) -> None:
    if reader.section == "ReferenceValueSets":
        reader.attributes = attributes
        reader.gather()


def _close_feature_type(reader: _Reader) -> None:
    if reader.section == "ReferenceValueSets" and reader.text is not None:
        text = reader.gathered()
        if text.startswith(FEATURE_PREFIX):
            reader.tickers[reader.attributes.get("ID", "")] = text.removeprefix(FEATURE_PREFIX).strip()


def _close_sanctions_type(reader: _Reader) -> None:
    if reader.section == "ReferenceValueSets" and reader.text is not None and reader.gathered() == "Program":
        reader.programme_types.add(reader.attributes.get("ID", ""))


def _open_script(reader: _Reader, attributes: dict[str, str]) -> None:
    if reader.section == "ReferenceValueSets" and attributes.get("ScriptCode") == "Latn":
        reader.latin.add(attributes.get("ID", ""))


def _open_profile(reader: _Reader, attributes: dict[str, str]) -> None:
    if reader.section == "DistinctParties":
        reader.party = Party(attributes.get("ID", ""))


def _close_profile(reader: _Reader) -> None:
    if reader.section == "DistinctParties" and reader.party.features:
        reader.parties.append(reader.party)


def _open_alias(reader: _Reader, attributes: dict[str, str]) -> None:
    reader.primary = reader.section == "DistinctParties" and attributes.get("Primary") == "true"


def _open_documented_name(reader: _Reader, _: dict[str, str]) -> None:
    reader.parts = [] if reader.primary else None


def _open_name_part(reader: _Reader, attributes: dict[str, str]) -> None:
    if reader.parts is not None:
        reader.attributes = attributes
        reader.gather()


def _close_name_part(reader: _Reader) -> None:
    if reader.parts is not None and reader.text is not None:
        reader.parts.append((reader.attributes.get("ScriptID", "") in reader.latin, reader.gathered()))


def _close_documented_name(reader: _Reader) -> None:
    if reader.parts:
        latin = all(part[0] for part in reader.parts)
        reader.party.names.append((True, latin, " ".join(part[1] for part in reader.parts)))
    reader.parts = None


def _open_feature(reader: _Reader, attributes: dict[str, str]) -> None:
    reader.ticker = reader.tickers.get(attributes.get("FeatureTypeID", "")) if reader.section == "DistinctParties" else None


def _open_version_detail(reader: _Reader, _: dict[str, str]) -> None:
    if reader.ticker is not None:
        reader.gather()


def _close_version_detail(reader: _Reader) -> None:
    if reader.ticker is not None and reader.text is not None:
        text = reader.gathered()
        if len(text) > _MAX_ADDRESS:
            raise AttributionError(f"{reader.where()}: an address of {len(text):,} characters; this is not the OFAC list")
        reader.party.features.append((reader.ticker, text))


def _open_entry(reader: _Reader, attributes: dict[str, str]) -> None:
    profile = attributes.get("ProfileID", "")
    wanted = reader.section == "SanctionsEntries" and profile in reader.wanted
    reader.entry = reader.entries.setdefault(profile, Entry()) if wanted else None


def _close_entry(reader: _Reader) -> None:
    reader.entry = None


def _open_event(reader: _Reader, _: dict[str, str]) -> None:
    reader.in_event = reader.entry is not None


def _close_event(reader: _Reader) -> None:
    reader.in_event = False


def _open_date(reader: _Reader, _: dict[str, str]) -> None:
    reader.date = {} if reader.in_event else None


def _open_date_part(reader: _Reader, _: dict[str, str]) -> None:
    if reader.date is not None:
        reader.gather()


def _close_date_part(name: str) -> Callable[[_Reader], None]:
    def close(reader: _Reader) -> None:
        if reader.date is not None and reader.text is not None:
            reader.date[name] = reader.gathered()

    return close


def _close_date(reader: _Reader) -> None:
    if reader.in_event and reader.entry is not None and reader.date is not None:
        reader.entry.dates.add(_day(reader.date, reader.where()))
        reader.date = None


def _open_measure(reader: _Reader, attributes: dict[str, str]) -> None:
    reader.in_programme = reader.entry is not None and attributes.get("SanctionsTypeID", "") in reader.programme_types


def _close_measure(reader: _Reader) -> None:
    reader.in_programme = False


def _open_comment(reader: _Reader, _: dict[str, str]) -> None:
    if reader.in_programme:
        reader.gather()


def _close_comment(reader: _Reader) -> None:
    if reader.in_programme and reader.entry is not None and reader.text is not None and (text := reader.gathered()):
        reader.entry.programmes.add(text)


_OPENINGS: dict[str, Callable[[_Reader, dict[str, str]], None]] = {
    "FeatureType": _open_reference,
    "SanctionsType": _open_reference,
    "Script": _open_script,
    "Profile": _open_profile,
    "Alias": _open_alias,
    "DocumentedName": _open_documented_name,
    "NamePartValue": _open_name_part,
    "Feature": _open_feature,
    "VersionDetail": _open_version_detail,
    "SanctionsEntry": _open_entry,
    "EntryEvent": _open_event,
    "Date": _open_date,
    "Year": _open_date_part,
    "Month": _open_date_part,
    "Day": _open_date_part,
    "SanctionsMeasure": _open_measure,
    "Comment": _open_comment,
}

_CLOSINGS: dict[str, Callable[[_Reader], None]] = {
    "FeatureType": _close_feature_type,
    "SanctionsType": _close_sanctions_type,
    "Profile": _close_profile,
    "DocumentedName": _close_documented_name,
    "NamePartValue": _close_name_part,
    "VersionDetail": _close_version_detail,
    "SanctionsEntry": _close_entry,
    "EntryEvent": _close_event,
    "Date": _close_date,
    "Year": _close_date_part("Year"),
    "Month": _close_date_part("Month"),
    "Day": _close_date_part("Day"),
    "SanctionsMeasure": _close_measure,
    "Comment": _close_comment,
}


class Advanced(NamedTuple):
    """What is kept of the file: its date of issue, parties with addresses, and their entries by profile id."""

    issued: int | None
    parties: list[Party]
    entries: dict[str, Entry]


def read_advanced(stream: Bounded, name: str) -> Advanced:
    """Read the advanced XML form of the SDN list in one pass and little memory.

    Raises
    ------
    AttributionError
        If the file is cut off, is another list, or holds what XML bombs are made of.
    """
    reader = _Reader(name)
    silence = 0
    try:
        while block := stream.read(_CHUNK):
            reader.alive = False
            reader.parser.Parse(block, False)
            silence = 0 if reader.alive else silence + len(block)
            if silence > _MAX_SILENCE:
                raise AttributionError(
                    f"{reader.where()}: more than {_MAX_SILENCE:,} bytes without an element; this is not the OFAC list"
                )
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise AttributionError(
            f"{name}, line {error.lineno:,}: not well-formed XML, or cut off ({expat.errors.messages.get(error.code, error)}); "
            "get the file again"
        ) from error
    except (ValueError, LookupError) as error:  # expat knows few encodings besides UTF-8
        raise AttributionError(f"{name}: its encoding cannot be read ({shown(error)}); the official file is UTF-8") from error
    missing = {"DateOfIssue", "ReferenceValueSets", "DistinctParties", "SanctionsEntries"} - reader.sections
    if missing:
        raise AttributionError(f"{name}: the sections {', '.join(sorted(missing))} are missing; get the whole advanced file")
    if not reader.tickers:
        raise AttributionError(f"{name}: names no feature type '{FEATURE_PREFIX}...'; the form of the list has changed")
    return Advanced(reader.issued, reader.parties, reader.entries)
