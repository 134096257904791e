"""Own CSV: columns by name, rows that cannot be used are rejected with their line, nothing is guessed."""

from pathlib import Path

import pytest
from fictional_lists import at, btc, eth, write

from exposure.attribution.lists import read_list
from exposure.errors import AttributionError
from exposure.model.labels import Category
from exposure.model.tags import ListKind, ParsedList, SubjectKind


def own(folder: Path, text: str) -> ParsedList:
    return read_list(write(folder, "our list.csv", text)).parsed


def test_a_row_is_a_tag_with_all_its_columns(tmp_path: Path) -> None:
    parsed = own(
        tmp_path,
        "# a comment\naddress,entity,category,confidence,regime,programme,listed_on,delisted_on,address_listed_on,valid_from,"
        f"valid_to,source,note,country,unvetted\n{eth('a')},Fiction,Sanction-linked,80,jp,A; B,2022-07-05,"
        "2023-01-01,2022-08-01,"
        '2021-01-01,2024-01-01,"https://x.example","said, by ""them""",RU,no\n',
    )
    (tag,) = parsed.tags
    assert (parsed.name, parsed.kind, parsed.published) == ("CSV our list", ListKind.CSV, None)
    assert (tag.subject, tag.entity, tag.category, tag.confidence) == (eth("a"), "Fiction", Category.SANCTION_LINKED, 80)
    assert (tag.regime, tag.programmes) == ("JP", ("A", "B"))
    assert (tag.listed_on, tag.delisted_on, tag.address_listed_on) == (at("2022-07-05"), at("2023-01-01"), at("2022-08-01"))
    assert (tag.valid_from, tag.valid_to, tag.country, tag.unvetted) == (at("2021-01-01"), at("2024-01-01"), "RU", False)
    assert tag.note == 'said, by "them"'


def test_the_form_of_the_subject_decides_what_it_is(tmp_path: Path) -> None:
    tx = "ab" * 32
    token = f"ethereum/{eth('token')}"
    parsed = own(
        tmp_path, f"subject,category\n{tx},stolen_funds\n{tx}:3,stolen_funds\n0x{tx},stolen_funds\n{token},sanctioned\n"
    )
    assert [(tag.kind, tag.subject) for tag in parsed.tags] == [
        (SubjectKind.TX, tx),
        (SubjectKind.COIN, f"{tx}:3"),
        (SubjectKind.TX, f"0x{tx}"),
        (SubjectKind.ASSET, token),
    ]


def test_columns_may_stand_in_any_order_and_confidence_may_be_missing(tmp_path: Path) -> None:
    parsed = own(tmp_path, f"category,Address\nexchange,{btc('a')}\n\n")
    assert (parsed.tags[0].confidence, parsed.rows) == (50, 1)


ROWS = {
    "category": (f"{btc('a')},exchagne,50,,,", "did you mean exchange"),
    "confidence": (f"{btc('a')},exchange,101,,,", "0 to 100"),
    "negative": (f"{btc('a')},exchange,-1,,,", "0 to 100"),
    "date": (f"{btc('a')},sanctioned,50,US,yesterday,", "not a time"),
    "order": (f"{btc('a')},sanctioned,50,US,2024-01-02,2024-01-01", "delisted_on lies before listed_on"),
    "regime": (f"{btc('a')},sanctioned,50,,2024-01-02,", "needs its regime"),
    "empty": (",exchange,50,,,", "subject is empty"),
    "too many": (f"{btc('a')},exchange,50,,,,,", "8 fields"),
    "too few": (f"{btc('a')},exchange", "2 fields"),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_that_cannot_be_used_is_rejected_with_its_line(tmp_path: Path, case: str) -> None:
    row, reason = ROWS[case]
    parsed = own(tmp_path, f"address,category,confidence,regime,listed_on,delisted_on\n{btc('good')},exchange,50,,,\n{row}\n")
    assert [tag.subject for tag in parsed.tags] == [btc("good")]
    (problem,) = parsed.problems
    assert problem.dropped and problem.where.endswith("line 3") and reason in problem.reason


def test_a_wrong_checksum_is_kept_unchecked_and_reported(tmp_path: Path) -> None:
    mixed = "0x" + eth("a")[2:].replace("a", "A")
    parsed = own(tmp_path, f"address,category\n{btc('a')[:-1]},scam\n{mixed},scam\n")
    assert [tag.kind for tag in parsed.tags] == [SubjectKind.UNCHECKED, SubjectKind.ADDRESS]
    assert parsed.tags[1].subject == eth("a"), "the digits of an EVM address are whole whatever happened to their case"
    assert len(parsed.problems) == 2 and not any(problem.dropped for problem in parsed.problems)


HEADERS = {
    "unknown column": ("address,categry\n", "did you mean category"),
    "missing column": ("address,entity\n", "'category' is missing"),
    "twice": ("address,subject,category\n", "stands there twice"),
    "open quote": (f'address,category\n{btc("a")},"exchange\n', "not readable as CSV"),
    "one endless line": ("address,category," + "x" * 100_000, "longer than"),
    "a cell without end": ('address,category\n"' + "x\n" * 200_000, "not readable as CSV"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_file_that_is_not_understood_is_refused_whole(tmp_path: Path, case: str) -> None:
    text, reason = HEADERS[case]
    with pytest.raises(AttributionError, match=reason):
        own(tmp_path, text)


def test_text_in_another_encoding_is_refused_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(f"address,entity,category\n{btc('a')},".encode() + "架空商事".encode("cp932") + b",exchange\n")
    with pytest.raises(AttributionError, match="not UTF-8"):
        read_list(path)
    path.write_bytes(b"\xef\xbb\xbf" + f"address,entity,category\n{btc('a')},架空商事,exchange\n".encode())
    assert read_list(path).parsed.tags[0].entity == "架空商事"
    path.write_bytes("address,category\n".encode("utf-16"))
    with pytest.raises(AttributionError):
        read_list(path)


def test_a_formula_in_a_cell_is_text(tmp_path: Path) -> None:
    assert own(tmp_path, f'address,entity,category\n{btc("a")},"=HYPERLINK(""x"")",scam\n').tags[0].entity == '=HYPERLINK("x")'
