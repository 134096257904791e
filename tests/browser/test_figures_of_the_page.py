"""Law of the report page: the figures in its tables are those of the JSON report, and none is missing."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from traced_reports import coin_tx, reports

from exposure.model.results import Report
from exposure.reporting.categories import by_subject
from exposure.reporting.json_report import report_to_json
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.page.pictures import inflow
from exposure.reporting.page.record import judgements
from exposure.reporting.words import coins, percent, percent_range
from exposure.units import iso

REPORTS = dict(reports())


def tables(made: str) -> dict[str, list[list[str]]]:
    """Rows of every table of a page, by title; tables of one title follow each other."""
    found: dict[str, list[list[str]]] = {}
    for title, body in re.findall(r"<section>\s*<h3>(.*?)</h3>.*?<tbody>(.*?)</tbody>", made, re.DOTALL):
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            texts = [html.unescape(re.sub(r"<button.*?</button>|<[^>]+>", "", cell)).strip() for cell in cells]
            found.setdefault(html.unescape(title), []).append(texts)
    return found


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "by hand"])
def test_every_figure_of_the_tables_is_that_of_the_json(name: str) -> None:
    report = REPORTS[name]
    told = json.loads(report_to_json(report))
    say = Phrases("en")
    shown = tables(page(report))
    wanted: dict[str, list[list[str]]] = {}
    for group in by_subject(report.sections):
        sections = [told["sections"][report.sections.index(one)] for one in group]
        first = sections[0]
        subject = first["subject"]

        def size(part: dict[str, Any], subject: dict[str, Any] = subject) -> list[str]:
            amount = coins(int(part["amount"]), int(subject["decimals"]), str(subject["symbol"]))
            worth = say.worth(part["usd"], part["jpy"]) or say("unpriced_worth")
            return [percent(float(part["share"])), amount, worth]

        wanted.setdefault(say("exposures"), []).extend(
            [say.category(row["category"]), say.hops(row["hops"]), *size(row)] for row in first["exposures"]
        )
        title = say("rest" if first["direction"] == "source" else "rest_to")
        wanted.setdefault(title, []).extend([say.hops(part["hops"]), *size(part)] for part in first["attributed"])
        wanted.setdefault(say("unresolved"), []).extend(
            [say.reason(part["reason"]), *size(part)] for part in first["unresolved"]
        )
        places = [
            [(part["reason"], part["name"], part["amount"]) for part in first[key]] for key in ("difference", "unresolved")
        ]
        if places[0] != places[1]:
            wanted.setdefault(say("difference"), []).extend(
                [say.reason(part["reason"]), *size(part)] for part in first["difference"]
            )
        for section in sections:
            wanted.setdefault(say("bars"), []).extend(
                [
                    say.category(bound["category"]),
                    say.rule(section["rule"]),
                    percent_range(bound["lower_share"], bound["upper_share"]),
                    percent_range(bound["bracket_lower_share"], bound["bracket_upper_share"]),
                ]
                for bound in section["bounds"]
            )
    for title, rows in wanted.items():
        there = [set(cells) for cells in shown.get(title, [])]
        assert len(there) == len(rows), title
        for row in rows:
            assert any(set(row) <= cells for cells in there), (title, row)


@pytest.mark.parametrize("name", ["every rule", "destination", "an address both ways"])
def test_every_path_stands_with_whole_hashes_times_and_what_it_carried(name: str) -> None:
    report = REPORTS[name]
    text = html.unescape(re.sub(r"<[^>]+>", " ", page(report)))
    for group in by_subject(report.sections):
        one = group[0].subject
        for path in group[0].paths:
            assert f"{percent(path.share)} ({coins(path.amount, one.decimals, one.symbol)})" in text
            for step in path.steps:
                assert step.tx in text
                assert iso(step.time)[:10] in text
                assert coins(step.carried, one.decimals, one.symbol) in text


def test_sums_by_hop_are_the_subject() -> None:
    report: Report = REPORTS["every rule"]
    rows = tables(page(report))[Phrases("en")("by_hop")]
    assert sum(float(row[2].removesuffix(" %")) for row in rows) == pytest.approx(100, abs=0.3)


def test_no_list_is_said_loudly_and_the_age_of_each_list_stands_beside_the_verdict() -> None:
    assert 'role="alert"' in page(REPORTS["no list"])
    made = page(REPORTS["every rule"])
    assert 'role="alert"' not in made
    verdict = made[made.index('id="verdict"') : made.index('class="account"')]
    assert verdict.count("CSV list of 2024-01-10") == len(REPORTS["every rule"].verdicts)


def test_pictures_of_where_value_went_are_not_called_inflow() -> None:
    report = REPORTS["direct"]
    assert {section.direction for section in REPORTS["an address both ways"].sections} == {"source", "destination"}
    made = page(REPORTS["an address both ways"])
    assert "<h3>Inflow over time</h3>" in made
    assert "<h3>Outflow over time</h3>" in made
    assert "Outflow" not in page(report)


def test_a_day_on_or_before_which_an_address_was_listed_is_not_called_its_last() -> None:
    assert (Phrases("ja")("by", day="2023-01-20"), Phrases("en")("by", day="2023-01-20")) == (
        "2023-01-20 以前",
        "by 2023-01-20",
    )


def test_what_has_no_price_says_so_and_prices_name_their_asset() -> None:
    rows = tables(page(REPORTS["incomplete"]))[Phrases("en")("exposures")]
    assert rows
    assert all("no price" in row for row in rows)
    prices = tables(page(REPORTS["an address both ways"]))[Phrases("en")("prices")]
    assert {row[0] for row in prices} == {"ETH"}


def test_a_change_of_the_verdict_is_in_the_table_of_changes_in_both_languages() -> None:
    assert "jp 1.1: review, then hold" in page(REPORTS["compared"])
    assert "jp 1.1：要確認（REVIEW） → 保留（HOLD）" in page(REPORTS["compared"], lang="ja")


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "by hand"])
def test_what_the_subject_carries_in_the_flow_is_what_the_account_says(name: str) -> None:
    """Also at the hop limit: what the account calls unresolved is no category in the table of transfers."""
    for section in REPORTS[name].sections:
        if section.direction != "source" or section.rule == "poison" or section.subject.ref is None:
            continue
        (row,) = (row for row in section.flow if row.ref == section.subject.ref)
        said: dict[str, int] = {}
        for part in section.exposures:
            said[part.category] = said.get(part.category, 0) + part.amount
        for other in section.attributed:
            said[other.kind] = said.get(other.kind, 0) + other.amount
        if section.totals.unresolved:
            said["unresolved"] = section.totals.unresolved
        slack = 1 + 1e-9 * section.subject.amount  # over an index haircut counts in binary64
        assert {key for key in (*said, *row.carried) if abs(said.get(key, 0) - row.carried.get(key, 0)) > slack} == set()


def test_a_customer_has_a_picture_of_its_inflow_and_moves_among_its_addresses_are_not_in_it() -> None:
    section = next(one for one in REPORTS["a customer"].sections if one.direction == "source" and one.subject.symbol == "ETH")
    figure = inflow(section, Phrases("en"))
    assert figure is not None
    drawn = sum(sum(bar["y"]) for bar in figure["data"])
    assert drawn == pytest.approx(section.subject.amount / 10**section.subject.decimals)


def test_of_several_accounts_each_title_and_each_rule_that_fired_names_its_own() -> None:
    made = page(REPORTS["a customer"])
    titles = re.findall(r"<h2>(Customer.*?)</h2>", made)
    assert len(titles) == len(set(titles)) > 2
    (verdict,) = judgements(REPORTS["a customer"], Phrases("en"))
    said = [verdict.sentence, *(sentence for _, _, sentence in verdict.further)]
    assert len(said) > 2
    assert all(re.match(r"(Source|Destination) of \S+: ", one) for one in said)
    assert "Source of" not in page(REPORTS["clean"])


def test_a_hostile_symbol_is_shown_as_text_everywhere() -> None:
    for made in (page(REPORTS["a hostile asset"], lang="ja"), facts_page(REPORTS["a hostile asset"])):
        assert "<b>$1M" not in made
        assert "\u202e" not in made
        assert "&lt;b&gt;$1" in made


def test_a_coin_of_unknown_payer_is_not_called_newly_minted() -> None:
    (section,) = REPORTS["coins lost"].sections
    assert [row.sender for row in section.flow] == [f"{coin_tx('elsewhere')}:0"]
    assert "newly minted" not in page(REPORTS["coins lost"])
    assert "newly minted" in page(REPORTS["coins"])  # the coinbase
