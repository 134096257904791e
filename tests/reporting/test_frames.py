"""Laws of frames, graphs and the notebook's HTML: exact amounts survive, and names cannot break out."""

from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest

from exposure.model.results import Report
from exposure.reporting.frames import GONE, MINTED, frame, graph
from exposure.reporting.html_table import report_html
from exposure.reporting.rows import COLUMNS


def test_the_frame_holds_exact_integers_and_floats_beside_them(report: Report) -> None:
    made = frame(report)
    assert list(made.columns) == list(COLUMNS)
    assert made["amount"].dtype == object
    assert all(type(amount) is int for amount in made["amount"])
    assert sum(made["amount"]) == report.sections[0].subject.amount
    assert made["coins"].dtype == "float64"
    assert made["coins"].sum() == pytest.approx(2.5)
    assert made.loc[made["part"] == "seed", "first_at"].iloc[0] == pd.Timestamp("2024-02-01", tz="UTC")


def test_an_own_flag_has_no_amount_in_the_frame(hostile_report: Report) -> None:
    own = frame(hostile_report).query("part == 'own'")
    assert own["amount"].iloc[0] is None
    assert own["coins"].isna().all()


def test_a_report_without_parts_still_makes_a_frame(clean_report: Report) -> None:
    from dataclasses import replace

    empty = replace(clean_report, sections=(replace(clean_report.sections[0], attributed=(), unresolved=()),))
    assert list(frame(empty).columns) == list(COLUMNS)
    assert len(frame(empty)) == 0


def test_the_graph_has_a_node_an_address_and_an_edge_a_transfer(report: Report) -> None:
    made = graph(report)
    flow = report.sections[0].flow
    assert made.number_of_edges() == len(flow)
    assert set(made.nodes) == {end for one in flow for end in (one.sender or MINTED, one.receiver or GONE)}
    assert made.nodes[flow[0].sender]["role"] == "seed"
    data = made.get_edge_data(flow[0].sender, flow[0].receiver, key=flow[0].ref)
    assert data["tx"] == flow[0].tx
    assert data["amount"] == flow[0].amount
    assert data["carried"] == {"sanctioned": flow[0].carried["sanctioned"]}


def test_what_is_no_address_has_no_role_of_one(report: Report) -> None:
    from dataclasses import replace

    section = report.sections[0]
    minted = replace(section.flow[0], sender=None, receiver=None)
    made = graph(replace(report, sections=(replace(section, flow=(minted,)),)))
    assert {name: made.nodes[name]["role"] for name in made} == {MINTED: "nowhere", GONE: "nowhere"}


def test_rules_do_not_multiply_edges(report: Report) -> None:
    from dataclasses import replace

    twice = replace(report, sections=(report.sections[0], replace(report.sections[0], rule="fifo")))
    assert graph(twice).number_of_edges() == graph(report).number_of_edges()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        assert {name for name, _ in attrs} <= {"style", "class"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", ["report", "clean_report", "poison_report", "destination_report", "hostile_report"])
def test_the_html_is_well_formed_and_talks_to_nobody(name: str, request: pytest.FixtureRequest) -> None:
    text = report_html(request.getfixturevalue(name))
    parser = _Tags()
    parser.feed(text)
    parser.close()
    assert not parser.open
    assert parser.seen <= {"div", "h4", "p", "table", "tr", "th", "td", "ul", "li"}
    assert "http://" not in text.replace("HYPERLINK(&quot;http://", "")


def test_names_are_escaped_in_html(hostile_report: Report) -> None:
    text = report_html(hostile_report)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_html_says_what_was_not_found(clean_report: Report) -> None:
    assert "no exposure found within 5 hops; 2.7 % unresolved" in report_html(clean_report)
