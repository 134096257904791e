"""Places of transactions within blocks for sources that give none but write each block in its order."""

from __future__ import annotations

from exposure.model.ledger import LAST_INDEX


class BlockOrder:
    """Counts the transactions of each block as they come. Memory: one number a block."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def next(self, block: int) -> int:
        """Place of the next transaction of a block, from 0."""
        place = self._seen.get(block, 0)
        self._seen[block] = place + 1
        return min(place, LAST_INDEX - 1)
