"""Killed at any moment, a fetch goes on, and the store is what it would have been."""

import contextlib
import json
import os
import random
import signal
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

FORKS = """
import json, os, sys, traceback
from exposure import config
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions, fetch
from exposure.workflows.fetch.tracing import fetch_for_trace
from exposure.workflows.trace import TraceOptions

def run(what, folder, urls, chain, *named):
    settings, calls = config.load(environ={"EXPOSURE_ESPLORA_URL": urls}), Calls(sleep=lambda seconds: None)
    with Store.open_or_create(folder) as store:
        if what == "fetch":
            options = FetchOptions(chain=chain, checkpoint_pages=1)
            return 0 if fetch(named, options, store=store, config=settings, calls=calls).whole else 4
        traced = TraceOptions(chain=chain, hops=10, direction=Direction.SOURCE)
        return 4 if fetch_for_trace(store, named[0], traced, settings, calls).failed else 0

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            code = run(*json.loads(line))
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stderr.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Each line of its input is run in a process of its own, which has imported everything already."""


@contextlib.contextmanager
def _forks(errors):
    with (
        errors.open("wb") as said,
        subprocess.Popen([sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        yield process
        process.stdin.close()


def _killed(servers, dice, tmp_path, what, named, check):
    """Fetch or trace until that was killed often enough and came to its end; `check` looks at each store that is finished."""
    kills, finished, running = 0, 0, []
    moment = [0]

    def end():
        with contextlib.suppress(IndexError, ProcessLookupError):
            os.kill(running[-1], signal.SIGKILL)

    def kill(number, path, reply):
        """At the chosen request, or a little after it: then rows and cursor are being put on disk."""
        if running and sum(len(server.paths) for server in servers) == moment[0]:
            threading.Timer(dice.choice((0.0, 0.02, 0.05, 0.1, 0.2, 0.4)), end).start()
        return reply

    for server in servers:
        server.fault = kill
    errors = tmp_path / "errors"
    urls = ",".join(server.base for server in servers)
    with _forks(errors) as forks:
        while kills < KILLS or not finished:
            folder = tmp_path / f"killed-{finished}"
            moment[0] = sum(len(server.paths) for server in servers) + dice.randint(1, 14) if kills < KILLS else 0
            forks.stdin.write(json.dumps([what, str(folder), urls, CHAIN, *named]).encode() + b"\n")
            forks.stdin.flush()
            running[:] = [int(forks.stdout.readline())]
            code = int(forks.stdout.readline())
            running.clear()
            kills += code == -signal.SIGKILL
            assert code in (0, -signal.SIGKILL), errors.read_text()
            if code == 0:
                finished += 1
                with Store.open(folder) as store:
                    check(store)


long = pytest.mark.skipif("FETCH_KILLS" not in os.environ, reason="takes a minute: set FETCH_KILLS to the number of moments")


def test_a_fetch_killed_at_random_moments_ends_in_the_store_of_one_that_was_not(tmp_path):
    toy = busy(90)
    with serve(Esplora(lambda: toy.blocks)) as server:
        with Store.create(tmp_path / "whole") as whole:
            assert fetched(whole, ALICE, environ(server), chain=CHAIN).whole
            expected = content(whole)

        def same(store):
            assert content(store) == expected

        _killed([server], random.Random(20260101), tmp_path, "fetch", [ALICE], same)


@long
def test_hosts_side_by_side_killed_at_random_moments_end_in_the_store_of_a_single_one(tmp_path):
    toy, named = busy(40), [ALICE, BOB, p2pkh("carol"), p2pkh("miner")]
    with serve(Esplora(lambda: toy.blocks)) as one, serve(Esplora(lambda: toy.blocks)) as other:
        with Store.create(tmp_path / "whole") as whole:
            assert fetched(whole, named, environ(one), chain=CHAIN).whole
            expected = rows(whole)

        def same(store):
            assert rows(store) == expected

        _killed([one, other], random.Random(20260102), tmp_path, "fetch", named, same)


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

        _killed([server], random.Random(20260103), tmp_path, "trace", [subject], same)
