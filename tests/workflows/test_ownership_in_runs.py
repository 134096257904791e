"""A party that belongs to a listed one is a seed of its own category, with the chain of holdings as its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_clusters_in_runs import coin_address, coins, tx

import exposure as ex
from exposure.attribution.lint import Kind
from exposure.errors import InputError
from exposure.workflows.list_review import review
from exposure.workflows.ownership import owners_of
from exposure.workflows.tags import show

TXS = {"mint": ([], [("S", 90_000)]), "pay": ([("mint", 0)], [("D", 90_000)])}
STAKES = (
    "owner,owned,share,from,to,source,regime,listed_on\n"
    "Listed Parent,Holding Co,50,,,register of companies,US,2022-02-24\n"
    "Holding Co,E S,60,,,register of companies,,\n"
)


@pytest.fixture
def store(tmp_path: Path):
    with coins(TXS, {"S": ("exchange", 90)}) as made:
        yield made


def bring(store, tmp_path, text, day="2024-01-01"):
    file = tmp_path / "stakes.csv"
    file.write_text(text)
    ex.import_lists(store, file, published=day)


def test_the_subsidiary_s_addresses_are_seeds_and_say_why(store, tmp_path):
    assert not ex.trace(store, f"{tx('pay')}:0").exposures
    bring(store, tmp_path, STAKES)
    (row,) = ex.trace(store, f"{tx('pay')}:0").exposures
    assert (row.category, row.entity, row.amount) == ("sanction_linked", "E S", 90_000)
    assert [one.regime for one in row.regimes] == ["US"]
    found = show(store, coin_address("S"))
    assert found.attribution is not None
    said = found.attribution.winner.standing.tag
    assert "Listed Parent holds 50 % of Holding Co; Holding Co holds 60 % of E S" in said.note
    assert (said.source, said.confidence) == ("register of companies", 80)
    assert len(found.attribution.candidates) == 2  # what the tag says by itself stays visible


def test_a_newer_edition_without_the_stake_ends_it(store, tmp_path):
    bring(store, tmp_path, STAKES)
    bring(store, tmp_path, STAKES.replace("E S,60", "E S,40"), day="2024-01-02")
    assert not ex.trace(store, f"{tx('pay')}:0").exposures


def test_a_tag_on_the_owner_lists_it_as_well(store, tmp_path):
    bring(store, tmp_path, "owner,owned,share\nParent,E S,100\n")
    assert not ex.trace(store, f"{tx('pay')}:0").exposures
    tags = tmp_path / "list.csv"
    tags.write_text(f"address,category,entity,regime,listed_on\n{coin_address('else')},sanctioned,PARENT,EU,2022-03-01\n")
    ex.import_lists(store, tags)
    assert [row.category for row in ex.trace(store, f"{tx('pay')}:0").exposures] == ["sanction_linked"]
    assert [hit.category for hit in ex.screen(store, [coin_address("S")]).screening.hits] == ["sanction_linked"]


def test_who_owns_whom_is_shown_and_a_wrong_name_gets_near_ones(store, tmp_path):
    with pytest.raises(InputError, match="no list of holdings"):
        owners_of(store, "E S")
    bring(store, tmp_path, STAKES)
    (found,) = owners_of(store, "holding co")
    assert [one.owner_name for one in found.above] == ["Listed Parent"]
    assert [one.owned_name for one in found.below] == ["E S"]
    assert [one.regime for one in found.linked] == ["US"]
    with pytest.raises(InputError, match="Holding Co"):
        owners_of(store, "Holdings Co")


def test_lint_reports_a_name_that_several_parties_have(store, tmp_path):
    rows = "Parent,E S,60,NK-p,NK-1,US\nParent,E S,60,NK-q,NK-2,\nL,Parent,60,,NK-q,EU\nParent,Other,60,NK-q,NK-3,\n"
    bring(store, tmp_path, f"owner,owned,share,owner_id,owned_id,regime\n{rows}")
    listing = tmp_path / "list.csv"
    listing.write_text(f"address,category,entity,regime\n{coin_address('else')},sanctioned,Parent,JP\n")
    ex.import_lists(store, listing)
    assert show(store, coin_address("S")).attribution.winner.standing.tag.category == "exchange", "nobody is guessed"
    found = {(one.list_name, one.entity) for one in review(store).findings if one.kind is Kind.NAMESAKE}
    assert found == {("own tags", "E S"), ("CSV list", "Parent"), ("holdings", "Parent")}
    listing.write_text(f"address,category,entity,regime,reference\n{coin_address('else')},sanctioned,Parent,JP,NK-q\n")
    ex.import_lists(store, listing)
    found = {(one.list_name, one.entity) for one in review(store).findings if one.kind is Kind.NAMESAKE}
    assert found == {("own tags", "E S"), ("holdings", "Parent")}, "the older edition listed a Parent as well, whoever that was"
