"""Laws of the JSON form: it keeps to its schema, the schema is strict, and nothing exact is lost."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from exposure.model import results
from exposure.model.results import Report
from exposure.reporting.json_report import report_schema, report_to_dict, report_to_json

FORMS = ("report", "clean_report", "poison_report", "destination_report", "hostile_report")


def _objects(schema: Any) -> list[dict[str, Any]]:
    """Every object schema at any depth."""
    found: list[dict[str, Any]] = []
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            found.append(schema)
        for part in schema.values():
            found += _objects(part)
    elif isinstance(schema, list):
        for part in schema:
            found += _objects(part)
    return found


def test_the_schema_itself_is_valid_and_forbids_unknown_keys() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = _objects(schema)
    assert len(objects) > 15
    for one in objects:
        assert one["additionalProperties"] is not True
        if "properties" in one:
            assert one["additionalProperties"] is False
            assert set(one["required"]) == set(one["properties"])


@pytest.mark.parametrize("name", FORMS)
def test_every_report_keeps_to_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(name)
    jsonschema.Draft202012Validator(report_schema()).validate(json.loads(report_to_json(report)))


def test_a_report_with_an_extra_key_or_a_float_amount_breaks_the_schema(report: Report) -> None:
    validator = jsonschema.Draft202012Validator(report_schema())
    extra: Any = report_to_dict(report)
    extra["sections"][0]["surprise"] = 1
    assert not validator.is_valid(extra)
    floating: Any = report_to_dict(report)
    floating["sections"][0]["exposures"][0]["amount"] = 2.5
    assert not validator.is_valid(floating)


def test_amounts_are_strings_of_base_units_and_times_are_utc(report: Report) -> None:
    read: Any = json.loads(report_to_json(report))
    section = read["sections"][0]
    assert section["subject"]["amount"] == "250000000"
    assert section["subject"]["time"] == "2024-03-18T09:12:00Z"
    assert sum(int(row["amount"]) for part in ("exposures", "attributed", "unresolved") for row in section[part]) == 250_000_000
    assert section["exposures"][0]["regimes"]["US"][0]["listed_on"] == "2022-04-05"
    assert section["bounds"][1]["bracket_lower"] is None
    assert read["schema"] == results.SCHEMA


def test_an_amount_past_every_float_survives(hostile_report: Report) -> None:
    read: Any = json.loads(report_to_json(hostile_report))
    assert read["sections"][0]["subject"]["amount"] == str(10**37)


def test_the_json_text_is_ascii_whatever_names_hold(hostile_report: Report) -> None:
    text = report_to_json(hostile_report)
    assert text.isascii()
    assert "\x1b" not in text


def test_what_serves_only_the_library_stays_out(report: Report) -> None:
    read: Any = json.loads(report_to_json(report))
    assert report.sections[0].flow
    assert not {"flow", "parties"} & set(read["sections"][0])
