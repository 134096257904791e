"""Law of the Japanese page: nothing that the project itself says is left in English, whatever a report holds."""

from __future__ import annotations

import html
import re
from datetime import UTC

import pytest
from hand_made import hostile
from traced_reports import reports

from exposure.model.results import Report
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page

REPORTS = dict(reports())
_GONE = re.compile(r"<(script|style|head|button)\b.*?</\1>|<(td|dd) class=\"code\">.*?</\2>|<code.*?</code>", re.DOTALL)
_WORDS = re.compile(r"[A-Za-z][a-z']+(?: [A-Za-z][a-z']+)+")
_OUTSIDE = (
    "CSV list", "Foe Ltd", "made up", "EXAMPLE TRADING OU", "OFAC SDN", "Exchange A", "Pool C", "Mixer",
    "eu", "uk", "jp",
)  # fmt: skip
"""Names from outside: of lists, parties, price sources."""


def english(page_: str) -> list[str]:
    """Two English words in a row, or more, that stand in a page's text."""
    text = html.unescape(re.sub(r"<[^>]+>", "\n", _GONE.sub("\n", page_)))
    for name in _OUTSIDE:
        text = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", " ", text)
    text = re.sub(r"`[^`]*`|（(haircut|fifo|lifo|tiho|poison)）|exposure 0\S+", " ", text)
    return _WORDS.findall(text)


@pytest.mark.parametrize("name", list(REPORTS))
def test_no_english_sentence_of_ours_is_left(name: str) -> None:
    made = page(REPORTS[name], lang="ja", zone=UTC)
    assert english(made) == []
    assert 'lang="en"' not in made


@pytest.mark.parametrize("name", list(REPORTS))
def test_the_japanese_half_of_the_facts_is_japanese(name: str) -> None:
    half = facts_page(REPORTS[name]).split('<article lang="')[1]
    assert half.startswith("ja")
    assert english(half) == []


def test_the_test_would_see_english() -> None:
    assert english(page(REPORTS["every rule"], lang="en"))
    report = REPORTS["every rule"]
    assert isinstance(report, Report)


def test_a_sentence_from_elsewhere_says_which_language_it_is_in() -> None:
    assert 'lang="en"' in page(hostile(), lang="ja")
