"""What to fetch, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

WHOLE, PARTIAL, FAILED, KNOWN = "whole", "partial", "failed", "known"
"""Outcomes: everything that was asked for is stored; a part of it; nothing new; it was all there already."""

HUB = "hub"
"""Outcome where a history was not fetched, since the address turned out to be a hub."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How to fetch. ``since`` and ``until`` are block heights or times as typed; ``blocks``: everything in
    those blocks, instead of addresses.

    ``max_calls_each``: an address is left unfinished after so many calls. ``checkpoint_rows``, ``checkpoint_pages``: how much
    is put on disk at once; a kill loses no more than that.
    """

    chain: str | None = None
    source: str | None = None
    second_source: str | None = None
    max_rows: int | None = None
    since: str | None = None
    until: str | None = None
    blocks: bool = False
    restart: bool = False
    dry_run: bool = False
    max_calls_each: int | None = None
    checkpoint_rows: int = 20_000
    checkpoint_pages: int = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one address at one source.

    ``state``: one of `WHOLE`, `PARTIAL`, `FAILED`, `KNOWN`, `HUB`; ``reason`` says why it is not whole. Counts are rows of this
    command: ``read`` from the source, ``stored`` new ones. ``balance``: what comparing it with the stored movements gave.
    """

    chain: str
    address: str
    source: str
    state: str
    first: int = 0
    last: int = 0
    read: int = 0
    stored: int = 0
    calls: int = 0
    reason: str = ""
    balance: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What fetching an address would take (dry run). ``calls`` and ``seconds`` None: the source does not say."""

    chain: str
    address: str
    source: str
    transactions: int
    at_least: bool
    calls: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two sources do not say the same of an address."""

    chain: str
    address: str
    what: str


@dataclass(frozen=True, slots=True)
class FetchSummary:
    """What a command did. ``asked``: which host learned which addresses. ``calls``: requests by host."""

    outcomes: tuple[Outcome, ...] = ()
    plans: tuple[Plan, ...] = ()
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int | None = None

    @property
    def whole(self) -> bool:
        """Whether everything that was asked for is there, and no source contradicts another."""
        return not self.differences and all(one.state in (WHOLE, KNOWN) for one in self.outcomes)


Progress = Callable[[str], None]
"""Told a line about how far things are."""
