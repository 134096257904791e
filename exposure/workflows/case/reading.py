"""A case as it is read again: its question and evidence, and a store of its rows."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from exposure.attribution.clusters import Method
from exposure.casefile import folder as case_folder
from exposure.casefile.decisions import decisions_from_json
from exposure.casefile.evidence import Evidence
from exposure.casefile.labels import editions_from_json, labels_from_json, statements_from, tags_schema
from exposure.casefile.rows import MAX_ROWS, coverage_from, coverage_schema, prices_from, prices_schema, read
from exposure.casefile.strict_json import strict
from exposure.errors import InputError
from exposure.measure.policy_text import policy_from
from exposure.model.schemas import INPUTS, OUTPUTS, TRANSFERS, arrow_schema
from exposure.model.settings import Direction, Rule
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.trace.options import TraceOptions

POLICY = re.compile(r"policy-[1-9][0-9]?\.toml")
BROKEN = (LookupError, ValueError, TypeError, ArithmeticError, AssertionError, AttributeError, RecursionError)
"""What evidence that was made up may bring about, beside the sentences of our own errors."""


def open_case(out: Path) -> case_folder.Case:
    """A case of one's own, to go on with.

    Raises
    ------
    InputError
        If it is none, or a file of it was changed.
    """
    case_folder.settle(out)
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
        stated["expanded"] = tuple(map(str, stated.get("expanded", ())))
        stated["clusters"] = Method(stated["clusters"])
        names = sorted((name for name in case.files if POLICY.fullmatch(name)), key=lambda name: (len(name), name))
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


def options_to_json(options: TraceOptions) -> dict[str, Any]:
    """Options as JSON values, without the policies, whose files lie beside."""
    plain = asdict(replace(options, policies=()))
    plain.pop("policies")
    direction = None if options.direction is None else options.direction.value
    rules = [rule.value for rule in options.rules]
    said = {"rules": rules, "clusters": options.clusters.value, "direction": direction, "expanded": list(options.expanded)}
    return plain | said


def evidence_of(case: case_folder.Case) -> Evidence:
    """Everything but the rows that a case holds.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return _evidence_of(case)
    except BROKEN as error:
        raise InputError(f"the evidence of the case cannot be read: {shown(error, 120)}") from error


def _evidence_of(case: case_folder.Case) -> Evidence:
    evidence = Evidence()
    evidence.gaps = coverage_from(table_of(case, "coverage.parquet", coverage_schema()))
    evidence.prices = prices_from(table_of(case, "prices.parquet", prices_schema()))
    evidence.statements = statements_from(table_of(case, "tags.parquet", tags_schema()))
    evidence.labels = labels_from_json(json_of(case, "labels.json"))
    decisions_from_json(json_of(case, "decisions.json"), evidence)
    evidence.editions, evidence.actors = editions_from_json(json_of(case, "editions.json"))
    evidence.label_time = int(case.manifest["label_time"])
    evidence.ends = {str(chain): int(end) for chain, end in case.manifest["ends"].items()}
    evidence.assets = {str(asset): (str(one[0]), int(one[1])) for asset, one in case.manifest["assets"].items()}
    return evidence


def rests_on(case: case_folder.Case) -> set[tuple[str, str, int]]:
    """Chain, hash and block of every transaction whose rows a case holds."""
    found: set[tuple[str, str, int]] = set()
    for name, table in (("movements", TRANSFERS), ("outputs", OUTPUTS), ("inputs", INPUTS)):
        rows = table_of(case, f"{name}.parquet", arrow_schema(table))
        found |= set(zip(*(rows[column].to_pylist() for column in ("chain", "tx", "block")), strict=True))
    return found


def store_of(case: case_folder.Case) -> Store:
    """A store of the rows of a case, gone when it is closed."""
    store = Store.in_memory()
    try:
        with store.writer("case") as writer:
            for name, table in (("movements", TRANSFERS), ("outputs", OUTPUTS), ("inputs", INPUTS)):
                rows = table_of(case, f"{name}.parquet", arrow_schema(table))
                if rows.num_rows:
                    writer.append(table.name, rows)
            committed = writer.commit()
        if any(committed.rejected.values()) or any(committed.duplicate.values()):
            raise InputError("rows of the case contradict each other: a row stands twice, or a coin is spent twice")
    except BaseException:
        store.close()
        raise
    return store


def table_of(case: case_folder.Case, name: str, schema: Any) -> Any:
    """A table of a case.

    Raises
    ------
    InputError
        If it is missing, or has not exactly this schema.
    """
    if name not in case.files:
        raise InputError(f"the case has no {name}")
    table = read(case.files[name], schema, name)
    assert table.num_rows <= MAX_ROWS
    return table


def json_of(case: case_folder.Case, name: str) -> dict[str, Any]:
    """A JSON file of a case.

    Raises
    ------
    InputError
        If it is missing or no object.
    """
    try:
        value = strict(case.files[name])
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(f"{name} of the case is missing or no JSON ({shown(error, 80)})") from error
    if not isinstance(value, dict):
        raise InputError(f"{name} of the case is not an object")
    return value
