"""OFAC's advanced XML: what a feature row becomes, and everything that must be refused."""

import bz2
import gzip
import zipfile
from pathlib import Path

import pytest
from fictional_lists import FICTION, PRETEND, Party, at, btc, edition, eth, ofac_xml, trx, write

from exposure.attribution import opening
from exposure.attribution.lists import read_list
from exposure.errors import AttributionError, InputError
from exposure.model.labels import Category
from exposure.model.tags import ListKind, SubjectKind


def test_each_feature_row_is_a_tag_with_its_partys_name_dates_and_programmes(tmp_path: Path) -> None:
    parsed = read_list(edition(tmp_path, "2022-06-01", [FICTION, PRETEND])).parsed
    assert (parsed.name, parsed.kind, parsed.form, parsed.regime) == ("OFAC SDN", ListKind.OFFICIAL, "ofac", "US")
    assert parsed.published == at("2022-06-01")
    assert parsed.rows == 6 and parsed.subjects == 6
    first = parsed.tags[0]
    assert (first.entity, first.category, first.reference) == ("FICTION TRADING OU", Category.SANCTIONED, "101")
    assert first.programmes == ("CYBER2", "RUSSIA-EO14024")
    assert first.listed_on == at("2022-04-05") and first.address_listed_on is None
    assert (first.original, first.ticker, first.confidence) == (btc("fiction 1"), "XBT", 100)
    assert parsed.tags[-1].entity == "PRETEND Ivan Ivanovich"


def test_the_form_of_an_address_decides_its_chain_never_the_ticker(tmp_path: Path) -> None:
    tags = {tag.subject: tag for tag in read_list(edition(tmp_path, "2022-06-01", [FICTION])).parsed.tags}
    assert (tags[btc("fiction omni")].family, tags[btc("fiction omni")].ticker) == ("bitcoin", "USDT")
    assert (tags[trx("fiction tron")].family, tags[trx("fiction tron")].ticker) == ("tron", "XBT")
    assert tags[eth("fiction")].family == "evm", "an EVM address in capitals is the same address"


def test_what_is_no_address_is_kept_unchecked_and_reported(tmp_path: Path) -> None:
    parsed = read_list(edition(tmp_path, "2022-06-01", [PRETEND])).parsed
    unchecked = [tag for tag in parsed.tags if tag.kind is SubjectKind.UNCHECKED]
    assert [tag.subject for tag in unchecked] == ["not a monero address at all"]
    (problem,) = parsed.problems
    assert problem.text == "not a monero address at all" and not problem.dropped


def test_an_empty_address_is_no_subject_and_reported(tmp_path: Path) -> None:
    text = ofac_xml("2022-06-01", [FICTION]).replace(btc("fiction 1"), " ")
    parsed = read_list(write(tmp_path, "sdn_advanced.xml", text)).parsed
    assert len(parsed.tags) == len(FICTION.addresses) - 1
    assert [(p.text, p.reason, p.dropped) for p in parsed.problems] == [
        ("FICTION TRADING OU (XBT)", "the address is empty", True)
    ]


def test_a_wrong_checksum_in_a_list_is_kept_unchecked_and_reported(tmp_path: Path) -> None:
    wrong = btc("fiction 1")[:-1] + ("x" if btc("fiction 1")[-1] != "x" else "y")
    parsed = read_list(edition(tmp_path, "2022-06-01", [Party(1, "X", (("XBT", wrong),))])).parsed
    assert parsed.tags[0].kind is SubjectKind.UNCHECKED and parsed.tags[0].subject == wrong
    assert "checksum" in parsed.problems[0].reason


@pytest.mark.parametrize("namespace", ["http://www.un.org/sanctions/1.0", "urn:something:new"])
def test_the_namespace_means_nothing(tmp_path: Path, namespace: str) -> None:
    path = write(tmp_path, "sdn.xml", ofac_xml("2022-06-01", [FICTION], namespace=namespace))
    assert read_list(path).parsed.rows == 4


