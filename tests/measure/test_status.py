"""Listed then, listed now: every status at, just before and just after the days at which it changes."""

import pytest

from exposure.attribution.resolve import designation_dates
from exposure.measure.status import headline, moment_in_epoch, regimes, standing, status_in_epoch, timing
from exposure.model.labels import Designation, Seed
from exposure.units import to_unix


def at(day: str) -> int:
    return to_unix(day)


ENTITY = Designation("US", "CYBER2", at("2022-04-05"), at("2025-03-21"))
OWN = Designation("US", "DPRK4", at("2017-09-26"), None, at("2025-03-04"))
SEEN = Designation("US", "DPRK3", at("2019-09-13"), None, at("2025-11-19"), True)
UNDATED = Designation("UK")
UNDATED_SEEN = Designation("EU", "", None, None, at("2025-11-19"), True)
NOW = at("2026-11-20")


@pytest.mark.parametrize(
    ("given", "time", "expected"),
    [
        (ENTITY, at("2022-04-05") - 1, "before"),
        (ENTITY, at("2022-04-05"), "on_or_after"),
        (ENTITY, at("2025-03-21") - 1, "on_or_after"),
        (ENTITY, at("2025-03-21"), "after_delisting"),
        (OWN, at("2017-09-26") - 1, "before"),
        (OWN, at("2025-03-04") - 1, "before"),
        (OWN, at("2025-03-04"), "on_or_after"),
        (SEEN, at("2019-09-13") - 1, "before"),
        (SEEN, at("2019-09-13"), "unknown"),
        (SEEN, at("2025-11-19") - 1, "unknown"),
        (SEEN, at("2025-11-19"), "on_or_after"),
        (UNDATED, at("2000-01-01"), "unknown"),
        (UNDATED_SEEN, at("2025-11-19") - 1, "unknown"),
        (UNDATED_SEEN, at("2025-11-19"), "on_or_after"),
    ],
)
def test_the_status_changes_on_its_days_and_on_no_other(given: Designation, time: int, expected: str) -> None:
    word, reason = timing(given, time)
    assert word == expected
    assert bool(reason) == (expected == "unknown"), "an unknown status says why, and only that one"


@pytest.mark.parametrize("given", [ENTITY, OWN, SEEN, UNDATED_SEEN])
def test_every_transfer_of_one_epoch_has_one_status(given: Designation) -> None:
    seed = Seed("x", "sanctioned", dates=designation_dates([given]), designations=(given,))
    for epoch in range(len(seed.dates) + 1):
        begin = seed.dates[epoch - 1] if epoch else seed.dates[0] - 10**8
        end = seed.dates[epoch] if epoch < len(seed.dates) else seed.dates[-1] + 10**8
        found = {timing(given, time)[0] for time in range(begin, end, max((end - begin) // 50, 1))}
        assert found == {timing(given, moment_in_epoch(seed, epoch))[0]}
        assert seed.epoch(moment_in_epoch(seed, epoch)) == epoch


def test_the_standing_now_is_a_matter_of_the_day_asked_for() -> None:
    assert standing(ENTITY, at("2022-04-04")) == "not_listed"
    assert standing(ENTITY, at("2024-01-01")) == "listed"
    assert standing(ENTITY, NOW) == "delisted"
    assert standing(UNDATED, NOW) == "listed"


def test_a_row_has_one_word_for_each_regime_and_the_gravest_counts() -> None:
    rows = regimes((ENTITY, OWN, UNDATED), at("2023-01-01"), NOW)
    assert [(row.regime, row.at_time, row.now) for row in rows] == [
        ("UK", "unknown", "listed"),
        ("US", "on_or_after", "listed"),
    ]
    assert rows[1].programme == "CYBER2"
    assert regimes((), at("2023-01-01"), NOW) == ()


def test_the_headline_splits_listed_at_the_time_from_listed_later() -> None:
    def words(*given: Designation, time: int) -> str:
        return headline(regimes(given, time, NOW))

    assert words(ENTITY, time=at("2022-01-01")) == "listed later"
    assert words(ENTITY, time=at("2023-01-01")) == "listed at the time"
    assert words(ENTITY, time=at("2025-06-01")) == "delisted before"
    assert words(SEEN, time=at("2022-03-28")) == "listed by then, address's own date unknown"
    assert words(ENTITY, Designation("JP", "", at("2024-01-01")), time=at("2023-01-01")) == "listed at the time"
    assert words(time=at("2023-01-01")) == ""


def test_a_row_of_an_epoch_says_the_same_as_one_of_a_time() -> None:
    seed = Seed("x", "sanctioned", dates=designation_dates([SEEN]), designations=(SEEN,))
    time = at("2022-03-28")
    assert status_in_epoch(seed, seed.epoch(time), NOW) == regimes(seed.designations, time, NOW)
    bare = Seed("y", "scam")
    assert status_in_epoch(bare, None, NOW) == ()
