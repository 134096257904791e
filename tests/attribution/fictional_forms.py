"""The free-text lists in their official forms under fictional names: XML, CSV, workbook and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from fictional_lists import bech, btc, eth, trx

from exposure.model.addresses import checksummed


@dataclass(frozen=True)
class Named:
    """A fictional party of a free-text list."""

    reference: str
    name: str
    text: str
    programme: str = "Fictional Regime"
    listed: str = "2025-02-24"


def mixed(name: str) -> str:
    return checksummed(eth(name))


SPLIT = f"{trx('split')[:24]}\n{trx('split')[24:]}"

NOTATIONS = (
    Named("FIC0001", "FICTION EXCHANGE", f"Digital Currency Address: XBT {btc('n1')} ETH {mixed('n1')} USDT {btc('n omni')}"),
    Named("FIC0002", "PRETEND WALLETS", f"BTC: {bech('n2')}\n{bech('n3')}\n{btc('n4')}\nBSC: {mixed('n2')}\nTRX: {trx('n2')}"),
    Named("FIC0003", "INVENTED BROKER", f"Wallets: {SPLIT}; {trx('n5')}, ({trx('n6')})."),
    Named("FIC0004", "SAMPLE Person", f"ETH ({mixed('n7')}), BNB ({mixed('n7')}); lower case {eth('n8')}"),
    Named(
        "FIC0005",
        "NOTHING TO SEE",
        "Passport number 123456789012, IBAN TR330006100519786457841326, tel. +7 495 000 00 00",
        "Cyber",
    ),
)
"""Every notation that real lists are known for. `ADDRESSES` are those that they name."""

ADDRESSES = frozenset(
    [btc("n1"), eth("n1"), btc("n omni"), bech("n2"), bech("n3"), btc("n4"), eth("n2"), trx("n2"), trx("split")]
    + [trx("n5"), trx("n6"), eth("n7"), eth("n8")]
)


def _slashed(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number}/{month}/{year}"


def uk_xml(parties: Iterable[Named] = NOTATIONS, *, generated: str = "2026-02-01") -> str:
    rows = "".join(
        f"<Designation><LastUpdated>{_slashed(one.listed)}</LastUpdated><DateDesignated>{_slashed(one.listed)}</DateDesignated>"
        f"<UniqueID>{one.reference}</UniqueID><OFSIGroupID>99</OFSIGroupID><UNReferenceNumber />"
        "<Names><Name><Name6>ALSO KNOWN</Name6><NameType>Alias</NameType></Name>"
        f"<Name><Name6>{escape(one.name)}</Name6><NameType>Primary Name</NameType></Name></Names>"
        f"<RegimeName>{escape(one.programme)}</RegimeName><IndividualEntityShip>Entity</IndividualEntityShip>"
        "<DesignationSource>UK</DesignationSource><SanctionsImposed>Asset freeze|Trust services sanctions</SanctionsImposed>"
        f"<OtherInformation>{escape(one.text)}</OtherInformation></Designation>"
        for one in parties
    )
    date = f"<DateGenerated>{_slashed(generated)}</DateGenerated>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<Designations>{date}{rows}</Designations>\n'


def uk_csv(parties: Iterable[Named] = NOTATIONS) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Report Date: 01-Feb-2026", "", ""])
    writer.writerow(
        ["Last Updated", "Unique ID", "Name 6", "Name 1", "Name type", "Regime Name", "Sanctions Imposed"]
        + ["Other Information", "Date Designated"]
    )
    for one in parties:
        for kind, name in (("Primary Name", one.name), ("Alias", "ALSO KNOWN")):
            row = [one.listed, one.reference, name, "", kind, one.programme, "Asset freeze|Trust services sanctions", one.text]
            writer.writerow([*row, _slashed(one.listed)])
    return out.getvalue()


def eu_xml(parties: Sequence[Named] = NOTATIONS) -> str:
    def entity(place: int, one: Named) -> str:
        # The texts stand in turn in the remark of a name, of the entity, in an identification's remark, and in an attribute,
        # where XML makes a space of a line break.
        places = [
            f'<nameAlias wholeName={quoteattr(one.name)} strong="true"><remark>{escape(one.text)}</remark></nameAlias>',
            f'<nameAlias wholeName={quoteattr(one.name)} strong="true" /><remark>{escape(one.text)}</remark>',
            f"<nameAlias wholeName={quoteattr(one.name)} /><identification identificationTypeCode='other' number='1'>"
            f"<remark>{escape(one.text)}</remark></identification>",
            f"<nameAlias wholeName={quoteattr(one.name)} /><identification identificationTypeCode='other' "
            f"number={quoteattr(one.text)} />",
        ]
        return (
            f'<sanctionEntity designationDate="" euReferenceNumber="{one.reference}" logicalId="{place}">'
            f'<regulation programme="{escape(one.programme)}" numberTitle="2025/1" entryIntoForceDate="{one.listed}">'
            "<publicationUrl>https://example.org/</publicationUrl></regulation>"
            f'<subjectType code="enterprise" />{places[place % 4]}</sanctionEntity>'
        )

    rows = "".join(entity(place, one) for place, one in enumerate(parties))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<export xmlns="http://example.org/fsd" generationDate="2026-02-01T10:00:00">'
        f"{rows}</export>\n"
    )


def un_xml(parties: Iterable[Named] = NOTATIONS) -> str:
    rows = "".join(
        f"<INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>{escape(one.name)}</FIRST_NAME><UN_LIST_TYPE>{escape(one.programme)}"
        f"</UN_LIST_TYPE><REFERENCE_NUMBER>{one.reference}</REFERENCE_NUMBER><LISTED_ON>{one.listed}</LISTED_ON>"
        f"<COMMENTS1>{escape(one.text)}</COMMENTS1></INDIVIDUAL>"
        for one in parties
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<CONSOLIDATED_LIST dateGenerated="2026-02-01T00:00:00.000-05:00">'
        f"<INDIVIDUALS>{rows}</INDIVIDUALS><ENTITIES /></CONSOLIDATED_LIST>\n"
    )


def sdn_xml(addresses: Sequence[tuple[str, str]], *, published: str = "02/01/2026", name: str = "FICTION TRADING OU") -> str:
    ids = "".join(
        f"<id><uid>{n}</uid><idType>Digital Currency Address - {ticker}</idType><idNumber>{address}</idNumber></id>"
        for n, (ticker, address) in enumerate(addresses)
    )
    return (
        '<?xml version="1.0" standalone="yes"?>\n<sdnList xmlns="https://example.org/XML">'
        f"<publshInformation><Publish_Date>{published}</Publish_Date><Record_Count>1</Record_Count></publshInformation>"
        f"<sdnEntry><uid>101</uid><lastName>{escape(name)}</lastName><sdnType>Entity</sdnType><programList>"
        "<program>RUSSIA-EO14024</program><program>CYBER2</program></programList><idList>"
        f"<id><uid>7</uid><idType>Passport</idType><idNumber>AB1234567</idNumber></id>{ids}</idList></sdnEntry></sdnList>\n"
    )


def israel_csv(addresses: Sequence[str], *, holder: str = "") -> str:
    rows = "".join(f",{holder},,,,{address},\n" for address in addresses)
    return (
        "Order ID,Full name,ID No,Passport No,D.O.B (DD/MM/YYYY),Virtual currency address / User ID,Currency\n"
        f"ASO 1/26\n{rows}ASO 2/26,PRETEND Person,12345,,,562068017069499754,\n"
    )


def ftm_lines(address: str, *, holder_first: bool = False, country: str = "eu") -> str:
    wallet = {"publicKey": [address], "currency": ["USDT"], "holder": ["o1"], "topics": ["sanction"]}
    sanction = {"entity": ["o1"], "program": ["RUS"], "country": [country], "startDate": ["2025-02-24"]}
    lines = [
        {"id": "w1", "schema": "CryptoWallet", "caption": address, "datasets": ["x"], "properties": wallet},
        {"id": "p9", "schema": "Person", "caption": "Somebody else", "properties": {}},
        {"id": "s1", "schema": "Sanction", "properties": sanction},
        {"id": "o1", "schema": "Company", "properties": {"name": ["FICTION OU"], "country": ["ee"]}},
    ]
    return "".join(json.dumps(one) + "\n" for one in (lines[::-1] if holder_first else lines))


DATE_ONLY = ("告示番号", "日本語表記")
HEADER = ("告示日付", "告示 番号", "日 本 語 表 記", "英 語 表 記", "別　称", "住所", "そ の 他 の 情 報")


def workbook_bytes(sheets: dict[str, Sequence[Sequence[object]]], *, header: Sequence[object] = HEADER) -> bytes:
    """A workbook in the ministry's form: a title, an empty row, the header, rows."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)  # the sheet that a new workbook has
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.append([f"架空の制裁対象者 {title}"])
        sheet.append([])
        sheet.append(list(header))
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[object]]], *, header: Sequence[object] = HEADER) -> Path:
    path.write_bytes(workbook_bytes(sheets, header=header))
    return path


def japan_rows(parties: Iterable[Named] = NOTATIONS) -> list[list[object]]:
    return [["令和7年2月24日", f"告示{one.reference}", "架空", one.name, "", "", one.text] for one in parties]
