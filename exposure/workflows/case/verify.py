"""The use ``verify``: a case is recomputed from its own evidence, offline, by both engines, and compared with what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import exposure
from exposure.casefile import folder as case_folder
from exposure.casefile import signature
from exposure.casefile.evidence import Evidence
from exposure.casefile.flow import flow_csv, flow_table
from exposure.errors import ExposureError, InputError
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import UtxoTx
from exposure.model.results import Report
from exposure.reporting.json_report import report_to_dict
from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.case import again, decisions, given, log, sources, tagged
from exposure.workflows.case.check import Check
from exposure.workflows.case.compare import first_difference
from exposure.workflows.case.files import NAMES
from exposure.workflows.case.reading import (
    BROKEN,
    POLICY,
    evidence_of,
    json_of,
    options_of,
    options_to_json,
    store_of,
    subject_of,
    table_of,
)
from exposure.workflows.case.record import Replaying
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.run import answer
from exposure.workflows.trace.subjects import customer_of

ENGINES = ("reference", "local")

_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it. ``faults``: files that are not what the manifest says; then nothing was recomputed."""

    id: str
    files: int
    faults: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong: no file, and no figure."""
        return not self.faults and all(check.ok for check in self.checks)

    @property
    def uncompared(self) -> tuple[str, ...]:
        """Names of what could not be compared, and may be wrong for all that is known."""
        return tuple(check.name for check in self.checks if not check.compared)


def verify(folder: Path, *, case_id: str | None = None, key: str | None = None) -> Verified:
    """Check a case folder, and recompute its figures from its evidence.

    Parameters
    ----------
    folder
        The case. It may be a stranger's: no link is followed, nothing in it is run, sizes are bounded.
    case_id
        The id that it is said to have. Without one, whoever changed a case can have made its hashes anew.
    key
        The public key of whoever is said to have signed it: 64 hex digits, or a file.

    Raises
    ------
    InputError
        If the folder is no case, what it holds cannot be read, or the id or the key is none.
    """
    said_id = None if case_id is None else case_id.strip().lower()
    if said_id is not None and not _ID.fullmatch(said_id):
        raise InputError(f"an id of a case has 64 hex digits, and {shown(case_id or '', 80)!r} has not: give it whole (--id)")
    by = None if key is None else signature.public_key(key)
    case = case_folder.read(folder)
    faults = list(case.faults)
    if said_id is not None and case.id != said_id:
        faults.insert(0, f"{case_folder.MANIFEST} is not that of the case {said_id}: this one is {case.id}")
    unchecked = case.signature is not None and by is None and not signature.is_installed()
    if not unchecked and not any(fault.startswith(case_folder.MANIFEST) for fault in faults):
        wrong = signature.fault(case.octets, case.signature, by)
        faults += [wrong] if wrong else []
    if faults:
        return Verified(case.id, len(case.files) + 1, tuple(faults), ())
    options, subject = options_of(case), subject_of(case)
    evidence = evidence_of(case)
    stated = json_of(case, "report.json")
    checks = [
        *_signed(case, by, unchecked=unchecked),
        given.question(subject, options),
        _files(case),
        _guarded("evidence", lambda: given.evidence(case, evidence)),
        _guarded("labels", lambda: tagged.labels(evidence, options)),
        _guarded("sources", lambda: sources.named(case)),
        *_recomputed(_Opened(case, subject, options, evidence, stated)),
    ]
    return Verified(case.id, len(case.files) + 1, (), tuple(checks))


def _files(case: case_folder.Case) -> Check:
    """Whether every file is one that a case has: nothing vouches for what another one says."""
    odd = sorted(name for name in case.files if name not in NAMES and not POLICY.fullmatch(name))
    if odd:
        return Check("names", False, f"{shown(odd[0], 80)} is no file of a case: nothing makes it, and nothing vouches for it")
    return Check("names", True, "every file is one that a case has")


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check on evidence that may have been made up so that it breaks."""
    try:
        return check()
    except BROKEN as error:
        return Check(name, False, f"what the case says of it does not fit together: {shown(error, 200)}")


