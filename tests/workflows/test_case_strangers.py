"""What a stranger may do to a case with all its hashes made anew: it is found, or verify says that it took it as given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from forged_cases import forged
from strangers import doctored

from exposure.casefile import folder as case_folder
from exposure.casefile.evidence import Evidence
from exposure.casefile.rows import coverage_schema, written
from exposure.cli import main
from exposure.errors import ExposureError
from exposure.measure.policy_text import policy_from
from exposure.model.results import Report
from exposure.reporting import page as pages
from exposure.store.store import Store
from exposure.workflows.case import Form, write_case
from exposure.workflows.case import verify as workflow
from exposure.workflows.case.log import Line
from exposure.workflows.case.verify import Verified, verify
from exposure.workflows.trace_options import trace_options

DEPOSIT = "ea15bd3966079bcb514e0cbcd8621daf2f65756144d885d5db0ca05284140c57:1"


@pytest.fixture(scope="module")
def case(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged deposit with 15.1 % from listed parties, its page in Japanese."""
    out = tmp_path_factory.mktemp("strangers") / "case"
    with Store.open(small / "store") as store:
        write_case(store, DEPOSIT, trace_options(policy="jp"), out, Form(lang="ja", notes=("asked the customer",)))
    return out


def _failed(found: Verified) -> list[str]:
    assert found.faults == ()
    return [check.name for check in found.checks if not check.ok]


def _given(found: Verified) -> str:
    return "\n".join(name for check in found.checks for name in check.given)


def _page(case: Path, name: str) -> bytes:
    whole = case_folder.read(case)
    return whole.files[name].replace(whole.id.encode(), case_folder.NO_ID.encode())


def test_a_case_that_nobody_touched_holds_and_so_does_one_written_again(case: Path, tmp_path: Path) -> None:
    for place in (case, doctored(case, tmp_path / "again")):
        found = verify(place)
        assert (found.ok, found.uncompared) == (True, ())


@pytest.mark.parametrize("name", [case_folder.REPORT, case_folder.FACTS])
def test_a_page_whose_figures_were_altered_is_named(case: Path, tmp_path: Path, name: str) -> None:
    page = _page(case, name)
    altered = page.replace(b"15.1", b"05.1").replace(b"11.3", b"01.3")
    assert altered != page
    place = forged(case, tmp_path / "case", {name: altered})
    assert _failed(verify(place)) == [name]
    told = CliRunner().invoke(main, ["verify", str(place)])
    assert told.exit_code == 1
    assert f"DIFFERS   {name}" in told.stdout


def _with_script(page: bytes, more: str) -> bytes:
    """A page whose drawing script has something behind it, allowed by its hash."""
    html = page.decode()
    script = pages.script_of(html)
    return html.replace(pages._hash(script), pages._hash(script + more)).replace(script, script + more).encode()


def test_a_page_with_another_script_that_draws_is_said_not_to_be_compared(case: Path, tmp_path: Path) -> None:
    page = _with_script(_page(case, case_folder.REPORT), ";document.body.textContent='0 %'")
    place = forged(case, tmp_path / "case", {case_folder.REPORT: page}, {"plotly": "9.9.9"})
    found = verify(place)
    assert (found.ok, found.uncompared) == (True, (case_folder.REPORT,))
    told = CliRunner().invoke(main, ["verify", str(place)])
    assert told.exit_code == 4
    assert "UNKNOWN   report.html" in told.stdout
    assert "9.9.9" in told.stdout
    assert "VERIFIED, but for what could not be compared: report.html" in told.stdout


def test_a_script_that_ends_early_hides_no_text(case: Path, tmp_path: Path) -> None:
    page = _with_script(_page(case, case_folder.REPORT), "</ScRiPt><h1>0 %</h1><script>")
    place = forged(case, tmp_path / "case", {case_folder.REPORT: page}, {"plotly": "9.9.9"})
    assert _failed(verify(place)) == [case_folder.REPORT]


def test_without_plotly_a_script_is_known_by_its_hash(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "plotly.offline", None)
    assert verify(case).uncompared == ()
    page = _with_script(_page(case, case_folder.REPORT), " ")
    assert verify(forged(case, tmp_path / "case", {case_folder.REPORT: page})).uncompared == (case_folder.REPORT,)


