"""Answers that used blocks which a reorganisation took out are marked, and others are not."""

from __future__ import annotations

import pyarrow as pa
import pytest
from click.testing import CliRunner
from esplora_server import Esplora, serve
from fetching import fetched
from test_fetch_esplora import ALICE, BOB, busy, environ
from toy_bitcoin import CHAIN

from exposure import cli
from exposure.store.store import Store
from exposure.workflows.rescore import rescore


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A store whose chain was reorganised above block 15, and cases from before: one up to there, two that used more."""
    folder = tmp_path_factory.mktemp("kept")
    toy = busy(20)
    store = folder / "store"
    old, new = toy.blocks[10]["tx"][1]["txid"], toy.blocks[18]["tx"][1]["txid"]
    with serve(Esplora(lambda: toy.blocks)) as server:
        with Store.create(store) as kept:
            fetched(kept, [ALICE, BOB], environ(server), chain=CHAIN)
        for name, subject in (("old", f"{old}:0"), ("new", f"{new}:0"), ("alice", ALICE)):
            code, said = typed(store, "trace", subject, "--out", str(folder / name))
            assert code == 0
            assert "reorganised" not in said
        toy.rewind(15)
        for _ in range(20):
            toy.mine(BOB, fork=1)
        with Store.open(store) as kept:
            assert fetched(kept, [ALICE, BOB], environ(server), chain=CHAIN).whole
    return folder, old


def typed(store, *words):
    done = CliRunner(env={"EXPOSURE_STORE": str(store)}).invoke(cli.main, list(words))
    return done.exit_code, " ".join(done.output.split())


def test_a_trace_and_a_rescoring_warn_who_keeps_older_answers(marked):
    folder, old = marked
    code, said = typed(folder / "store", "trace", f"{old}:0")
    assert code == 0
    assert f"{CHAIN} was reorganised" in said
    assert "rest on blocks that are gone" in said
    code, before = typed(folder / "store", "trace", f"{old}:0", "--as-of", "2011-02-03T01:15:00Z")
    assert code == 0
    assert "was reorganised" not in before
    rows: list[pa.Table] = []
    with Store.open(folder / "store") as store:
        assert any("was reorganised" in sentence for sentence in rescore(store, None, into=rows.append).warnings)
    assert rows


def test_verify_says_which_case_rests_on_what_a_store_lost(marked):
    folder, _ = marked
    for name, lost in (("old", False), ("new", True), ("alice", True)):
        code, said = typed(folder / "elsewhere", "verify", str(folder / name), "--store", str(folder / "store"))
        assert code == 0
        assert ("that the case rests on are gone" in said) == lost
        assert "are gone" not in typed(folder / "elsewhere", "verify", str(folder / name))[1]


def test_a_case_that_is_held_against_the_store_or_gone_on_with_is_marked(marked):
    folder, _ = marked
    for name, lost in (("old", False), ("alice", True)):
        code, said = typed(folder / "store", "trace", "--case", str(folder / name), "--compare", "now")
        assert code == 0
        assert ("that the case rests on are gone" in said) == lost
        code, said = typed(folder / "store", "trace", "--case", str(folder / name))
        assert code == 0
        assert ("that the case rests on are gone" in said) == lost
        # From now on the case rests on what stands.
        assert "that the case rests on are gone" not in typed(folder / "store", "trace", "--case", str(folder / name))[1]
