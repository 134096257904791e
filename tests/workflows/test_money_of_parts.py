"""Laws of the money of an account's parts: each by the prices of its own transfers, all together the subject, and what has no
price is not known rather than nothing.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from exposure.model.labels import Category
from exposure.model.results import Report, Section
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.reporting.page.facts import facts_page
from exposure.reporting.rows import to_csv
from exposure.reporting.screen import screen
from exposure.store.store import Store
from exposure.units import day, to_unix
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

FOE, SHOP, MIX, UNKNOWN, MID, ME = ("0x" + letter * 40 for letter in "abcdef")
DAY, START, ETH = 86_400, to_unix("2024-01-01"), 10**18
PRICES = {5: 1_000, 6: 3_000}
"""Dollars a coin on the days on which MID pays ME."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """FOE, SHOP, MIX and an unknown address pay MID 10 each; MID pays ME 20 on day 5 and 20 on day 6; a yen is 100 a dollar."""
    rows = [(1, FOE, MID, 10), (2, SHOP, MID, 10), (3, MIX, MID, 10), (4, UNKNOWN, MID, 10), (5, MID, ME, 20), (6, MID, ME, 20)]
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [f"0x{n:064x},0,{n},{START + DAY * n},{a},{b},{amount * ETH},ethereum/native" for n, a, b, amount in rows]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "list.csv").write_text(
        f"address,entity,category,regime,listed_on,source\n{FOE},Foe,sanctioned,US,2024-01-01,\n"
    )
    made = Store.create(tmp_path / "store")
    ingest([tmp_path / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=made)
    import_lists(made, [tmp_path / "list.csv"], ListOptions(published=START))
    add_tag(made, OwnTag(SHOP, Category.EXCHANGE, "Shop", "me", "n"), now=START)
    add_tag(made, OwnTag(MIX, Category.MIXER, "Blender", "me", "n"), now=START)
    return made


def _prices(store: Store, folder: Path, days: dict[int, int]) -> None:
    lines = ["asset,date,currency,price"]
    for n, price in days.items():
        on = day(START + DAY * n)
        lines += [f"ethereum/native,{on},usd,{price}", f"fiat/usd,{on},jpy,100"]
    (folder / "prices.csv").write_text("\n".join(lines) + "\n")
    ingest([folder / "prices.csv"], ImportOptions(), store=store)


def _traced(store: Store, **options: Any) -> Report:
    report = trace(store, ME, trace_options(direction="source", **options))
    jsonschema.validate(json.loads(json.dumps(report_to_dict(report))), report_schema())
    return report


def _parts(section: Section) -> list[Any]:
    return [*section.exposures, *section.attributed, *section.unresolved]


@pytest.mark.parametrize("rule", ["haircut", "fifo", "lifo", "tiho"])
def test_the_parts_are_worth_together_what_the_subject_is(store: Store, tmp_path: Path, rule: str) -> None:
    _prices(store, tmp_path, PRICES)
    (section,) = _traced(store, rule=rule).sections
    assert (section.subject.usd, section.subject.jpy) == (80_000.0, 8_000_000.0)
    assert sum(part.usd for part in _parts(section)) == pytest.approx(80_000)
    assert sum(part.jpy for part in _parts(section)) == pytest.approx(8_000_000)


def test_each_part_is_valued_at_the_time_of_the_transfers_that_carried_it(store: Store, tmp_path: Path) -> None:
    """By fifo day 5 carried FOE's and SHOP's coins, day 6 the mixer's and the unknown ones: not a mean of both prices."""
    _prices(store, tmp_path, PRICES)
    (section,) = _traced(store, rule="fifo").sections
    (shop,) = section.attributed
    (lost,) = section.unresolved
    assert (shop.entity, shop.usd, shop.jpy) == ("Shop", 10_000.0, 1_000_000.0)
    assert (lost.reason, lost.usd, lost.jpy) == ("shortfall", 30_000.0, 3_000_000.0)
    assert {part.reason: part.usd for part in section.difference} == {"incomplete": 30_000.0, "mixer": 30_000.0}


def test_a_part_of_which_a_transfer_has_no_price_is_of_unknown_worth(store: Store, tmp_path: Path) -> None:
    _prices(store, tmp_path, {6: 3_000})  # of day 5 none is known
    (fifo,) = _traced(store, rule="fifo").sections
    assert (fifo.subject.usd, fifo.attributed[0].usd, fifo.unresolved[0].usd) == (None, None, 30_000.0)
    (haircut,) = _traced(store).sections
    assert {part.usd for part in _parts(haircut)} == {None}  # each part has some of both days


def test_without_prices_nothing_is_worth_nothing(store: Store) -> None:
    (section,) = _traced(store).sections
    assert {(part.usd, part.jpy) for part in _parts(section)} == {(None, None)}
    assert "$" not in screen(_traced(store)).plain


def test_every_form_shows_the_money_of_what_is_unresolved(store: Store, tmp_path: Path) -> None:
    _prices(store, tmp_path, PRICES)
    report = _traced(store, rule="fifo")
    assert "25.0 % unresolved (10.000 ETH, $30,000, JPY 3M)" in " ".join(screen(report).plain.split())
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert {row["part"]: row["usd"] for row in rows if row["part"] != "seed"} == {"service": "10000.0", "unresolved": "30000.0"}
    assert "JPY 3,000,000" in facts_page(report)
