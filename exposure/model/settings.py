"""The options of one computation, as one frozen value that is hashed into the run record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_HOPS = 5
DEFAULT_MAX_TRANSACTIONS = 50_000
DEFAULT_HUB_COUNTERPARTIES = 1_000
DEFAULT_TOLERANCE = 0.01
DEFAULT_MAX_CALLS = 500
MIN_BOUNDARY_CONFIDENCE = 50


class Rule(StrEnum):
    """How value moves through one pot."""

    HAIRCUT = "haircut"
    FIFO = "fifo"
    LIFO = "lifo"
    TIHO = "tiho"
    POISON = "poison"


CONSERVING = (Rule.HAIRCUT, Rule.FIFO, Rule.LIFO, Rule.TIHO)


class Direction(StrEnum):
    """``SOURCE``: where the subject's value came from. ``DESTINATION``: where it went."""

    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a figure depends on besides ledger and labels. ``max_hops`` None: no limit."""

    rule: Rule = Rule.HAIRCUT
    max_hops: int | None = DEFAULT_HOPS
    taint_fee: bool = False
    max_transactions: int = DEFAULT_MAX_TRANSACTIONS
    engine: str = "reference"
