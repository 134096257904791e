"""Several hosts of one chain side by side: the store is the one that a single host makes, and they end together."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from esplora_server import Esplora, serve
from fetching import content, fetched
from test_fetch_esplora import ALICE, BOB, busy
from toy_bitcoin import CHAIN, p2pkh

from exposure import config
from exposure.model.assets import chain as chain_of
from exposure.net.calls import Calls
from exposure.sources.registry import open_sources
from exposure.store.store import Store
from exposure.workflows.fetch.chain import ranked

EVERYBODY = [ALICE, BOB, *(p2pkh(name) for name in ("carol", "miner", "nobody", "somebody"))]


@contextmanager
def two_hosts(one: Callable[[], Esplora], other: Callable[[], Esplora]) -> Iterator[tuple[Esplora, Esplora]]:
    """Two servers of which each gets one of Alice and Bob: who falls to whom hangs on the ports, which differ at each run."""
    with ExitStack() as held:
        while True:
            pair = held.enter_context(serve(one())), held.enter_context(serve(other()))
            hosts = open_sources(None, chain_of(CHAIN), config.load(environ=environ(*pair)), Calls())
            if ranked(hosts, ALICE)[0].name != ranked(hosts, BOB)[0].name:
                break
        yield pair


@pytest.fixture(scope="module")
def toy():
    return busy(12)


def environ(*servers: Any) -> dict[str, str]:
    return {"EXPOSURE_ESPLORA_URL": ", ".join(server.base for server in servers)}


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """What a store holds, but for which of two fetches brought a row that both had, and which host an address fell to."""
    found = content(store)
    return {
        name: sorted(tuple(str(v) for v in row if not str(v).startswith("fetch-")) for row in found[name]) for name in found
    }


def test_two_hosts_make_the_store_of_one_whoever_is_faster(toy):
    dice = random.Random(1)

    def late(number, path, reply):
        time.sleep(dice.choice((0, 0, 0.01)))
        return reply

    with serve(Esplora(lambda: toy.blocks)) as one, Store.in_memory() as alone:
        assert fetched(alone, EVERYBODY, environ(one), chain=CHAIN).whole
        expected = rows(alone)
    for slow in ((late, lambda n, p, r: r), (lambda n, p, r: r, late)):
        made = [partial(Esplora, lambda: toy.blocks, fault) for fault in slow]
        with two_hosts(*made) as (first, second), Store.in_memory() as store:
            done = fetched(store, EVERYBODY, environ(first, second), chain=CHAIN)
            assert done.whole
            assert [one.address for one in done.outcomes] == EVERYBODY
            assert len({one.source for one in done.outcomes}) == 2
            assert rows(store) == expected
            again = fetched(store, EVERYBODY, environ(first, second), chain=CHAIN)
            assert {one.state for one in again.outcomes} == {"known"}


def test_the_addresses_of_a_host_that_fails_are_given_to_the_other(toy):
    def broken(number, path, reply):
        return reply if "/address/" not in path else (500, b"out of order", {})

    with (
        two_hosts(partial(Esplora, lambda: toy.blocks, broken), partial(Esplora, lambda: toy.blocks)) as (bad, good),
        Store.in_memory() as store,
    ):
        done = fetched(store, EVERYBODY, environ(bad, good), chain=CHAIN)
        assert done.whole, done.outcomes
        (host,) = {one.source for one in done.outcomes}
        assert good.base.split("/")[2] in host
        assert any("was asked instead" in note for note in done.notes)


def test_a_host_that_is_silent_or_of_another_chain_is_left_out(toy):
    other = busy(3)

    def foreign(number, path, reply):
        return (200, b"00" * 32, {"Content-Type": "text/plain"}) if path.endswith("block-height/0") else reply

    with (
        serve(Esplora(lambda: toy.blocks)) as good,
        serve(Esplora(lambda: other.blocks, foreign)) as bad,
        Store.in_memory() as store,
    ):
        done = fetched(store, EVERYBODY, environ(bad, good), chain=CHAIN)
        assert done.whole
        assert any("is left out" in note and "another chain" in note for note in done.notes)


def test_hosts_that_disagree_about_a_block_are_not_mixed(toy):
    forked = busy(12)
    forked.rewind(5)
    for _ in range(len(toy.blocks) - 5):
        forked.mine(p2pkh("miner"), fork=1)
    with serve(Esplora(lambda: toy.blocks)) as good, serve(Esplora(lambda: forked.blocks)) as bad, Store.in_memory() as store:
        done = fetched(store, EVERYBODY, environ(good, bad), chain=CHAIN)
        assert {one.state for one in done.outcomes} == {"failed"}
        assert "different chains" in done.outcomes[0].reason


def test_each_host_has_a_pace_of_its_own():
    made = config.load(environ={"EXPOSURE_ESPLORA_URL": "https://a.example/api,https://b.example/api"})
    sources = open_sources(None, chain_of("bitcoin"), made, Calls())
    assert [source.name for source in sources] == ["esplora a.example", "esplora b.example"]


@pytest.mark.parametrize("setting", ["ethereum=http://127.0.0.1:1,ethereum=http://127.0.0.1:2,base=http://127.0.0.1:3"])
def test_nodes_of_one_chain_are_told_from_those_of_another(setting):
    made = config.load(environ={"EXPOSURE_EVM_RPC_URL": setting})
    assert [one.name for one in open_sources("node", chain_of("ethereum"), made, Calls())] == [
        "node:127.0.0.1:1",
        "node:127.0.0.1:2",
    ]
    assert [one.name for one in open_sources("node", chain_of("base"), made, Calls())] == ["node:127.0.0.1:3"]


FETCH = """
import sys
from exposure import config
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, fetch
folder, urls, chain, *addresses = sys.argv[1:]
with Store.open_or_create(folder) as store:
    fetch(addresses, FetchOptions(chain=chain), store=store, config=config.load(environ={"EXPOSURE_ESPLORA_URL": urls}),
          calls=Calls(), progress=lambda line: print(line, flush=True))
"""


def test_an_interrupt_ends_all_at_once_and_loses_nothing_that_was_read(tmp_path):
    """Both hosts fall silent after some pages; whoever waits for them does not keep the command from ending."""
    toy = busy(80)
    silent, release = threading.Event(), threading.Event()
    waiting = [0]

    def hangs(number, path, reply):
        if path.count("/txs/chain") and path.count("/") > 5:
            waiting[0] += 1
            if waiting[0] == 2:
                silent.set()
            release.wait(120)
        return reply

    made = partial(Esplora, lambda: toy.blocks, hangs)
    with two_hosts(made, made) as (first, second):
        urls = environ(first, second)["EXPOSURE_ESPLORA_URL"]
        named = [ALICE, BOB]
        command = [sys.executable, "-c", FETCH, str(tmp_path / "store"), urls, CHAIN, *named]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                assert silent.wait(60)
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=20)  # the hosts stay silent for two minutes
            finally:
                release.set()
                process.kill()
    assert b"KeyboardInterrupt" in said
    with Store.open(tmp_path / "store") as store:
        assert len(content(store)["outputs"]) > 25
