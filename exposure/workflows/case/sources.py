"""Which imports and fetches brought the rows that a case uses, looked up in the store that it was made from."""

from __future__ import annotations

from collections import Counter, defaultdict

from exposure.casefile.evidence import Evidence
from exposure.casefile.sources import Sources
from exposure.store import fetches
from exposure.store.origins import MAX_BLOCKS, Origin, origins
from exposure.store.store import Store


def blocks_of(evidence: Evidence) -> dict[str, dict[int, set[str]]]:
    """Transactions of some evidence by chain and block."""
    found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (chain, _), row in evidence.transfers.items():
        found[chain][row.place.block].add(row.tx)
    for (chain, name), tx in evidence.txs.items():
        found[chain][tx.place.block].add(name)
    return found


def sources_of(store: Store, evidence: Evidence) -> Sources:
    """The sources of the rows, and of the histories whose coverage was asked for, with the replies on record."""
    rows: Counter[Origin] = Counter()
    missing = 0
    for chain, blocks in blocks_of(evidence).items():
        rows += origins(store, chain, blocks)
        missing += sum(len(blocks[block]) for block in sorted(blocks)[MAX_BLOCKS:])
    names = {origin.source for origin in rows}
    connection = store.connection
    found = {fetch.id: fetch for name in sorted(names) if (fetch := fetches.by_id(connection, name)) is not None}
    for chain, address in sorted({(chain, address) for chain, address, _ in evidence.gaps}):
        found |= {fetch.id: fetch for fetch in fetches.of_address(connection, chain, address)}
    return Sources(
        rows,
        {one.id: one for one in store.imports() if one.id in names and one.id not in found},
        found,
        {name: tuple(fetches.replies(connection, name)) for name in found},
        missing,
    )
