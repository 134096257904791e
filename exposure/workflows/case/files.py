"""The files of a case and what each is made of: whoever writes a case and whoever checks one makes them here."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from datetime import UTC, tzinfo
from importlib import metadata
from pathlib import Path
from typing import Any

from exposure.casefile import folder as case_folder
from exposure.casefile.decisions import decisions_to_json
from exposure.casefile.evidence import Evidence
from exposure.casefile.flow import flow_csv, flow_table
from exposure.casefile.labels import editions_to_json, labels_to_json, tags_table
from exposure.casefile.rows import coin_tables, coverage_table, movement_table, prices_table, written
from exposure.casefile.sentences import NOTICES, notices_to_json
from exposure.casefile.sources import Sources, origins_table, replies_table, sources_to_json
from exposure.model.results import Report
from exposure.reporting.json_report import report_to_json
from exposure.units import iso
from exposure.workflows.case.log import LOG
from exposure.workflows.case.reading import options_to_json
from exposure.workflows.trace.options import TraceOptions

_TABLES = ("transfers", "movements", "outputs", "inputs", "coverage", "prices", "tags", "origins", "replies")
_VALUES = ("report", "decisions", "labels", "editions", "sources")
NAMES = frozenset(
    [*(f"{name}.parquet" for name in _TABLES), *(f"{name}.json" for name in _VALUES), NOTICES, LOG, "transfers.csv"]
    + [case_folder.REPORT, case_folder.FACTS, case_folder.IDENTITY, case_folder.SIGNATURE]
)


@dataclass(frozen=True, slots=True)
class Form:
    """How a case is written: language and zone of its report, the notes to add, and the private key that signs it."""

    lang: str = "en"
    zone: tzinfo = UTC
    tz: str = "UTC"
    notes: tuple[str, ...] = ()
    key: Path | None = None


def evidence_files(report: Report, evidence: Evidence) -> dict[str, bytes]:
    """What the figures rest on, and the flow that was traced."""
    outputs, inputs = coin_tables(evidence)
    tables = {
        "transfers.parquet": flow_table(report),
        "movements.parquet": movement_table(evidence),
        "outputs.parquet": outputs,
        "inputs.parquet": inputs,
        **said_in_tables(evidence),
    }
    values = {**said_in_json(evidence), NOTICES: notices_to_json(report)}
    return {
        **{name: written(table) for name, table in tables.items()},
        **{name: _json(value) for name, value in values.items()},
        "report.json": report_to_json(report).encode(),
        "transfers.csv": flow_csv(report).encode(),
    }


def said_in_tables(evidence: Evidence) -> dict[str, Any]:
    """Evidence beside the ledger's rows, as Arrow tables."""
    return {
        "coverage.parquet": coverage_table(evidence),
        "prices.parquet": prices_table(evidence),
        "tags.parquet": tags_table(evidence.statements),
    }


def said_in_json(evidence: Evidence) -> dict[str, Any]:
    """Evidence beside the ledger's rows, as JSON values."""
    return {
        "decisions.json": decisions_to_json(evidence),
        "labels.json": labels_to_json(evidence.labels),
        "editions.json": editions_to_json(evidence.editions, evidence.actors),
    }


def source_files(sources: Sources) -> dict[str, bytes]:
    """Where the rows came from."""
    return {
        "sources.json": _json(sources_to_json(sources)),
        "origins.parquet": written(origins_table(sources)),
        "replies.parquet": written(replies_table(sources)),
    }


def manifest_of(report: Report, options: TraceOptions, evidence: Evidence, form: Form) -> dict[str, Any]:
    """What the manifest says of an answer, beside its files; every word of it follows from the answer."""
    run = report.run
    return {
        "version": run.version,
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


def programs() -> dict[str, str]:
    """By which programs a case is written beside our own: what draws its pages is in them."""
    return {"python": platform.python_version(), "plotly": plotly_version()}


def plotly_version() -> str:
    """The version of plotly that is installed here; empty if none is."""
    try:
        return metadata.version("plotly")
    except metadata.PackageNotFoundError:
        return ""


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()
