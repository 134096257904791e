"""Fetching what a trace of an account chain lacks, from a server: histories of addresses, the largest share first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from evm_explorers import serving
from fetching import Waits
from tron_replay import BORN, CONTRACT, FRIEND, ME, SHOP, TronGrid, trx

from exposure import config
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.trace import TraceOptions, trace

Row = dict[str, object]
Fetching = Callable[..., Demand]


def ledger() -> dict[str, TronGrid]:
    """The contract pays the shop, the shop the friend, the friend me (and a sun comes from the contract); I pay the shop."""
    moves = [(1, CONTRACT, SHOP, 10_000_000), (2, SHOP, FRIEND, 10_000_000), (3, FRIEND, ME, 9_999_999)]
    moves += [(4, CONTRACT, ME, 1), (5, ME, SHOP, 4_000_000)]
    grids = {}
    for who in (ME, FRIEND, SHOP, CONTRACT):
        rows = [trx(*move) for move in moves if who in move[1:3]]
        grids[who] = TronGrid(rows, [], solid=BORN + 3 * 1000)
        held = sum(move[3] * ((move[2] == who) - (move[1] == who)) for move in moves)
        grids[who].held = {"balance": held, "trc20": []}
    return grids


@pytest.fixture
def fetching() -> Iterator[tuple[Fetching, list[str], Store]]:
    grids = ledger()

    def one(path: str, query: dict[str, str], body: bytes) -> tuple[int, object]:
        who = next((who for who in grids if f"/{who}" in path), ME)
        return grids[who](path.replace(who, ME), query, body)  # the replay's own account is called ME

    with serving(one) as (base, asked), Store.in_memory() as store:

        def run(direction: Direction, **more: object) -> Demand:
            waits = Waits()
            calls = Calls(max_calls=10_000, clock=waits.clock, sleep=waits.sleep)
            settings = config.load(more, environ={"EXPOSURE_TRONGRID_URL": base})
            traced = TraceOptions(chain="tron", direction=direction)
            return fetch_for(ME, FetchOptions(chain="tron"), traced, store=store, config=settings, calls=calls)

        yield run, asked, store


def test_histories_are_fetched_backward_until_the_little_that_is_left_may_be_left(
    fetching: tuple[Fetching, list[str], Store],
) -> None:
    run, _, store = fetching
    done = run(Direction.SOURCE)
    names = [step.name for step in done.steps]
    assert names[:2] == [FRIEND, SHOP]
    assert CONTRACT in names  # all of the shop's value is from there, so it hangs on its history, which shows an overdraft
    assert [step.share for step in done.steps[:2]] == pytest.approx([0.9999999, 0.9999999])
    assert {step.state for step in done.steps[:2]} == {"whole"}
    (section,) = trace(store, ME, TraceOptions(chain="tron", direction=Direction.SOURCE)).sections
    assert {row.name for row in section.unresolved} <= {CONTRACT, ""}
    (learned,) = done.summary.asked.values()
    assert set(names) | {ME} == {name for name in learned if name.startswith("T")}


def test_where_value_went_is_followed_too(fetching: tuple[Fetching, list[str], Store]) -> None:
    run, _, store = fetching
    done = run(Direction.DESTINATION)
    assert [step.name for step in done.steps] == [SHOP]
    assert done.left == 0
    assert not done.ended
    (section,) = trace(store, ME, TraceOptions(chain="tron", direction=Direction.DESTINATION)).sections
    assert [(row.kind, row.name) for row in section.attributed] == [("held", SHOP)]
