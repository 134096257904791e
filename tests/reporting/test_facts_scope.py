"""The facts page says how far was looked, and puts yen beside what is not known."""

from __future__ import annotations

import re
from dataclasses import replace

from exposure.model.results import Own, Report
from exposure.reporting.page.facts import facts_page


def _cells(html: str, title: str) -> list[list[str]]:
    """Rows of a table of the page as texts."""
    section = html.split(f"<h3>{title}</h3>", 1)[1].split("</table>", 1)[0]
    return [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in section.split("<tr>")[2:]]


def test_the_page_says_how_far_was_looked_in_both_languages(report: Report) -> None:
    html = facts_page(report)
    for title in ("調査の範囲", "How far was looked"):
        rows = dict(_cells(html, title))
        assert str(report.question.max_hops) in rows.values()
        assert any("JST" in value and f"{report.as_of[0].block:,}" in value for value in rows.values())
    unlimited = facts_page(replace(report, question=replace(report.question, max_hops=None)))
    assert "5" not in dict(_cells(unlimited, "How far was looked")).values()


def test_what_is_not_known_of_a_deposit_has_its_worth_in_yen(report: Report) -> None:
    section = report.sections[0]
    assert section.subject.jpy is not None
    rows = _cells(facts_page(report), "Unresolved")
    worths = [int(row[3].removeprefix("JPY ").replace(",", "")) for row in rows]
    lost = [part.share * section.subject.jpy for part in section.unresolved]
    assert len(worths) == len(lost)
    assert all(abs(one - other) <= 1 for one, other in zip(worths, lost, strict=True))


def test_a_ledger_without_block_numbers_ends_at_a_time_and_not_at_a_block(report: Report) -> None:
    (end,) = report.as_of
    html = facts_page(replace(report, as_of=(replace(end, block=end.time),)))
    assert f"{end.time:,}" not in html
    (said,) = (value for name, value in _cells(html, "How far was looked") if "ledger" in name)
    assert "JST" in said


def test_the_subjects_own_tag_stands_there_once_however_many_accounts(report: Report) -> None:
    own = (Own("sanctioned", "Foe Ltd", "bc1qfoe", sources=("OFAC",)),)
    (section,) = report.sections
    both = (replace(section, own=own), replace(section, own=own, direction="destination"))
    rows = _cells(facts_page(replace(report, sections=both)), "Parties it leads to")
    assert sum("Foe Ltd" in row for row in rows) == 1
