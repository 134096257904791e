"""Laws of rounding to base units: sums are kept, parts hardly move, and a wrong account is refused."""

from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.errors import EngineError
from exposure.measure.rounding import whole_units


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=30), st.integers(1, 10**25))
def test_rounded_parts_sum_to_the_total_and_move_by_less_than_one(weights: list[int], total: int) -> None:
    if not sum(weights):
        weights = [*weights, 1]
    exact = {n: Fraction(total * weight, sum(weights)) for n, weight in enumerate(weights)}
    rounded = whole_units(exact, total)
    assert sum(rounded.values()) == total
    assert list(rounded) == list(exact)
    assert all(abs(rounded[n] - exact[n]) < 1 and rounded[n] >= 0 for n in exact)


@given(st.lists(st.integers(0, 10**20), min_size=1, max_size=20))
def test_integers_stay_as_they_are(parts: list[int]) -> None:
    assert list(whole_units(dict(enumerate(parts)), sum(parts)).values()) == parts


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(1, 10**30))
def test_decimals_of_sixty_digits_keep_the_sum(weights: list[int], total: int) -> None:
    with localcontext() as context:
        context.prec = 60
        parts = {n: Decimal(total) * weight / sum(weights) for n, weight in enumerate(weights)}
    assert getcontext().prec < 60
    assert sum(whole_units(parts, total).values()) == total


def test_the_largest_remainder_gets_the_missing_unit() -> None:
    assert whole_units({"a": Fraction(1, 3), "b": Fraction(5, 3), "c": Fraction(1)}, 3) == {"a": 0, "b": 2, "c": 1}


def test_floating_parts_a_little_above_the_total_are_cut_back() -> None:
    total = 10**20
    parts = dict.fromkeys(range(7), total / 7 * (1 + 1e-12))
    rounded = whole_units(parts, total)
    assert sum(rounded.values()) == total
    assert min(rounded.values()) > 0


@pytest.mark.parametrize(
    ("parts", "total"),
    [({"a": Decimal(-1), "b": Decimal(3)}, 2), ({"a": 50}, 100), ({}, 5), ({"a": 0}, -1), ({"a": 5}, 0)],
)
def test_an_account_that_does_not_add_up_is_refused(parts: dict[str, Decimal | int], total: int) -> None:
    with pytest.raises(EngineError, match="part"):
        whole_units(parts, total)


def test_nothing_of_nothing_is_nothing() -> None:
    assert whole_units({}, 0) == {}
