"""Rescoring: read the wallets, then for each chain number the ledger, find who is who, sweep, and join."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.engines.local.hubs import hubs
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.roles import NEVER, Roles, Theft, starts, with_hubs
from exposure.errors import InputError
from exposure.model.labels import Labels
from exposure.model.provenance import EditionUsed
from exposure.sources.address_lists import Column, Listed
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.taint.kernels.compiled import compile_seconds
from exposure.workflows.clusters import snapshot_with_clusters
from exposure.workflows.labels import snapshot
from exposure.workflows.reorganised import told_of
from exposure.workflows.rescore.missing import missing
from exposure.workflows.rescore.options import MAX_HOPS, RescoreOptions
from exposure.workflows.rescore.rows import BLOCK, Wanted, tables, without_history
from exposure.workflows.rescore.sweeps import Known, scored
from exposure.workflows.rescore.wallets import canonical
from exposure.workflows.rescore.whole import dust_of, ledger_of, plain_roles, with_seen_hubs

Advance = Callable[[str, int, int], None]
Into = Callable[[pa.Table], None]
Ints = NDArray[np.int64]

MEMORY = 3 << 30
"""Bytes that the accounts of the pots scored in one pass may take; more pots take more passes."""


@dataclass(frozen=True, slots=True)
class Rescored:
    """``count`` rows were made, for ``wallets`` wallets. ``rejected``: lines that are no addresses, with reasons.

    ``went_on``: what came of looking for saved states, a sentence each. ``compiled``: seconds that compiling rules took.
    """

    count: int
    rejected: tuple[Listed, ...]
    wallets: int
    run: str
    warnings: tuple[str, ...]
    editions: tuple[EditionUsed, ...]
    went_on: tuple[str, ...] = ()
    compiled: float = 0.0


def answer(
    store: Store,
    columns: Iterable[Column] | None,
    options: RescoreOptions,
    into: Into,
    advance: Advance,
    *,
    strict_input: bool,
    state: Path | None,
) -> Rescored:
    """See `exposure.workflows.rescore.rescore`; ``columns`` None: every address of the ledgers."""
    if not 1 <= options.hops <= MAX_HOPS:
        raise InputError(f"{options.hops} hops: a whole ledger is scored with a limit of 1 to {MAX_HOPS} hops")
    if state is not None:
        _ready(state)
    chains = [chain for chain in store.chains() if options.chain in (None, chain)]
    if not chains:
        held = ", ".join(store.chains())
        empty = f"the store {store.path} is empty: import a ledger first, with `exposure import FILE...`"
        raise InputError(f"the store holds no ledger of {options.chain}; it has {held}" if held else empty)
    listed, rejected = canonical(columns or ())
    if strict_input and rejected:
        raise InputError(f"wallet {rejected[0].line}: {rejected[0].fault}")
    found = snapshot(store, as_of=options.labels_as_of, seeds_from_designation=options.seeds_from_designation)
    found = snapshot_with_clusters(store, found, dict.fromkeys(chains), options.clusters)
    run, tags, count, wallets = _run(store, found.labels, options), _tags(found.labels), 0, len(listed)
    seen, went_on = np.zeros(len(listed), np.bool_), list[str]()

    def hand_on(rows: pa.Table) -> None:
        nonlocal count
        count += rows.num_rows
        into(rows)

    for chain in chains:
        with numbered(store, chain, lambda done, total: advance("numbering the ledger", done, total)) as ledger:
            if columns is None:
                wallets += ledger.facts.names
                asked = _everything(ledger, tags, found.labels, options)
            else:
                pots = ledger.find(listed)
                seen[pots[0]] = True
                asked = _listed(ledger, listed, pots, tags, found.labels, options)
            went_on += _chain(store, chain, ledger, found.labels, asked, options, run, hand_on, advance, state)
    lone = np.flatnonzero(~seen)
    for start in range(0, len(lone), BLOCK):
        some = listed.take(pa.array(lone[start : start + BLOCK]))
        hand_on(without_history(some, _own(some, tags), options.hops, run))
    warnings = (*found.warnings, *told_of(store, {chain: store.last_block(chain) or 0 for chain in chains}))
    return Rescored(count, tuple(rejected), wallets, run, warnings, found.editions, tuple(went_on), compile_seconds())


def _ready(state: Path) -> None:
    """Make the folder of states; one that cannot be written is said before hours of work, not after."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(state, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise InputError(f"cannot keep states in {state}: {error.strerror or error}; name another folder") from None


def _run(store: Store, labels: Labels, options: RescoreOptions) -> str:
    """Hash of all that the figures depend on."""
    said = {**asdict(options), "store": store.version, "labels": labels.digest, "imports": [one.id for one in store.imports()]}
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _tags(labels: Labels) -> pa.Table:
    """Addresses that have a tag, and its category: seeds before services before contracts."""
    found: dict[str, str] = {}
    for address in {*labels.owners, *labels.seeds, *labels.boundaries, *labels.pass_through}:
        owner = labels.owner(address)
        for known in (labels.seeds, labels.boundaries, labels.pass_through):
            if owner in known:
                found[address] = known[owner].category
                break
    return pa.table({"address": pa.array(found, pa.string()), "category": pa.array(found.values(), pa.string())})


