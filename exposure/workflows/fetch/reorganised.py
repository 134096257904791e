"""Blocks that were stored and are gone: found by their hashes, and taken out with everything that rests on them."""

from __future__ import annotations

from exposure.errors import SourceError
from exposure.model.sentences import Sentence
from exposure.sources.remote import Block, RemoteHistory
from exposure.store import fetches
from exposure.workflows.fetch.keeper import Keeper

MAX_DEPTH = 1_000
"""No reorganisation of a chain that is read goes deeper; a source that says so serves another chain, or lies."""


def drop_gone_blocks(source: RemoteHistory, head: Block, keeper: Keeper) -> str:
    """Compare the blocks seen of a chain with what the source has; drop the lowest that is gone and
    what lies above.

    Cost: two calls if nothing changed; else a few more, by halving.

    Returns
    -------
    str
        What was done, as a sentence; empty if every block stands.

    Raises
    ------
    SourceError
        If blocks deeper than `MAX_DEPTH` are said to be gone: nothing is taken out on such a word.
    """
    seen = keeper.ask(lambda store: fetches.seen_blocks(store.connection, source.chain, up_to=head.height))
    if not seen or _stands(source, seen[0]):
        return ""
    # The highest first: all that stand lie behind all that do not.
    low, high = 0, len(seen)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _stands(source, seen[middle]) else (middle, high)
    gone = seen[low]
    if seen[0][0] - gone[0] > MAX_DEPTH:
        raise SourceError(
            f"{source.name} has another block {gone[0]:,} than the one that is stored, {seen[0][0] - gone[0]:,} blocks below "
            "the newest: it serves another chain, or what is stored came from one. Nothing was changed; ask another source"
        )
    height = gone[0] - 1
    reason = f"the blocks above {height:,} that were stored are no longer in the chain"
    keeper.cut(source.chain, height, reason)
    return Sentence("store.reorganised_now", chain=source.chain, gone=gone[0], hash=gone[1][:16], block=height)


def _stands(source: RemoteHistory, block: tuple[int, str]) -> bool:
    found = source.head(block[0])
    return found is not None and found.hash == block[1]
