"""Single fields of a file that anybody may have written: right type, right size, or a sentence that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from exposure.model.schemas import AMOUNT_DIGITS, MAX_AMOUNT

Json: TypeAlias = Mapping[str, Any]
MAX_NUMBER = 2**53
_FRACTION = re.compile(r"(-?[0-9]{1,1000})(?:/([0-9]{1,1000}))?")


def table(value: object, what: str) -> Json:
    """A JSON object."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} is {_kind(value)}, not an object")
    return value


def rows(value: object, what: str) -> Sequence[Any]:
    """A JSON list."""
    if not isinstance(value, list):
        raise ValueError(f"{what} is {_kind(value)}, not a list")
    return value


def text(value: object, what: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise ValueError(f"{what} is {_kind(value)}, not a string")
    return value


def name(value: object, what: str) -> str:
    """A string that is not empty."""
    if not text(value, what):
        raise ValueError(f"{what} is empty")
    return str(value)


def number(value: object, what: str, *, least: int = 0) -> int:
    """A whole number of ordinary size: a time, a block, a hop."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < MAX_NUMBER:
        raise ValueError(f"{what} is {_kind(value)}, not a whole number from {least}")
    return value


def switch(value: object, what: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {_kind(value)}, neither true nor false")
    return value


def units(value: object, what: str) -> int:
    """An amount of base units: a whole number, also as a string of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= AMOUNT_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_AMOUNT:
        raise ValueError(f"{what} is {_kind(value)}, not a whole number of base units of at most {AMOUNT_DIGITS} digits")
    return value


def figure(value: object, what: str) -> Fraction:
    """An expected amount: a whole number, or an exact fraction ``p/q``."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    match = _FRACTION.fullmatch(value) if isinstance(value, str) else None
    if match is not None and (match[2] is None or match[2].strip("0")):
        return Fraction(int(match[1]), int(match[2] or 1))
    raise ValueError(f'{what} is {_kind(value)}, neither a whole number nor a fraction such as "3/2"')


def coin(value: object, what: str) -> tuple[str, int]:
    """An output as ``txid:index``."""
    tx, colon, place = text(value, what).rpartition(":")
    if not colon or not tx or not (place.isascii() and place.isdigit() and len(place) < 10):
        raise ValueError(f"{what} is {value!r}, which is no output written as txid:index")
    return tx, int(place)


def pot(value: object, what: str) -> tuple[str, str]:
    """A pot as ``address|asset``."""
    address, bar, asset = text(value, what).rpartition("|")
    if not bar or not address:
        raise ValueError(f"{what} is {value!r}, which is no pot written as address|asset")
    return address, asset


def _kind(value: object) -> str:
    """How a wrong value is shown: short, whatever it is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and abs(value) > 10**40:
        return "a number of more than 40 digits"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
