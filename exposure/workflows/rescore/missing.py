"""What coverage says is missing of a whole ledger, by pot, as a stricter sweep takes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import merge

import numpy as np
import pyarrow as pa

from exposure.engines.local.roles import ALWAYS, NEVER
from exposure.engines.local.sweep import Stricter
from exposure.model.ledger import Incomplete
from exposure.store import coverage
from exposure.store.coverage import ANY, Coverage
from exposure.store.numbered import Numbered
from exposure.store.store import Store

Ranked = list[tuple[int, Coverage]]
"""Declarations with their places in the order in which they count."""


def missing(store: Store, chain: str, ledger: Numbered) -> Stricter:
    """What is missing of each pot.

    Cost: by the assets and the addresses that declarations name, not by the pots of the ledger.
    """
    last = store.last_block(chain) or 0
    general: dict[str, Ranked] = defaultdict(list)
    named: dict[str, Ranked] = defaultdict(list)
    for place, row in enumerate(condensed(coverage.everything(store.connection, store.version, chain))):
        if row.address != ANY:
            named[row.address].append((place, row))
        elif row.asset == ANY or not ledger.utxo:
            general[row.asset].append((place, row))
    by_asset = [list(merge(*(general[name] for name in _names(asset)))) for asset in ledger.assets]
    start, oldest = np.full(len(by_asset), NEVER), np.zeros(len(by_asset), np.bool_)
    for at, (asset, rows) in enumerate(zip(ledger.assets, by_asset, strict=True)):
        start[at], oldest[at] = _from(coverage.gap(_rows(rows), ANY, asset, last))
    of = np.asarray(ledger.asset)
    gap, bears = start[of], oldest[of]
    known: dict[int, tuple[int, int]] = {}
    addresses = sorted(named)
    places, pots = ledger.find(pa.array(addresses, pa.string()))
    for address, pot, at in zip((addresses[place] for place in places.tolist()), pots.tolist(), of[pots].tolist(), strict=True):
        asset = ledger.assets[at]
        own = (one for one in named[address] if one[1].asset in (_names(asset) if not ledger.utxo else (ANY,)))
        found = coverage.gap(_rows(merge(by_asset[at], own)), address, asset, last)
        gap[pot], bears[pot] = _from(found)
        if found is not None and found.until is not None:
            known[pot] = (found.until.block, found.balance or 0)
    return Stricter(gap, known, bears)


def _names(asset: str) -> set[str]:
    """The assets of declarations that bear on one asset."""
    return {ANY, asset, coverage.tokens_of(asset)}


def condensed(rows: Iterable[Coverage]) -> list[Coverage]:
    """Fewer declarations that say the same: of those that follow each other and call a whole asset complete from its
    beginning, one for each further import, the widest stands for all."""
    kept: list[Coverage] = []
    widest: dict[str, int] = {}
    for row in rows:
        if row.address != ANY or row.from_block is not None or not row.complete:
            kept.append(row)
            widest.clear()
            continue
        at = widest.get(row.asset)
        if at is None:
            widest[row.asset] = len(kept)
            kept.append(row)
        else:
            ends = (kept[at].to_block, row.to_block)
            kept[at] = row._replace(to_block=None if None in ends else max(end for end in ends if end is not None))
    return kept


def _rows(ranked: Iterable[tuple[int, Coverage]]) -> Sequence[Coverage]:
    return [row for _, row in ranked]


def _from(gap: Incomplete | None) -> tuple[int, bool]:
    """The block from which on a pot is not whole; whether only what is oldest is missing."""
    if gap is None:
        return NEVER, False
    return (ALWAYS, gap.oldest) if gap.since is None else (gap.since.block, False)
