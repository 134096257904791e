"""Blocks that were stored and are gone: found by their hashes, and taken out with everything that rests on them."""

from __future__ import annotations

from exposure.sources.remote import Block, RemoteHistory
from exposure.store import fetches
from exposure.workflows.fetch.keeper import Keeper


def drop_gone_blocks(source: RemoteHistory, head: Block, keeper: Keeper) -> str:
    """Compare the blocks seen of a chain with what the source has; drop what lies above the last one that still stands.

    Cost: two calls if nothing changed; else a few more, by halving.

    Returns
    -------
    str
        What was done, as a sentence; empty if every block stands.
    """
    seen = keeper.ask(lambda store: fetches.seen_blocks(store.connection, source.chain, up_to=head.height))
    if not seen or _stands(source, seen[0]):
        return ""
    # The highest first: all that stand lie behind all that do not.
    low, high = 0, len(seen)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _stands(source, seen[middle]) else (middle, high)
    height = seen[high][0] if high < len(seen) else -1
    gone = seen[low]
    reason = f"the blocks above {height:,} that were stored are no longer in the chain"
    keeper.cut(source.chain, height, reason)
    return (
        f"{source.chain} was reorganised: block {gone[0]:,} ({gone[1][:16]}...) is gone. Rows above block {height:,} were "
        "taken out, and fetches that reach there begin again; results of earlier versions of the store do not hold for them"
    )


def _stands(source: RemoteHistory, block: tuple[int, str]) -> bool:
    found = source.head(block[0])
    return found is not None and found.hash == block[1]
