"""JSON as a case has it: ASCII, each key of an object once, no NaN or infinity. What readers read differently is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any


def strict(content: bytes) -> Any:
    """A JSON text of a case.

    Raises
    ------
    ValueError, RecursionError
        If it is none.
    """
    return json.loads(content.decode("ascii"), object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that stands there twice, one reader takes the first and another the last."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number")
    return number
