"""The use ``verify``: a case is recomputed from its own evidence, offline, by both engines, and compared with what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exposure.attribution.editions import standings
from exposure.attribution.resolve import resolve
from exposure.casefile import folder as case_folder
from exposure.casefile import signature
from exposure.casefile.evidence import Evidence
from exposure.casefile.flow import flow_csv, flow_table
from exposure.casefile.sources import origins_schema, replies_schema
from exposure.errors import ExposureError, InputError
from exposure.model.assets import chain as chain_of
from exposure.model.labels import Labels
from exposure.model.ledger import UtxoTx
from exposure.model.policy import role_of
from exposure.model.results import Report
from exposure.model.tags import SubjectKind
from exposure.reporting.json_report import report_to_dict
from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.case import decisions
from exposure.workflows.case.check import Check
from exposure.workflows.case.compare import first_difference
from exposure.workflows.case.reading import BROKEN, evidence_of, json_of, options_of, rests_on, store_of, subject_of, table_of
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
        """Whether everything holds."""
        return not self.faults and all(check.ok for check in self.checks)


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
        _guarded("labels", lambda: _labels(evidence, options)),
        _guarded("sources", lambda: _sources(case)),
        *_recomputed(case, evidence, subject, options, stated),
    ]
    return Verified(case.id, len(case.files) + 1, (), tuple(checks))


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
    yield Check("signature", True, said)


def _labels(evidence: Evidence, options: TraceOptions) -> Check:
    """Whether the tags of the case resolve to the labels that its figures used (those of a cluster or owner come otherwise)."""
    found = standings(evidence.statements, evidence.editions)
    made = resolve(found, roles=role_of(options.roles), actors=evidence.actors, owners=evidence.labels.owners)
    tagged = {said.tag.subject for said in evidence.statements if said.tag.kind is not SubjectKind.UNCHECKED}
    wrong = [
        str(key) for key, party in _parties(evidence.labels) if str(key) in tagged and (str(key), party) not in _named(made)
    ]
    wrong += [tx for tx in evidence.labels.joint if tx not in made.joint]
    if wrong:
        return Check("labels", False, f"the tags do not make {shown(wrong[0], 80)} what the figures take it for")
    return Check(
        "labels", True, f"{len(evidence.statements):,} tags of {len(evidence.editions):,} editions make the labels used"
    )


def _sources(case: case_folder.Case) -> Check:
    """Whether every transaction of the folder names the import or fetch that brought it, and each fetch its replies."""
    origins = table_of(case, "origins.parquet", origins_schema())
    replies = table_of(case, "replies.parquet", replies_schema())
    told = json_of(case, "sources.json")
    known, hashes = told.get("sources"), case.manifest.get("replies")
    if not isinstance(known, dict) or not {*origins["source"].to_pylist(), *replies["fetch"].to_pylist()} <= set(known):
        return Check("sources", False, "sources.json does not say where every row is from")
    if sorted(set(replies["sha256"].to_pylist())) != hashes:
        return Check("sources", False, "replies.parquet and the manifest name different replies")
    rows = {(chain, tx) for chain, tx, _ in rests_on(case)}
    named = set(zip(origins["chain"].to_pylist(), origins["tx"].to_pylist(), strict=True))
    lost = f"; of {len(rows - named):,} transactions it is not on record" if rows - named else ""
    if not named <= rows:
        return Check("sources", False, "origins.parquet names transactions that the case does not hold")
    by = f"{len(known):,} imports and fetches with {replies.num_rows:,} replies on record"
    return Check("sources", True, f"{len(named):,} transactions came by {by}{lost}")


def _parties(labels: Labels) -> Iterator[tuple[object, tuple[str, str, str]]]:
    groups: tuple[Mapping[Any, Any], ...] = (
        labels.seeds,
        labels.coin_seeds,
        labels.tx_seeds,
        labels.asset_seeds,
        labels.boundaries,
        labels.pass_through,
    )
    for group in groups:
        for key, party in group.items():
            yield key, (party.name, party.category, party.entity)


def _named(labels: Labels) -> set[tuple[str, tuple[str, str, str]]]:
    return {(str(key), party) for key, party in _parties(labels)}


def _recomputed(
    case: case_folder.Case, evidence: Evidence, subject: str, options: TraceOptions, stated: Mapping[str, Any]
) -> Iterator[Check]:
    made_by = stated.get("run", {}).get("engine")
    with store_of(case) as store:
        for engine in ENGINES:
            views = Replaying(evidence)
            try:
                report = answer(store, subject, replace(options, engine=engine), views)
            except (ExposureError, *BROKEN) as error:
                yield Check(f"engine {engine}", False, f"the evidence does not make an answer: {shown(error, 200)}")
                continue
            same_engine = engine == made_by
            yield _compared(engine, report, stated, whole=same_engine)
            if same_engine:
                yield _flow(case, report)
                yield decisions.hubs(evidence, views.recounted, options.hub_counterparties, options.expanded)
                yield decisions.clusters(evidence, _linking(store, evidence), customer_of(subject))


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
    difference = first_difference(stated, made, whole=whole)
    if difference:
        return Check(f"engine {engine}", False, difference)
    figures = sum(len(section.exposures) + len(section.attributed) + len(section.unresolved) for section in report.sections)
    return Check(f"engine {engine}", True, f"{len(report.sections)} accounts with {figures:,} figures come out the same")


def _flow(case: case_folder.Case, report: Report) -> Check:
    made = flow_table(report)
    same = table_of(case, "transfers.parquet", made.schema).equals(made)
    same = same and case.files.get("transfers.csv") == flow_csv(report).encode()
    detail = f"{made.num_rows:,} transfers of the traced flow" if same else "transfers.parquet or .csv is not the traced flow"
    return Check("transfers", same, detail)
