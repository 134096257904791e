"""One thing that is compared when a case is verified."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What was compared, whether it holds, and what came of it in words."""

    name: str
    ok: bool
    detail: str
