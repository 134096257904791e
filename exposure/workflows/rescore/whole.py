"""A numbered ledger as sweeps and hub detection take it: its shape, who is who in it, and what is dust."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.engines.local.ledger import Ledger
from exposure.engines.local.roles import Roles, roles_of, with_hubs
from exposure.model.labels import Labels
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.numbered import Numbered
from exposure.store.prices import Prices
from exposure.store.store import Store
from exposure.workflows.seen_hubs import SeenHubs


def ledger_of(index: Numbered) -> Ledger:
    """The ledger without where it lies."""
    facts = index.facts
    return Ledger(index.utxo, index.pots, facts.coins, facts.txs, np.asarray(index.asset), len(index.assets), index.columns)


def plain_roles(index: Numbered, labels: Labels) -> Roles:
    """The snapshot's roles, without hubs of the ledger."""
    subjects = {*labels.seeds, *labels.boundaries, *labels.hubs, *labels.pass_through, *labels.owners, *labels.owners.values()}
    addresses = pa.array(sorted(subjects), pa.string())
    found, pots = index.find(addresses)
    of = pa.array(index.assets, pa.string()).take(pa.array(np.asarray(index.asset)[pots]))
    return roles_of(labels, [(pots, of, addresses.take(pa.array(found)))], index.assets, index.pots)


def with_seen_hubs(store: Store, chain: str, index: Numbered, roles: Roles, threshold: int) -> Roles:
    """The roles, with the owners that a first look at a history said are hubs."""
    history = StoredUtxoHistory(store, chain) if index.utxo else StoredAccountHistory(store, chain)
    named = list(SeenHubs(store, history, threshold).named())
    if not named:
        return roles
    places, pots = index.find(pa.array([address for address, _ in named], pa.string()))
    assets = np.array([index.assets.index(asset) if asset in index.assets else -1 for _, asset in named])
    found = np.unique(roles.owner[pots[assets[places] == np.asarray(index.asset)[pots]]])
    return with_hubs(roles, found[roles.group[found] < 0])


def dust_of(store: Store, chain: str, index: Numbered, dust_usd: float) -> NDArray[Any]:
    """By asset: what some dollars are in base units, by the last price there is; 0 without one."""
    prices, end = Prices(store), store.head_time(chain) or 0
    dust = np.zeros(max(len(index.assets), 1))
    for place, asset in enumerate(index.assets):
        price = prices.price_at(asset, "usd", end)
        if price is not None and price.value:
            dust[place] = int(dust_usd / price.value * 10 ** store.asset_info(asset).decimals)
    return dust
