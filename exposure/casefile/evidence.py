"""The evidence of a case: every row, label, coverage answer and price that its figures hang on, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from exposure.attribution.clusters import Link
from exposure.model.labels import Category, Labels
from exposure.model.ledger import Incomplete, Transfer, UtxoTx
from exposure.model.tags import Edition, Entity, Statement
from exposure.store.prices import Price
from exposure.tracing.hubs import Counted

_OWN = Category.OWN_INSTITUTION.value


@dataclass(slots=True)
class Evidence:
    """What a question read.

    ``transfers`` by (chain, ref); ``txs`` by (chain, hash); ``gaps`` by (chain, address, asset; ``*`` on a UTXO chain): how a
    history is incomplete, or None if it is declared whole; ``prices`` by (asset, currency, time). ``labels``: the snapshot
    with the hubs found, as far as it bears on these rows. ``ends`` and ``end_times``: last block of each chain;
    ``assets``: symbol and decimals.
    ``dust``: limit by asset, below which a transfer makes no counterparty; ``judged``: what was counted of each owner to say
    whether it is a hub, by (chain, asset, owner); ``links``: what holds clusters together.
    """

    transfers: dict[tuple[str, str], Transfer] = field(default_factory=dict)
    txs: dict[tuple[str, str], UtxoTx] = field(default_factory=dict)
    gaps: dict[tuple[str, str, str], Incomplete | None] = field(default_factory=dict)
    prices: dict[tuple[str, str, int], Price | None] = field(default_factory=dict)
    assets: dict[str, tuple[str, int]] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)
    label_time: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    editions: tuple[Edition, ...] = ()
    actors: dict[str, Entity] = field(default_factory=dict)
    end_times: dict[str, int] = field(default_factory=dict)
    dust: dict[str, int] = field(default_factory=dict)
    judged: dict[tuple[str, str, str], Counted] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def addresses(self) -> set[str]:
        """Every address in the rows."""
        found = {end for row in self.transfers.values() for end in (row.sender, row.receiver) if end is not None}
        for tx in self.txs.values():
            found |= {output.address for output in tx.outputs}
            found |= {spend.address for spend in tx.inputs if spend.address is not None}
        return found | {address for _, address, _ in self.gaps}


def bearing(labels: Labels, evidence: Evidence) -> Labels:
    """The part of a snapshot that bears on some evidence; whole clusters stay together.

    Of one's own institution only the addresses that were met: the others are its customers' affair.
    """
    met = evidence.addresses()
    owners = {labels.owner(address) for address in met}
    own = {owner for owner in owners if owner in labels.boundaries and labels.boundaries[owner].category == _OWN}
    txs = {row.tx for row in evidence.transfers.values()} | {tx for _, tx in evidence.txs}
    txs |= {spend.coin.tx for tx in evidence.txs.values() for spend in tx.inputs}
    assets = {row.asset for row in evidence.transfers.values()} | set(evidence.assets)
    return replace(
        labels,
        seeds={owner: seed for owner, seed in labels.seeds.items() if owner in owners},
        coin_seeds={coin: seed for coin, seed in labels.coin_seeds.items() if coin.tx in txs},
        tx_seeds={tx: seed for tx, seed in labels.tx_seeds.items() if tx in txs},
        asset_seeds={asset: seed for asset, seed in labels.asset_seeds.items() if asset in assets},
        boundaries={owner: service for owner, service in labels.boundaries.items() if owner in owners},
        pass_through={owner: service for owner, service in labels.pass_through.items() if owner in owners},
        joint=labels.joint & txs,
        hubs={owner: why for owner, why in labels.hubs.items() if owner in owners},
        inherited={address: left for address, left in labels.inherited.items() if labels.owner(address) in owners},
        owners={
            address: owner
            for address, owner in labels.owners.items()
            if owner in owners and (owner not in own or address in met)
        },
    )
