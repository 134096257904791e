"""Blocks that were taken out of a store because their chain was reorganised: what that means for answers made before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from exposure.model.sentences import Sentence
from exposure.store import fetches
from exposure.store.store import Store
from exposure.units import day

Found = tuple[str, str, int]
"""Chain, transaction and block of something that an answer rests on."""


def told_of(store: Store, ends: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence for each chain that was reorganised below the last block of a question, for whoever keeps older answers."""
    said = []
    for chain, end in ends.items():
        for one in fetches.reorganisations(store.connection, chain, up_to=store.version):
            if one.height <= end:
                said.append(
                    Sentence("store.reorganised", chain=chain, day=day(one.time), block=one.height, version=one.version)
                )
    return tuple(said)


def gone(store: Store, rests_on: Iterable[Found]) -> tuple[str, ...]:
    """A sentence for each chain of which an older answer used transactions that a reorganisation took out of the store.

    One that stands in another block by now is gone from where it was, too: order decides figures.
    """
    rows: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for chain, tx, block in rests_on:
        rows[chain].add((tx, block))
    said = []
    for chain, used in sorted(rows.items()):
        heights = [one.height for one in fetches.reorganisations(store.connection, chain, up_to=store.version)]
        lost = {tx for tx, block in used if heights and block > min(heights) and block not in _blocks(store, chain, tx)}
        if lost:
            said.append(
                f"{len(lost):,} of the transactions that the case rests on are gone: {chain} was reorganised above block "
                f"{min(heights):,}. Its earlier answer does not hold"
            )
    return tuple(said)


def _blocks(store: Store, chain: str, tx: str) -> set[int]:
    layouts = ("transfers_by_tx", "outputs_by_tx", "inputs_by_tx")
    return {block for layout in layouts for block in store.lookup(layout, chain).rows(tx)["block"].to_pylist()}
