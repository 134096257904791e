"""Lists in official forms under fictional names, built by the tests. Addresses are made from hashed fictional keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from exposure.model.addresses import evm_address, p2pkh_address, tron_address, witness_address
from exposure.units import to_unix


def key(name: str) -> bytes:
    return hashlib.sha256(f"fictional {name}".encode()).digest()[:20]


def btc(name: str) -> str:
    return p2pkh_address(key(name))


def bech(name: str) -> str:
    return witness_address(0, key(name))


def eth(name: str) -> str:
    return evm_address(key(name))


def trx(name: str) -> str:
    return tron_address(key(name))


def at(day: str) -> int:
    return to_unix(day)


TICKERS = ("XBT", "ETH", "XMR", "USDT", "TRX", "LTC", "USDC")
NAMESPACE = "https://example.org/exports/ADVANCED_XML"


@dataclass(frozen=True)
class Party:
    """A party of the fictional list: its addresses by ticker, the dates of its entry events, its programmes."""

    profile: int
    name: str
    addresses: tuple[tuple[str, str], ...]
    dates: tuple[str, ...] = ("2022-04-05",)
    programmes: tuple[str, ...] = ("RUSSIA-EO14024",)
    cyrillic: str = ""


def _name(text: str, script: int, ident: int) -> str:
    parts = "".join(
        f'<DocumentedNamePart><NamePartValue NamePartGroupID="{ident}" ScriptID="{script}">{part}</NamePartValue>'
        "</DocumentedNamePart>"
        for part in text.split(" ")
    )
    return f'<DocumentedName ID="{ident}">{parts}</DocumentedName>'


def _party(party: Party) -> str:
    first = _name(party.cyrillic, 220, party.profile * 10) if party.cyrillic else ""
    features = "".join(
        f'<Feature ID="{n}" FeatureTypeID="{500 + TICKERS.index(ticker)}"><FeatureVersion ID="{n}"><Comment />'
        f'<VersionDetail DetailTypeID="1432">  {address}\n</VersionDetail></FeatureVersion></Feature>'
        for n, (ticker, address) in enumerate(party.addresses)
    )
    return (
        f'<DistinctParty FixedRef="{party.profile}"><Comment /><Profile ID="{party.profile}" PartySubTypeID="3"><Identity>'
        f'<Alias Primary="false" LowQuality="true">{_name("NOT THE NAME", 215, 1)}</Alias>'
        f'<Alias Primary="true" LowQuality="false">{first}{_name(party.name, 215, party.profile)}</Alias>'
        '</Identity><Feature ID="9" FeatureTypeID="13"><FeatureVersion><VersionDetail>KYCBKPPY</VersionDetail>'
        f"</FeatureVersion></Feature>{features}</Profile></DistinctParty>"
    )


def _date(day: str) -> str:
    year, month, number = (int(part) for part in day.split("-"))
    return f'<Date CalendarTypeID="1"><Year>{year}</Year><Month>{month}</Month><Day>{number}</Day></Date>'


def _entry(party: Party) -> str:
    events = "".join(f'<EntryEvent ID="{party.profile}"><Comment />{_date(day)}</EntryEvent>' for day in party.dates)
    measures = "".join(
        f'<SanctionsMeasure SanctionsTypeID="1"><Comment>{text}</Comment></SanctionsMeasure>' for text in party.programmes
    )
    block = '<SanctionsMeasure SanctionsTypeID="1705"><Comment>not a programme</Comment></SanctionsMeasure>'
    head = f'<SanctionsEntry ID="{party.profile + 7}" ProfileID="{party.profile}" ListID="1550">'
    return f"{head}{events}{block}{measures}</SanctionsEntry>"


def ofac_xml(issued: str, parties: Iterable[Party], *, namespace: str = NAMESPACE, prolog: str = "") -> str:
    parties = list(parties)
    year, month, number = (int(part) for part in issued.split("-"))
    types = "".join(
        f'<FeatureType ID="{500 + n}">Digital Currency Address - {ticker}</FeatureType>' for n, ticker in enumerate(TICKERS)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<Sanctions xmlns="{namespace}" Version="3">'
        f"<DateOfIssue><Year>{year}</Year><Month>{month}</Month><Day>{number}</Day></DateOfIssue>"
        f'<ReferenceValueSets><FeatureTypeValues><FeatureType ID="13">SWIFT/BIC</FeatureType>{types}</FeatureTypeValues>'
        '<SanctionsTypeValues><SanctionsType ID="1705">Block</SanctionsType><SanctionsType ID="1">Program</SanctionsType>'
        '</SanctionsTypeValues><ScriptValues><Script ID="215" ScriptCode="Latn">Latin</Script>'
        '<Script ID="220" ScriptCode="Cyrl">Cyrillic</Script></ScriptValues></ReferenceValueSets>'
        f"<Locations /><DistinctParties>{''.join(map(_party, parties))}</DistinctParties>"
        # Entries in the other order: they are joined by profile, not by place.
        f"<SanctionsEntries>{''.join(map(_entry, reversed(parties)))}</SanctionsEntries></Sanctions>"
    )


FICTION = Party(
    101,
    "FICTION TRADING OU",
    (
        ("XBT", btc("fiction 1")),
        ("USDT", btc("fiction omni")),
        ("XBT", trx("fiction tron")),
        ("ETH", eth("fiction").upper().replace("0X", "0x")),
    ),
    dates=("2022-04-05", "2022-04-05"),
    programmes=("RUSSIA-EO14024", "CYBER2"),
    cyrillic="ВЫМЫСЕЛ ТРЕЙДИНГ",
)
PRETEND = Party(
    102, "PRETEND Ivan Ivanovich", (("XBT", bech("pretend")), ("XMR", "not a monero address at all")), programmes=("SDGT",)
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def edition(folder: Path, issued: str, parties: Iterable[Party]) -> Path:
    return write(folder, f"sdn_{issued}.xml", ofac_xml(issued, parties))
