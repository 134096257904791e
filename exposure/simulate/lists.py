"""The lists that the economy's world would publish, in the official file formats, under invented names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from exposure.model.labels import Category
from exposure.simulate.cast import Cast, Party
from exposure.simulate.sizes import Plan

SYNTHETIC = "SYNTHETIC: made by `exposure simulate`; every name, address and date is fictional"

_TICKERS = {344: "XBT", 345: "ETH", 887: "USDT"}
_CONCEPTS = {
    Category.EXCHANGE: "exchange",
    Category.MIXER: "mixing_service",
    Category.DARKNET_MARKET: "market",
    Category.RANSOMWARE: "ransomware",
    Category.MINING_POOL: "miner",
    Category.PAYMENT_SERVICE: "payment_processor",
    Category.SWAP: "defi_dex",
}


def day(time: int) -> datetime:
    """A moment in UTC."""
    return datetime.fromtimestamp(time, UTC)


def edition_dates(plan: Plan) -> tuple[int, int]:
    """When the two editions of the sanctions list were issued, in unix seconds."""
    return plan.day(0.08), plan.day(0.95)


def listed_addresses(party: Party, edition: int) -> list[tuple[int, str]]:
    """(feature type, address) of a party in an edition; empty if that edition does not name it."""
    listing = party.listing
    if listing is None or edition not in listing.editions:
        return []
    coins = [address for address in party.wallet.addresses if edition == 1 or address not in listing.later]
    features = [(344, address) for address in coins] + [(345, party.account.address)]
    if listing.programme == "CYBER2":
        # As real lists do: the same address a second time, under the ticker of a token.
        features.append((887, party.account.address))
    return features


def _date(time: int, indent: str) -> str:
    moment = day(time)
    parts = (("Year", moment.year), ("Month", moment.month), ("Day", moment.day))
    return "".join(f"{indent}<{name}>{value}</{name}>\n" for name, value in parts)


def _party_xml(party: Party, edition: int) -> Iterator[str]:
    assert party.listing is not None  # only listed parties have features
    profile = party.listing.profile
    yield f'    <DistinctParty FixedRef="{profile}">\n      <Comment />\n      <Profile ID="{profile}" PartySubTypeID="3">\n'
    yield (
        f'        <Identity ID="{profile + 50}" FixedRef="{profile}" Primary="true" False="false">\n'
        f'          <Alias FixedRef="{profile}" AliasTypeID="1403" Primary="true" LowQuality="false">\n'
        f'            <DocumentedName ID="{profile + 60}" FixedRef="{profile}" DocNameStatusID="1">\n'
        "              <DocumentedNamePart>\n"
        f'                <NamePartValue NamePartGroupID="{profile + 70}" ScriptID="215" ScriptStatusID="1" Acronym="false">'
        f"{escape(party.name)}</NamePartValue>\n"
        "              </DocumentedNamePart>\n            </DocumentedName>\n          </Alias>\n        </Identity>\n"
    )
    for serial, (kind, address) in enumerate(listed_addresses(party, edition)):
        yield (
            f'        <Feature ID="{profile * 10 + serial}" FeatureTypeID="{kind}">\n'
            f'          <FeatureVersion ID="{profile * 10 + 5 + serial}" ReliabilityID="1">\n            <Comment />\n'
            f'            <VersionDetail DetailTypeID="1432">{address}</VersionDetail>\n          </FeatureVersion>\n'
            f'          <IdentityReference IdentityID="{profile + 50}" IdentityFeatureLinkTypeID="1" />\n        </Feature>\n'
        )
    yield "      </Profile>\n    </DistinctParty>\n"


def _entry_xml(party: Party) -> str:
    listing = party.listing
    assert listing is not None  # only listed parties have entries
    number = listing.profile
    period = '<DatePeriod CalendarTypeID="1" YearFixed="true" MonthFixed="true" DayFixed="true" />'
    return (
        f'    <SanctionsEntry ID="{number}" ProfileID="{number}" ListID="1550">\n'
        f'      <EntryEvent ID="{number}" EntryEventTypeID="1" LegalBasisID="1849">\n        <Comment />\n'
        f'        <Date CalendarTypeID="1">\n{_date(listing.listed_on, "          ")}        </Date>\n      </EntryEvent>\n'
        f'      <SanctionsMeasure ID="{number + 1}" SanctionsTypeID="1705">\n        {period}\n      </SanctionsMeasure>\n'
        f'      <SanctionsMeasure ID="{number + 2}" SanctionsTypeID="1">\n        <Comment>{listing.programme}</Comment>\n'
        f"        {period}\n      </SanctionsMeasure>\n    </SanctionsEntry>\n"
    )


def sanctions_list(plan: Plan, cast: Cast, edition: int) -> str:
    """An edition (0 or 1) of the sanctions list in the advanced XML form."""
    named = [party for party in cast.parties if listed_addresses(party, edition)]
    space = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ADVANCED_XML"
    types = "".join(
        f'      <FeatureType ID="{number}" FeatureTypeGroupID="1">Digital Currency Address - {ticker}</FeatureType>\n'
        for number, ticker in _TICKERS.items()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<!-- {SYNTHETIC} -->\n<Sanctions Version="3" xmlns="{space}">\n'
        f'  <DateOfIssue CalendarTypeID="1">\n{_date(edition_dates(plan)[edition], "    ")}  </DateOfIssue>\n'
        "  <ReferenceValueSets>\n"
        '    <AliasTypeValues>\n      <AliasType ID="1403">Name</AliasType>\n    </AliasTypeValues>\n'
        f"    <FeatureTypeValues>\n{types}    </FeatureTypeValues>\n"
        '    <ListValues>\n      <List ID="1550">SDN List</List>\n    </ListValues>\n'
        '    <SanctionsTypeValues>\n      <SanctionsType ID="1">Program</SanctionsType>\n'
        '      <SanctionsType ID="1705">Block</SanctionsType>\n    </SanctionsTypeValues>\n'
        "  </ReferenceValueSets>\n  <Locations />\n  <IDRegDocuments />\n  <DistinctParties>\n"
        + "".join(part for party in named for part in _party_xml(party, edition))
        + "  </DistinctParties>\n  <ProfileRelationships />\n  <SanctionsEntries>\n"
        + "".join(_entry_xml(party) for party in named)
        + "  </SanctionsEntries>\n  <SanctionsEntryLinks />\n</Sanctions>\n"
    )


def _pack_header(title: str, lastmod: int) -> list[str]:
    return [
        f"# {SYNTHETIC}",
        f"title: SYNTHETIC {title}",
        "creator: exposure simulate",
        f"description: '{SYNTHETIC}'",
        "confidence: forensic",
        "is_cluster_definer: true",
        "source: simulation",
        f"lastmod: '{day(lastmod):%Y-%m-%d}'",
        "tags:",
    ]


def services_pack(plan: Plan, cast: Cast) -> str:
    """Services and criminals as a GraphSense TagPack."""
    lines = _pack_header("services", edition_dates(plan)[0])
    for party in cast.parties:
        concept = _CONCEPTS.get(party.category)
        if concept is None:
            continue
        field = "abuse" if party.category is Category.RANSOMWARE else "category"
        coins = () if party.category in (Category.SWAP, Category.PAYMENT_SERVICE) else party.wallet.addresses
        accounts = () if party.category is Category.MINING_POOL else (party.account.address,)
        for ticker, address in (*(("BTC", address) for address in coins), *(("ETH", address) for address in accounts)):
            lines += [f"- address: '{address}'", f"  label: {party.name}", f"  {field}: {concept}", f"  currency: {ticker}"]
    return "\n".join(lines) + "\n"


def thefts_pack(plan: Plan, cast: Cast) -> str:
    """Reported thefts, by transaction, as a GraphSense TagPack."""
    lines = _pack_header("thefts", edition_dates(plan)[1])
    for chain, tx, entity in cast.thefts:
        ticker = "BTC" if chain == "bitcoin" else "ETH"
        lines += [f"- tx_hash: '{tx}'", f"  label: {entity}", "  abuse: service_hack", f"  currency: {ticker}"]
    return "\n".join(lines) + "\n"


def own_tags(cast: Cast) -> str:
    """The institution's own hot addresses, and a mining farm in a fictional region, as own CSV."""
    lines = [f"# {SYNTHETIC}", "address,entity,category,confidence,source,note,ground"]
    notes = ((cast.institution.party, "hot address", ""), (cast.farm, "mines in a fictional region", "mining_region"))
    for party, note, ground in notes:
        for address in (*party.wallet.addresses, party.account.address):
            lines.append(f"{address},{party.name},{party.category},100,simulation,{note},{ground}")
    return "\n".join(lines) + "\n"


def prices(plan: Plan, token: str) -> str:
    """Daily prices in dollars, and of the dollar in yen: triangle waves, so that nobody takes them for real."""
    lines = ["asset,date,currency,price"]
    series = (
        (token, "usd", 1, 1, 90),
        ("bitcoin/native", "usd", 20_000, 30_000, 90),
        ("ethereum/native", "usd", 1_500, 2_400, 70),
        ("fiat/usd", "jpy", 130, 150, 120),
    )
    for serial in range(plan.seconds // 86_400 + 2):
        date = f"{day(plan.start + serial * 86_400):%Y-%m-%d}"
        for asset, currency, low, high, period in series:
            place = abs(serial % (2 * period) - period)
            lines.append(f"{asset},{date},{currency},{high - (high - low) * place // period}.00")
    return "\n".join(lines) + "\n"