def test_pages_of_another_version_are_said_not_to_be_compared(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever alters a page may as well claim another version: no figure of it is vouched for then."""
    place = doctored(case, tmp_path / "case", told=lambda report: replace(report, run=replace(report.run, version="0.0.9")))
    assert verify(place).uncompared == ()  # what that version is said to have written is what this one writes
    pages_of = {name: _page(place, name).replace(b"15.1", b"05.1") for name in (case_folder.REPORT, case_folder.FACTS)}
    found = verify(forged(place, tmp_path / "altered", pages_of))
    assert (found.ok, found.uncompared) == (True, (case_folder.FACTS, case_folder.REPORT))
    assert "0.0.9" in "".join(check.detail for check in found.checks)


def _seed_left_out(evidence: Evidence) -> None:
    evidence.labels = replace(evidence.labels, seeds={})


def _later_dates(evidence: Evidence) -> None:
    year = 365 * 86_400
    seeds = {
        key: replace(
            seed,
            dates=tuple(date + year for date in seed.dates),
            designations=tuple(
                replace(one, listed_on=None if one.listed_on is None else one.listed_on + year) for one in seed.designations
            ),
        )
        for key, seed in evidence.labels.seeds.items()
    }
    evidence.labels = replace(evidence.labels, seeds=seeds)


def _seed_of_no_tag(evidence: Evidence) -> None:
    labels = evidence.labels
    seeds = {**labels.seeds, "bc1qnobody": next(iter(labels.seeds.values()))}
    evidence.labels = replace(labels, seeds=seeds)


def _seeds_from_designation(evidence: Evidence) -> None:
    evidence.labels = replace(evidence.labels, seeds_from_designation=True)


def _more_dust(evidence: Evidence) -> None:
    evidence.dust = {asset: limit * 1_000 for asset, limit in evidence.dust.items()}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_seed_left_out, "labels"),
        (_later_dates, "labels"),
        (_seed_of_no_tag, "labels"),
        (_seeds_from_designation, "labels"),
        (_more_dust, "hubs"),
    ],
)
def test_labels_and_limits_that_do_not_follow_are_found_though_all_figures_come_out(
    case: Path, tmp_path: Path, change: Callable[[Evidence], None], named: str
) -> None:
    found = verify(doctored(case, tmp_path / "case", evidence=change))
    assert _failed(found) == [named]


def test_tags_that_were_left_out_are_what_verify_says_it_takes_as_given(case: Path, tmp_path: Path) -> None:
    def clean(evidence: Evidence) -> None:
        seeds = evidence.labels.seeds
        _seed_left_out(evidence)
        evidence.statements = tuple(said for said in evidence.statements if said.tag.subject not in seeds)

    found = verify(doctored(case, tmp_path / "case", evidence=clean))
    assert found.ok
    assert "OFAC SDN" in _given(found)
    assert "no more" in _given(found)


def _without_warnings(report: Report) -> Report:
    return replace(report, warnings=())


def _other_counts(report: Report) -> Report:
    return replace(report, run=replace(report.run, counts={"transactions": 9_999, "hubs": 0}))


def _unknown_engine(report: Report) -> Report:
    return replace(report, run=replace(report.run, engine="spark"))


def _other_verdict(report: Report) -> Report:
    return replace(report, verdicts=tuple(replace(one, action="allow") for one in report.verdicts))


def _other_sentence(report: Report) -> Report:
    return replace(report, verdicts=tuple(replace(one, sentence="nothing was found") for one in report.verdicts))


def _more_hops(report: Report) -> Report:
    return replace(report, question=replace(report.question, max_hops=50))


def _later_end(report: Report) -> Report:
    return replace(report, as_of=tuple(replace(one, time=one.time + 86_400) for one in report.as_of))


@pytest.mark.parametrize(
    "told", [_without_warnings, _other_counts, _unknown_engine, _other_verdict, _other_sentence, _more_hops, _later_end]
)
def test_no_word_of_the_report_can_be_altered_in_step_with_its_pages(
    case: Path, tmp_path: Path, told: Callable[[Report], Report]
) -> None:
    assert _failed(verify(doctored(case, tmp_path / "case", told=told)))


def test_what_is_said_beside_the_figures_is_named(case: Path, tmp_path: Path) -> None:
    def told(report: Report) -> Report:
        return replace(report, warnings=(*report.warnings, "all is well"), run=replace(report.run, synthetic=False))

    def lines(steps: list[Line]) -> list[Line]:
        return [{"at": "2020-01-01T00:00:00Z", "step": "note", "about": "", "text": "a friend of ours"}, *steps]

    found = verify(doctored(case, tmp_path / "case", told=told, lines=lines))
    assert found.ok
    for said in ("notice: all is well", "synthetic", "note of 2020-01-01T00:00:00Z", "3 prices", "18 trans"):
        assert said in _given(found), said


def test_the_log_ends_in_the_question_of_the_report(case: Path, tmp_path: Path) -> None:
    steps = case_folder.read(case).files["log.jsonl"]
    milder = steps.replace(b": hold", b": allow").replace(b": block", b": allow").replace(b": review", b": allow")
    assert milder != steps
    for number, content in enumerate((b"", milder, b'{"a":1,"a":2}')):
        assert _failed(verify(forged(case, tmp_path / str(number), {"log.jsonl": content}))) in (["log"], ["report"])


def test_settings_and_a_policy_that_is_not_what_its_name_says_stand_in_the_result(case: Path, tmp_path: Path) -> None:
    text = case_folder.read(case).files["policy-1.toml"]
    soft = policy_from(text.replace(b'action = "hold"', b'action = "allow"'), "soft")
    place = doctored(case, tmp_path / "case", options=lambda asked: replace(asked, hops=1, dust_usd=2.0, policies=(soft,)))
    assert "hubs" in _failed(verify(place))  # the dust limit in the folder is that of another setting
    place = doctored(case, tmp_path / "hops", options=lambda asked: replace(asked, hops=1, policies=(soft,)))
    (said,) = (check.detail for check in verify(place).checks if check.name == "question")
    assert "hops 1 (usual: 5)" in said
    assert "which is NOT the jp" in said
    assert _failed(verify(forged(case, tmp_path / "alone", {"policy-1.toml": soft.text.encode()})))


def _twice(files: dict[str, Any]) -> dict[str, bytes]:
    return {"report.json": files["report.json"].replace(b"{\n", b'{\n  "sections": [],\n', 1)}


def _no_run(files: dict[str, Any]) -> dict[str, bytes]:
    return {"report.json": json.dumps({**json.loads(files["report.json"]), "run": []}).encode()}


def _without_end(files: dict[str, Any]) -> dict[str, bytes]:
    return {"decisions.json": files["decisions.json"].replace(b'"bitcoin": ', b'"bitcoin": 1e999, "b": ', 1)}


def _notices(files: dict[str, Any]) -> dict[str, bytes]:
    return {"notices.json": b'{"warnings": [{"key": "lists.old", "values": {}}], "incomplete_answer": []}'}


def _another_file(files: dict[str, Any]) -> dict[str, bytes]:
    return {"summary.html": b"<h1>0 %</h1>"}


def _sources(files: dict[str, Any]) -> dict[str, bytes]:
    said = json.loads(files["sources.json"])
    return {"sources.json": json.dumps({**said, "sources": {key: [] for key in said["sources"]}}).encode()}


def _bad_balance(files: dict[str, Any]) -> dict[str, bytes]:
    row = dict.fromkeys(coverage_schema().names, "") | {"complete": False, "oldest": False, "balance": "x"}
    return {"coverage.parquet": written(pa.Table.from_pylist([row], schema=coverage_schema()))}


def _nobody_judged(files: dict[str, Any]) -> dict[str, bytes]:
    return {"decisions.json": json.dumps({**json.loads(files["decisions.json"]), "judged": []}).encode()}


def _regimes(files: dict[str, Any]) -> dict[str, bytes]:
    return {"labels.json": files["labels.json"].replace(b'"regime": "US"', b'"regime": {}')}


def _more_than_is_read(files: dict[str, Any]) -> dict[str, bytes]:
    return {"labels.json": json.dumps({**json.loads(files["labels.json"]), "approved by": "an authority"}).encode()}


@pytest.mark.parametrize(
    "change",
    [_bad_balance, _nobody_judged, _more_than_is_read, _twice, _no_run, _without_end, _notices, _another_file, _sources],
)
def test_files_that_two_readers_read_differently_or_no_case_has_do_not_pass(
    case: Path, tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, bytes]]
) -> None:
    files = dict(case_folder.read(case).files)
    changed = change(files)
    assert all(content != files.get(name) for name, content in changed.items())
    place = forged(case, tmp_path / "case", changed)
    try:
        assert _failed(verify(place))
    except ExposureError as error:
        assert "of the case" in str(error)


@pytest.mark.parametrize(
    "manifest",
    [
        {"lang": "en"},
        {"lang": "xx"},
        {"tz": "../../etc/passwd"},
        {"tz": []},
        {"synthetic": False},
        {"approved": "yes"},
        {"plotly": []},
    ],
)
def test_the_manifest_says_of_the_answer_only_what_follows_from_it(
    case: Path, tmp_path: Path, manifest: dict[str, Any]
) -> None:
    assert _failed(verify(forged(case, tmp_path / "case", {}, manifest)))


def test_a_case_without_its_pages_is_not_called_whole(case: Path, tmp_path: Path) -> None:
    found = verify(forged(case, tmp_path / "case", {case_folder.REPORT: None, case_folder.FACTS: None}))
    assert (found.ok, set(found.uncompared)) == (True, {case_folder.REPORT, case_folder.FACTS})


def test_every_file_of_a_case_is_in_its_document() -> None:
    document = (Path(__file__).resolve().parent.parent.parent / "docs" / "case.md").read_text()
    for name in sorted(workflow.NAMES):
        assert f"`{name}`" in document, name
