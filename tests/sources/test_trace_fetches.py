"""``exposure trace`` and the network: it asks only when it is told to or has no other way, and says whom about what."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from esplora_server import Esplora, serve
from test_fetch_for_a_trace import chained
from toy_bitcoin import CHAIN

import exposure as ex
from exposure import cli
from exposure.net.calls import Calls
from exposure.workflows.case.verify import verify


@pytest.fixture(scope="module")
def chain():
    toy, deposit = chained()
    with serve(Esplora(lambda: toy.blocks)) as running:
        yield running, f"{deposit}:0"


def typed(server, store, *words):
    """Exit code, stdout and stderr of a trace."""
    environ = {"EXPOSURE_STORE": str(store), "EXPOSURE_ESPLORA_URL": None if server is None else server.base}
    done = CliRunner(env=environ).invoke(cli.main, ["trace", *words, "--chain", CHAIN])
    return done.exit_code, " ".join(done.stdout.split()), " ".join(done.stderr.split())


def test_an_unknown_subject_is_fetched_where_the_user_named_a_source(chain, tmp_path):
    server, subject = chain
    code, said, steps = typed(server, tmp_path / "store", subject, "--hops", "10")
    assert code == 0, said
    assert "incomplete" not in said
    assert "whole 100.00% hung on" in steps
    assert f"Asked {server.base.split('/')[2]}: " in said
    assert subject.removesuffix(":0") in said
    before = len(server.paths)
    code, again, steps = typed(server, tmp_path / "store", subject, "--hops", "10")
    assert (code, steps) == (0, "")
    assert "Asked" not in again
    assert len(server.paths) == before


def test_what_is_stored_is_traced_without_the_network_and_fetch_goes_on_from_it(chain, tmp_path):
    server, subject = chain
    place = tmp_path / "store"
    code, said, _ = typed(server, place, subject, "--hops", "10", "--max-calls", "5", "--format", "json")
    assert code == 4
    report = json.loads(said)
    assert "the budget of 5 calls is spent" in report["incomplete_answer"][-1]
    fetched = report["run"]["fetched"]
    assert fetched["left"] > 0.01
    assert sum(host["calls"] for host in fetched["asked"]) == 5
    before = len(server.paths)
    code, said, _ = typed(server, place, subject, "--hops", "10", "--format", "json")
    assert code == 0
    assert json.loads(said)["run"]["fetched"] is None
    assert len(server.paths) == before
    code, said, told = typed(server, place, subject, "--hops", "10", "--format", "json", "--fetch")
    assert code == 0
    fetched = json.loads(said)["run"]["fetched"]
    assert fetched["left"] <= 0.01
    (host,) = fetched["asked"]
    assert {one["name"] for one in fetched["histories"]} <= set(host["names"])
    assert all(name in told for name in host["names"])
    assert len(server.paths) > before


def test_the_tolerance_is_what_may_be_left(chain, tmp_path):
    server, subject = chain
    code, said, _ = typed(server, tmp_path / "store", subject, "--tolerance", "1", "--format", "json")
    assert code == 0
    assert json.loads(said)["run"]["fetched"]["histories"] == []


@pytest.mark.parametrize("words", [["--offline"], ["--offline", "--fetch"]])
def test_offline_no_host_is_asked(chain, tmp_path, words):
    server, subject = chain
    before = len(server.paths)
    code, _, said = typed(server, tmp_path / "store", subject, *words)
    assert code != 0
    assert len(server.paths) == before
    assert ("forbids" in said) == ("--fetch" in words)


def test_nobody_is_asked_where_no_source_is_named(chain, tmp_path, monkeypatch):
    _, subject = chain

    def refused(*_: object) -> None:
        raise AssertionError("a host was asked")

    monkeypatch.setattr(Calls, "begin", refused)
    for text in (subject, subject.removesuffix(":0"), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "nonsense"):
        code, _, said = typed(None, tmp_path / "store", text)
        assert code in (1, 2)
        assert "a host was asked" not in said
    assert not (tmp_path / "store").exists()


def test_naming_one_source_does_not_make_a_trace_ask_another(chain, tmp_path, monkeypatch):
    """Whoever names a node of one's own must not find the address at the public default."""
    _, subject = chain
    monkeypatch.setenv("EXPOSURE_BITCOIN_RPC_URL", "http://127.0.0.1:9")
    made: list[object] = []
    monkeypatch.setattr(Calls, "begin", lambda self, host, about="": made.append(host))
    code, _, _ = typed(None, tmp_path / "store", subject)
    assert code in (1, 2)
    assert not made


