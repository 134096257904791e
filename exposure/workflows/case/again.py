"""Whether what a case says is what its recomputed answer makes: report, manifest, log and pages, written anew and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from exposure.casefile import folder as case_folder
from exposure.casefile.evidence import Evidence
from exposure.casefile.sentences import NOTICES, notices_from_json
from exposure.errors import InputError
from exposure.model.provenance import Asked, Fetched, HistoryFetched
from exposure.model.results import Report
from exposure.model.sentences import Sentence
from exposure.reporting.json_report import report_to_dict
from exposure.reporting.page import LANGUAGES, is_plotlys, page, script_of
from exposure.reporting.page.facts import facts_page
from exposure.text import shown
from exposure.units import to_unix, zone
from exposure.workflows.case import log
from exposure.workflows.case.check import Check
from exposure.workflows.case.compare import first_difference
from exposure.workflows.case.files import Form, manifest_of, plotly_version, programs
from exposure.workflows.case.reading import json_of
from exposure.workflows.labels import warnings_of
from exposure.workflows.trace.options import TraceOptions

_BESIDE = frozenset(("form", "files", "replies", "python", "plotly"))
"""Keys of a manifest that do not follow from the answer: compared elsewhere, or by which programs it was written."""


def as_stated(case: case_folder.Case, made: Report, evidence: Evidence, stated: Mapping[str, Any]) -> Report:
    """The answer made again, with what of the stated one no folder can make again: day, warnings, what was fetched.

    Raises
    ------
    InputError, LookupError, TypeError, ValueError, AttributeError
        If that cannot be read.
    """
    run = stated["run"]
    warnings, missing = notices_from_json(json_of(case, NOTICES))
    record = replace(
        made.run,
        version=str(run["version"]),
        store_version=int(run["store_version"]),
        label_digest=evidence.labels.digest,
        created_at=to_unix(run["created_at"]),
        seconds=float(run["seconds"]),
        synthetic=bool(run["synthetic"]),
        fetched=_fetched(run["fetched"]),
    )
    return replace(made, run=record, warnings=warnings, incomplete_answer=missing)


def _fetched(said: Mapping[str, Any] | None) -> Fetched | None:
    if said is None:
        return None
    histories = tuple(HistoryFetched(**one) for one in said["histories"])
    asked = tuple(Asked(one["host"], one["calls"], tuple(one["names"])) for one in said["asked"])
    return Fetched(histories, asked, said["left"])


def report(whole: Report, made: Report, evidence: Evidence, stated: Mapping[str, Any]) -> Check:
    """Whether the report says what comes out, and nothing less. ``whole``: the recomputed one as `as_stated` completes it."""
    difference = first_difference(stated, json.loads(json.dumps(report_to_dict(whole))), whole=True)
    if difference:
        return Check("report", False, difference)
    said = (*whole.warnings, *whole.incomplete_answer)
    follows = [*made.warnings, *made.incomplete_answer, *_of_lists(whole, evidence)]
    lost = next((one for one in follows if one not in said), None)
    if lost is not None:
        return Check("report", False, f"it leaves out: {shown(lost, 200)}")
    fetched = ("what was fetched for it, and from whom",) if whole.run.fetched is not None else ()
    beside = (f"notice: {shown(one, 200)}" for one in said if one not in follows)
    synthetic = "" if whole.run.synthetic else "that its ledger is no synthetic one"
    own = ("the version and the day of the run", "the day of its labels", synthetic)
    given = (*filter(None, own), *fetched, *beside)
    return Check("report", True, "report.json says what comes out, and nothing less", given)


def _of_lists(whole: Report, evidence: Evidence) -> Iterator[str]:
    """What has to be said of the lists by their editions; of an old list what was said, if its publisher was asked again."""
    newest = {edition.name: edition for edition in evidence.editions}
    said = [one for one in whole.warnings if isinstance(one, Sentence)]
    for one in warnings_of(newest, tuple(newest.values()), True, evidence.label_time):
        name = one.values.get("name")
        if one.key == "lists.old":
            others = (other for other in said if other.key == "lists.old_but_asked" and other.values.get("name") == name)
        else:
            others = (other for other in said if other.key.startswith("lists.no"))
        yield next(others, one)


def manifest(case: case_folder.Case, whole: Report, options: TraceOptions, evidence: Evidence, form: Form) -> Check:
    """Whether the manifest says of the answer what follows from it."""
    made = json.loads(json.dumps(manifest_of(whole, options, evidence, form)))
    said = {key: value for key, value in case.manifest.items() if key not in _BESIDE}
    wrong = next((key for key in sorted({*made, *said}) if key not in said or key not in made or made[key] != said[key]), None)
    wrong = wrong or next((key for key in programs() if not isinstance(case.manifest.get(key), str)), None)
    if wrong is not None:
        return Check("manifest", False, f"{shown(wrong, 60)} of the manifest is not what the answer makes it")
    return Check("manifest", True, "subject, settings, lists and policies are those of the answer")


def steps(case: case_folder.Case, whole: Report, options: Mapping[str, Any], lines: list[log.Line]) -> Check:
    """Whether the last question of the log is the one of the report; what was done before nothing in the folder shows."""
    asked = [line for line in lines if line.get("step") == "trace"]
    made = json.loads(json.dumps(log.question(whole, options, None)))
    if not asked or {**asked[-1], "before": None} != made:
        return Check("log", False, f"the last question in {log.LOG} is not the one that the report answers")
    others = [line for line in lines if line is not asked[-1]]
    given = tuple(f"{shown(str(line.get('step')), 20)} of {shown(str(line.get('at')), 30)}" for line in others)
    return Check("log", True, f"{len(lines):,} steps, of which the last question is that of the report", given)


def form_of(manifest: Mapping[str, Any]) -> Form:
    """Language and zone of the pages.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    lang, tz = str(manifest.get("lang")), str(manifest.get("tz"))
    if lang not in LANGUAGES:
        raise InputError(f"the manifest of the case names a language that there is not: {shown(lang, 20)}")
    return Form(lang, zone(tz), tz)


