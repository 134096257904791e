"""The options of a rescoring, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.attribution.clusters import Method
from exposure.model.settings import DEFAULT_HOPS, DEFAULT_HUB_COUNTERPARTIES, Rule

MAX_HOPS = 250


@dataclass(frozen=True, slots=True)
class RescoreOptions:
    """What a rescoring depends on besides wallets, ledgers and tags; meanings as in `exposure.workflows.trace.TraceOptions`."""

    chain: str | None = None
    asset: str | None = None
    hops: int = DEFAULT_HOPS
    rules: tuple[Rule, ...] = (Rule.HAIRCUT,)
    labels_as_of: int | None = None
    hub_counterparties: int = DEFAULT_HUB_COUNTERPARTIES
    dust_usd: float = 1.0
    seeds_from_designation: bool = False
    clusters: Method = Method.NONE
