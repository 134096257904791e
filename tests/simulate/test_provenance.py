"""Dividing money by its source conserves it, whatever the habit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.simulate.dice import Dice
from exposure.simulate.provenance import Habit, Sources, converted, lay, merged, ordered, total

PARTS = st.dictionaries(st.integers(0, 4), st.integers(1, 10**30), min_size=1).map(lambda parts: tuple(sorted(parts.items())))


def sources() -> Sources:
    made = Sources()
    for category in ("mined", "sanctioned", "exchange", "ransomware", "minted"):
        made.number(category, "somebody")
    return made


@given(PARTS, st.lists(st.integers(0, 100), max_size=5), st.sampled_from(Habit), st.integers(0, 9))
def test_payment_change_and_fee_sum_to_what_was_there(
    parts: tuple[tuple[int, int], ...], weights: list[int], habit: Habit, seed: int
) -> None:
    amounts = [total(parts) * weight // (sum(weights) + 1) for weight in weights]
    divided = lay(ordered(parts, habit, sources(), Dice(seed)), amounts)
    assert [total(part) for part in divided[:-1]] == amounts
    assert merged(divided) == parts


def test_nobody_pays_more_than_there_is() -> None:
    for parts in (((0, 5),), ((0, 2), (1, 3))):
        with pytest.raises(ValueError, match="more is paid"):
            lay(parts, [4, 2])


def test_launderers_part_with_dirty_money_first() -> None:
    parts = ((0, 10), (1, 10), (2, 10), (3, 10))
    for seed in range(20):
        payment, change, fee = lay(ordered(parts, Habit.DIRTY_FIRST, sources(), Dice(seed)), [20, 15])
        assert payment == ((1, 10), (3, 10))
        assert {source for source, _ in change} | {source for source, _ in fee} == {0, 2}
        payment, *_ = lay(ordered(parts, Habit.CLEAN_FIRST, sources(), Dice(seed)), [20])
        assert payment == ((0, 10), (2, 10))


@given(PARTS, st.integers(0, 10**30))
def test_conversion_conserves_the_new_amount(parts: tuple[tuple[int, int], ...], amount: int) -> None:
    out = converted(parts, amount)
    assert total(out) == amount
    whole = total(parts)
    assert all(abs(got - amount * dict(parts)[source] / whole) <= 1 + amount * 1e-12 for source, got in out)
