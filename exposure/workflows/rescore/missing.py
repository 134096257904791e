"""What coverage says is missing of a whole ledger, by pot, as a stricter sweep takes it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from exposure.engines.local.roles import ALWAYS, NEVER
from exposure.engines.local.sweep import Stricter
from exposure.model.ledger import Incomplete
from exposure.store import coverage
from exposure.store.coverage import ANY, Coverage
from exposure.store.numbered import Numbered
from exposure.store.store import Store


def missing(store: Store, chain: str, ledger: Numbered) -> tuple[Stricter, dict[int, str]]:
    """What is missing; and, by place among the ledger's assets, why pots of that asset are not whole unless said otherwise."""
    rows = coverage.everything(store.connection, store.version, chain)
    last = store.last_block(chain) or 0
    gap = np.full(max(ledger.pots, 1), NEVER)[: ledger.pots]
    bears = np.zeros(ledger.pots, np.bool_)
    known: dict[int, tuple[int, int]] = {}
    reasons: dict[int, str] = {}
    general = [row for row in rows if row.address == ANY]
    for place, asset in enumerate(ledger.assets):
        found = coverage.gap([row for row in general if _bears(row, asset, utxo=ledger.utxo)], ANY, asset, last)
        if found is not None:
            reasons[place] = found.reason
            gap[ledger.asset == place], bears[ledger.asset == place] = _from(found), _oldest(found)
    by_address: dict[str, list[Coverage]] = defaultdict(list)
    named = {row.address for row in rows} - {ANY}
    for row in rows:
        for address in named if row.address == ANY else [row.address]:
            by_address[address].append(row)
    wanted = pa.array(sorted(named), pa.string())
    for first, assets, addresses in ledger.names() if named else ():
        for at in np.flatnonzero(pc.is_in(addresses, wanted).to_numpy(zero_copy_only=False)).tolist():
            address, asset, pot = addresses[at].as_py(), assets[at].as_py(), first + at
            own = [row for row in by_address[address] if _bears(row, asset, utxo=ledger.utxo)]
            found = coverage.gap(own, address, asset, last)
            gap[pot], bears[pot] = (NEVER, False) if found is None else (_from(found), _oldest(found))
            if found is not None and found.until is not None:
                known[pot] = (found.until.block, found.balance or 0)
    return Stricter(gap, known, bears), reasons


def _bears(row: Coverage, asset: str, *, utxo: bool) -> bool:
    return row.asset == ANY or (not utxo and row.asset in (asset, coverage.tokens_of(asset)))


def _from(gap: Incomplete) -> int:
    return ALWAYS if gap.since is None else gap.since.block


def _oldest(gap: Incomplete) -> bool:
    return gap.since is None and gap.oldest
