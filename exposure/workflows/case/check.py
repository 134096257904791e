"""One thing that is compared when a case is verified."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was compared, whether it holds, and what came of it in words.

    ``given``: what had to be taken as the folder says it, by name. ``compared`` False: it could not be compared at all, so
    that nothing is wrong with it says nothing.
    """

    name: str
    ok: bool
    detail: str
    given: tuple[str, ...] = ()
    compared: bool = True
