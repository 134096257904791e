"""Killed at any moment, a fetch goes on, and the store is what it would have been."""

import os
import random
import subprocess
import sys
import threading

import pytest
from esplora_server import Esplora, serve
from fetching import content, fetched
from test_fetch_esplora import ALICE, BOB, busy, environ
from test_fetch_for_a_trace import chained
from test_fetch_side_by_side import rows
from toy_bitcoin import CHAIN, p2pkh

import exposure as ex
from exposure.store.store import Store

KILLS = int(os.environ.get("FETCH_KILLS", "4"))
"""How many moments; `.ci/run` takes 50."""

FETCH = """
import sys
from exposure import config
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, fetch
folder, base, address, chain = sys.argv[1:]
options = FetchOptions(chain=chain, checkpoint_pages=1)
settings = config.load(environ={"EXPOSURE_ESPLORA_URL": base})
with Store.open_or_create(folder) as store:
    sys.exit(0 if fetch([address], options, store=store, config=settings, calls=Calls(sleep=lambda seconds: None)).whole else 4)
"""


def test_a_fetch_killed_at_random_moments_ends_in_the_store_of_one_that_was_not(tmp_path):
    toy = busy(90)
    dice = random.Random(20260101)
    running: list[subprocess.Popen[bytes]] = []
    moment = [0]

    def kill(number, path, reply):
        """At the chosen request, or a little after it: then rows and cursor are being put on disk."""
        if number == moment[0] and running:
            threading.Timer(dice.choice((0.0, 0.02, 0.05, 0.1, 0.2, 0.4)), running[-1].kill).start()
        return reply

    with serve(Esplora(lambda: toy.blocks, kill)) as server:
        with Store.create(tmp_path / "whole") as whole:
            assert fetched(whole, ALICE, environ(server), chain=CHAIN).whole
            expected = content(whole)
        kills, finished = 0, 0
        while kills < KILLS or not finished:
            folder = tmp_path / f"killed-{finished}"
            moment[0] = len(server.paths) + dice.randint(1, 14) if kills < KILLS else 0
            command = [sys.executable, "-c", FETCH, str(folder), server.base, ALICE, CHAIN]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
                running[:] = [process]
                said = process.stderr.read().decode()
            running.clear()
            kills += process.returncode == -9
            assert process.returncode in (0, -9), said
            if process.returncode == 0:
                finished += 1
                with Store.open(folder) as store:
                    assert content(store) == expected


BESIDE = FETCH.replace("folder, base, address, chain = sys.argv[1:]", "folder, base, chain, *named = sys.argv[1:]").replace(
    "[address]", "named"
)

TRACE = """
import sys
import exposure as ex
folder, base, subject, chain = sys.argv[1:]
report = ex.trace(folder, subject, chain=chain, hops=10, fetch=True, fetching={"esplora_url": base}).report
sys.exit(4 if report.incomplete_answer else 0)
"""


long = pytest.mark.skipif("FETCH_KILLS" not in os.environ, reason="takes a minute: set FETCH_KILLS to the number of moments")


def _killed(servers, dice, tmp_path, script, words, check):
    """Run a script until it was killed often enough and came to its end; `check` looks at each store that is finished."""
    kills, finished, running = 0, 0, []
    moment = [0]

    def kill(number, path, reply):
        if sum(len(server.paths) for server in servers) == moment[0] and running:
            threading.Timer(dice.choice((0.0, 0.02, 0.05, 0.1, 0.2, 0.4)), running[-1].kill).start()
        return reply

    for server in servers:
        server.fault = kill
    while kills < KILLS or not finished:
        folder = tmp_path / f"killed-{finished}"
        moment[0] = sum(len(server.paths) for server in servers) + dice.randint(1, 20) if kills < KILLS else 0
        urls = ",".join(server.base for server in servers)
        with subprocess.Popen([sys.executable, "-c", script, str(folder), urls, *words], stderr=subprocess.PIPE) as process:
            running[:] = [process]
            said = process.stderr.read().decode()
        running.clear()
        kills += process.returncode == -9
        assert process.returncode in (0, -9), said
        if process.returncode == 0:
            finished += 1
            with Store.open(folder) as store:
                check(store)


@long
def test_hosts_side_by_side_killed_at_random_moments_end_in_the_store_of_a_single_one(tmp_path):
    toy, named = busy(40), [ALICE, BOB, p2pkh("carol"), p2pkh("miner")]
    with serve(Esplora(lambda: toy.blocks)) as one, serve(Esplora(lambda: toy.blocks)) as other:
        with Store.create(tmp_path / "whole") as whole:
            assert fetched(whole, named, environ(one), chain=CHAIN).whole
            expected = rows(whole)

        def same(store):
            assert rows(store) == expected

        _killed([one, other], random.Random(20260102), tmp_path, BESIDE, [CHAIN, *named], same)


@long
def test_a_trace_that_fetches_killed_at_random_moments_ends_in_the_same_answer(tmp_path):
    toy, deposit = chained()
    subject = f"{deposit}:0"
    with serve(Esplora(lambda: toy.blocks)) as server:
        whole = ex.trace(
            tmp_path / "whole", subject, chain=CHAIN, hops=10, fetch=True, fetching={"esplora_url": server.base}
        ).report

        def same(store):
            found = ex.trace(store, subject, chain=CHAIN, hops=10).report
            assert found.sections == whole.sections

        _killed([server], random.Random(20260103), tmp_path, TRACE, [subject, CHAIN], same)