def test_a_list_says_the_same_in_every_packing(tmp_path: Path) -> None:
    plain = edition(tmp_path, "2022-06-01", [FICTION, PRETEND])
    raw = plain.read_bytes()
    (tmp_path / "a.bz2").write_bytes(bz2.compress(raw))
    (tmp_path / "a.gz").write_bytes(gzip.compress(raw))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("SDN_ADVANCED.XML", raw)
    assert len({read_list(tmp_path / name) for name in ("a.bz2", "a.gz", "a.zip", plain.name)}) == 1


def test_a_party_whose_entry_is_missing_has_no_date_and_is_reported(tmp_path: Path) -> None:
    text = ofac_xml("2022-06-01", [FICTION]).replace('ProfileID="101"', 'ProfileID="999"')
    parsed = read_list(write(tmp_path, "sdn.xml", text)).parsed
    assert parsed.tags[0].listed_on is None
    assert "designation date is not known" in parsed.problems[0].reason


WHOLE = ofac_xml("2022-06-01", [FICTION, PRETEND])
BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
REFUSED = {
    "cut off": (WHOLE[: len(WHOLE) // 2], "cut off"),
    "cut off behind the parties": (WHOLE[: WHOLE.index("<SanctionsEntries>")], "cut off"),
    "closed too early": (WHOLE[: WHOLE.index("<SanctionsEntries>")] + "</Sanctions>", "SanctionsEntries are missing"),
    "bomb": (ofac_xml("2022-06-01", [FICTION], prolog=BOMB), "document type"),
    "external entity": (ofac_xml("2022-06-01", [FICTION], prolog=OUTSIDE), "document type"),
    "wrong root": ('<?xml version="1.0"?><html><body/></html>', "root element is html"),
    "unknown entity": (WHOLE.replace("SWIFT/BIC", "&nbsp;"), "not well-formed"),
    "no date of issue": (WHOLE.replace("<Year>2022</Year><Month>6</Month>", "", 1), "not a year, month and day"),
    "absurd date": (WHOLE.replace("<Year>2022</Year>", "<Year>" + "9" * 30 + "</Year>", 1), "not a year, month and day"),
    "too deep": (WHOLE.replace("<Locations />", "<Locations>" + "<a>" * 100 + "</a>" * 100 + "</Locations>"), "nested deeper"),
    "a giant address": (WHOLE.replace(btc("fiction 1"), "1" * 2000), "an address of 2,000 characters"),
    "no such features": (WHOLE.replace("Digital Currency Address", "Crypto"), "form of the list has changed"),
    "unknown encoding": (WHOLE.replace('encoding="utf-8"', 'encoding="no-such"'), "encoding"),
    "empty": ("", "is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_or_broken_list_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(AttributionError, match=reason):
        read_list(write(tmp_path, "sdn.xml", text))


def test_a_packing_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    for name, packed in (("a.bz2", bz2.compress(WHOLE.encode())), ("a.gz", gzip.compress(WHOLE.encode()))):
        (tmp_path / name).write_bytes(packed[: len(packed) // 2])
        with pytest.raises(AttributionError, match="cut off or damaged"):
            read_list(tmp_path / name, form="ofac")


def test_a_stretch_without_elements_is_refused_long_before_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "blank.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(WHOLE[: WHOLE.index("<Locations")].encode())
        for _ in range(24):
            file.write(b" " * (1 << 20))
    with pytest.raises(AttributionError, match="without an element"):
        read_list(path)


def test_what_unpacks_to_more_than_any_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"x" * 100_000))
    with opening.open_list(path, limit=50_000) as stream, pytest.raises(AttributionError, match="more than 50,000 bytes"):
        while stream.read(4096):
            pass


def test_an_archive_with_several_files_or_a_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.xml", WHOLE)
        archive.writestr("b.xml", WHOLE)
    with pytest.raises(AttributionError, match="holds 2 files"):
        read_list(tmp_path / "two.zip")
    with pytest.raises(InputError, match="cannot be opened"):
        read_list(tmp_path / "absent.xml")
    with pytest.raises(InputError, match="cannot be opened"):
        read_list(tmp_path)
