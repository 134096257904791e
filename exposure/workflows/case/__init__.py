"""The use ``trace --out``: an answer together with all it rests on, in one folder that anybody can check offline."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import exposure
from exposure.attribution.clusters import Method
from exposure.casefile import folder as case_folder
from exposure.casefile.evidence import Evidence
from exposure.casefile.flow import flow_csv, flow_table
from exposure.casefile.labels import editions_to_json, labels_to_json, tags_table
from exposure.casefile.rows import coin_tables, coverage_table, movement_table, prices_table, written
from exposure.errors import InputError
from exposure.measure.policy_text import policy_from
from exposure.model.results import Report
from exposure.model.settings import Direction, Rule
from exposure.reporting.json_report import report_to_json
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.store.store import Store
from exposure.text import shown
from exposure.units import iso
from exposure.workflows.case.record import Recording
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer

MAX_NOTE = 4_000
LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Written:
    """A case as it was written."""

    id: str
    report: Report
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """How a case is written: language and zone of its report, and the notes to add."""

    lang: str = "en"
    zone: tzinfo = UTC
    tz: str = "UTC"
    notes: tuple[str, ...] = ()


def write_case(
    store: Store,
    subject: str,
    options: TraceOptions,
    out: Path,
    form: Form,
    *,
    going_on: case_folder.Case | None = None,
    told: Callable[[Report], Report] = lambda report: report,
) -> Written:
    """Answer a question and keep the answer with its evidence.

    Parameters
    ----------
    store, subject, options
        As in `exposure.workflows.trace.trace`.
    out
        The folder: new or empty, or with ``going_on`` that of the case.
    form
        See `Form`.
    going_on
        The case as it is; its log goes on.
    told
        Adds to the report what is known beside its figures.

    Raises
    ------
    InputError
        If the question is none, or the folder cannot be written.
    """
    recording = Recording()
    report = told(answer(store, subject, options, recording))
    log = [] if going_on is None else _lines(going_on.files.get(LOG, b""))
    log.append(_step(report, options, None if going_on is None else going_on.id))
    log += [_note(text) for text in form.notes]
    files = {
        "report.json": report_to_json(report).encode(),
        "report.html": page(
            report, lang=form.lang, zone=form.zone, case_id=case_folder.NO_ID, notes=[_told(one) for one in _notes(log)]
        ).encode(),
        case_folder.FACTS: facts_page(report, case_id=case_folder.NO_ID).encode(),
        LOG: "".join(json.dumps(line, ensure_ascii=True, sort_keys=True) + "\n" for line in log).encode(),
        **_evidence_files(report, recording.evidence),
        **{f"policy-{n}.toml": policy.text.encode() for n, policy in enumerate(options.policies, 1)},
    }
    identity = case_folder.write(
        out, files, _manifest(report, options, recording.evidence, form), replacing=going_on is not None
    )
    return Written(identity, report, (*sorted(files), case_folder.MANIFEST, case_folder.IDENTITY))


def open_case(out: Path) -> case_folder.Case:
    """A case of one's own, to go on with.

    Raises
    ------
    InputError
        If it is none, or a file of it was changed.
    """
    case = case_folder.read(out)
    if case.faults:
        raise InputError(f"the case {out} was changed: {case.faults[0]}; `exposure verify {out}` says all")
    return case


def options_of(case: case_folder.Case) -> TraceOptions:
    """The options of a case's question.

    Raises
    ------
    InputError
        If the manifest does not state them.
    """
    try:
        stated = dict(case.manifest["options"])
        direction = stated["direction"]
        stated["direction"] = None if direction is None else Direction(direction)
        stated["rules"] = tuple(Rule(rule) for rule in stated["rules"])
        stated["clusters"] = Method(stated["clusters"])
        names = [name for name in sorted(case.files) if name.startswith("policy-") and name.endswith(".toml")]
        return TraceOptions(**stated, policies=tuple(policy_from(case.files[name], name) for name in names))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the manifest of the case does not state its options: {shown(error, 120)}") from error


def subject_of(case: case_folder.Case) -> str:
    """What a case is about.

    Raises
    ------
    InputError
        If the manifest does not say.
    """
    subject = case.manifest.get("subject")
    if not isinstance(subject, str):
        raise InputError("the manifest of the case does not name its subject")
    return subject


def _evidence_files(report: Report, evidence: Evidence) -> dict[str, bytes]:
    outputs, inputs = coin_tables(evidence)
    tables = {
        "transfers.parquet": flow_table(report),
        "movements.parquet": movement_table(evidence),
        "outputs.parquet": outputs,
        "inputs.parquet": inputs,
        "coverage.parquet": coverage_table(evidence),
        "prices.parquet": prices_table(evidence),
        "tags.parquet": tags_table(evidence.statements),
    }
    values = {
        "labels.json": labels_to_json(evidence.labels),
        "editions.json": editions_to_json(evidence.editions, evidence.actors),
    }
    return {
        **{name: written(table) for name, table in tables.items()},
        **{name: _json(value) for name, value in values.items()},
        "transfers.csv": flow_csv(report).encode(),
    }


def _manifest(report: Report, options: TraceOptions, evidence: Evidence, form: Form) -> dict[str, Any]:
    run = report.run
    return {
        "version": exposure.__version__,
        "python": platform.python_version(),
        "created_at": iso(run.created_at),
        "subject": report.question.subject,
        "options": options_to_json(options),
        "label_time": evidence.label_time,
        "ends": evidence.ends,
        "assets": {asset: list(known) for asset, known in evidence.assets.items()},
        "label_digest": run.label_digest,
        "settings_digest": run.settings_digest,
        "lists": [{"name": one.name, "edition": one.edition, "sha256": one.sha256} for one in run.editions],
        "policies": [{"name": one.name, "version": one.version, "sha256": one.sha256} for one in run.policies],
        "lang": form.lang,
        "tz": form.tz,
        "synthetic": run.synthetic,
    }


def options_to_json(options: TraceOptions) -> dict[str, Any]:
    """Options as JSON values, without the policies, whose files lie beside."""
    plain = asdict(replace(options, policies=()))
    plain.pop("policies")
    direction = None if options.direction is None else options.direction.value
    rules = [rule.value for rule in options.rules]
    return plain | {"rules": rules, "clusters": options.clusters.value, "direction": direction}


def _step(report: Report, options: TraceOptions, before: str | None) -> dict[str, Any]:
    return {
        "at": iso(report.run.created_at),
        "step": "trace",
        "subject": report.question.subject,
        "options": options_to_json(options),
        "policies": [policy.title for policy in options.policies],
        "verdicts": [f"{verdict.policy}: {verdict.action}" for verdict in report.verdicts],
        "version": exposure.__version__,
        "store_version": report.run.store_version,
        "labels": report.run.label_digest,
        "before": before,
    }


def _note(text: str) -> dict[str, Any]:
    """``ABOUT: words`` is a note on an address or transaction; anything else one on the case."""
    if not text.strip() or len(text) > MAX_NOTE:
        raise InputError(f"a note has 1 to {MAX_NOTE:,} characters, not {len(text):,}")
    about, colon, words = text.partition(": ")
    on_something = bool(colon) and bool(words.strip()) and " " not in about.strip() and len(about) >= 8
    return {
        "at": iso(int(time.time())),
        "step": "note",
        "about": about.strip() if on_something else "",
        "text": words.strip() if on_something else text.strip(),
    }


def _notes(log: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in log if line.get("step") == "note"]


def _told(note: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(note.get("at", "")), str(note.get("about", "")), str(note.get("text", ""))


def _lines(content: bytes) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in content.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(f"{LOG} of the case cannot be read: {shown(error, 80)}") from error
    if not all(isinstance(line, dict) for line in lines):
        raise InputError(f"{LOG} of the case is not a log")
    return lines


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


__all__: Sequence[str] = ["Form", "Written", "open_case", "options_of", "options_to_json", "subject_of", "write_case"]
