"""A policy: what an institution does about what a trace finds, as plain frozen values; `exposure.measure.verdict` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from exposure.model.labels import DEFAULT_ROLES, Category, Role

Action = Literal["allow", "review", "hold", "block"]
ACTIONS: tuple[Action, ...] = ("allow", "review", "hold", "block")
"""From the mildest to the gravest."""

Kind = Literal["own", "direct", "indirect", "exposure", "unresolved"]
KINDS: tuple[Kind, ...] = ("own", "direct", "indirect", "exposure", "unresolved")
"""``exposure``: direct and indirect together."""

Measure = Literal["figure", "interval_lower", "interval_upper", "bracket_lower", "bracket_upper"]
MEASURES: tuple[Measure, ...] = ("figure", "interval_lower", "interval_upper", "bracket_lower", "bracket_upper")

Listed = Literal["now", "at_the_time", "ever"]
LISTED: tuple[Listed, ...] = ("now", "at_the_time", "ever")
"""When a regime must have listed the party: in the label snapshot, when the value moved, or either."""

REGIMES = ("JP", "US", "EU", "UK", "UN", "CA", "AU", "CH", "UA", "IL", "FR", "BE", "PL", "NZ", "SG")
"""Regimes as the lists that are read write them. A policy that means one of its owner's own tags declares it."""

REASONS = ("beyond", "hub", "conversion", "incomplete", "opening", "shortfall", "floor", "budget")
"""Why a part of an account is unresolved."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From which size a rule fires: at or above any one of them. All None: anything at all. ``share``: 0.1 is 10 %."""

    share: float | None = None
    usd: float | None = None
    jpy: float | None = None


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule. Empty ``regimes``, ``reasons`` or ``directions``: any. ``unjudged``: what follows where it cannot be judged."""

    name: str
    kind: Kind
    action: Action
    reason: str
    categories: tuple[str, ...] = ()
    regimes: tuple[str, ...] = ()
    listed: Listed = "ever"
    reasons: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    measure: Measure = "figure"
    limits: Limits = Limits()
    unjudged: Action = "review"
    reason_ja: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A named, versioned set of rules. ``rule``: whose figures are judged. ``dust``: findings worth less fire no rule.

    ``roles``: categories that it gives another role than `DEFAULT_ROLES`. ``digest``: SHA-256 of the file; ``text``: the file.
    """

    name: str
    version: str
    rules: tuple[PolicyRule, ...]
    rule: str = "haircut"
    dust_usd: float = 0.0
    dust_jpy: float = 0.0
    roles: tuple[tuple[str, str], ...] = ()
    digest: str = ""
    text: str = field(default="", repr=False)

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


def role_of(roles: Mapping[str, str] | tuple[tuple[str, str], ...]) -> Mapping[Category, Role]:
    """Role of every category, with some changed."""
    changed = {Category(category): Role(role) for category, role in dict(roles).items()}
    return MappingProxyType({**DEFAULT_ROLES, **changed})
