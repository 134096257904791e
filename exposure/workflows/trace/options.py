"""The options of a trace, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.attribution.clusters import Method
from exposure.model.policy import Policy
from exposure.model.settings import (
    DEFAULT_HOPS,
    DEFAULT_HUB_COUNTERPARTIES,
    DEFAULT_MAX_TRANSACTIONS,
    Direction,
    Rule,
)


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """What a trace depends on besides subject, ledger and tags.

    Times are unix seconds, inclusive. ``rules``: the first is the headline, the others are printed beside it.
    ``chain`` and ``asset`` None: every one that the store holds for the subject. ``direction`` None: `source` for a
    deposit or transaction, `both` for an address. ``hops`` None: no limit. ``as_of`` None: the whole store.
    ``labels_as_of`` None: the newest tags. ``dust_usd``: counterparties below it do not make a hub (no price: none do).
    ``policies`` judge the report; what they say of roles of categories changes its figures (`roles`).
    ``clusters``: which heuristics join addresses of one owner. ``expanded``: addresses that are followed as ordinary ones
    although they count as hubs. ``window_days``: days before the end that stand beside an address's whole history.
    """

    chain: str | None = None
    asset: str | None = None
    hops: int | None = DEFAULT_HOPS
    rules: tuple[Rule, ...] = (Rule.HAIRCUT,)
    direction: Direction | None = None
    since: int | None = None
    until: int | None = None
    as_of: int | None = None
    labels_as_of: int | None = None
    engine: str = "reference"
    offline: bool = True
    max_transactions: int = DEFAULT_MAX_TRANSACTIONS
    max_paths: int = 14
    hub_counterparties: int = DEFAULT_HUB_COUNTERPARTIES
    dust_usd: float = 1.0
    seeds_from_designation: bool = False
    clusters: Method = Method.NONE
    expanded: tuple[str, ...] = ()
    window_days: int = 90
    policies: tuple[Policy, ...] = ()

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """Categories that the policies give another role, with that role."""
        return tuple(sorted({change for policy in self.policies for change in policy.roles}))
