"""Text from outside never reaches a screen as anything but visible characters on one line."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from exposure.text import markup_free, shown

HOSTILE = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)


@given(HOSTILE, st.integers(4, 200))
def test_what_is_shown_is_visible_bounded_and_on_one_line(text, limit):
    result = shown(text, limit)
    assert len(result) <= limit
    assert all(c == " " or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") for c in result)
    result.encode("utf-8")


@given(HOSTILE, HOSTILE)
def test_different_texts_never_look_the_same(one, two):
    if one != two:
        assert shown(one, 10_000) != shown(two, 10_000)


@given(HOSTILE)
def test_rich_prints_markup_free_text_as_it_is(text):
    out = io.StringIO()
    Console(file=out, width=5000, color_system=None).print(markup_free(text, 2000), highlight=False, emoji=False, end="")
    assert out.getvalue() == shown(text, 2000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("USDT\u202eCDSU", "USDT\\u202eCDSU"),
        ("a\nb\r\x1b[31m", "a\\nb\\r\\x1b[31m"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("日本語 ООО", "日本語 ООО"),
        ("back\\slash", "back\\\\slash"),
        ("no\u00a0break", "no\\xa0break"),
        (123, "123"),
    ],
)
def test_hidden_characters_become_escapes(text, expected):
    assert shown(text) == expected


def test_a_long_text_is_cut_and_says_so():
    assert shown("a" * 1000, 10) == "a" * 7 + "..."
    assert shown("a" * 10, 10) == "a" * 10
    assert shown("abcdefg\n\n", 10) == "abcdefg..."


def test_piles_of_marks_are_escaped():
    assert "\\u0301" in shown("a" + "\u0301" * 40, 500)
    assert shown("e\u0301") == "e\u0301"
