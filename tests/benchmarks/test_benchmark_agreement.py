"""The measurement of accuracy, small: traces agree with the whole ledger, intervals and brackets hold what they promise.

The full one is `python -m benchmarks.agreement`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from benchmarks.agreement import ENGINES, Tally, compare_bounds, compare_figures, figures_and_brackets, intervals, traced
from benchmarks.economies import Deposit, Economy, loaded, made
from exposure.model.settings import Rule

SEED = 7
SOME = ("10 % of the rows", "50 % of the histories", "the newest half", "the oldest half, balances known")


@pytest.fixture(scope="module")
def economy(tmp_path_factory: pytest.TempPathFactory) -> Economy:
    return made(tmp_path_factory.mktemp("agreement") / "economy", size="small", seed=SEED)


@pytest.fixture(scope="module")
def deposits(economy: Economy) -> list[Deposit]:
    return economy.chosen(8, SEED)


def test_traces_say_what_the_rules_say_of_the_whole_ledger(economy: Economy, deposits: list[Deposit]) -> None:
    figures, brackets = figures_and_brackets(economy, deposits, list(ENGINES), SEED)
    assert figures.words == []
    assert sum(figures.compared.values()) > 150
    assert not brackets.failed["labels complete"]
    assert brackets.compared["labels complete"] >= 5


def test_intervals_of_less_history_contain_the_figure_of_the_whole(economy: Economy, deposits: list[Deposit]) -> None:
    found = intervals(economy, deposits, SOME, SEED)
    assert found.words == []
    assert set(found.compared) == {f"{scenario}, {rule}" for scenario in SOME for rule in Rule}
    for row, widths in found.widths.items():
        assert any(width > 0 for width in widths), f"{row}: nothing is unresolved"


def test_a_figure_or_an_interval_that_is_off_by_a_unit_is_noticed(economy: Economy, deposits: list[Deposit]) -> None:
    wrong = {key: {part: amount + 2 for part, amount in parts.items()} for key, parts in economy.truth.items()}
    for key, parts in wrong.items():
        for part in parts:
            parts[part] += Decimal(deposits[0].amount) / 10**6 if key[1] == Rule.HAIRCUT else 0
    other = replace(economy, truth=wrong)
    tally, outside = Tally(), Tally()
    with loaded(economy, economy.folder.parent / "store") as store:
        report = traced(store, deposits[0], "reference")
    compare_figures(report, deposits[0], other, tally, "reference")
    compare_bounds(report, deposits[0], other, outside, "nothing")
    assert sum(tally.failed.values()) == sum(tally.compared.values()) > 0
    compared = {row for row, count in outside.compared.items() if count}
    assert len(compared) == len(Rule)
