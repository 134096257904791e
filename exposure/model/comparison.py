"""What changed between two answers to one question: the figures, and item by item what made them differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ChangeKind = Literal["settings", "label", "listing", "hub", "reached", "cluster", "transfers", "history", "coverage"]


@dataclass(frozen=True, slots=True)
class Change:
    """One item that differs. ``since``: the day from which it is so; ``source``: list edition, own tags, import.

    ``share``: by how much the rows that hang on it differ, in the account (``section``) where that is most; None where no row
    hangs on it.
    """

    kind: ChangeKind
    about: str
    said: str
    source: str = ""
    since: int | None = None
    share: float | None = None
    section: int = 0


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A category's figure in one account before and after; ``category`` also ``unresolved`` and ``service``."""

    section: int
    category: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two answers beside each other. ``before`` and ``after`` say in words what each rests on; the report is the first."""

    before: str
    after: str
    figures: tuple[FigureChange, ...] = ()
    items: tuple[Change, ...] = ()
    verdicts: tuple[str, ...] = ()
