"""Which imports and fetches brought the rows that a case uses: looked up in its store, and checked against its files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from exposure.casefile.evidence import Evidence
from exposure.casefile.folder import Case
from exposure.casefile.sources import Sources, origins_schema, replies_schema
from exposure.store import fetches
from exposure.store.origins import MAX_BLOCKS, Origin, origins
from exposure.store.store import Store
from exposure.text import counted, shown
from exposure.workflows.case.check import Check
from exposure.workflows.case.reading import json_of, rests_on, table_of


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


def named(case: Case) -> Check:
    """Whether every transaction of the folder names the import or fetch that brought it, and each fetch its replies."""
    origins_of = table_of(case, "origins.parquet", origins_schema())
    replies = table_of(case, "replies.parquet", replies_schema())
    told = json_of(case, "sources.json")
    known = told["sources"]
    rows: Counter[str] = Counter()
    for source, count in zip(origins_of["source"].to_pylist(), origins_of["rows"].to_pylist(), strict=True):
        rows[source] += count
    answered = Counter(replies["fetch"].to_pylist())
    if not {*rows, *answered} <= set(known):
        return Check("sources", False, "sources.json does not say where every row is from")
    for name, one in known.items():
        if one["rows"] != rows[name] or one.get("replies", 0) != answered[name]:
            return Check("sources", False, f"sources.json counts other rows or replies of {shown(name, 60)} than there are")
    if sorted(set(replies["sha256"].to_pylist())) != case.manifest.get("replies"):
        return Check("sources", False, "replies.parquet and the manifest name different replies")
    held = {(chain, tx) for chain, tx, _ in rests_on(case)}
    brought = set(zip(origins_of["chain"].to_pylist(), origins_of["tx"].to_pylist(), strict=True))
    if not brought <= held:
        return Check("sources", False, "origins.parquet names transactions that the case does not hold")
    lost = f"; of {counted(len(held - brought), 'transaction')} it is not on record" if held - brought else ""
    by = f"{len(known):,} imports and fetches with {replies.num_rows:,} replies on record"
    return Check(
        "sources",
        True,
        f"{counted(len(brought), 'transaction')} came by {by}{lost}",
        tuple(_said(one) for one in known.values()),
    )


def _said(one: Mapping[str, Any]) -> str:
    """An import or fetch by name."""
    if one["kind"] == "import":
        return "import of " + ", ".join(shown(str(file["name"]), 60) for file in one["files"])
    return (
        f"fetch of {shown(str(one.get('address')), 60)} from {shown(str(one.get('source')), 40)}"
        if len(one) > 2
        else "a source of no name"
    )
