"""Laws of ``exposure trace``: options reach the trace as meant, forms go where they should, and endings have their codes."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure.cli import main
from exposure.model.results import Deposit, Report
from exposure.model.settings import Direction, Rule
from exposure.store.store import Store
from exposure.workflows import trace as workflow


class Stub:
    """Stands where the workflow stands, and keeps what it was asked."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.subject = ""
        self.options = workflow.TraceOptions()

    def trace(self, store: Store, subject: str, options: workflow.TraceOptions, *, told: object) -> Report:
        self.subject, self.options = subject, options
        return self.report

    def deposits(self, store: Store, subject: str, options: workflow.TraceOptions) -> list[Deposit]:
        self.subject, self.options = subject, options
        return [Deposit("TX:1", "bitcoin", "bitcoin/native", "BTC", 8, 5, 0, 1, "TX")]


@pytest.fixture
def stub(report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stub:
    Store.create(tmp_path / "store").close()
    monkeypatch.setenv("EXPOSURE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    made = Stub(report)
    monkeypatch.setattr(workflow, "trace", made.trace, raising=False)
    monkeypatch.setattr(workflow, "deposits", made.deposits, raising=False)
    return made


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["trace", *arguments])


def test_the_screen_is_the_default_and_plain_where_no_terminal_is(stub: Stub) -> None:
    result = _run("TX:1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Deposit   3f9ac1d0")
    assert "\x1b" not in result.stdout
    assert stub.subject == "TX:1"
    assert stub.options == workflow.TraceOptions(offline=False)


def test_options_arrive_as_meant(stub: Stub) -> None:
    where = "--chain 1 --asset USDT --hops 3 --rule all --direction destination --max-transactions 7 --offline"
    when = "--since 2024-01-01 --until 2024-01-31 --as-of 2024-02-01T00:00:00Z --labels-as-of 2022-04-04"
    result = _run("X", *where.split(), *when.split(), "--seeds-from", "designation")
    assert result.exit_code == 0, result.output
    assert stub.options == workflow.TraceOptions(
        chain="ethereum",
        asset="ethereum/0xdac17f958d2ee523a2206206994597c13d831ec7",
        hops=3,
        rules=tuple(Rule),
        direction=Direction.DESTINATION,
        since=1_704_067_200,
        until=1_706_745_599,
        as_of=1_706_745_600,
        labels_as_of=1_649_116_799,
        offline=True,
        max_transactions=7,
        seeds_from_designation=True,
    )


def test_no_hop_limit_can_be_asked_for(stub: Stub) -> None:
    assert _run("X", "--hops", "unlimited").exit_code == 0
    assert stub.options.hops is None


def test_a_setting_of_the_environment_holds_unless_a_flag_says_otherwise(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOPS", "2")
    _run("X")
    assert stub.options.hops == 2
    _run("X", "--hops", "4")
    assert stub.options.hops == 4


def test_every_form_can_be_written(stub: Stub, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    assert json.loads(_run("X", "--format", "json").stdout)["schema"] == stub.report.schema
    lines = [json.loads(line) for line in _run("X", "--format", "jsonl").stdout.splitlines()]
    assert len(lines) == len(list(csv.DictReader(io.StringIO(_run("X", "--format", "csv").stdout)))) == 9
    target = tmp_path / "rows.parquet"
    assert _run("X", "--format", "parquet", "-o", str(target)).stdout == ""
    assert pq.read_table(target).num_rows == 9
    assert target.stat().st_mode & 0o077 == 0


def test_a_file_named_html_is_written_as_one_in_the_language_asked_for(stub: Stub, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    assert _run("X", "-o", str(target)).exit_code == 0
    assert '<html lang="en">' in target.read_text()
    assert _run("X", "--lang", "ja", "--format", "html", "-o", str(target)).exit_code == 0
    assert '<html lang="ja">' in target.read_text()
    assert _run("X", "--lang", "de").exit_code == 2
    assert _run("X", "--list", "--format", "html", "-o", str(target)).exit_code == 2


def test_times_are_shown_in_the_zone_asked_for(stub: Stub) -> None:
    assert "18:12 JST (09:12 UTC)" in _run("X", "--tz", "Asia/Tokyo").stdout


@pytest.mark.parametrize(
    ("conditions", "missing", "code"),
    [
        ((), (), 0),
        (("sanctioned",), (), 3),
        (("sanctioned:12.5%",), (), 0),
        (("scam", "mixer:3%"), (), 3),
        ((), ("the budget was spent",), 4),
        (("sanctioned",), ("the budget was spent",), 3),
    ],
)
def test_exit_codes(stub: Stub, conditions: tuple[str, ...], missing: tuple[str, ...], code: int) -> None:
    stub.report = replace(stub.report, incomplete_answer=missing)
    result = _run("X", *[part for condition in conditions for part in ("--fail-on", condition)])
    assert result.exit_code == code
    assert ("fail-on:" in result.stderr) is (code == 3)
    assert all(sentence in result.stdout for sentence in missing)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["X", "--rule", "magic"], "haircut"),
        (["X", "--hops", "0"], "1 to 1,000"),
        (["X", "--chain", "dogechain"], "unknown chain"),
        (["X", "--asset", "0xdac17f958d2ee523a2206206994597c13d831ec7"], "say on which chain"),
        (["X", "--chain", "ethereum", "--asset", "0xdac17f958d2ee523a2206206994597c13d831ecX"], "0x"),
        (["X", "--since", "2024-02-01", "--until", "2024-01-01"], "window is empty"),
        (["X", "--since", "last week"], "last week"),
        (["X", "--fail-on", "sanktioned"], "did you mean sanctioned"),
        (["X", "--fail-on", "hold"], "policy"),
        (["X", "--format", "pdf"], "pdf"),
        (["X", "--tz", "Mars/Olympus"], "Mars"),
        ([], "SUBJECT"),
    ],
)
def test_what_is_mistyped_is_refused_with_a_sentence(stub: Stub, arguments: list[str], said: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert stub.subject == ""


def test_without_a_store_the_way_to_one_is_said(stub: Stub, tmp_path: Path) -> None:
    result = _run("X", "--store", str(tmp_path / "nowhere"))
    assert result.exit_code in (1, 2)
    assert "nowhere" in result.stderr
    assert "import" in result.stderr


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_the_list_of_deposits_says_what_to_trace(stub: Stub, form: str) -> None:
    result = _run("bc1q", "--list", "--format", form)
    assert result.exit_code == 0, result.output
    assert "TX:1" in result.stdout


def test_help_has_examples_and_codes() -> None:
    result = _run("--help")
    assert result.exit_code == 0
    for said in ("Examples:", "--fail-on", "ADDRESS@TIME[#n]", "Exit codes"):
        assert said in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())
