"""Verdicts from a store to the exit code: roles that a policy changes, what is recorded, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from exposure.cli import main
from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

DICE, FOE, ME = ("0x" + letter * 40 for letter in "abc")
TX = "0x" + "9" * 64
POLICY = """name = "house"
version = "7"
[roles]
gambling = "seed"
[[rules]]
name = "house.gambling"
kind = "direct"
categories = ["gambling"]
share = "30%"
action = "hold"
reason = "the house rule"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which ME gets 60 from a casino and 40 from a listed party in one transaction."""
    ledger = tmp_path / "ledger.csv"
    rows = [f"{TX},0,1,1700000000,{DICE},{ME},60,ethereum/native", f"{TX},1,1,1700000000,{FOE},{ME},40,ethereum/native"]
    ledger.write_text("\n".join(["tx,index,block,time,from,to,amount,asset", *rows]) + "\n")
    with Store.create(tmp_path / "store") as store:
        ingest([ledger], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        add_tag(store, OwnTag(DICE, Category.GAMBLING, "Dice", "test", "n"), now=0)
        add_tag(store, OwnTag(FOE, Category.SANCTIONED, "Foe", "test", "n"), now=0)
    (tmp_path / "house.toml").write_text(POLICY)
    return tmp_path


def _run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["trace", ME, "--store", str(folder / "store"), "--direction", "source", *arguments])


def test_a_policy_changes_roles_and_that_is_recorded(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        plain = trace(store, ME, trace_options(direction="source"))
        judged = trace(store, ME, trace_options(direction="source", policy=folder / "house.toml"))
    assert [row.category for row in plain.sections[0].exposures] == ["sanctioned"]
    assert [(row.category, row.amount) for row in judged.sections[0].exposures] == [("gambling", 60), ("sanctioned", 40)]
    (used,) = judged.run.policies
    assert (used.name, used.version, dict(used.roles)) == ("house", "7", {"gambling": "seed"})
    assert judged.run.settings_digest != plain.run.settings_digest
    assert judged.run.label_digest != plain.run.label_digest
    (verdict,) = judged.verdicts
    assert (verdict.policy, verdict.action, verdict.rule) == ("house 7", "hold", "house.gambling")
    jsonschema.validate(json.loads(json.dumps(report_to_dict(judged))), report_schema())


def test_a_policy_without_roles_changes_no_digest_and_no_figure(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        plain = trace(store, ME, trace_options(direction="source"))
        judged = trace(store, ME, trace_options(direction="source", policy="jp"))
    assert plain.run.settings_digest == judged.run.settings_digest
    assert plain.sections == judged.sections
    assert plain.verdicts == ()


def test_fail_on_an_action_looks_at_every_verdict(folder: Path) -> None:
    house = ("--policy", str(folder / "house.toml"))
    for action, code in (("review", 3), ("hold", 3), ("block", 0)):
        assert _run(folder, *house, "--fail-on", action).exit_code == code, action
    both = _run(folder, *house, "--policy", "strict", "--fail-on", "block")
    assert both.exit_code == 3
    assert "block by policy strict" in both.stderr
    assert both.stdout.count("VERDICT") == 2
    assert "policy house 7: HOLD. Haircut finds 60.0 %" in both.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fail-on", "hold"), "needs a policy"),
        (("--policy", "jp", "--fail-on", "hold:3%"), "an action has no share"),
        (("--policy", "japan"), "no policy is called"),
        (("--policy", "jp", "--rule", "fifo"), "judges by haircut"),
        (("--policy", "BAD"), "did you mean share"),
    ],
)
def test_a_policy_that_cannot_judge_is_refused_with_exit_code_2(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    (folder / "bad.toml").write_text(POLICY.replace("share", "shar"))
    result = _run(folder, *[str(folder / "bad.toml") if word == "BAD" else word for word in arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


def test_policies_that_contradict_each_other_are_refused(folder: Path) -> None:
    (folder / "other.toml").write_text(POLICY.replace('gambling = "seed"', 'gambling = "seed"\nmixer = "none"'))
    (folder / "third.toml").write_text(POLICY.replace('gambling = "seed"', 'gambling = "seed"\nmixer = "boundary"'))
    with pytest.raises(InputError, match="mixer different roles"):
        trace_options(policy=[folder / "other.toml", folder / "third.toml"])
