"""Fetching on demand over a synthetic economy: every interval on the way holds, few calls are made, the end is the whole's."""

from __future__ import annotations

import shutil
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.calls import Economy, breadth_first, economy, on_demand, subject_of, traced
from exposure.model.results import Section
from exposure.model.settings import Direction
from exposure.store.store import Store
from exposure.workflows.fetch import asking
from exposure.workflows.trace import TraceOptions, trace

pytestmark = pytest.mark.long

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "small"
HOPS, TOLERANCE = 5, 0.01


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Economy:
    return economy(FIXTURE, tmp_path_factory.mktemp("economy"))


@pytest.fixture
def kept(made: Economy, tmp_path: Path) -> Path:
    """A store with the lists of the economy and no ledger."""
    shutil.copytree(made.lists, tmp_path / "store")
    return tmp_path / "store"


def some(made: Economy, chain: str, count: int) -> list[dict[str, str]]:
    """The scripted deposit, whose value has parties of every kind behind it, and others in between."""
    scripted = [row for row in made.deposits if row["chain"] == chain and row["id"].startswith("demo")]
    return scripted + others(made, chain, count - len(scripted))


def others(made: Economy, chain: str, count: int) -> list[dict[str, str]]:
    rows = [row for row in made.deposits if row["chain"] == chain and not row["id"].startswith("demo")]
    return rows[:: len(rows) // count][:count] if count else []


def answer(store: Store, subject: str, options: TraceOptions) -> Section:
    (section,) = trace(store, subject, options).sections
    return section


def figures(section: Section) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for row in section.exposures:
        found[row.category] += row.amount
    return found


@pytest.mark.parametrize("direction", [Direction.SOURCE, Direction.DESTINATION])
@pytest.mark.parametrize("place", range(2))
def test_each_interval_on_the_way_contains_the_figure_of_the_whole_ledger(
    made: Economy, kept: Path, place: int, direction: Direction
) -> None:
    deposit = some(made, "ethereum", 2)[place]
    subject, options = subject_of(made, deposit), traced("ethereum", HOPS, direction)
    with Store.open(made.lists.parent / "whole") as everything, Store.open(kept) as store:
        truth = answer(everything, subject, options)
        widths = []

        def holds(*_: object) -> None:
            section = answer(store, subject, options)
            for bound in section.bounds:
                assert bound.lower is not None
                assert bound.upper is not None
                assert bound.lower - 1 <= figures(truth)[bound.category] <= bound.upper + 1
            widths.append(sum(lack.share for lack in section.lacks))

        done, _ = on_demand(made, deposit, store, options, each=holds)
        holds()
        assert not done.ended
        assert done.left <= TOLERANCE
        assert widths == sorted(widths, reverse=True)
        assert done.left == pytest.approx(widths[-1])
        told = figures(answer(store, subject, options))
        for category, amount in figures(truth).items():
            assert abs(told[category] - amount) <= TOLERANCE * truth.subject.amount
        if direction is Direction.SOURCE and place == 0:
            assert figures(truth)
            assert len(done.steps) > 1


def test_the_same_holds_where_single_transactions_of_bitcoin_are_fetched(made: Economy, kept: Path) -> None:
    deposit = some(made, "bitcoin", 1)[0]
    subject, options = subject_of(made, deposit), traced("bitcoin", HOPS)
    with Store.open(made.lists.parent / "whole") as everything, Store.open(kept) as store:
        truth = answer(everything, subject, options)

        def holds(*_: object) -> None:
            for bound in answer(store, subject, options).bounds:
                assert bound.lower is not None
                assert bound.upper is not None
                assert bound.lower - 1 <= figures(truth)[bound.category] <= bound.upper + 1

        done, _ = on_demand(made, deposit, store, options, each=holds)
        assert done.left <= TOLERANCE
        assert len(done.steps) > 1


def test_calls_are_at_most_a_fifth_of_those_of_fetching_breadth_first(made: Economy, tmp_path: Path) -> None:
    """The benchmark measures a hundred deposits; this is a part of them."""
    parts = []
    for chain in ("bitcoin", "ethereum"):
        for n, deposit in enumerate(others(made, chain, 5)):
            place = tmp_path / f"{chain}-{n}"
            shutil.copytree(made.lists, place)
            with Store.open(place) as store:
                done, calls = on_demand(made, deposit, store, traced(chain, HOPS))
            assert done.left <= TOLERANCE
            parts.append(calls / breadth_first(made, deposit, HOPS))
    assert statistics.median(parts) <= 0.2


def test_a_long_history_costs_a_page_and_is_no_failure(made: Economy, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_CALLS_EACH", 1)
    deposit = some(made, "ethereum", 1)[0]
    with Store.open(kept) as store:
        done, _ = on_demand(made, deposit, store, traced("ethereum", HOPS))
        answered = answer(store, subject_of(made, deposit), traced("ethereum", HOPS))
    assert {(step.state, step.calls) for step in done.steps} == {(asking.TOO_LARGE, 1)}
    assert done.left > TOLERANCE
    assert "by their size" in done.ended
    assert not done.failed
    assert sum(row.share for row in answered.unresolved) > TOLERANCE
