"""``exposure fetch`` as typed: what it says, and its exit codes."""

import json

import pytest
from click.testing import CliRunner
from esplora_server import Esplora, serve
from test_fetch_esplora import ALICE, BOB, busy
from toy_bitcoin import CHAIN

from exposure import cli


@pytest.fixture(scope="module")
def server():
    toy = busy(8)
    with serve(Esplora(lambda: toy.blocks)) as running:
        yield running


def typed(server, store, *words):
    """Exit code, stdout and stderr of a command."""
    environ = {"EXPOSURE_ESPLORA_URL": server.base, "EXPOSURE_STORE": str(store)}
    done = CliRunner(env=environ).invoke(cli.main, ["fetch", "--chain", CHAIN, *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_fetch_says_what_is_whole_what_it_holds_and_who_learned_of_it(server, tmp_path):
    code, said, _ = typed(server, tmp_path / "store", ALICE)
    assert code == 0
    assert f"whole    {ALICE}" in said
    assert "as its movements sum to" in " ".join(said.split())
    assert f"it learned of {ALICE}" in " ".join(said.split())
    code, said, _ = typed(server, tmp_path / "store", ALICE)
    assert code == 0
    assert "are stored already" in " ".join(said.split())


def test_offline_no_host_is_asked(server, tmp_path):
    before = len(server.paths)
    code, said, _ = typed(server, tmp_path / "store", "--offline", ALICE)
    assert code == 4
    assert "--offline forbids it" in " ".join(said.split())
    assert len(server.paths) == before


def test_a_spent_budget_is_exit_code_4_and_said(server, tmp_path):
    code, said, _ = typed(server, tmp_path / "store", "--max-calls", "5", "--format", "json", BOB)
    assert code == 4
    outcome = json.loads(said)["outcomes"][0]
    assert "budget of 5 calls" in outcome["reason"]
    assert outcome["state"] == "failed"


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        [],
        ["--blocks", "7", "--source", "core"],
        ["--blocks", "1-2", BOB],
        ["--since", "yesterday", BOB],
        ["--max-rows", "0", BOB],
    ],
)
def test_what_is_typed_wrongly_is_exit_code_2(server, tmp_path, words):
    code, _, said = typed(server, tmp_path / "store", *words)
    assert code == 2
    assert said


def test_a_dry_run_makes_no_store(server, tmp_path):
    code, said, _ = typed(server, tmp_path / "store", "--dry-run", BOB)
    assert code == 0
    assert "calls" in said
    assert not (tmp_path / "store").exists()
