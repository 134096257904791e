"""Exact parts (decimals, fractions) to whole base units that still sum to their total: the method of largest remainders."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TypeVar

from exposure.errors import EngineError

K = TypeVar("K", bound=Hashable)

SLACK = Fraction(1, 1_000_000_000)
"""How far exact parts may miss their total, relative to it: the agreement that haircut engines promise each other."""


def whole_units(parts: Mapping[K, int | Decimal | Fraction | float], total: int) -> dict[K, int]:
    """Round parts to integers that sum to ``total``; no part moves by one unit or more from the value it had.

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
    error, units are given or taken in rounds of one, in the same order.
    """
    exact = {key: _fraction(part) for key, part in parts.items()}
    for key, part in exact.items():
        if part < 0:
            raise EngineError(f"a part of an account is negative: {key!r} has {float(part):g} base units")
    difference = sum(exact.values(), Fraction(0)) - total
    if abs(difference) > max(abs(total) * SLACK, 1):
        raise EngineError(f"the parts of an account miss its total of {total} by {float(difference):g} base units")
    floors = {key: int(part) for key, part in exact.items()}
    missing = total - sum(floors.values())
    if missing and not floors:
        raise EngineError(f"an account of {total} base units has no parts")
    order = sorted(exact, key=lambda key: floors[key] - exact[key])
    if missing < 0:
        order = [key for key in reversed(order) if floors[key]]
    step = 1 if missing > 0 else -1
    while missing:
        for key in order[: abs(missing)]:
            if step < 0 and not floors[key]:
                continue
            floors[key] += step
            missing -= step
    return floors


def _fraction(part: int | Decimal | Fraction | float) -> Fraction:
    """Exact value of a part. Decimals of 60 digits convert without loss, whatever the context's precision."""
    if isinstance(part, Decimal):
        with localcontext() as context:
            context.prec = 100
            return Fraction(part)
    return Fraction(part)
