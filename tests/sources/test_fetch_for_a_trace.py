"""Fetching what a trace lacks: the trace over what was fetched is that over the whole chain."""

import pytest
from esplora_server import Esplora, serve
from fetching import Waits
from test_fetch_esplora import busy, environ
from toy_bitcoin import CHAIN, COIN, p2pkh

from exposure import config
from exposure.errors import InputError
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, fetch
from exposure.workflows.fetch.demand import fetch_for
from exposure.workflows.trace import TraceOptions, trace


def chained():
    """A deposit whose value passed through six addresses, two ways at each."""
    toy = busy(10)
    coins = [(toy.mine(p2pkh("source")), 0)]
    for hop in range(6):
        tx = toy.pay(coins, [(p2pkh(f"way {hop} a"), 30 * COIN - hop), (p2pkh(f"way {hop} b"), 20 * COIN - hop)])
        coins = [(tx, 0), (tx, 1)]
        toy.mine(p2pkh("miner"))
    deposit = toy.pay(coins, [(p2pkh("customer"), 49 * COIN)])
    for _ in range(7):
        toy.mine(p2pkh("miner"))
    return toy, deposit


def calls(**options):
    waits = Waits()
    return Calls(clock=waits.clock, sleep=waits.sleep, **options)


def traced(hops):
    return TraceOptions(chain=CHAIN, hops=hops, direction=Direction.SOURCE)


def figures(store, subject, hops):
    section = trace(store, subject, TraceOptions(hops=hops)).sections[0]
    return [(row.entity, row.amount) for row in section.attributed], [(row.reason, row.amount) for row in section.unresolved]


@pytest.mark.parametrize("hops", [3, 10])
def test_the_answer_is_that_of_the_whole_chain_for_a_fraction_of_its_calls(tmp_path, hops):
    toy, deposit = chained()
    subject = f"{deposit}:0"
    with serve(Esplora(lambda: toy.blocks)) as server, Store.create(tmp_path / "store") as store:
        settings = config.load(environ=environ(server))
        account = calls()
        told = []
        done = fetch_for(
            subject, FetchOptions(chain=CHAIN), traced(hops), store=store, config=settings, calls=account, each=told.append
        )
        assert done.left <= settings.tolerance
        assert not done.ended
        assert told == list(done.steps)
        assert [step.share for step in done.steps][0] == pytest.approx(1.0)
        assert account.made <= 4 + hops
        assert all(one.state == "whole" for one in done.summary.outcomes)
        from bitcoin_servers import Node, serve_node

        with serve_node(Node(lambda: toy.blocks)) as node, Store.create(tmp_path / "all") as everything:
            whole = config.load(environ={"EXPOSURE_BITCOIN_RPC_URL": node.base})
            options = FetchOptions(chain=CHAIN, blocks=True, source="core")
            assert fetch([], options, store=everything, config=whole, calls=calls(max_calls=10_000)).whole
            assert figures(store, subject, hops) == figures(everything, subject, hops)


def test_where_a_coin_went_is_followed_until_its_holders_histories_say_that_it_lies(tmp_path):
    toy, deposit = chained()
    (first,) = {tx["txid"] for block in toy.blocks for tx in block["tx"] if p2pkh("source") in _paid(tx)}
    subject, forward = f"{first}:0", TraceOptions(chain=CHAIN, hops=10, direction=Direction.DESTINATION)
    with serve(Esplora(lambda: toy.blocks)) as server, Store.create(tmp_path / "store") as store:
        settings = config.load(environ=environ(server))
        assert fetch([first], FetchOptions(chain=CHAIN), store=store, config=settings, calls=calls()).whole
        (before,) = trace(store, subject, forward).sections
        # The figure takes what is stored as whole; the interval does not: the coin may have been spent.
        assert [(row.kind, row.name) for row in before.attributed] == [("held", p2pkh("source"))]
        assert [(lack.names, lack.share) for lack in before.lacks] == [((p2pkh("source"),), 1.0)]
        assert [(bound.lower, bound.upper) for bound in before.bounds] == [(0, 50 * COIN)]
        done = fetch_for(subject, FetchOptions(chain=CHAIN), forward, store=store, config=settings, calls=calls())
        assert (done.left, done.ended) == (0, "")
        (after,) = trace(store, subject, forward).sections
        assert ("held", p2pkh("customer"), 49 * COIN) in [(row.kind, row.name, row.amount) for row in after.attributed]
        assert [(bound.lower, bound.upper) for bound in after.bounds] == [(0, 0)]


def _paid(tx):
    return {out["scriptPubKey"].get("address") for out in tx["vout"]}


def test_a_spent_budget_says_what_is_left_and_the_next_command_goes_on(tmp_path):
    toy, deposit = chained()
    with serve(Esplora(lambda: toy.blocks)) as server, Store.create(tmp_path / "store") as store:
        settings = config.load(environ=environ(server))
        left, rounds = 1.0, 0
        while left > settings.tolerance:
            rounds += 1
            assert rounds < 12
            account = calls(max_calls=7)
            done = fetch_for(f"{deposit}:0", FetchOptions(chain=CHAIN), traced(10), store=store, config=settings, calls=account)
            assert account.made <= 7
            left = done.left
            assert done.failed == (left > settings.tolerance)
            assert ("budget" in done.ended) == done.failed
        assert rounds > 1


def test_a_subject_that_is_none_is_refused(tmp_path):
    with serve(Esplora(list)) as server, Store.create(tmp_path / "store") as store, pytest.raises(InputError):
        fetch_for(
            "nonsense", FetchOptions(), traced(3), store=store, config=config.load(environ=environ(server)), calls=calls()
        )
    assert not server.paths