def test_a_source_that_fails_is_exit_code_4_and_a_sentence(chain, tmp_path):
    _, subject = chain
    toy, _ = chained()
    with serve(Esplora(lambda: toy.blocks)) as gone:
        pass
    code, said, told = typed(gone, tmp_path / "store", subject, "--max-calls", "1")
    assert code == 4
    assert "Traceback" not in said + told
    assert "value still hangs" in told


def test_fetch_is_not_for_lists_of_deposits(chain, tmp_path):
    server, subject = chain
    code, _, said = typed(server, tmp_path / "store", subject, "--fetch", "--list")
    assert code == 2
    assert "exposure fetch" in said


def test_a_case_keeps_what_was_fetched_and_verifies(chain, tmp_path):
    server, subject = chain
    code, _, told = typed(server, tmp_path / "store", subject, "--hops", "10", "--fetch", "--out", str(tmp_path / "case"))
    assert code == 0, told
    report = json.loads(Path(tmp_path / "case" / "report.json").read_text(encoding="utf-8"))
    assert report["run"]["fetched"]["histories"]
    assert subject.removesuffix(":0") in (tmp_path / "case" / "report.html").read_text(encoding="utf-8")
    assert verify(tmp_path / "case").ok


def test_a_case_goes_on_fetching_within_its_calls_and_each_step_is_in_its_log(chain, tmp_path):
    server, subject = chain
    case = tmp_path / "case"
    code, _, _ = typed(server, tmp_path / "store", subject, "--hops", "10", "--max-calls", "5", "--out", str(case))
    assert code == 4
    before = len(server.paths)
    environ = {"EXPOSURE_STORE": str(tmp_path / "store"), "EXPOSURE_ESPLORA_URL": server.base}
    done = CliRunner(env=environ).invoke(cli.main, ["trace", "--case", str(case), "--hops", "9"])
    assert done.exit_code == 0
    assert len(server.paths) == before  # a case does not ask unless it is told to
    done = CliRunner(env=environ).invoke(cli.main, ["trace", "--case", str(case), "--max-calls", "200"])
    assert done.exit_code == 0, done.output
    assert len(server.paths) > before
    log = [json.loads(line) for line in (case / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in log] == ["fetch", "trace", "trace", "fetch", "trace"]
    fetched = log[3]
    assert fetched["left"] <= 0.01
    assert {one["name"] for one in fetched["histories"]} <= set(fetched["asked"][0]["names"])
    assert [line["options"]["hops"] for line in log if line["step"] == "trace"] == [10, 9, 9]
    assert verify(case).ok
    manifest = json.loads((case / "manifest.json").read_text(encoding="utf-8"))
    replies = pq.read_table(case / "replies.parquet").to_pylist()
    assert sorted({one["sha256"] for one in replies}) == manifest["replies"]
    page = next(one for one in replies if one["rows"] and one["address"] in one["url"])
    with urllib.request.urlopen(page["url"]) as again:  # what the server says is what the case has on record
        assert hashlib.sha256(again.read()).hexdigest() == page["sha256"]
    sources = json.loads((case / "sources.json").read_text(encoding="utf-8"))["sources"]
    assert {one["kind"] for one in sources.values()} == {"fetch"}
    assert set(pq.read_table(case / "origins.parquet")["source"].to_pylist()) <= set(sources)
    refused = CliRunner(env=environ).invoke(cli.main, ["trace", "--case", str(case), "--fetch", "--compare", "now"])
    assert refused.exit_code == 2


def test_the_library_fetches_as_the_command_does(chain, tmp_path):
    server, subject = chain
    asked = len(server.paths)
    with pytest.raises(ex.InputError):  # without being told to it asks nobody
        ex.trace(ex.Store.in_memory(), subject, chain=CHAIN)
    assert len(server.paths) == asked
    how = {"esplora_url": server.base, "max_calls": 50, "tolerance": 0.01}
    report = ex.trace(tmp_path / "library", subject, chain=CHAIN, hops=10, fetch=True, fetching=how).report
    code, said, _ = typed(server, tmp_path / "typed", subject, "--hops", "10", "--fetch", "--format", "json")
    assert code == 0
    assert report.run.fetched is not None
    stated = json.loads(said)
    assert [row.name for row in report.run.fetched.histories] == [one["name"] for one in stated["run"]["fetched"]["histories"]]
    assert str(report.sections[0].totals.unresolved) == stated["sections"][0]["totals"]["unresolved"]
    for wrong in ({"esplora": 1}, {"max_calls": "many"}, {"source": 3}):
        with pytest.raises(ex.InputError):
            ex.trace(tmp_path / "library", subject, chain=CHAIN, fetch=True, fetching=wrong)
    with pytest.raises(ex.InputError, match="offline"):
        ex.trace(tmp_path / "library", subject, chain=CHAIN, fetch=True, fetching={"offline": True})
