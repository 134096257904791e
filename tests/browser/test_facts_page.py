"""Laws of the facts page: both languages say the same figures as the report, nothing runs, and the blanks stay blank."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Page, chromium
from hand_made import TX, hostile, large

from exposure.reporting.page.facts import facts_page


def _plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", page))


def _halves(page: str) -> list[str]:
    return [_plain(half) for half in page.split('<article lang="')[1:]]


def test_both_languages_carry_who_what_when_how_much_and_by_which_transfers() -> None:
    report = large(10)
    halves = _halves(facts_page(report, case_id="c" * 64))
    assert len(halves) == 2
    section = report.sections[0]
    for half in halves:
        for said in (
            TX,
            section.subject.address or "",
            "21,400,000",
            "2,650,000",
            "EXAMPLE TRADING OU",
            "OFAC SDN",
            "JP",
            "12.4 %",
        ):
            assert said in half, said
        assert "2024-02-01 09:00 JST" in half
        assert "2.50000000 BTC" in half
        assert "c" * 64 in half
        for path in section.paths:
            assert all(step.tx in half for step in path.steps)
    assert "疑わしい取引" in halves[0]
    assert "HOLD" in halves[1]


def test_what_the_data_do_not_carry_is_left_blank_or_said_to_be_missing() -> None:
    report = large(10)
    page = facts_page(report)
    assert page.count('<dd class="blank"></dd>') == 8
    bare = replace(report.sections[0], subject=replace(report.sections[0].subject, jpy=None, usd=None))
    assert "価格データなし" in facts_page(replace(report, sections=(bare,)))
    assert "No policy was given" in facts_page(replace(report, verdicts=()))


@pytest.mark.parametrize("width", [1180, 695])
def test_it_shows_hostile_names_as_text_asks_for_nothing_and_fits(tmp_path: Path, width: int) -> None:
    file = tmp_path / "facts.html"
    file.write_text(facts_page(hostile()), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        assert isinstance(browser, Page)
        browser.width(width, media="print" if width < 700 else "")
        browser.open(file, ready="document.readyState === 'complete' && !!document.querySelector('article')")
        assert browser.evaluate("window.hacked === undefined")
        assert browser.evaluate("document.scripts.length + document.links.length + document.images.length") == 0
        assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert browser.requests == [file.as_uri()]
        assert browser.complaints == []
