"""The use ``trace --out``: an answer together with all it rests on, in one folder that anybody can check offline."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import exposure
from exposure.casefile import folder as case_folder
from exposure.casefile.decisions import decisions_to_json
from exposure.casefile.evidence import Evidence
from exposure.casefile.flow import flow_csv, flow_table
from exposure.casefile.labels import editions_to_json, labels_to_json, tags_table
from exposure.casefile.rows import coin_tables, coverage_table, movement_table, prices_table, written
from exposure.casefile.signature import private_key, signed
from exposure.casefile.sources import Sources, origins_table, replies_table, sources_to_json
from exposure.model.results import Report
from exposure.model.tags import Statement
from exposure.reporting.json_report import report_to_json
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.store.store import Store
from exposure.store.tags import user_tags
from exposure.units import iso
from exposure.workflows.case import log
from exposure.workflows.case.reading import evidence_of, open_case, options_of, options_to_json, subject_of
from exposure.workflows.case.record import Recording
from exposure.workflows.case.sources import sources_of
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer


@dataclass(frozen=True, slots=True)
class Written:
    """A case as it was written."""

    id: str
    report: Report
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """How a case is written: language and zone of its report, the notes to add, and the private key that signs it."""

    lang: str = "en"
    zone: tzinfo = UTC
    tz: str = "UTC"
    notes: tuple[str, ...] = ()
    key: Path | None = None


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
    added = [log.note(text) for text in form.notes]
    key = form.key
    if key is not None:
        private_key(key)  # what is wrong with it is said before the work, not behind it
    before = None if going_on is None else _before(going_on)
    recording = Recording()
    report = told(answer(store, subject, options, recording))
    evidence = recording.evidence
    sources = sources_of(store, evidence)
    lines = [] if going_on is None else log.lines(going_on.files.get(log.LOG, b""))
    lines += log.between(report, evidence.statements, before, _own_tags(store, evidence, before))
    lines += [log.question(report, options_to_json(options), before), *added]
    files = {
        "report.json": report_to_json(report).encode(),
        "report.html": page(report, lang=form.lang, zone=form.zone, case_id=case_folder.NO_ID, notes=log.notes(lines)).encode(),
        case_folder.FACTS: facts_page(report, case_id=case_folder.NO_ID).encode(),
        log.LOG: log.written(lines),
        **_evidence_files(report, evidence),
        **_source_files(sources),
        **{f"policy-{n}.toml": policy.text.encode() for n, policy in enumerate(options.policies, 1)},
    }
    manifest = _manifest(report, options, evidence, form) | {"replies": sources.hashes}
    identity = case_folder.write(
        out,
        files,
        manifest,
        replacing=None if going_on is None else going_on.id,
        sign=None if key is None else lambda octets: signed(octets, key),
    )
    own = [case_folder.MANIFEST, case_folder.IDENTITY, *([case_folder.SIGNATURE] if key is not None else [])]
    return Written(identity, report, (*sorted(files), *own))


def _before(case: case_folder.Case) -> log.Before:
    """What the next step of a case is compared with."""
    evidence = evidence_of(case)
    return log.Before(case.id, evidence.statements, evidence.labels.hubs, options_of(case).expanded)


def _own_tags(store: Store, evidence: Evidence, before: log.Before | None) -> Sequence[Statement]:
    """Every tag of the user's own on what the answers of then and now hang on, retracted ones too."""
    if before is None:
        return ()
    subjects = {one.tag.subject for one in (*evidence.statements, *before.statements)}
    return user_tags(store.connection, subjects=sorted(subjects))


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
        "decisions.json": decisions_to_json(evidence),
        "labels.json": labels_to_json(evidence.labels),
        "editions.json": editions_to_json(evidence.editions, evidence.actors),
    }
    return {
        **{name: written(table) for name, table in tables.items()},
        **{name: _json(value) for name, value in values.items()},
        "transfers.csv": flow_csv(report).encode(),
    }


def _source_files(sources: Sources) -> dict[str, bytes]:
    return {
        "sources.json": _json(sources_to_json(sources)),
        "origins.parquet": written(origins_table(sources)),
        "replies.parquet": written(replies_table(sources)),
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


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


__all__: Sequence[str] = ["Form", "Written", "open_case", "options_of", "options_to_json", "subject_of", "write_case"]