def _signed(case: case_folder.Case, by: str | None, *, unchecked: bool) -> Iterator[Check]:
    """What a signature that was found in order says, and what it does not."""
    if case.signature is None:
        return
    who = signature.signer(case.signature) or "nobody"
    if unchecked:
        said = f"it names the key {who} and was NOT checked: that needs cryptography (pip install 'chain-exposure[sign]')"
    elif by is None:
        said = f"by the key {who}; whose that is the folder cannot say (--key PUBKEY)"
    else:
        said = f"by the key that was given, {who}"
    yield Check("signature", True, said, compared=not unchecked)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A case with its question, its evidence and what its report states."""

    case: case_folder.Case
    subject: str
    options: TraceOptions
    evidence: Evidence
    stated: Mapping[str, Any]


def _recomputed(opened: _Opened) -> Iterator[Check]:
    run = opened.stated.get("run")
    made_by = run.get("engine") if isinstance(run, dict) else None
    if made_by not in ENGINES:
        yield Check("engine", False, "report.json does not name the engine that made it, so nothing can be made again")
        return
    with store_of(opened.case) as store:
        for engine in ENGINES:
            try:
                yield from _by_engine(opened, store, engine, of_report=engine == made_by)
            except (ExposureError, *BROKEN) as error:
                yield Check(f"engine {engine}", False, f"the evidence does not make an answer: {shown(error, 200)}")


def _by_engine(opened: _Opened, store: Store, engine: str, *, of_report: bool) -> Iterator[Check]:
    """The answer by one engine; by that of the report everything else follows from it."""
    case, evidence, options, views = opened.case, opened.evidence, opened.options, Replaying(opened.evidence)
    report = answer(store, opened.subject, replace(options, engine=engine), views)
    yield _compared(engine, report, opened.stated, whole=of_report)
    if of_report:
        yield _flow(case, report)
        yield decisions.hubs(evidence, views, options)
        yield decisions.clusters(evidence, _linking(store, evidence), customer_of(opened.subject))
        yield from _said(opened, report)


def _said(opened: _Opened, made: Report) -> Iterator[Check]:
    """Whether report, manifest, log and pages say what comes out."""
    case, evidence, stated = opened.case, opened.evidence, opened.stated
    try:
        form, lines = again.form_of(case.manifest), log.lines(case.files.get(log.LOG, b""))
        asked = replace(opened.options, engine=made.run.engine)
        whole = again.as_stated(case, made, evidence, stated)
        checks = [
            again.report(whole, made, evidence, stated),
            again.manifest(case, whole, asked, evidence, form),
            again.steps(case, whole, options_to_json(asked), lines),
        ]
        yield from checks
        if all(check.ok for check in checks):
            yield from again.pages(case, whole, form, log.notes(lines), exposure.__version__)
    except (ExposureError, *BROKEN) as error:
        yield Check("report", False, f"what the case says does not fit together: {shown(error, 200)}")


def _linking(store: Store, evidence: Evidence) -> dict[str, UtxoTx]:
    """The transactions of the folder that links of clusters name."""
    found: dict[str, UtxoTx] = {}
    for chain in store.chains():
        if chain_of(chain).ledger == "utxo" and evidence.links:
            history = StoredUtxoHistory(store, chain)
            found |= {link.tx: tx for link in evidence.links if (tx := history.transaction(link.tx)) is not None}
    return found


def _compared(engine: str, report: Report, stated: Mapping[str, Any], *, whole: bool) -> Check:
    made = json.loads(json.dumps(report_to_dict(report)))
    figures = ("sections", "verdicts")
    first, second = ({key: one.get(key) for key in figures} for one in (stated, made)) if whole else (stated, made)
    difference = first_difference(first, second, whole=whole)
    if difference:
        return Check(f"engine {engine}", False, difference)
    count = sum(len(section.exposures) + len(section.attributed) + len(section.unresolved) for section in report.sections)
    return Check(f"engine {engine}", True, f"{len(report.sections)} accounts with {count:,} figures come out the same")


def _flow(case: case_folder.Case, report: Report) -> Check:
    made = flow_table(report)
    same = table_of(case, "transfers.parquet", made.schema).equals(made)
    same = same and case.files.get("transfers.csv") == flow_csv(report).encode()
    detail = f"{made.num_rows:,} transfers of the traced flow" if same else "transfers.parquet or .csv is not the traced flow"
    return Check("transfers", same, detail)
