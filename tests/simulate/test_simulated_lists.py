"""The lists of an economy are lists: the parsers of the official formats read them as they read real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from economies import Ran

from exposure.attribution.lists.ofac import parse_ofac
from exposure.attribution.lists.own import parse_own
from exposure.attribution.lists.tagpack import parse_tagpack
from exposure.attribution.opening import open_list
from exposure.model.tags import ParsedList
from exposure.simulate import lists
from exposure.simulate.labels import snapshot


def read(path: Path, content: str, parse: object) -> ParsedList:
    path.write_text(content, encoding="ascii")
    assert "SYNTHETIC" in content.splitlines()[0] + content.splitlines()[1]
    with open_list(path) as stream:
        assert callable(parse)
        parsed = parse(stream, path.name)
    assert isinstance(parsed, ParsedList)
    assert not parsed.problems
    return parsed


@pytest.fixture(scope="module")
def parsed(first_economy: Ran, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ParsedList]:
    plan, cast = first_economy.world.plan, first_economy.world.cast
    folder = tmp_path_factory.mktemp("lists")
    return {
        "first": read(folder / "first.xml", lists.sanctions_list(plan, cast, 0), parse_ofac),
        "second": read(folder / "second.xml", lists.sanctions_list(plan, cast, 1), parse_ofac),
        "services": read(folder / "services.yaml", lists.services_pack(plan, cast), parse_tagpack),
        "thefts": read(folder / "thefts.yaml", lists.thefts_pack(plan, cast), parse_tagpack),
        "own": read(folder / "own.csv", lists.own_tags(cast), parse_own),
    }


def test_editions_are_dated_and_differ_as_the_story_says(first_economy: Ran, parsed: dict[str, ParsedList]) -> None:
    cast = first_economy.world.cast
    fiction, pretend, mock = cast.sanctioned
    dates = lists.edition_dates(first_economy.world.plan)
    assert (parsed["first"].published, parsed["second"].published) == dates

    def named(edition: str) -> dict[str, set[str]]:
        return {
            party.name: {tag.subject for tag in parsed[edition].tags if tag.entity == party.name} for party in cast.sanctioned
        }

    first, second = named("first"), named("second")
    assert second[fiction.name] - first[fiction.name] == {fiction.wallet.addresses[1]}, "an address added later"
    assert first[pretend.name] and not second[pretend.name], "a party delisted"
    assert second[mock.name] and not first[mock.name], "a party listed after its transfers"
    assert {tag.listed_on for tag in parsed["second"].tags if tag.entity == mock.name} == {
        mock.listing.listed_on if mock.listing else None
    }
    assert {tag.ticker for tag in parsed["second"].tags} == {"XBT", "ETH", "USDT"}


def test_lists_together_say_what_the_truth_was_computed_with(first_economy: Ran, parsed: dict[str, ParsedList]) -> None:
    labels = snapshot(first_economy.world.cast)
    tags = {tag.subject: (tag.entity, tag.category.value) for one in parsed.values() for tag in one.tags}
    wanted = {
        address: (label.name, label.category)
        for group in (labels.seeds, labels.boundaries, labels.pass_through, labels.tx_seeds)
        for address, label in group.items()
    }
    # The lists leave out addresses that a service never uses on a chain: the swap on bitcoin, the pool on ethereum.
    assert set(tags) <= set(wanted)
    assert {address: wanted[address] for address in tags} == tags
    used = {row.address for row in first_economy.outputs} | {
        end for row in first_economy.transfers for end in (row.sender, row.receiver)
    }
    assert (set(wanted) - set(tags)) & used == set()
    assert all(tag.confidence >= 50 for one in parsed.values() for tag in one.tags), "else none would be a boundary"


def test_prices_name_every_asset_on_every_day(first_economy: Ran) -> None:
    plan, token = first_economy.world.plan, first_economy.world.accounts.token
    rows = [line.split(",") for line in lists.prices(plan, token).splitlines()[1:]]
    assert {row[0] for row in rows} == {"bitcoin/native", "ethereum/native", "fiat/usd", token}
    assert len(rows) == 4 * len({row[1] for row in rows})
    assert all(float(row[3]) > 0 for row in rows)
