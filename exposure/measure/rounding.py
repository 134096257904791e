"""Exact parts (decimals, fractions) to whole base units that still sum to their total: the method of largest remainders."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from exposure.errors import EngineError

K = TypeVar("K", bound=Hashable)

SLACK = Fraction(1, 1_000_000_000)
"""How far exact parts may miss their total, relative to it: the agreement that haircut engines promise each other."""


def share_of(amount: int | Decimal | Fraction | float, total: int) -> float:
    """An amount as a part of a total; 0 of nothing."""
    return float(Fraction(amount) / total) if total else 0.0


def whole_units(parts: Mapping[K, int | Decimal | Fraction | float], total: int) -> dict[K, int]:
    """Round parts to integers that sum to ``total``; parts that are exact move by less than one unit.

    Parameters
    ----------
    parts
        Non-negative amounts in base units. Their sum must equal ``total`` to within 1e-9 of it (or one unit).
    total
        The sum that the rounded parts must have, in base units.

    Returns
    -------
    dict
        Same keys and order as ``parts``. A part below one unit may come out as 0.

    Raises
    ------
    EngineError
        If a part is negative or the parts do not add up to the total: then the account itself is wrong.

    Notes
    -----
    Every part is cut to its whole units; the units still missing go to the largest remainders, ties to the earlier key
    (so the result depends on the order of ``parts`` only among equals). Where the exact sum misses the total by a rounding
    error, all parts are scaled to it first.
    """
    exact = {key: Fraction(part) for key, part in parts.items()}
    for key, part in exact.items():
        if part < 0:
            raise EngineError(f"a part of an account is negative: {key!r} has {float(part):g} base units")
    together = sum(exact.values(), Fraction(0))
    difference = together - total
    if total < 0 or abs(difference) > max(total * SLACK, Fraction(1)) or (total and not together):
        raise EngineError(f"the parts of an account miss its total of {total} by {float(difference):g} base units")
    if difference:  # a rounding error of the engine: shared by all, in proportion
        exact = {key: part * total / together for key, part in exact.items()}
    whole = {key: int(part) for key, part in exact.items()}
    missing = total - sum(whole.values())
    for key in sorted(exact, key=lambda key: whole[key] - exact[key])[:missing]:
        whole[key] += 1
    return whole
