"""Service discovery: untagged owners of the stored ledgers that behave like services, and the figures that say so."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.attribution.clusters import Method
from exposure.engines.local.hubs import figures, hubs
from exposure.errors import InputError
from exposure.model.labels import Labels
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.workflows.clusters import snapshot_with_clusters
from exposure.workflows.labels import snapshot
from exposure.workflows.rescore.whole import dust_of, ledger_of, plain_roles


@dataclass(frozen=True, slots=True)
class Hub:
    """One owner that behaves like a service in one asset. Amounts in whole coins, rounded.

    ``counterparties``: distinct ones in transfers above dust; ``few``: share of what it sent that its three largest
    receivers got (from 0.9 on it would be a collector, and no hub).
    """

    chain: str
    asset: str
    address: str
    symbol: str
    counterparties: int
    payers: int
    payees: int
    received: float
    sent: float
    few: float
    addresses: int = 1


def hubs_of(store: Store, *, chain: str | None, threshold: int, dust_usd: float, method: Method = Method.NONE) -> list[Hub]:
    """Hubs of the stored ledgers, the one with most counterparties first.

    Parameters
    ----------
    store
        The store; tags and ledgers as they are now.
    chain
        Only this one.
    threshold, dust_usd
        As in a trace.
    method
        Clusters to join first: a hub is then an owner.

    Raises
    ------
    InputError
        If the store holds no such chain.
    """
    chains = [name for name in store.chains() if chain in (None, name)]
    if not chains:
        held = ", ".join(store.chains())
        empty = f"the store {store.path} is empty: import a ledger first, with `exposure import FILE...`"
        raise InputError(f"the store holds no ledger of {chain}; it has {held}" if held else empty)
    labels = snapshot_with_clusters(store, snapshot(store), dict.fromkeys(chains), method).labels
    found: list[Hub] = []
    for name in chains:
        with numbered(store, name) as index:
            found += _on(store, name, index, labels, threshold, dust_usd)
    return sorted(found, key=lambda hub: (-hub.counterparties, hub.chain, hub.asset, hub.address))


def _on(store: Store, chain: str, index: Numbered, labels: Labels, threshold: int, dust_usd: float) -> list[Hub]:
    ledger, roles = ledger_of(index), plain_roles(index, labels)
    dust = dust_of(store, chain, index, dust_usd)
    pots = hubs(ledger, roles, threshold=threshold, dust=dust)
    if not len(pots):
        return []
    said = figures(ledger, roles, pots, dust=dust)
    names = index.addresses(pots).to_pylist()
    found = []
    for place, pot in enumerate(pots.tolist()):
        asset = index.assets[int(index.asset[pot])]
        info = store.asset_info(asset)
        unit = 10.0**info.decimals
        found.append(
            Hub(
                chain,
                asset,
                names[place],
                info.symbol,
                int(said.counterparties[place]),
                int(said.payers[place]),
                int(said.payees[place]),
                float(said.received[place]) / unit,
                float(said.sent[place]) / unit,
                float(said.few[place]),
                int((roles.owner == pot).sum()),
            )
        )
    return found
