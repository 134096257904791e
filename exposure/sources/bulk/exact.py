"""Amounts from what is written: exact integers of base units, or a reason why not. Never through a binary float."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from exposure.model.schemas import AMOUNT_DIGITS, MAX_AMOUNT
from exposure.text import shown

MAX_LENGTH = 100
"""Longest text of an amount in characters: 38 digits, a point, a fraction, an exponent."""

_NUMBER = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]{1,3}))?")
_DOUBLE_DIGITS = 15
"""Decimal digits that any double keeps; a text with more of them and a point or exponent may come from one."""


def base_units(text: str, decimals: int, *, of_double: bool = False) -> int:
    """An amount in coins, or in base units with ``decimals`` 0, as an exact integer of base units.

    A number printed from a double (``of_double``, or 16 significant digits and more) that misses a whole number of base
    units by no more than one step of that double is taken as that whole number: 0.30000000000000004 BTC is 0.3 BTC.

    Parameters
    ----------
    text
        Digits with an optional point and exponent.
    decimals
        Digits of the base unit behind the point.
    of_double
        Whether the text is the shortest decimal of a double.

    Raises
    ------
    ValueError
        With the reason: no number, negative, hexadecimal, a fraction of a base unit, more than 38 digits.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"an amount of {len(text)} characters ({shown(text[:12])}...): at most {AMOUNT_DIGITS} digits fit")
    sign, number = text[:1], text.lstrip("+-")
    found = _NUMBER.fullmatch(number)
    if found is None or not (found["whole"] or found["part"]) or len(text) - len(number) > 1:
        raise ValueError(_not_a_number(text, number))
    whole, part, power = str(found["whole"]), str(found["part"] or ""), int(found["power"] or 0)
    digits = int(whole + part or "0")
    if digits == 0:
        return 0
    if sign == "-":
        raise ValueError(f"{shown(text, 60)} is negative: write the movement with its sender and receiver exchanged")
    shift = power - len(part) + decimals
    if shift >= 0:
        if shift > AMOUNT_DIGITS or digits * _ten_to(shift) > MAX_AMOUNT:
            raise ValueError(f"{shown(text, 60)} has more than {AMOUNT_DIGITS} digits of base units and does not fit")
        return digits * _ten_to(shift)
    units, rest = divmod(digits, _ten_to(-shift))
    if rest:
        exact = Fraction(digits, _ten_to(-shift))
        nearest = round(exact)
        if (of_double or looks_like_a_float(text)) and nearest and _within_a_step(text, exact, nearest, decimals):
            units = nearest
        else:
            raise ValueError(_fraction(text, decimals))
    if units > MAX_AMOUNT:
        raise ValueError(f"{shown(text, 60)} has more than {AMOUNT_DIGITS} digits of base units and does not fit")
    return units


def _ten_to(power: int) -> int:
    return int(10**power)


def _within_a_step(text: str, exact: Fraction, nearest: int, decimals: int) -> bool:
    step = Fraction(math.ulp(float(text))) * _ten_to(decimals)
    return abs(exact - nearest) <= step and step < 1


def _not_a_number(text: str, number: str) -> str:
    if number[:2].lower() == "0x":
        return f"{shown(text, 60)} is hexadecimal: write decimal digits"
    if number.lower() in ("nan", "inf", "infinity"):
        return f"{shown(text, 60)} is no number"
    if "," in number:
        return f"{shown(text, 60)} has a comma: write a decimal point and no thousands separators"
    return f"{shown(text, 60)} is no number"


def _fraction(text: str, decimals: int) -> str:
    if decimals:
        return f"{shown(text, 60)} has a fraction of a base unit: the asset has {decimals} decimals"
    return (
        f"{shown(text, 60)} has a fraction of a base unit; if it is in whole coins, map the column with :decimals=N or :ether"
    )


def looks_like_a_float(text: str) -> bool:
    """Whether a number seems to have been printed from a binary float: an exponent, or a point and 16 digits or more."""
    if "e" in text or "E" in text:
        return True
    if "." not in text:
        return False
    return len(text.replace(".", "").lstrip("0")) > _DOUBLE_DIGITS
