"""The measurement of how far each rule is from whose money it was, small."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from benchmarks.accuracy import MEASURES, SCENARIOS, Judged, Scenario, grids, is_open, is_risky, judged, summed
from benchmarks.economies import REALLY, made
from exposure.model.settings import Rule
from exposure.simulate.provenance import Habit
from exposure.simulate.sizes import plan
from exposure.simulate.truth import TruthRow


def deposit(really: Fraction, left_open: tuple[Rule, ...] = (), **found: Fraction) -> Judged:
    by_rule = {rule: found.get(rule.value, Fraction(0)) for rule in Rule}
    return Judged("ether", really, by_rule, {rule: Fraction(rule in left_open) for rule in Rule})


def test_measures_are_what_their_titles_say() -> None:
    half, tenth, little = Fraction(1, 2), Fraction(1, 10), Fraction(1, 1000)
    deposits = [
        # haircut right, fifo half of it too much, the others miss it, lifo saying that all of it is unresolved
        deposit(half, left_open=(Rule.LIFO,), haircut=half, fifo=Fraction(1)),
        deposit(Fraction(0), haircut=little, fifo=tenth),  # clean: a thousandth is no flag, a tenth is one
        deposit(little, lifo=half),  # neither clean nor risky enough to be missed
    ]
    found = grids([(Scenario("one"), deposits)])
    rules = dict(enumerate(Rule, 2))
    rows = {name: grid.rows[0] for name, grid in found.items()}
    read = {name: {rules[place].value: cell for place, cell in enumerate(row) if place in rules} for name, row in rows.items()}
    assert {name: row[1] for name, row in rows.items()} == {"errors": "3", "false alarms": "1", "misses": "1", "silent": "1"}
    assert read["errors"]["haircut"] == "0.1"  # (0 + 0.1 + 0.1) / 3
    assert read["errors"]["fifo"] == "20.0"  # (50 + 10 + 0.1) / 3
    assert read["false alarms"] == {"haircut": "0.0", "fifo": "100.0", "lifo": "0.0", "tiho": "0.0", "poison": "0.0"}
    assert read["misses"] == {"haircut": "0.0", "fifo": "0.0", "lifo": "100.0", "tiho": "100.0", "poison": "100.0"}
    assert read["silent"] == {"haircut": "0.0", "fifo": "0.0", "lifo": "0.0", "tiho": "100.0", "poison": "100.0"}
    assert set(found) == set(MEASURES)


def test_mixers_are_nobodys_and_flags_of_poison_are_not_added_up() -> None:
    rows = [
        TruthRow("d", "x", "seed", "sanctioned", "F", 2, "3"),
        TruthRow("d", "x", "seed", "ransomware", "Q", 3, "4"),
        TruthRow("d", "x", "seed", "mixer", "M", 1, "5"),
        TruthRow("d", "x", "service", "exchange", "E", 1, "6"),
    ]
    rows.append(TruthRow("d", "x", "unresolved", "", "beyond", None, "7"))
    assert summed(rows, is_risky) == {"d": 7}
    assert summed(rows, is_open) == {"d": 12}
    assert summed([row._replace(amount="9") for row in rows], is_risky, overlap=True) == {"d": 9}


def test_the_deposits_are_judged_by_what_the_truth_file_of_the_economy_says(tmp_path_factory: pytest.TempPathFactory) -> None:
    economy = made(tmp_path_factory.mktemp("accuracy") / "economy", size="small", seed=3)
    found = judged(plan("small", 3))
    assert len(found) == len(economy.deposits)
    for one, told in zip(found, economy.deposits, strict=True):
        for truth, share in ((REALLY, one.really), *((rule.value, one.found[rule]) for rule in Rule)):
            parts = economy.by_category(told.id, truth)
            parts.pop("mixer", None)
            amounts = [Fraction(amount) for amount in parts.values()]
            whole = (max(amounts, default=0) if truth == Rule.POISON else sum(amounts)) / told.amount
            assert share == whole, (told.id, truth)


def test_one_habit_for_all_changes_what_people_part_with_and_none_changes_nothing() -> None:
    own, first = judged(plan("small", 3)), judged(replace(plan("small", 3), habit=Habit.CLEAN_FIRST))
    assert own == judged(plan("small", 3))
    assert [one.really for one in own] != [one.really for one in first]
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
