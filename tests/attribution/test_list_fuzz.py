"""Whatever bytes a list has: it is read, or refused with a sentence; never another exception."""

from pathlib import Path

import pytest
from fictional_forms import eu_xml, ftm_lines, israel_csv, japan_rows, sdn_xml, uk_csv, uk_xml, un_xml, workbook_bytes
from fictional_lists import FICTION, PRETEND, btc, eth, ofac_xml, trx
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.lists import FORMS, read_list
from exposure.errors import AttributionError

HEAD = "title: x\ncreator: y\nlastmod: 2022-01-01\ncategory: exchange\n"
PACK = f"{HEAD}tags:\n- address: {btc('a')}\n  label: A\n- address: {eth('b')}\n"
OWN = (
    f"address,entity,category,confidence,regime,listed_on\n{btc('a')},A,sanctioned,90,US,2022-01-01\n{eth('b')},B,exchange,,,\n"
)
WHOLE = {
    "ofac": ofac_xml("2022-06-01", [FICTION, PRETEND]).encode(),
    "ofac-simple": sdn_xml([("XBT", btc("a"))]).encode(),
    "uk": uk_xml().encode(),
    "uk-csv": uk_csv().encode(),
    "eu": eu_xml().encode(),
    "un": un_xml().encode(),
    "japan": workbook_bytes({"架空": japan_rows()}),
    "israel": israel_csv([trx("a")]).encode(),
    "opensanctions": ftm_lines(trx("a")).encode(),
    "tagpack": PACK.encode(),
    "csv": OWN.encode(),
}
"""A whole file of each form."""


def is_read_or_refused(path: Path, content: bytes, form: str) -> None:
    path.write_bytes(content)
    for asked in (form, "auto"):
        try:
            parsed = read_list(path, form=asked).parsed
        except AttributionError as error:
            assert str(error).startswith(path.name)
        else:
            assert all(tag.subject for tag in parsed.tags)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "list"


@pytest.mark.parametrize("form", FORMS)
@given(content=st.binary(max_size=300))
def test_any_bytes_at_all(file: Path, form: str, content: bytes) -> None:
    is_read_or_refused(file, content, form)


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_a_list_with_a_stretch_of_it_changed(file: Path, form: str, data: st.DataObject) -> None:
    whole = WHOLE[form]
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 60))
    put = data.draw(
        st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode), st.just(whole[start : start + 200] * 3))
    )
    is_read_or_refused(file, whole[:start] + put + whole[start + length :], form)


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"BZh9", b"PK\x03\x04"])
@given(rest=st.binary(max_size=200))
def test_any_bytes_behind_the_mark_of_a_packing(file: Path, head: bytes, rest: bytes) -> None:
    is_read_or_refused(file, head + rest, "csv")
