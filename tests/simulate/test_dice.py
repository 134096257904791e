"""Chance is the same everywhere, for ever."""

from __future__ import annotations

from exposure.simulate.dice import Dice, cumulative


def test_dice_fall_as_they_always_fell() -> None:
    # Frozen: a change here changes every economy ever written down with its seed.
    dice = Dice("economy", 1)
    assert [dice.below(1000) for _ in range(6)] == [381, 373, 875, 430, 99, 59]
    assert dice.shuffled(range(5)) == [2, 4, 1, 0, 3]


def test_equal_keys_give_equal_streams_and_others_do_not() -> None:
    one, same, other = Dice("a", 1), Dice("a", 1), Dice("a", 2)
    first = [one.below(10**9) for _ in range(5)]
    assert first == [same.below(10**9) for _ in range(5)]
    assert first != [other.below(10**9) for _ in range(5)]


def test_draws_stay_in_their_bounds() -> None:
    dice = Dice("bounds")
    assert {dice.between(3, 5) for _ in range(200)} == {3, 4, 5}
    assert {dice.weighted(cumulative([1, 0, 5])) for _ in range(200)} == {0, 2}
    amounts = [dice.heavy(100, 10_000) for _ in range(2_000)]
    assert min(amounts) >= 100 and max(amounts) == 10_000
    assert 0.4 < sum(amount < 200 for amount in amounts) / len(amounts) < 0.6, "half of a Pareto tail lies below twice its base"
    items = list(range(100))
    for count in (3, 60):
        some = dice.some(items, count)
        assert len(some) == len(set(some)) == count
