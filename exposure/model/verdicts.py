"""What a policy said of a report: the rules that fired, with the rows behind them, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from exposure.model.policy import Action


@dataclass(frozen=True, slots=True)
class PolicyUsed:
    """A policy that judged, by name, version and SHA-256 of its file; ``roles``: what it changed of categories' roles."""

    name: str
    version: str
    sha256: str
    roles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class FiredRow:
    """A row that fired a rule: its section and its place in there (``own``, ``exposures``, ``unresolved`` or ``bounds``)."""

    section: int
    part: Literal["own", "exposures", "unresolved", "bounds"]
    place: int
    name: str


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule of a policy that fired, with what was found, the limit that was reached, and the rows behind it.

    ``judged`` False: what the rule asks for could not be had (``sentence`` says why), and ``action`` is what the policy has
    for that. ``reason_ja``: the reason in Japanese, where the policy has one. ``section`` None: the money of several sections
    together. ``share`` and money are None where they are not known.
    """

    rule: str
    action: Action
    kind: str
    measure: str
    categories: tuple[str, ...]
    direction: str
    sentence: str
    reason: str
    reason_ja: str = ""
    judged: bool = True
    section: int | None = None
    share: float | None = None
    usd: float | None = None
    jpy: float | None = None
    limit_share: float | None = None
    limit_usd: float | None = None
    limit_jpy: float | None = None
    rows: tuple[FiredRow, ...] = ()


@dataclass(frozen=True, slots=True)
class TagUsed:
    """One list's (or the user's) statement about one subject. ``doubtful``: unsure, or anybody can write it."""

    subject: str
    entity: str
    category: str
    source: str
    confidence: int
    doubtful: bool


@dataclass(frozen=True, slots=True)
class TagSet:
    """Tags without which, together, a verdict would be milder."""

    tags: tuple[TagUsed, ...]


@dataclass(frozen=True, slots=True)
class Dependence:
    """On which tags a verdict stands: the smallest sets. ``tried``: of how many tags; ``complete``: whether all were tried."""

    sets: tuple[TagSet, ...]
    tried: int
    complete: bool

    @property
    def single(self) -> bool:
        """Whether one tag alone carries the verdict."""
        return any(len(one.tags) == 1 for one in self.sets)

    @property
    def doubtful(self) -> bool:
        """Whether a tag of low confidence is in a smallest set."""
        return any(tag.doubtful for one in self.sets for tag in one.tags)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says. ``rule`` and ``sentence`` are those of the gravest rule that fired; ``fired`` has all of them.

    ``notes``: what a reader has to know beside it: findings below the dust limit, old lists. ``depends``: on which tags it
    stands, where that was asked.
    """

    policy: str
    action: Action
    rule: str
    sentence: str
    fired: tuple[Fired, ...] = ()
    notes: tuple[str, ...] = ()
    depends: Dependence | None = None
