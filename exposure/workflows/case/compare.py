"""Whether two reports say the same: order rules exactly, haircut and poison to 1e-9 of the subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exposure.text import shown

AGREED = 1e-9
_AMOUNTS = frozenset(
    ["amount", "carried", "lower", "upper", "bracket_lower", "bracket_upper", "from_seeds", "attributed", "unresolved"]
)
_BINARY = frozenset(("haircut", "poison"))
"""Rules whose amounts the compiled engine keeps as floating-point numbers."""
_BY_THE_WAY = frozenset(("paths", "paths_found", "notes", "sentence"))
"""What another engine may put in another order, or words that print rounded figures."""


def first_difference(stated: Mapping[str, Any], made: Mapping[str, Any], *, whole: bool) -> str:
    """The first place where a report differs from one that was made again; empty if nowhere.

    Parameters
    ----------
    stated, made
        Reports, or parts of them, as JSON values. Of another engine's report the sections and verdicts are compared.
    whole
        Whether both are by one engine: then everything is compared, paths and sentences too, and exactly.
    """
    if whole:
        return _difference(stated, made, "", 0.0, 0.0, True)
    sections, again = stated.get("sections"), made["sections"]
    if not isinstance(sections, list) or len(sections) != len(again):
        return f"the report has not {len(again)} accounts"
    for number, (one, other) in enumerate(zip(sections, again, strict=True)):
        slack = AGREED if other["rule"] in _BINARY else 0.0
        found = _difference(one, other, f"sections[{number}]", slack * int(other["subject"]["amount"]), slack, whole)
        if found:
            return found
    return _difference(stated.get("verdicts"), made["verdicts"], "verdicts", 2.0, AGREED, whole)


def _difference(one: Any, other: Any, at: str, units: float, slack: float, whole: bool) -> str:
    if isinstance(other, dict):
        if not isinstance(one, dict) or set(one) != set(other):
            return f"{at or 'the report'} has other keys"
        for key in other:
            if not whole and key in _BY_THE_WAY:
                continue
            found = _difference(one[key], other[key], f"{at}.{key}".lstrip("."), units, slack, whole)
            if found:
                return found
        return ""
    if isinstance(other, list):
        if not isinstance(one, list) or len(one) != len(other):
            return f"{at} has not {len(other)} entries"
        for place, (left, right) in enumerate(zip(one, other, strict=True)):
            found = _difference(left, right, f"{at}[{place}]", units, slack, whole)
            if found:
                return found
        return ""
    return "" if _same(one, other, at.rpartition(".")[2], units, slack) else f"{at} is {shown(one, 60)}, not {shown(other, 60)}"


def _same(one: Any, other: Any, key: str, units: float, slack: float) -> bool:
    if one == other and type(one) is type(other):
        return True
    if not slack:
        return False
    if key in _AMOUNTS and isinstance(one, str) and isinstance(other, str) and one.isdigit() and other.isdigit():
        return abs(int(one) - int(other)) <= max(2.0, units)  # whole units: rounding may move one to a neighbour
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return abs(one - other) <= max(abs(other) * 1e-6, slack * 10)
    return False
