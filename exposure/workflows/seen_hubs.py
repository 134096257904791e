"""Hubs that were recognised by a first look at their history, because all of it would have taken too many calls.

The stored rows of such an address are few, so the definition of a hub, which counts stored counterparties, does not find it.
What was seen then stands in for them, for as long as the history itself is not whole in the store.
"""

from __future__ import annotations

from collections.abc import Iterable

from exposure.model.labels import Labels
from exposure.store import looks
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.looks import Look
from exposure.store.store import Store
from exposure.tracing.cone import HubOf, members_of
from exposure.tracing.hubs import Counted, Seen, verdict

History = StoredAccountHistory | StoredUtxoHistory


class SeenHubs:
    """What first looks say of the addresses of a chain under a threshold of counterparties."""

    def __init__(self, store: Store, history: History, threshold: int) -> None:
        self._history = history
        every = looks.of_chain(store.connection, history.chain)
        self._threshold = threshold
        self._counted = {key: counted_of(look) for key, look in every.items() if verdict(counted_of(look), threshold)}

    def counted(self, address: str, asset: str) -> Counted | None:
        """What makes an address a hub in an asset; None if no look says that it is one, or its whole history is stored."""
        found = self._counted.get((address, asset))
        if found is None:
            return None
        history = self._history
        gap = history.incomplete(address) if isinstance(history, StoredUtxoHistory) else history.incomplete(address, asset)
        return None if gap is None else found

    def named(self) -> Iterable[tuple[str, str]]:
        """Address and asset of every hub."""
        return [key for key in self._counted if self.counted(*key) is not None]

    def beside(self, judge: HubOf, asset: str, labels: Labels, seen: Seen) -> HubOf:
        """Hub detection by stored rows, and by looks at any address of the owner; ``seen`` is told what counts."""
        if not self._counted:
            return judge
        members = members_of(labels)

        def ask(owner: str) -> str | None:
            by_rows = judge(owner)
            looked = next(
                (one for one in (self.counted(address, asset) for address in members(owner)) if one is not None), None
            )
            if by_rows is not None or looked is None:
                return by_rows
            seen(owner, looked)
            return verdict(looked, self._threshold)

        return ask


def counted_of(look: Look) -> Counted:
    """The figures of a look as the definition of a hub takes them."""
    return Counted(look.estimate, look.sent, look.to_few, look.seen)
