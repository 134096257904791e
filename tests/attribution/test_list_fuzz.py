"""Whatever bytes a list has: it is read, or refused with a sentence; `fuzz_lists` goes on for longer."""

from pathlib import Path

import pytest
from fuzz_lists import WHOLE, files_of, is_read_or_refused
from hypothesis import given
from hypothesis import strategies as st

from exposure.attribution.lists import FORMS


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "list"


@pytest.mark.parametrize("form", FORMS)
@given(content=st.binary(max_size=300))
def test_any_bytes_at_all(file: Path, form: str, content: bytes) -> None:
    is_read_or_refused(file, content, form)


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_a_list_with_stretches_of_it_changed(file: Path, form: str, data: st.DataObject) -> None:
    is_read_or_refused(file, data.draw(files_of(form)), form)


def test_every_form_has_a_whole_file_to_change(file: Path) -> None:
    assert set(WHOLE) == set(FORMS)
    assert all(is_read_or_refused(file, content, form) for form, content in WHOLE.items())


@pytest.mark.parametrize("head", [b"\x1f\x8b", b"BZh9", b"PK\x03\x04"])
@given(rest=st.binary(max_size=200))
def test_any_bytes_behind_the_mark_of_a_packing(file: Path, head: bytes, rest: bytes) -> None:
    is_read_or_refused(file, head + rest, "csv")
