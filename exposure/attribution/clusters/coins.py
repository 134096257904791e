"""Clusters of a UTXO chain: who signed together, and what is change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.attribution.clusters import HEURISTICS, LARGE, REFUSED_KEPT, Heuristic
from exposure.attribution.clusters import kernels as compiled

OUTPUT, JOINT = compiled.OUTPUT, compiled.JOINT
COLUMNS = ("tx_no", "flags", "address", "amount", "time")
_SCRIPTS = ("^1", "^3", "^bc1q[^:]{38}$", "^bc1q[^:]{58}$", "^bc1p", "")


class Merged(NamedTuple):
    """Merges by number: (address, address, heuristic, transaction) of those made, with the reason of those refused.

    ``parent`` points each address to the one that stands for its cluster; ``refusals`` counts all.
    """

    links: NDArray[np.int64]
    refused: NDArray[np.int64]
    refusals: int
    parent: NDArray[np.int32]


def scripts(names: Iterable[pa.Array]) -> NDArray[np.int8]:
    """Script type of each address, from its form; addresses in batches."""
    parts = [np.empty(0, np.int8)]
    for addresses in names:
        found = np.full(len(addresses), len(_SCRIPTS), np.int8)
        for kind in range(len(_SCRIPTS) - 1, -1, -1):
            found[pc.match_substring_regex(addresses, _SCRIPTS[kind]).to_numpy(zero_copy_only=False)] = kind
        parts.append(found)
    return np.concatenate(parts)


def merge(
    columns: Mapping[str, NDArray[Any]],
    entity: NDArray[np.int32],
    script: NDArray[np.int8],
    heuristics: Iterable[Heuristic],
    *,
    large: int = LARGE,
) -> Merged:
    """Cluster the addresses of a numbered UTXO ledger.

    Parameters
    ----------
    columns
        `COLUMNS`, as `exposure.store.numbered` has them; a beginning of the ledger is a ledger. Rows with the flag `JOINT` are
        of transactions that link nobody, whatever they look like.
    entity
        By address: number of the name that it is tagged with, or -1.
    script
        By address: `scripts`; may be empty if no change heuristic is wanted.
    heuristics, large
        What makes links; the guard's size.

    Notes
    -----
    One pass in canonical order: with the guard the order of merges matters, and this one depends on no name. Memory: 40
    bytes an address.
    """
    wanted = sum(1 << HEURISTICS.index(heuristic) for heuristic in heuristics)
    nodes = np.empty((len(entity), 4), np.int32)  # one cache line holds a whole node
    nodes[:, compiled.PARENT], nodes[:, compiled.SIZE] = np.arange(len(entity)), 1
    nodes[:, compiled.ENTITY], nodes[:, compiled.LOOKS] = entity, script if len(script) else 0
    links = np.empty((max(len(entity), 1), 4), np.int32)
    refused = np.empty((REFUSED_KEPT, 5), np.int32)
    given = tuple(np.asarray(columns[name]) for name in COLUMNS)
    made, denied = compiled.unite(given, nodes, wanted, large, links, refused)
    compiled.flatten(nodes)
    few = refused[: min(denied, REFUSED_KEPT)]
    return Merged(links[:made].astype(np.int64), few.astype(np.int64), denied, nodes[:, compiled.PARENT].copy())
