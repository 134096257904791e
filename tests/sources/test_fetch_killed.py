"""Killed at any moment, a fetch goes on, and the store is what it would have been."""

import os
import random
import subprocess
import sys
import threading

from esplora_server import Esplora, serve
from fetching import content, fetched
from test_fetch_esplora import ALICE, busy, environ
from toy_bitcoin import CHAIN

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
