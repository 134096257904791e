"""Sentences of the program as JSON and back, with what they were made of: a page in either language can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exposure.errors import InputError
from exposure.model.results import Report
from exposure.model.sentences import Sentence
from exposure.text import shown

NOTICES = "notices.json"


def notices_to_json(report: Report) -> dict[str, Any]:
    """What a report says beside its figures: warnings, and what could not be had."""
    return {
        "warnings": [_plain(said) for said in report.warnings],
        "incomplete_answer": [_plain(said) for said in report.incomplete_answer],
    }


def notices_from_json(value: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`notices_to_json`, read: warnings, and what could not be had.

    Raises
    ------
    InputError
        If it is not of that form, or a sentence is none of this program.
    """
    try:
        warnings, missing = (tuple(_said(one) for one in value[key]) for key in ("warnings", "incomplete_answer"))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{NOTICES} of the case cannot be read: {shown(error, 120)}") from error
    return warnings, missing


def _plain(value: object) -> Any:
    if isinstance(value, Sentence):
        return {"key": value.key, "values": {name: _plain(part) for name, part in value.values.items()}}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"a sentence holds no {type(value).__name__}")


def _said(value: Any) -> str:
    made = _value(value)
    if not isinstance(made, str):
        raise ValueError("a notice is a text")
    return made


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Sentence(str(value["key"]), **{name: _value(part) for name, part in value["values"].items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_value(part) for part in value)
    return value
