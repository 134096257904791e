"""Who an address is, for one run: the label snapshot.

A snapshot is resolved once per run from tags, editions and clusters (`exposure.attribution`) and is immutable: an
address is seed, service, hub, pass-through or ordinary for the whole run. The taint engines know nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from exposure.model.ledger import Coin, UtxoTx


def _empty() -> Mapping[Any, Any]:
    # A factory: before Python 3.12 a mapping proxy has no hash, and dataclasses take it for a mutable default.
    return MappingProxyType({})


class Category(StrEnum):
    """Categories of attribution. Their default roles are in `DEFAULT_ROLES`."""

    SANCTIONED = "sanctioned"
    SANCTION_LINKED = "sanction_linked"
    RUSSIA_LINKED = "russia_linked"
    MIXER = "mixer"
    DARKNET_MARKET = "darknet_market"
    RANSOMWARE = "ransomware"
    STOLEN_FUNDS = "stolen_funds"
    TERRORIST_FINANCING = "terrorist_financing"
    SCAM = "scam"
    HIGH_RISK_EXCHANGE = "high_risk_exchange"
    EXCHANGE = "exchange"
    PAYMENT_SERVICE = "payment_service"
    GAMBLING = "gambling"
    MINING_POOL = "mining_pool"
    OWN_INSTITUTION = "own_institution"
    BRIDGE = "bridge"
    SWAP = "swap"
    CONTRACT = "contract"
    OTHER = "other"


class Role(StrEnum):
    """What a category does to value in a run."""

    SEED = "seed"
    BOUNDARY = "boundary"
    PASS_THROUGH = "pass_through"
    NONE = "none"


DEFAULT_ROLES: Mapping[Category, Role] = MappingProxyType(
    {
        Category.SANCTIONED: Role.SEED,
        Category.SANCTION_LINKED: Role.SEED,
        Category.RUSSIA_LINKED: Role.SEED,
        Category.MIXER: Role.SEED,
        Category.DARKNET_MARKET: Role.SEED,
        Category.RANSOMWARE: Role.SEED,
        Category.STOLEN_FUNDS: Role.SEED,
        Category.TERRORIST_FINANCING: Role.SEED,
        Category.SCAM: Role.SEED,
        Category.HIGH_RISK_EXCHANGE: Role.SEED,
        Category.EXCHANGE: Role.BOUNDARY,
        Category.PAYMENT_SERVICE: Role.BOUNDARY,
        Category.GAMBLING: Role.BOUNDARY,
        Category.MINING_POOL: Role.BOUNDARY,
        Category.OWN_INSTITUTION: Role.BOUNDARY,
        Category.BRIDGE: Role.PASS_THROUGH,
        Category.SWAP: Role.PASS_THROUGH,
        Category.CONTRACT: Role.PASS_THROUGH,
        Category.OTHER: Role.NONE,
    }
)


@dataclass(frozen=True, slots=True)
class Designation:
    """One party's standing under one regime (JP, US, EU, UK, UN, ...), in unix seconds of 00:00 UTC of the day.

    ``listed_on`` None: listed, date not stated. ``on_or_before``: the *address* was first seen in an edition of that
    date and may have been added earlier (it is None where the address's own date is known or is the entity's).
    """

    regime: str
    programme: str = ""
    listed_on: int | None = None
    delisted_on: int | None = None
    address_listed_on: int | None = None
    on_or_before: bool = False


@dataclass(frozen=True, slots=True)
class Seed:
    """Where taint starts. ``name`` identifies it in compositions (an entity of one category, or an address without one).

    ``dates``: designation and delisting times in all regimes, ascending unix seconds: they cut its transfers into
    epochs (epoch of time t = number of dates <= t) and never change how value moves.
    """

    name: str
    category: str
    entity: str = ""
    dates: tuple[int, ...] = ()
    designations: tuple[Designation, ...] = ()
    confidence: int = 100
    sources: tuple[str, ...] = ()

    def epoch(self, time: int) -> int:
        """Place of ``time`` (unix seconds) among the seed's dates: 0 is before the first."""
        return sum(1 for date in self.dates if date <= time)


@dataclass(frozen=True, slots=True)
class Service:
    """A custodial service that is no seed (boundary), or a swap, bridge or contract (pass-through)."""

    name: str
    category: str
    entity: str = ""
    confidence: int = 100
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """The label snapshot of a run. Keys are canonical addresses, coins, transaction hashes, asset ids.

    ``owners`` maps a member of a cluster to the cluster's id; an address that is not in it owns itself. Keys of
    ``seeds``, ``boundaries``, ``hubs`` and ``pass_through`` are owners (see `owner`). ``inherited``: members of a cluster that
    are what another member's tag says, with the confidence that is left of it. ``joint``: transactions that a list says several
    owners made together, whatever they look like.
    """

    seeds: Mapping[str, Seed] = field(default_factory=_empty)
    coin_seeds: Mapping[Coin, Seed] = field(default_factory=_empty)
    tx_seeds: Mapping[str, Seed] = field(default_factory=_empty)
    asset_seeds: Mapping[str, Seed] = field(default_factory=_empty)
    boundaries: Mapping[str, Service] = field(default_factory=_empty)
    pass_through: Mapping[str, Service] = field(default_factory=_empty)
    hubs: Mapping[str, str] = field(default_factory=_empty)
    inherited: Mapping[str, int] = field(default_factory=_empty)
    owners: Mapping[str, str] = field(default_factory=_empty)
    joint: frozenset[str] = frozenset()
    seeds_from_designation: bool = False
    digest: str = ""
    notes: tuple[str, ...] = field(default=())

    def owner(self, address: str) -> str:
        """Cluster of an address, or the address itself."""
        return self.owners.get(address, address)

    def is_joint(self, tx: UtxoTx) -> bool:
        """Whether several owners made a transaction, by its form or by what a list says: then every output is a hop."""
        return tx.joint or tx.tx in self.joint

    def seed_at(self, owner: str, time: int) -> Seed | None:
        """The seed an owner is at ``time``, or None. Dates matter only under ``seeds_from_designation``."""
        seed = self.seeds.get(owner)
        if seed is None:
            return None
        if self.seeds_from_designation and seed.dates and time < seed.dates[0]:
            return None
        return seed
