"""Which import or fetch brought the rows of some transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from typing import NamedTuple

from exposure.store.store import Store

MAX_BLOCKS = 5_000
"""Blocks that are looked up for one question."""


class Origin(NamedTuple):
    """Rows of one transaction that one import or fetch brought."""

    chain: str
    tx: str
    source: str


def origins(store: Store, chain: str, txs: Mapping[int, Set[str]]) -> Counter[Origin]:
    """Rows by transaction and the import or fetch that brought them.

    Parameters
    ----------
    store, chain
        The ledger; one version of it.
    txs
        Transactions by block; of more than `MAX_BLOCKS` blocks the first ones are looked up.
    """
    found: Counter[Origin] = Counter()
    for layout in ("transfers", "outputs"):
        if not store.parts(layout, chain):
            continue
        lookup = store.lookup(layout, chain, ("block", "tx", "source"))
        for block in sorted(txs)[:MAX_BLOCKS]:
            rows = lookup.rows(block)
            for tx, source in zip(rows["tx"].to_pylist(), rows["source"].to_pylist(), strict=True):
                if tx in txs[block]:
                    found[Origin(chain, tx, source)] += 1
    return found
