"""Finding the clusters of a stored ledger: by coins or by transfers, as rows that the store keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from exposure.attribution.clusters import HEURISTICS, METHODS, REASONS, Heuristic, Method
from exposure.attribution.clusters import coins as by_coins
from exposure.attribution.clusters import deposits as by_transfers
from exposure.store import clusters as kept
from exposure.store.numbered import Numbered, numbered
from exposure.store.store import Store
from exposure.workflows.clusters import Known


def search(store: Store, chain: str, method: Method, known: Known, as_of: int | None) -> tuple[pa.Table, int]:
    """Rows of `exposure.store.clusters.SCHEMA`, and how many merges were refused.

    Parameters
    ----------
    store, chain, method, as_of
        As in `exposure.workflows.clusters.clusters`.
    known
        What tags say of addresses.
    """
    with numbered(store, chain) as ledger:
        rows = ledger.rows
        if as_of is not None:
            rows = int(np.searchsorted(ledger.columns["block"], as_of, side="right"))
        find = _of_coins if ledger.utxo else _of_transfers
        return find(store, chain, ledger, rows, method, known)


def _of_coins(store: Store, chain: str, ledger: Numbered, rows: int, method: Method, known: Known) -> tuple[pa.Table, int]:
    heuristics = [one for one in METHODS[method] if one is not Heuristic.DEPOSIT_ADDRESS]
    entity = _numbers(ledger, known.names)
    change = any(one.value.startswith("change") for one in heuristics)
    script = by_coins.scripts(addresses for _, _, addresses in ledger.names()) if change else np.empty(0, np.int8)
    columns = {name: ledger.columns[name][:rows] for name in by_coins.COLUMNS}
    if known.joint:
        columns["flags"] = _with_joint(ledger, columns, known.joint)
    merged = by_coins.merge(columns, entity, script, heuristics)
    both = np.concatenate([merged.links, merged.refused[:, :4]])
    last = np.searchsorted(columns["tx_no"], both[:, 3], side="right") - 1  # the last row of each transaction, an output
    hashes = np.asarray(ledger.columns["tx"])[last] if len(both) else np.empty(0, np.uint64)
    _, first, which = np.unique(merged.parent[merged.links[:, 0]], return_index=True, return_inverse=True)
    cluster = merged.links[first, 0][which] if len(merged.links) else np.empty(0, np.int64)
    reasons = [REASONS[reason] for reason in merged.refused[:, 4].tolist()]
    return _table(store, chain, ledger, _Rows(both, cluster, hashes, reasons)), merged.refusals


def _with_joint(ledger: Numbered, columns: Mapping[str, NDArray[Any]], joint: Iterable[str]) -> NDArray[np.uint8]:
    """The flags of rows, with that of the transactions named. An input's row has the hash of the transaction it spends from."""
    flags = np.asarray(columns["flags"])
    hashes = np.array(ledger.hashes(sorted(joint)), np.uint64)
    named = np.isin(np.asarray(ledger.columns["tx"][: len(flags)]), hashes) & (flags & by_coins.OUTPUT != 0)
    together = np.isin(columns["tx_no"], columns["tx_no"][named])
    return np.where(together, flags | by_coins.JOINT, flags).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Links by number (pot, pot, heuristic) and hashes of their transactions: first those that were made, with the cluster of
    each, then those that were refused, with the reason of each."""

    links: NDArray[np.int64]
    cluster: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    reasons: Sequence[str]


def _table(store: Store, chain: str, ledger: Numbered, rows: _Rows) -> pa.Table:
    hashes = rows.hashes.tolist()
    txs = kept.names_of(store, chain, hashes, ledger)
    made, refused = len(rows.cluster), len(rows.reasons)
    columns = {
        "cluster": pa.concat_arrays([ledger.addresses(rows.cluster), pa.nulls(refused, pa.string())]),
        "one": ledger.addresses(rows.links[:, 0]),
        "other": ledger.addresses(rows.links[:, 1]),
        "heuristic": pa.array(HEURISTICS, pa.string()).take(pa.array(rows.links[:, 2])),
        "tx": pa.array([txs.get(number) for number in hashes], pa.string()),
        "reason": pa.array([*[None] * made, *rows.reasons], pa.string()),
    }
    return pa.table(columns, schema=kept.SCHEMA)


def _of_transfers(store: Store, chain: str, ledger: Numbered, rows: int, _method: Method, known: Known) -> tuple[pa.Table, int]:
    owner = np.asarray(ledger.owner)
    count = int(owner.max()) + 1 if len(owner) else 0
    entities: dict[str, int] = {}
    service, tagged = np.full(count, -1, np.int32), np.zeros(count, np.bool_)
    for subject, pots in _places(ledger, known.names):
        tagged[owner[pots]] = True
        if subject in known.services:
            service[owner[pots]] = entities.setdefault(known.names[subject], len(entities))
    columns = {name: ledger.columns[name][:rows] for name in ("source", "target", "low", "high", "fee")}
    found = by_transfers.deposit_addresses(by_transfers.Ledger(columns, owner, service, tagged))
    a_pot = np.zeros(count, np.int64)
    a_pot[owner] = np.arange(len(owner))
    heuristic = np.full(len(found), HEURISTICS.index(Heuristic.DEPOSIT_ADDRESS))
    links = np.stack([a_pot[found[:, 1]], a_pot[found[:, 0]], heuristic], axis=1)
    hashes = np.asarray(ledger.columns["tx"])[found[:, 2]]
    return _table(store, chain, ledger, _Rows(links, links[:, 0], hashes, ())), 0


def _numbers(ledger: Numbered, names: Mapping[str, str]) -> NDArray[np.int32]:
    """By pot: the number of the name that its address is tagged with, or -1."""
    entity = np.full(ledger.pots, -1, np.int32)
    numbers: dict[str, int] = {}
    for subject, pots in _places(ledger, names):
        entity[pots] = numbers.setdefault(names[subject], len(numbers))
    return entity


def _places(ledger: Numbered, addresses: Iterable[str]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The pots of those of some addresses that the ledger has."""
    wanted = sorted(addresses)
    places, pots = ledger.find(pa.array(wanted, pa.string()))
    different, starts = np.unique(places, return_index=True)
    for place, some in zip(different.tolist(), np.split(pots, starts[1:]), strict=False):
        yield wanted[place], some
