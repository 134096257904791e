"""A trace that fetches from a real Bitcoin node, by three routes, ends as one over the whole chain does."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from fetching import Waits, fetched
from real_bitcoin import PASSWORD, USER, esplora_over, real_electrum, real_node
from toy_bitcoin import CHAIN

from exposure import config
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions
from exposure.workflows.fetch.demand import fetch_for
from exposure.workflows.trace import TraceOptions, trace

SOURCES = ("esplora", "core", "electrum")
FEE = Decimal("0.0001")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Settings that name three servers over a node, the first and the last transaction of a chain of payments, and its whole
    chain stored."""
    folder = tmp_path_factory.mktemp("trace-bitcoin")
    with contextlib.ExitStack() as stack:
        node = stack.enter_context(real_node(folder))
        first, last = _paid_on(node)
        environ = {
            "EXPOSURE_ESPLORA_URL": stack.enter_context(esplora_over(node)).base,
            "EXPOSURE_BITCOIN_RPC_URL": node.base,
            "EXPOSURE_BITCOIN_RPC_USER": USER,
            "EXPOSURE_BITCOIN_RPC_PASSWORD": PASSWORD,
            "EXPOSURE_ELECTRUM_URL": stack.enter_context(real_electrum(folder, node)),
        }
        whole = stack.enter_context(Store.in_memory())
        assert fetched(whole, [], environ, chain=CHAIN, source="core", blocks=True, since="0").whole
        yield environ, f"{first}:0", f"{last}:0", whole


def _paid_on(node):
    """Two ways at each of three hops, some in the block of the one before; then both join in a deposit."""
    people = [node.call("getnewaddress", "", kind) for kind in ("legacy", "p2sh-segwit", "bech32", "bech32m")]
    node.call("generatetoaddress", 2, people[0])
    node.call("generatetoaddress", 100, node.call("getnewaddress"))
    held = [(coin["txid"], coin["vout"], coin["amount"], coin["scriptPubKey"]) for coin in _unspent(node, people[0])]
    first = ""
    for hop in range(3):
        total = sum(coin[2] for coin in held) - FEE
        part = (total * Decimal("0.6")).quantize(Decimal("0.00000001"))
        tx, held = _pay(node, held, [{people[hop]: part}, {people[(hop + 1) % 4]: total - part}])
        first = first or tx
        if hop != 1:
            node.call("generatetoaddress", 1, people[3])
    last, _ = _pay(node, held, [{people[3]: sum(coin[2] for coin in held) - FEE}])
    node.call("generatetoaddress", 7, node.call("getnewaddress"))
    return first, last


def _unspent(node, address):
    return node.call("listunspent", 1, 9_999_999, [address])


def _pay(node, coins, pays):
    spends = [{"txid": tx, "vout": n} for tx, n, _, _ in coins]
    known = [{"txid": tx, "vout": n, "amount": amount, "scriptPubKey": script} for tx, n, amount, script in coins]
    signed = node.call("signrawtransactionwithwallet", node.call("createrawtransaction", spends, pays), known)
    tx = node.call("sendrawtransaction", signed["hex"], 0)
    outputs = node.call("decoderawtransaction", signed["hex"])["vout"]
    return tx, [(tx, one["n"], one["value"], one["scriptPubKey"]["hex"]) for one in outputs]


def figures(store, subject, traced):
    (section,) = trace(store, subject, traced).sections
    return [
        section.totals,
        [(row.kind, row.name, row.amount) for row in section.attributed],
        [(row.reason, row.name, row.amount) for row in section.unresolved],
    ]


@pytest.mark.parametrize("direction", [Direction.SOURCE, Direction.DESTINATION])
@pytest.mark.parametrize("source", SOURCES)
def test_the_answer_is_that_of_the_whole_chain(world, source, direction):
    environ, first, last, whole = world
    subject = last if direction is Direction.SOURCE else first
    waits = Waits()
    settings = config.load({"tolerance": 0.0}, environ=environ)
    for hops in (10,) if source == "electrum" else (2, 10):  # ElectrumX takes its time for each answer
        traced = TraceOptions(chain=CHAIN, direction=direction, hops=hops)
        with Store.in_memory() as store:
            calls = Calls(max_calls=1_000, clock=waits.clock, sleep=waits.sleep)
            asked = FetchOptions(chain=CHAIN, source=source)
            done = fetch_for(subject, asked, traced, store=store, config=settings, calls=calls)
            assert (done.left, done.ended) == (0, "")
            assert figures(store, subject, traced) == figures(whole, subject, traced)
