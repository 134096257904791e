"""Laws of pictures: they draw the flow, they escape names, and without plotly one sentence says what to do."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from exposure.errors import InputError
from exposure.model.results import Section
from exposure.reporting.figures import MAX_LINKS, sankey


def test_each_pair_of_addresses_is_one_link_and_tainted_ones_are_red(section: Section) -> None:
    pytest.importorskip("plotly")
    figure = sankey(replace(section, flow=section.flow * 2)).to_dict()
    link = figure["data"][0]["link"]
    assert len(link["value"]) == len(section.flow)
    assert sum(link["value"]) == pytest.approx(2 * sum(flow.amount for flow in section.flow) / 1e8)
    assert all("192,39,45" in colour for colour in link["color"])
    assert any("EXAMPLE TRADING OU" in label for label in figure["data"][0]["node"]["label"])


def test_names_cannot_bring_markup_into_a_picture(section: Section) -> None:
    pytest.importorskip("plotly")
    bad = replace(section, parties=tuple(replace(party, entity="<b onclick=x>") for party in section.parties))
    assert not any("<" in label for label in sankey(bad).to_dict()["data"][0]["node"]["label"])


def test_a_large_flow_is_drawn_by_its_largest_links(section: Section) -> None:
    pytest.importorskip("plotly")
    many = tuple(replace(section.flow[0], ref=str(n), sender=f"a{n}", amount=n + 1, carried={}) for n in range(500))
    values = sankey(replace(section, flow=many)).to_dict()["data"][0]["link"]["value"]
    assert len(values) == MAX_LINKS
    assert min(values) * 1e8 == pytest.approx(500 - MAX_LINKS + 1)


def test_without_plotly_the_command_to_get_it_is_said(section: Section, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(InputError, match=r"pip install 'chain-exposure\[report\]'"):
        sankey(section)


def test_nothing_to_draw_is_said(section: Section) -> None:
    pytest.importorskip("plotly")
    with pytest.raises(InputError, match="no traced flow"):
        sankey(replace(section, flow=()))
