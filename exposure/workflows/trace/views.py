"""Where one question looks: the store, as it is. A case file puts recorders here, and later what they recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from exposure.attribution.clusters import Clusters, Method
from exposure.model.assets import AssetInfo
from exposure.model.assets import chain as chain_of
from exposure.model.labels import Labels
from exposure.model.policy import role_of
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.prices import Price, Prices
from exposure.store.store import Store
from exposure.tracing.cone import HubOf
from exposure.tracing.hubs import Counted
from exposure.workflows.clusters import clusters as clusters_of
from exposure.workflows.clusters import with_clusters
from exposure.workflows.labels import Snapshot, snapshot
from exposure.workflows.trace.customers import joined
from exposure.workflows.trace.options import TraceOptions

History = StoredAccountHistory | StoredUtxoHistory
H = TypeVar("H", StoredAccountHistory, StoredUtxoHistory)


class PriceSource(Protocol):
    """What is asked about prices."""

    def price_at(self, asset: str, currency: str, time: int) -> Price | None:
        """Price of one whole coin at a moment; None if none is known."""
        ...


class Views:
    """A store as one question sees it.

    ``indexed``: whether an index of the whole store may be read; where what is read is recorded or replayed it may not.
    """

    indexed = True

    def history(self, store: Store, chain: str, as_of: int) -> History:
        """History of a chain up to a block."""
        return (StoredUtxoHistory if chain_of(chain).ledger == "utxo" else StoredAccountHistory)(store, chain, as_of)

    def unrecorded(self, history: H) -> H:
        """The same history for looks that are no evidence, such as whether an address is a hub."""
        return history

    def end_time(self, chain: str, time: int) -> int:
        """Unix time of the last block that the figures may use."""
        return time

    def dust(self, asset: str, limit: int) -> int:
        """The dust limit of an asset in base units, as the store's last price makes it."""
        return limit

    def judged(self, chain: str, asset: str, owner: str, found: Counted) -> None:
        """Told of each owner that was counted to say whether it is a hub."""

    def hub_of(self, chain: str, asset: str, threshold: int, judge: HubOf) -> HubOf:
        """Who decides whether an owner is a hub: what its history counts."""
        return judge

    def clusters(self, store: Store, chain: str, options: TraceOptions, found: Snapshot, as_of: int) -> Clusters:
        """The clusters of a chain."""
        return clusters_of(store, chain, options.clusters, found, as_of=as_of)

    def prices(self, store: Store) -> PriceSource:
        """Prices that value the subject."""
        return Prices(store)

    def asset_info(self, store: Store, asset: str) -> AssetInfo:
        """Symbol and decimals of an asset."""
        return store.asset_info(asset)

    def labels(self, store: Store, options: TraceOptions, bounds: Mapping[str, int], together: Sequence[str] = ()) -> Snapshot:
        """The label snapshot of the run; ``bounds``: the last block of each chain that clusters may be found in; ``together``:
        addresses that have one owner, as the user says.
        """
        found = snapshot(
            store,
            as_of=options.labels_as_of,
            roles=role_of(options.roles),
            seeds_from_designation=options.seeds_from_designation,
        )
        if options.clusters is not Method.NONE:
            each = [self.clusters(store, chain, options, found, end) for chain, end in bounds.items()]
            found = with_clusters(found, each)
        return joined(found, together) if together else found

    def finished(self, labels: Snapshot, with_hubs: Labels, ends: Mapping[str, int]) -> None:
        """Told at the end: the snapshot, the same with the hubs found, and the last block of each chain."""
