"""Rescoring: read the wallets, then for each chain number the ledger, find who is who, sweep, and join."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.engines.local.hubs import hubs
from exposure.engines.local.moves import Sight
from exposure.engines.local.roles import Roles, Theft, roles_of, starts, with_hubs
from exposure.engines.local.sweep import Ledger, Stricter, sweep
from exposure.errors import InputError
from exposure.model.addresses import parse
from exposure.model.addresses.bulk import canonical_many
from exposure.model.labels import Labels
from exposure.model.results import EditionUsed
from exposure.sources.address_lists import Listed
from exposure.store.numbered import Numbered, hashes, numbered
from exposure.store.prices import Prices
from exposure.store.store import Store
from exposure.workflows.clusters import snapshot_with_clusters
from exposure.workflows.labels import snapshot
from exposure.workflows.rescore.missing import missing
from exposure.workflows.rescore.options import MAX_HOPS, RescoreOptions
from exposure.workflows.rescore.rows import Scored, Wanted, schema, table, without_history

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Rescored:
    """``rows``: see `exposure.workflows.rescore.rows.schema`. ``rejected``: lines that are no addresses, with reasons."""

    rows: pa.Table
    rejected: tuple[Listed, ...]
    wallets: int
    run: str
    warnings: tuple[str, ...]
    editions: tuple[EditionUsed, ...]


def answer(
    store: Store, batches: Iterable[Sequence[Listed]], options: RescoreOptions, advance: Advance, *, strict_input: bool
) -> Rescored:
    """See `exposure.workflows.rescore.rescore`."""
    if not 1 <= options.hops <= MAX_HOPS:
        raise InputError(f"{options.hops} hops: a whole ledger is scored with a limit of 1 to {MAX_HOPS} hops")
    chains = [chain for chain in store.chains() if options.chain in (None, chain)]
    if not chains:
        held = ", ".join(store.chains())
        raise InputError(f"the store holds no ledger of {options.chain}; it has {held}" if held else "the store is empty")
    wallets, rejected = _wallets(batches)
    if strict_input and rejected:
        raise InputError(f"wallet {rejected[0].line}: {rejected[0].fault}")
    found = snapshot(store, as_of=options.labels_as_of, seeds_from_designation=options.seeds_from_designation)
    found = snapshot_with_clusters(store, found, dict.fromkeys(chains), options.clusters)
    run = _run(store, found.labels, options)
    names = pa.array(wallets, pa.string())
    own = pa.array([_own(found.labels, wallet) for wallet in wallets], pa.string())
    tables, seen = [], np.zeros(len(wallets), np.bool_)
    for chain in chains:
        with numbered(store, chain) as ledger:
            wanted, rows = _wanted(ledger, names, own, options)
            if len(wanted.wallet):
                seen[wanted.wallet] = True
                tables += _chain(store, chain, ledger, found.labels, wanted, rows, options, run, advance)
    lone = pa.array(np.flatnonzero(~seen))
    tables.append(without_history(names.take(lone), own.take(lone), options.hops, run))
    made = pa.concat_tables([schema(options.hops).empty_table(), *tables])
    return Rescored(made, rejected, len(wallets), run, found.warnings, found.editions)


def _wallets(batches: Iterable[Sequence[Listed]]) -> tuple[list[str], tuple[Listed, ...]]:
    """Canonical addresses, each once, in order; and what could not be read."""
    wallets: dict[str, None] = {}
    rejected: list[Listed] = []
    for batch in batches:
        for listed, canonical in zip(batch, canonical_many([listed.text for listed in batch]), strict=True):
            if listed.fault:
                rejected.append(listed)
                continue
            try:
                wallets[canonical or parse(listed.text, suggest=False).canonical] = None
            except InputError as error:
                rejected.append(Listed(listed.line, listed.text, str(error)))
    return list(wallets), tuple(rejected)


def _run(store: Store, labels: Labels, options: RescoreOptions) -> str:
    """Hash of all that the figures depend on."""
    said = {**asdict(options), "store": store.version, "labels": labels.digest, "imports": [one.id for one in store.imports()]}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _own(labels: Labels, wallet: str) -> str | None:
    owner = labels.owner(wallet)
    for known in (labels.seeds, labels.boundaries, labels.pass_through):
        if owner in known:
            return known[owner].category
    return None


def _wanted(ledger: Numbered, wallets: pa.Array, own: pa.Array, options: RescoreOptions) -> tuple[Wanted, NDArray[np.int32]]:
    """The pots of the wallets; and the row of each pot of the ledger, -1 for all others."""
    row_of = np.full(max(ledger.pots, 1), -1, np.int32)
    pots, owners = [], []
    for first, assets, addresses in ledger.names():
        place = pc.fill_null(pc.index_in(addresses, wallets), -1).to_numpy(zero_copy_only=False)
        hit = place >= 0
        if options.asset is not None:
            hit &= pc.equal(assets, options.asset).to_numpy(zero_copy_only=False)
        pots.append(first + np.flatnonzero(hit))
        owners.append(place[hit].astype(np.int64))
    pot = np.concatenate(pots) if pots else np.empty(0, np.int64)
    wallet = np.concatenate(owners) if owners else np.empty(0, np.int64)
    order = np.lexsort((pot, wallet))
    pot, wallet = pot[order], wallet[order]
    row_of[pot] = np.arange(len(pot), dtype=np.int32)
    asset = np.asarray(ledger.asset)[pot] if len(pot) else np.empty(0, np.int32)
    return Wanted(wallets, wallet, pa.array(ledger.assets, pa.string()), asset, np.zeros(len(pot), np.bool_), own), row_of


def _chain(
    store: Store,
    chain: str,
    index: Numbered,
    labels: Labels,
    wanted: Wanted,
    row_of: NDArray[np.int32],
    options: RescoreOptions,
    run: str,
    advance: Advance,
) -> list[pa.Table]:
    ledger = Ledger(index.utxo, index.pots, index.coins, index.txs, np.asarray(index.asset), len(index.assets), index.columns)
    roles = _roles(store, chain, index, ledger, labels, options)
    by_tx, by_coin = _thefts(store, labels, roles)
    stricter, _ = missing(store, chain, index)
    pots = np.flatnonzero(row_of >= 0)
    wanted.whole[row_of[pots]] = _is_whole(stricter, pots)
    tables = []
    for rule in options.rules:

        def sweeping(what: str, rule: str = rule.value) -> Callable[[int, int], None]:
            return lambda done, total: advance(f"{chain}, {rule}{what}", done, total)

        figure = sweep(ledger, rule, options.hops, Sight(roles, row_of, by_tx, by_coin), wanted.asset, advance=sweeping(""))
        strict = None
        if wanted.whole.any():
            sight = Sight(roles, row_of, by_tx, by_coin)
            strict = sweep(ledger, rule, options.hops, sight, wanted.asset, stricter=stricter, advance=sweeping(", interval"))
        tables.append(table(Scored(rule, options.hops, roles.groups, figure, strict), wanted, chain, run))
    return tables


def _is_whole(stricter: Stricter, pots: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(stricter.gap[pots] == np.iinfo(np.int64).max)


def _roles(store: Store, chain: str, index: Numbered, ledger: Ledger, labels: Labels, options: RescoreOptions) -> Roles:
    """The snapshot's roles, with the ledger's hubs."""
    roles = roles_of(labels, index.names(), index.assets, index.pots)
    prices, end = Prices(store), store.head_time(chain) or 0
    dust = np.zeros(max(len(index.assets), 1))
    for place, asset in enumerate(index.assets):
        price = prices.price_at(asset, "usd", end)
        if price is not None and price.value:
            dust[place] = int(options.dust_usd / price.value * 10 ** store.asset_info(asset).decimals)
    return with_hubs(roles, hubs(ledger, roles, threshold=options.hub_counterparties, dust=dust))


def _thefts(store: Store, labels: Labels, roles: Roles) -> tuple[dict[int, Theft], dict[tuple[int, int], Theft]]:
    """Reported thefts by the numbers of their transactions."""
    categories = roles.groups.categories
    names = sorted({*labels.tx_seeds, *(coin.tx for coin in labels.coin_seeds)})
    number = dict(zip(names, hashes(store, names), strict=True))
    by_tx = {number[tx]: Theft(categories.index(seed.category), starts(seed, labels)) for tx, seed in labels.tx_seeds.items()}
    by_coin = {
        (number[coin.tx], coin.n): Theft(categories.index(seed.category), starts(seed, labels))
        for coin, seed in labels.coin_seeds.items()
    }
    return by_tx, by_coin
