"""The use ``trace --out``: an answer together with all it rests on, in one folder that anybody can check offline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exposure.casefile import folder as case_folder
from exposure.casefile.evidence import Evidence
from exposure.casefile.signature import private_key, signed
from exposure.model.results import Report
from exposure.model.tags import Statement
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.store.store import Store
from exposure.store.tags import user_tags
from exposure.workflows.case import log
from exposure.workflows.case.files import Form, evidence_files, manifest_of, programs, source_files
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
        case_folder.REPORT: page(
            report, lang=form.lang, zone=form.zone, case_id=case_folder.NO_ID, notes=log.notes(lines)
        ).encode(),
        case_folder.FACTS: facts_page(report, case_id=case_folder.NO_ID).encode(),
        log.LOG: log.written(lines),
        **evidence_files(report, evidence),
        **source_files(sources),
        **{f"policy-{n}.toml": policy.text.encode() for n, policy in enumerate(options.policies, 1)},
    }
    manifest = manifest_of(report, options, evidence, form) | programs() | {"replies": sources.hashes}
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


__all__: Sequence[str] = ["Form", "Written", "open_case", "options_of", "options_to_json", "subject_of", "write_case"]
