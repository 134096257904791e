"""A case as somebody makes it who has this very program: other evidence, and every file in step with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from exposure.casefile import folder as case_folder
from exposure.casefile.evidence import Evidence
from exposure.model.results import Report
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.workflows.case import again, log
from exposure.workflows.case.files import evidence_files, manifest_of, programs
from exposure.workflows.case.reading import evidence_of, json_of, options_of, options_to_json, store_of, subject_of
from exposure.workflows.case.record import Replaying
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer

_ROWS = ("movements.parquet", "outputs.parquet", "inputs.parquet")


def _same(value: Any) -> Any:
    return value


def doctored(
    case: Path,
    out: Path,
    *,
    files: Mapping[str, bytes] | None = None,
    evidence: Callable[[Evidence], object] = _same,
    options: Callable[[TraceOptions], TraceOptions] = _same,
    told: Callable[[Report], Report] = _same,
    lines: Callable[[list[log.Line]], list[log.Line]] = _same,
) -> Path:
    """A copy in ``out`` with some files, evidence, options, words of the report or steps of the log changed, all in step."""
    whole = case_folder.read(case)
    whole = replace(whole, files={**whole.files, **(files or {})})
    found, asked, stated = evidence_of(whole), options(options_of(whole)), json_of(whole, "report.json")
    evidence(found)
    with store_of(whole) as store:
        views = Replaying(found)
        made = answer(store, subject_of(whole), asked, views)
    found.judged = {key: found.judged.get(key, counted) for key, counted in views.recounted.items()}
    report = told(again.as_stated(whole, made, found, stated))
    steps = log.lines(whole.files[log.LOG])
    steps = lines([*steps[:-1], log.question(report, options_to_json(asked), None)])
    form = again.form_of(whole.manifest)
    changed = {
        **whole.files,
        **{name: content for name, content in evidence_files(report, found).items() if name not in _ROWS},
        **{f"policy-{n}.toml": policy.text.encode() for n, policy in enumerate(asked.policies, 1)},
        **(files or {}),
        log.LOG: log.written(steps),
        case_folder.FACTS: facts_page(report, case_id=case_folder.NO_ID).encode(),
        case_folder.REPORT: page(
            report, lang=form.lang, zone=form.zone, case_id=case_folder.NO_ID, notes=log.notes(steps)
        ).encode(),
    }
    own = (case_folder.MANIFEST, case_folder.IDENTITY, case_folder.SIGNATURE)
    kept = {name: content for name, content in changed.items() if name not in own}
    manifest = manifest_of(report, asked, found, form) | programs() | {"replies": whole.manifest["replies"]}
    case_folder.write(out, kept, manifest)
    return out
