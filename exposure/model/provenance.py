"""How an answer came about: what was asked, up to where, by which lists and programs, and what was fetched for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from exposure.model.verdicts import PolicyUsed


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: the settings that the figures depend on. ``max_hops`` None: no limit; times None: no bound.

    ``expanded``: addresses that were followed as ordinary ones whether or not they are hubs. ``hub_counterparties``,
    ``dust_usd``: what makes an untagged address a hub. ``window_days``: days that stand beside an address's whole history.
    """

    subject: str
    rules: tuple[str, ...]
    direction: str
    max_hops: int | None
    since: int | None = None
    until: int | None = None
    chain: str | None = None
    asset: str | None = None
    labels_as_of: int | None = None
    seeds_from: str = "always"
    clusters: str = "none"
    taint_fee: bool = False
    max_transactions: int | None = None
    engine: str = "reference"
    expanded: tuple[str, ...] = ()
    hub_counterparties: int | None = None
    dust_usd: float | None = None
    window_days: int | None = None


FIRST_UNIX_TIME = 1_200_000_000
"""2008, before any ledger; no chain that is read has so many blocks."""


@dataclass(frozen=True, slots=True)
class LedgerEnd:
    """The last block and its time that a chain's figures may use."""

    chain: str
    block: int
    time: int

    @property
    def by_time(self) -> bool:
        """Whether the ledger has no block numbers: then it is ordered by the second, and its blocks are unix times."""
        return self.block == self.time or self.block >= FIRST_UNIX_TIME


@dataclass(frozen=True, slots=True)
class EditionUsed:
    """One list edition in the label snapshot. ``age_days``: from its publication to the run (or ``--labels-as-of``)."""

    name: str
    edition: str
    published: int | None
    age_days: int | None
    sha256: str = ""
    tags: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryFetched:
    """A history that was fetched for a trace: the share that hung on it, its state then, and the calls it took.

    ``state``: whole, partial, failed, known (it was stored already), ``hub`` (very many counterparties; ``name`` is
    then the address, also where a transaction of it was wanted), or ``too large`` (more calls than one history is worth).
    """

    chain: str
    name: str
    share: float
    state: str
    calls: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A host that was asked, how often, and the addresses and transactions that it thereby learned of."""

    host: str
    calls: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a trace fetched, in order, from whom, and the share that still hangs on missing histories."""

    histories: tuple[HistoryFetched, ...]
    asked: tuple[Asked, ...]
    left: float


@dataclass(frozen=True, slots=True)
class Run:
    """The record that makes a figure repeatable: versions, hashes, editions, counts. ``label_time``: labels as of.

    ``fetched``: what was fetched for it; None if the network was not used.
    """

    version: str
    engine: str
    store_version: int
    label_digest: str
    label_time: int
    settings_digest: str
    created_at: int
    seconds: float
    editions: tuple[EditionUsed, ...] = ()
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    synthetic: bool = False
    policies: tuple[PolicyUsed, ...] = ()
    fetched: Fetched | None = None
