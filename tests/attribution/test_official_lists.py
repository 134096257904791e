"""The free-text lists: each official form gives every address its party, dates and programme; what is hostile is refused."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from fictional_forms import (
    ADDRESSES,
    DATE_ONLY,
    HEADER,
    NOTATIONS,
    Named,
    eu_xml,
    ftm_lines,
    israel_csv,
    japan_rows,
    sdn_xml,
    uk_csv,
    uk_xml,
    un_xml,
    workbook,
)
from fictional_lists import FICTION, at, btc, edition, eth, trx, write

from exposure.attribution.lists import read_list, recognise
from exposure.attribution.lists.dates import day_first, japanese_day, month_first
from exposure.attribution.lists.listing import NO_ADDRESS
from exposure.errors import AttributionError
from exposure.model.labels import Category
from exposure.model.tags import ListKind, ParsedList, SubjectKind
from exposure.store.store import Store
from exposure.workflows.labels import snapshot
from exposure.workflows.tags import ImportOptions, import_lists, list_editions

NOW = at("2026-02-02")


def japan(folder: Path, parties: tuple[Named, ...] = NOTATIONS) -> Path:
    return workbook(folder / "mof.xlsx", {"架空": japan_rows(parties[:2]), "虚構": japan_rows(parties[2:])})


MADE: dict[str, Callable[[Path], Path]] = {
    "uk": lambda folder: write(folder, "uk.xml", uk_xml()),
    "uk-csv": lambda folder: write(folder, "uk.csv", uk_csv()),
    "eu": lambda folder: write(folder, "eu.xml", eu_xml()),
    "un": lambda folder: write(folder, "un.xml", un_xml()),
    "japan": japan,
}
REGIMES = {"uk": "UK", "uk-csv": "UK", "eu": "EU", "un": "UN", "japan": "JP"}


@pytest.mark.parametrize("form", MADE)
def test_every_address_of_every_notation_is_found_and_none_is_invented(tmp_path: Path, form: str) -> None:
    parsed = read_list(MADE[form](tmp_path)).parsed
    assert parsed.form == form and parsed.kind is ListKind.OFFICIAL and parsed.regime == REGIMES[form]
    assert {tag.subject for tag in parsed.tags} == ADDRESSES
    assert parsed.rows == len(NOTATIONS), "every party counts, with or without an address"
    assert not any(problem.dropped for problem in parsed.problems)
    for tag in parsed.tags:
        assert (tag.category, tag.kind, tag.confidence) == (Category.SANCTIONED, SubjectKind.ADDRESS, 100)
        assert tag.listed_on == at("2025-02-24") and tag.programmes and tag.original and tag.note
    by_subject = {tag.subject: tag for tag in parsed.tags}
    assert by_subject[trx("split")].entity == "INVENTED BROKER"
    assert by_subject[btc("n omni")].ticker == "USDT" and by_subject[btc("n omni")].family == "bitcoin"
    assert {tag.ticker for tag in parsed.tags if tag.subject == eth("n7")} == {"ETH", "BNB"}, "one key, two tickers, both kept"
    assert by_subject[btc("n4")].ticker == "", "a line without a ticker has none"


def test_what_a_list_says_of_a_party_is_kept(tmp_path: Path) -> None:
    for form in ("uk", "uk-csv"):
        tag = read_list(MADE[form](tmp_path)).parsed.tags[0]
        assert (tag.entity, tag.reference, tag.measures) == (
            ("FICTION EXCHANGE", "FIC0001", ("Asset freeze", "Trust services sanctions"))
        )
    assert read_list(MADE["uk"](tmp_path)).parsed.published == at("2026-02-01")
    assert read_list(MADE["uk-csv"](tmp_path)).parsed.published == at("2026-02-01")
    assert read_list(MADE["eu"](tmp_path)).parsed.published == at("2026-02-01")
    assert read_list(MADE["un"](tmp_path)).parsed.published == at("2026-02-01")
    assert read_list(MADE["japan"](tmp_path)).parsed.published is None
    assert read_list(MADE["japan"](tmp_path)).parsed.tags[0].programmes == ("架空の制裁対象者 架空",)


def test_the_eu_dates_an_entity_by_the_earlier_of_designation_and_regulation(tmp_path: Path) -> None:
    text = eu_xml().replace('designationDate=""', 'designationDate="2024-06-24"')
    assert {tag.listed_on for tag in read_list(write(tmp_path, "eu.xml", text)).parsed.tags} == {at("2024-06-24")}


def test_the_simple_form_of_ofac_is_another_edition_of_the_same_list(tmp_path: Path) -> None:
    simple = sdn_xml([(ticker, address) for ticker, address in FICTION.addresses], published="01/15/2023")
    with Store.create(tmp_path / "store") as store:
        import_lists(store, [edition(tmp_path, "2022-06-01", [FICTION])], now=NOW)
        (second,) = import_lists(store, [write(tmp_path, "sdn.xml", simple)], now=NOW)
        assert (second.edition.name, second.edition.form, second.edition.published) == (
            ("OFAC SDN", "ofac-simple", at("2023-01-15"))
        )
        seed = snapshot(store).labels.seeds[btc("fiction 1")]
    (given,) = seed.designations
    assert given.listed_on == at("2022-04-05"), "the date that only the long form states is not lost"
    assert (given.address_listed_on, given.on_or_before, given.delisted_on) == (at("2022-06-01"), True, None)


def test_israels_orders_hold_for_the_rows_below_and_an_account_number_is_no_address(tmp_path: Path) -> None:
    cyrillic = trx("b").replace("T", "Т", 1)
    parsed = read_list(
        write(tmp_path, "orders.csv", israel_csv([trx("a"), cyrillic, eth("c")], holder="FICTION Person"))
    ).parsed
    assert parsed.form == "israel" and parsed.regime == "IL"
    assert [(tag.subject, tag.reference, tag.entity) for tag in parsed.tags] == [
        (trx("a"), "ASO 1/26", "FICTION Person"),
        (trx("b"), "ASO 1/26", "FICTION Person"),
        (eth("c"), "ASO 1/26", "FICTION Person"),
    ]
    assert ["another alphabet" in problem.reason for problem in parsed.problems] == [True]


def test_israels_orders_are_read_in_each_form_in_which_their_table_is_passed_on(tmp_path: Path) -> None:
    long = (
        "schema,order_id,start_date,end_date,last_updated,name,id_no,wallet_address,account_id,platform,currency,order_url\n"
        f"Wallet,ASO 18/26,2026-07-01,2028-07-01,2026-07-01,,,{trx('il 1')},,,,https://example.org/18-26.pdf\n"
        f"Person,ASO 2/24,2024-01-02,,2024-02-02,PRETEND Person,12,,35561732,Example,,https://example.org/2.pdf\n"
    )
    parsed = read_list(write(tmp_path, "long.csv", long)).parsed
    (tag,) = parsed.tags
    assert (tag.subject, tag.reference) == (trx("il 1"), "ASO 18/26")
    assert (tag.listed_on, tag.delisted_on) == (at("2026-07-01"), at("2028-07-01"))
    # A cell with a line break in it has come apart: the address stands in the next column and in the next row again.
    torn = f"ASO 53/25\n,,,,,{trx('il 2')},{trx('il 2')},\n{trx('il 2')}\nASO - 34/24,,,,,{trx('il 3')},\n"
    head = israel_csv([]).partition("\n")[0]
    parsed = read_list(write(tmp_path, "torn.csv", f"{head}\n{torn}")).parsed
    assert {(tag.subject, tag.reference) for tag in parsed.tags} == {(trx("il 2"), "ASO 53/25"), (trx("il 3"), "ASO - 34/24")}


@pytest.mark.parametrize("first", [True, False])
def test_opensanctions_wallets_find_their_holders_before_or_behind_them(tmp_path: Path, first: bool) -> None:
    parsed = read_list(write(tmp_path, "entities.ftm.json", ftm_lines(trx("ftm"), holder_first=first))).parsed
    (tag,) = parsed.tags
    assert (tag.entity, tag.country, tag.regime, tag.programmes) == ("FICTION OU", "ee", "EU", ("RUS",))
    assert (tag.category, tag.listed_on, tag.subject) == (Category.SANCTIONED, at("2025-02-24"), trx("ftm"))


def test_one_wallet_under_two_regimes_is_designated_by_both(tmp_path: Path) -> None:
    text = ftm_lines(trx("ftm"), country="eu") + ftm_lines(trx("ftm"), country="jp").splitlines(keepends=True)[2]
    with Store.create(tmp_path / "store") as store:
        import_lists(store, [write(tmp_path, "e.json", text)], ImportOptions(published=at("2026-01-01")), now=NOW)
        seed = snapshot(store).labels.seeds[trx("ftm")]
    assert [given.regime for given in seed.designations] == ["EU", "JP"]


def test_a_wallet_without_a_sanction_is_what_its_topics_say(tmp_path: Path) -> None:
    line = '{"id":"w","schema":"CryptoWallet","properties":{"publicKey":["%s"],"topics":["crime.theft"]}}\n'
    (tag,) = read_list(write(tmp_path, "e.json", line % btc("x"))).parsed.tags
    assert (tag.category, tag.regime) == (Category.STOLEN_FUNDS, "")


DAYS = {
    "令和4年7月5日": "2022-07-05",
    "令和元年5月1日": "2019-05-01",
    "平成31年4月30日": "2019-04-30",
    "R4.7.5": "2022-07-05",
    "２０２２年７月５日": "2022-07-05",
    "2022.7.5": "2022-07-05",
    "2022/7/5": "2022-07-05",
}


@pytest.mark.parametrize("text", DAYS)
def test_japanese_dates_of_both_calendars(text: str) -> None:
    assert japanese_day(text) == at(DAYS[text])


def test_dates_that_are_none_are_none() -> None:
    assert month_first("11/19/2025") == at("2025-11-19") and day_first("19/11/2025") == at("2025-11-19")
    assert day_first("19-Nov-2025") == day_first("2025-11-19T10:00:00") == at("2025-11-19")
    for text in ("", "31/02/2025", "soon", "令和99999年", "99/99/9999"):
        assert day_first(text) is None and month_first(text) is None and japanese_day(text) is None


def test_the_workbook_takes_dates_as_dates_numbers_and_text(tmp_path: Path) -> None:
    from datetime import datetime

    cells = [datetime(2022, 7, 5), 44747, "令和4年7月5日", "2022年7月5日"]
    rows = [[cell, f"第{n}号", "架空", f"FICTION {n}", "", "", trx(str(n))] for n, cell in enumerate(cells)]
    parsed = read_list(workbook(tmp_path / "mof.xlsx", {"架空": rows})).parsed
    assert [tag.listed_on for tag in parsed.tags] == [at("2022-07-05")] * 4
    assert [tag.reference for tag in parsed.tags] == [f"第{n}号 FICTION {n}" for n in range(4)]


def test_a_formula_in_a_cell_is_reported_and_never_used(tmp_path: Path) -> None:
    rows = [["令和4年7月5日", "1", "架空", "FICTION", f'="{trx("formula")}"', "", trx("plain")]]
    parsed = read_list(workbook(tmp_path / "mof.xlsx", {"架空": rows})).parsed
    assert [tag.subject for tag in parsed.tags] == [trx("plain")]
    assert ["formula" in problem.reason and problem.dropped for problem in parsed.problems] == [True]


def test_a_party_that_speaks_of_a_wallet_without_an_address_is_reported(tmp_path: Path) -> None:
    text = uk_xml([Named("FIC9", "SILENT EXCHANGE", "Operates a cryptocurrency exchange and several wallets.")])
    assert [problem.reason for problem in read_list(write(tmp_path, "uk.xml", text)).parsed.problems] == [NO_ADDRESS]


def test_a_list_without_any_address_is_an_edition_all_the_same(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        (kept,) = import_lists(store, [write(tmp_path, "un.xml", un_xml(NOTATIONS[4:]))], now=NOW)
        assert (kept.edition.rows, kept.edition.subjects) == (1, 0)
        assert not any("no official" in warning for warning in snapshot(store, as_of=NOW).warnings)


def test_half_a_list_is_held_even_if_it_has_all_the_addresses(tmp_path: Path) -> None:
    silent = tuple(Named(f"S{n}", f"SILENT {n}", "nothing") for n in range(50))
    whole = write(tmp_path, "a.xml", uk_xml((*NOTATIONS, *silent)))
    half = write(tmp_path, "b.xml", uk_xml(NOTATIONS, generated="2026-02-08"))
    with Store.create(tmp_path / "store") as store:
        import_lists(store, [whole], now=NOW)
        (held,) = import_lists(store, [half], now=NOW)
    assert held.waits and "5 entries where" in held.edition.reason


# -- hostile and broken files

BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
XML = {"uk": uk_xml(), "eu": eu_xml(), "un": un_xml(), "ofac-simple": sdn_xml([("XBT", btc("a"))])}
RECORD = {"uk": "<Designation>", "eu": "<sanctionEntity", "un": "<INDIVIDUAL>", "ofac-simple": "<sdnEntry>"}


def spoilt(form: str) -> dict[str, tuple[bytes, str]]:
    whole = XML[form]
    head, rest = whole.split("?>", 1)
    inside = whole.index(RECORD[form])
    return {
        "cut off": (whole[: len(whole) // 2].encode(), "cut off"),
        "bomb": (f"{head}?>{BOMB}{rest}".encode(), "document type"),
        "external entity": (f"{head}?>{OUTSIDE}{rest}".encode(), "document type"),
        "unknown entity": (whole.replace("</", "&nbsp;</", 1).encode(), "not well-formed"),
        "too deep": ((whole[:inside] + "<a>" * 100 + "</a>" * 100 + whole[inside:]).encode(), "nested deeper"),
        "no records": (
            whole.replace(RECORD[form], "<Other>")
            .replace(RECORD[form].replace("<", "</").rstrip(">") + ">", "</Other>")
            .encode(),
            "holds no",
        ),
        "unknown encoding": (
            whole.replace("?>", ' encoding="no-such"?>', 1).encode()
            if 'encoding="' not in head
            else whole.replace("utf-8", "no-such", 1).replace("UTF-8", "no-such", 1).encode(),
            "encoding|well-formed",
        ),
        "cp932 that says UTF-8": (whole.replace("</", "暗号資産</", 1).encode("cp932"), "not well-formed"),
        "another list": (b'<?xml version="1.0"?><Sanctions><a/></Sanctions>', "root element is Sanctions"),
    }


@pytest.mark.parametrize("form", XML)
def test_a_hostile_or_broken_xml_list_is_refused_with_a_sentence_and_the_last_edition_stays(tmp_path: Path, form: str) -> None:
    with Store.create(tmp_path / "store") as store:
        import_lists(store, [write(tmp_path, "good.xml", XML[form])], now=NOW)
        before = (list_editions(store), snapshot(store, as_of=NOW).labels.digest)
        for case, (content, reason) in spoilt(form).items():
            bad = tmp_path / "bad.xml"
            bad.write_bytes(content)
            with pytest.raises(AttributionError, match=reason):
                read_list(bad, form=form)
            with pytest.raises(AttributionError):
                import_lists(store, [bad], ImportOptions(form=form), now=NOW)
            assert (list_editions(store), snapshot(store, as_of=NOW).labels.digest) == before, case


@pytest.mark.parametrize("form", XML)
def test_utf_16_and_a_byte_order_mark_are_no_fault(tmp_path: Path, form: str) -> None:
    want = read_list(write(tmp_path, "a.xml", XML[form])).parsed
    (tmp_path / "b.xml").write_bytes(b"\xef\xbb\xbf" + XML[form].encode())
    body = XML[form].split("?>", 1)[1]
    (tmp_path / "c.xml").write_bytes(f'<?xml version="1.0" encoding="utf-16"?>{body}'.encode("utf-16"))
    for name in ("b.xml", "c.xml"):
        assert read_list(tmp_path / name).parsed.tags == want.tags


MEGABYTES = 200 if os.environ.get("HYPOTHESIS_PROFILE") != "ci" else 1024


@pytest.mark.parametrize("form", XML)
def test_a_flood_of_whitespace_is_refused_in_little_memory(tmp_path: Path, form: str) -> None:
    whole, place = XML[form].encode(), XML[form].index(RECORD[form])
    packed = gzip.compress(b" " * (1 << 20))
    flood = tmp_path / "flood.gz"
    with flood.open("wb") as file:  # members of one gzip file, one after another
        file.write(gzip.compress(whole[:place]))
        for _ in range(MEGABYTES):
            file.write(packed)
        file.write(gzip.compress(whole[place:]))
    with pytest.raises(AttributionError, match="without an element"):
        read_list(flood)


@pytest.mark.parametrize("form", ["uk-csv", "israel", "opensanctions", "csv"])
@pytest.mark.parametrize("nothing", [b" ", b"\n", b" \r\n"])
def test_a_flood_of_nothing_in_a_text_is_refused(tmp_path: Path, form: str, nothing: bytes) -> None:
    whole = (TEXTS | {"csv": f"address,category\n{btc('a')},scam\n"})[form].encode()
    packed = gzip.compress(nothing * ((1 << 20) // len(nothing) * 4))
    flood = tmp_path / "flood.gz"
    with flood.open("wb") as file:
        file.write(gzip.compress(whole))
        for _ in range(MEGABYTES // 4):
            file.write(packed)
    with pytest.raises(AttributionError, match="longer than|of empty lines|nothing but empty lines"):
        read_list(flood, form=form)


def test_a_flood_inside_a_record_is_refused(tmp_path: Path) -> None:
    for text in ("x" * (5 << 20), "\u3000x" * (3 << 20)):
        with pytest.raises(AttributionError, match="one entry holds more than"):
            read_list(write(tmp_path, "uk.xml", uk_xml([Named("F", "F", text)])))


def broken_workbooks(folder: Path) -> dict[str, tuple[bytes, str]]:
    good = japan(folder).read_bytes()
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def packed(**changed: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in (parts | {key.replace("__", "/"): value for key, value in changed.items()}).items():
                archive.writestr(name, content)
        return out.getvalue()

    bomb = BOMB.encode() + b"<worksheet>&c;</worksheet>"
    return {
        "cut off": (good[: len(good) // 2], "cannot be read|workbook"),
        "bomb": (packed(**{"xl__worksheets__sheet1.xml": bomb}), "not readable as a workbook"),
        "no sheets": (packed(**{"xl__workbook.xml": b"<workbook/>"}), "workbook|no sheet"),
        "too large": (packed(**{"xl__big.bin": b"\0" * (65 << 20)}), "unpacks to"),
        "not a workbook": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "before 2007"),
    }


def test_a_broken_or_hostile_workbook_is_refused_with_a_sentence(tmp_path: Path) -> None:
    for content, reason in broken_workbooks(tmp_path).values():
        bad = tmp_path / "bad.xlsx"
        bad.write_bytes(content)
        with pytest.raises(AttributionError, match=reason):
            read_list(bad)
    with pytest.raises(AttributionError, match="no sheet has a header"):
        read_list(workbook(tmp_path / "x.xlsx", {"架空": []}, header=DATE_ONLY))
    assert HEADER[0] == "告示日付"


TEXTS = {"uk-csv": uk_csv(), "israel": israel_csv([trx("a")]), "opensanctions": ftm_lines(trx("a"))}


@pytest.mark.parametrize("form", TEXTS)
def test_texts_of_other_encodings_are_refused_and_a_byte_order_mark_is_not(tmp_path: Path, form: str) -> None:
    want = read_list(write(tmp_path, "a", TEXTS[form])).parsed
    path = tmp_path / "b"
    path.write_bytes(TEXTS[form].encode() + '{"暗号資産'.encode("cp932") + b",,\n")
    with pytest.raises(AttributionError, match="not UTF-8|not readable as JSON"):
        read_list(path, form=form)
    path.write_bytes(b"\xef\xbb\xbf" + TEXTS[form].encode())
    assert read_list(path).parsed.tags == want.tags
    path.write_bytes(b"x" * (20 << 20))
    with pytest.raises(AttributionError, match="longer than"):
        read_list(path, form=form)


def test_each_form_is_recognised_by_its_content(tmp_path: Path) -> None:
    for form, make in MADE.items():
        path = make(tmp_path)
        assert recognise(path.read_bytes()[:4096], path.name) == form
    for form, text in (TEXTS | XML).items():
        assert recognise(text.encode()[:4096], "x") == form
    with pytest.raises(AttributionError, match="not recognised"):
        recognise(b"<!-- " + b"x" * 5000, "x")


def subjects(parsed: ParsedList) -> set[str]:
    return {tag.subject for tag in parsed.tags}


@pytest.mark.data
def test_the_real_addresses_are_found_in_texts_of_each_notation(check_data: Path, tmp_path: Path) -> None:
    import csv

    with (check_data / "data/lists_eu_uk/eu_uk_crypto_addresses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 23

    def half(text: str) -> str:
        return f"{text[:24]}\n{text[24:]}"

    notations: tuple[Callable[[str, str], str], ...] = (
        lambda ticker, address: f"Digital Currency Address - {ticker or 'XBT'} {address};",
        lambda ticker, address: f"{ticker}: {address}\n",
        lambda _, address: f"{address}\n",
        lambda _, address: f"Wallet: {half(address)}. ",
        lambda ticker, address: f"({address}) ({ticker}) ",
    )
    for write_as in notations:
        for regime, maker in (("UK", uk_xml), ("UK", uk_csv), ("EU", eu_xml), ("UN", un_xml)):
            parties: dict[str, list[str]] = {}
            for row in rows:
                parties.setdefault(row["entity"], []).append(write_as(row["asset_as_stated"], row["address"]))
            named = [
                Named(f"R{n}", name, "Website: example.org. " + "".join(texts))
                for n, (name, texts) in enumerate(parties.items())
            ]
            parsed = read_list(write(tmp_path, "list", maker(named))).parsed
            want = {row["address"] if not row["address"].startswith("0x") else row["address"].lower() for row in rows}
            assert subjects(parsed) == want, regime


def test_a_holder_is_found_however_its_line_begins_and_a_file_without_wallets_is_refused(tmp_path: Path) -> None:
    odd = ftm_lines(trx("ftm")).replace('{"id": "o1", "schema": "Company"', '{"schema": "Company", "id": "o1"')
    assert read_list(write(tmp_path, "e.json", odd)).parsed.tags[0].entity == "FICTION OU"
    with pytest.raises(AttributionError, match="holds no CryptoWallet"):
        read_list(write(tmp_path, "n.json", '{"id": "p", "schema": "Person", "properties": {}}\n'))


def test_a_notification_that_is_merged_over_several_rows_holds_for_each(tmp_path: Path) -> None:
    rows = [
        ["令和4年7月5日", "第1号", "架空", "FICTION 1", "", "", trx("1")],
        [None, None, "架空", "FICTION 2", "", "", trx("2")],
        ["令和5年1月1日", None, "架空", "FICTION 3", "", "", trx("3")],
    ]
    tags = read_list(workbook(tmp_path / "mof.xlsx", {"架空": rows})).parsed.tags
    assert [tag.listed_on for tag in tags] == [at("2022-07-05"), at("2022-07-05"), at("2023-01-01")]
    assert [tag.reference for tag in tags] == ["第1号 FICTION 1", "第1号 FICTION 2", ""]


def test_half_a_character_in_json_is_read_as_a_question_mark(tmp_path: Path) -> None:
    text = ftm_lines(trx("ftm")).replace("FICTION OU", "FICTION \\ud83d OU")
    parsed = read_list(write(tmp_path, "entities.ftm.json", text)).parsed
    assert [tag.entity for tag in parsed.tags] == ["FICTION ? OU"]
    odd = ftm_lines(trx("ftm")).replace("o1", "\\ud800o1").replace("FICTION", "\\ud83d\\ude00")
    assert [tag.entity for tag in read_list(write(tmp_path, "entities.ftm.json", odd)).parsed.tags] == ["😀 OU"]
    raw = ftm_lines(trx("ftm")).encode().replace(b"FICTION", b"\xed\xa0\x80")
    (tmp_path / "raw.json").write_bytes(raw)
    with pytest.raises(AttributionError, match="not readable as JSON"):
        read_list(tmp_path / "raw.json", form="opensanctions")
