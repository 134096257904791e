"""Where a call stands among the calls of its transaction, from its path alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.model.ledger import LAST_INDEX

_BITS = 31
_GROUPS = ((2, "10", 0), (4, "110", 4), (8, "1110", 20), (17, "1111", 276))


def path_place(path: Sequence[int]) -> int:
    """A number in the order of execution: a call before the calls inside it, those in their order.

    A rank would do within one transaction, but a source that lists one address shows some calls of a transaction only, and
    two lists would rank them differently. So each step of the path is written in a prefix code that keeps order (``0`` ends
    a path; 4 bits for steps up to 3, 7 up to 19, 12 up to 275), and the number is its first 31 bits. Calls deeper than
    that share a place; the path in their ordinal tells them apart.

    Returns
    -------
    int
        From 1 to 2^31 - 2; the transaction's own value is at 0.
    """
    bits = ""
    for step in path:
        width, prefix, first = next((group for group in _GROUPS if step < group[2] + 2 ** group[0]), _GROUPS[-1])
        bits += prefix + format(min(step - first, 2**width - 1), f"0{width}b")
        if len(bits) >= _BITS:
            break
    number = int((bits + "0" * _BITS)[:_BITS], 2)
    return min(max(number, 1), LAST_INDEX - 1)
