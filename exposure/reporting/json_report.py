"""The report as JSON: one plain mapping that keeps to ``report.schema.json`` beside this file.

Amounts are strings of base units (they pass 2**53), shares are numbers, times are ISO 8601 in UTC, days are dates. Keys are
the field names of `exposure.model.results`; what serves only the library (``flow``, ``parties``, ``lacks``) stays out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib.resources import files

from exposure import units
from exposure.model.results import Designated, Report

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]

_AMOUNTS = frozenset(
    ["amount", "carried", "lower", "upper", "bracket_lower", "bracket_upper", "from_seeds", "attributed", "unresolved"],
)
_TIMES = frozenset(["time", "first_at", "last_at", "since", "until", "labels_as_of", "label_time", "created_at", "as_of"])
_DAYS = frozenset(["listed_on", "delisted_on", "address_listed_on", "published"])
_LIBRARY_ONLY = frozenset(("flow", "parties", "lacks"))


def report_to_dict(report: Report) -> dict[str, JsonValue]:
    """The report as JSON values, ``schema`` first."""
    return {"schema": report.schema} | {
        field.name: _field(field.name, getattr(report, field.name)) for field in fields(report) if field.name != "schema"
    }


def report_to_json(report: Report) -> str:
    """The report as indented JSON text with one line end at the end; never NaN or infinity.

    ASCII only: names come from outside, and control or direction characters in them must not reach a terminal.
    """
    return json.dumps(report_to_dict(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def report_schema() -> dict[str, JsonValue]:
    """The JSON Schema (draft 2020-12) of `report_to_dict`'s result, as it ships with the package."""
    text = files("exposure.reporting").joinpath("report.schema.json").read_text(encoding="utf-8")
    schema: dict[str, JsonValue] = json.loads(text)
    return schema


def _field(name: str, value: object) -> JsonValue:
    """A field's value by its name: the name says whether an integer is an amount, a time, a day or a count."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name in _AMOUNTS:
            return str(value)
        if name in _TIMES:
            return units.iso(value)
        return units.day(value) if name in _DAYS else value
    if name == "regimes" and isinstance(value, tuple):
        return _by_regime(value)
    return _plain(name, value)


def _plain(name: str, value: object) -> JsonValue:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain("", part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_field("", part) for part in value]
    if is_dataclass(value):
        return {
            field.name: _field(field.name, getattr(value, field.name))
            for field in fields(value)
            if field.name not in _LIBRARY_ONLY
        }
    raise TypeError(f"a report holds no {type(value).__name__}")


def _by_regime(designations: tuple[Designated, ...]) -> JsonValue:
    """``{regime: [{...}, ...]}``: a party may be listed, delisted and listed again by one regime."""
    regimes: dict[str, JsonValue] = {}
    for one in designations:
        entry = _plain("", one)
        assert isinstance(entry, dict)
        entry.pop("regime")
        listed = regimes.setdefault(one.regime, [])
        assert isinstance(listed, list)
        listed.append(entry)
    return regimes