def _own(wallets: pa.Array, tags: pa.Table) -> pa.Array:
    """The category of each wallet itself, null where it has no tag."""
    if not tags.num_rows:
        return pa.nulls(len(wallets), pa.string())
    place = pc.index_in(wallets, tags["address"].combine_chunks())
    return tags["category"].combine_chunks().take(place)


Asked = tuple[Wanted, NDArray[np.int64]]


def _everything(ledger: Numbered, tags: pa.Table, labels: Labels, options: RescoreOptions) -> Iterator[Asked]:
    """All of a ledger's pots in blocks, each a wallet of its own."""
    pots = np.arange(ledger.pots)
    for some in _blocks(ledger, pots, labels, options):
        yield _wanted(ledger, ledger.addresses(pots[some]), np.arange(len(some)), pots[some], tags), pots[some]


def _listed(
    ledger: Numbered, wallets: pa.Array, found: tuple[Ints, Ints], tags: pa.Table, labels: Labels, options: RescoreOptions
) -> Iterator[Asked]:
    """The pots of listed wallets in blocks, in order of the list. ``found``: places in the list, and pots."""
    order = np.lexsort(found[::-1])
    place, pots = found[0][order], found[1][order]
    for some in _blocks(ledger, pots, labels, options):
        yield _wanted(ledger, wallets, place[some], pots[some], tags), pots[some]


def _blocks(ledger: Numbered, pots: Ints, labels: Labels, options: RescoreOptions) -> Iterator[Ints]:
    """Places of the pots of the assets asked for, in blocks whose accounts fit the memory."""
    seeds = (labels.seeds, labels.coin_seeds, labels.tx_seeds, labels.asset_seeds)
    categories = len({seed.category for some in seeds for seed in some.values()})
    columns = (categories + 3) * (options.hops + 2) + categories + 16
    # The figure's account and the stricter one, and as much again while they are added up and written.
    size = max(MEMORY // (4 * 8 * columns), BLOCK)
    places = np.arange(len(pots))
    if options.asset is not None:
        wanted = ledger.assets.index(options.asset) if options.asset in ledger.assets else -1
        places = places[np.asarray(ledger.asset)[pots] == wanted]
    return (places[start : start + size] for start in range(0, len(places), size))


def _wanted(ledger: Numbered, wallets: pa.Array, wallet: NDArray[np.int64], pots: NDArray[np.int64], tags: pa.Table) -> Wanted:
    asset = np.asarray(ledger.asset)[pots] if len(pots) else np.empty(0, np.int32)
    assets = pa.array(ledger.assets, pa.string())
    return Wanted(wallets, wallet, assets, asset, np.zeros(len(pots), np.bool_), _own(wallets, tags))


def _chain(
    store: Store,
    chain: str,
    index: Numbered,
    labels: Labels,
    asked: Iterable[Asked],
    options: RescoreOptions,
    run: str,
    into: Into,
    advance: Advance,
    state: Path | None,
) -> list[str]:
    ledger = ledger_of(index)
    known: Known | None = None
    went_on: list[str] = []
    for number, (wanted, pots) in enumerate(asked):
        if known is None:  # only now: a ledger that nobody is asked of costs nothing
            advance(f"{chain}, services and hubs", 0, index.rows)
            roles = _roles(store, chain, index, ledger, labels, options)
            joint = dict(zip(index.hashes(sorted(labels.joint)), sorted(labels.joint), strict=True))
            known = Known(index, ledger, roles, missing(store, chain, index), *_thefts(index, labels, roles), joint)
        row_of = np.full(max(index.pots, 1), -1, np.int32)
        row_of[pots] = np.arange(len(pots), dtype=np.int32)
        wanted.whole[:] = known.stricter.gap[pots] == NEVER
        for rule in options.rules:
            place = None if state is None else state / f"{chain}-{rule.value}-{number}"
            sweeping = partial(advance, f"{chain}, {rule.value}")
            figures, said = scored(known, wanted, row_of, rule, options.hops, place, sweeping)
            went_on, done = went_on + said, 0
            for rows in tables(figures, wanted, chain, run):
                into(rows)
                done = min(done + BLOCK, len(pots))
                advance(f"{chain}, {rule.value}, rows", done, len(pots))
    return went_on


def _roles(store: Store, chain: str, index: Numbered, ledger: Ledger, labels: Labels, options: RescoreOptions) -> Roles:
    """The snapshot's roles, with the ledger's hubs, and those seen when histories were fetched."""
    roles, dust = plain_roles(index, labels), dust_of(store, chain, index, options.dust_usd)
    roles = with_hubs(roles, hubs(ledger, roles, threshold=options.hub_counterparties, dust=dust))
    return with_seen_hubs(store, chain, index, roles, options.hub_counterparties)


def _thefts(index: Numbered, labels: Labels, roles: Roles) -> tuple[dict[int, Theft], dict[tuple[int, int], Theft]]:
    """Reported thefts by the numbers of their transactions."""
    categories = roles.groups.categories
    names = sorted({*labels.tx_seeds, *(coin.tx for coin in labels.coin_seeds)})
    number = dict(zip(names, index.hashes(names), strict=True))
    by_tx = {
        number[tx]: Theft(categories.index(seed.category), starts(seed, labels), tx) for tx, seed in labels.tx_seeds.items()
    }
    by_coin = {
        (number[coin.tx], coin.n): Theft(categories.index(seed.category), starts(seed, labels), str(coin))
        for coin, seed in labels.coin_seeds.items()
    }
    return by_tx, by_coin