def pages(case: case_folder.Case, whole: Report, form: Form, notes: list[tuple[str, str, str]], own: str) -> Iterator[Check]:
    """Whether the pages are, byte for byte, those of the answer. ``own``: the version of this program.

    Raises
    ------
    InputError
        If a page cannot be made.
    """
    version = whole.run.version
    facts = case.files.get(case_folder.FACTS)
    if facts is not None:
        yield _same(case_folder.FACTS, facts, facts_page(whole, case_id=case.id).encode(), version, own)
    said = case.files.get(case_folder.REPORT)
    if said is not None:
        script = script_of(said.decode("utf-8", "replace"))
        made = page(whole, lang=form.lang, zone=form.zone, case_id=case.id, notes=notes, plotly=script)
        yield _drawn(_same(case_folder.REPORT, said, made.encode(), version, own), script, case.manifest)
    for name in (case_folder.FACTS, case_folder.REPORT):
        if name not in case.files:
            yield Check(name, True, "is not in the folder, so there was nothing to compare", compared=False)


def _same(name: str, said: bytes, made: bytes, version: str, own: str) -> Check:
    if said == made:
        return Check(name, True, "is byte for byte the page that the recomputed answer makes")
    if version != own:
        by = f"it says that exposure {shown(version, 20)} wrote it, and this is {own}"
        return Check(name, True, f"was NOT compared: {by}. Read no figure from it, or verify by that version", compared=False)
    place = next((n for n, (one, other) in enumerate(zip(said, made, strict=False)) if one != other), min(len(said), len(made)))
    line = said.count(b"\n", 0, place) + 1
    return Check(name, False, f"{name} is not the page that the recomputed answer makes: it differs in line {line:,}")


def _drawn(found: Check, script: str, manifest: Mapping[str, Any]) -> Check:
    """The check of a page, once the script that draws in it is looked at: whoever may run one can show what he likes."""
    if not (found.ok and found.compared):
        return found
    if is_plotlys(script):
        return found
    here = f"plotly {plotly_version() or '(none)'} is installed here"
    what = (
        "all but the script that draws is the page of the recomputed answer; the script was NOT compared, and could show other"
    )
    by = f"the case says that it is of plotly {shown(str(manifest.get('plotly')), 20)}, and {here}"
    return replace(found, detail=f"{what} figures: {by}. Verify with that plotly", compared=False)
