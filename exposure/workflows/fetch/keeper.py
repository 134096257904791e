"""The store while a fetch runs: several threads hand over pages, one at a time writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from exposure.sources.remote import Page
from exposure.store import fetches
from exposure.store.coverage import Coverage
from exposure.store.fetches import Fetch
from exposure.store.store import Store
from exposure.store.writer import Committed, ImportRecord
from exposure.workflows.fetch.rows import tables

Answer = TypeVar("Answer")


class Holder(Protocol):
    """Somebody who holds pages that are not on disk yet."""

    def write(self) -> None:
        """Put them on disk."""
        ...


class Keeper:
    """Serialises what threads do with one store.

    ``lock`` also guards what holders hold: so that all of it can be put on disk from outside when their threads hang.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lock = threading.RLock()
        self._holders: list[Holder] = []
        self._closed = False

    def holds(self, holder: Holder) -> None:
        """Know of somebody who holds pages."""
        with self.lock:
            self._holders.append(holder)

    def released(self, holder: Holder) -> None:
        """He holds nothing any more."""
        with self.lock:
            self._holders.remove(holder)

    def close(self) -> None:
        """Put everything that anybody holds on disk; who comes later is turned away."""
        with self.lock:
            for holder in self._holders:
                holder.write()
            self._closed = True

    def ask(self, question: Callable[[Store], Answer]) -> Answer:
        """Ask the store, at its newest version."""
        with self.lock:
            return question(self._open())

    def commit(self, fetch: Fetch, pages: Sequence[Page], declared: Iterable[Coverage] = ()) -> Committed:
        """Make the rows of pages, what they prove, and the place where the fetch stands visible, all at once."""
        now = int(time.time())
        with self.lock, self._open().writer(fetch.id) as writer:
            for page in pages:
                for table, rows in tables(page.rows).items():
                    writer.append(table, rows)
                for asset, (symbol, decimals) in page.tokens.items():
                    writer.describe_asset(asset, symbol, decimals)
            writer.declare(list(declared))
            replies = [
                fetches.Reply(answer.url, answer.sha256, answer.time, answer.rows) for page in pages for answer in page.answers
            ]
            blocks = [(block.height, block.hash) for page in pages for block in page.blocks]
            blocks.append((fetch.until, fetch.until_hash))
            saved = fetch.moved(updated_at=now)
            writer.together(lambda connection, version: fetches.save(connection, saved, replies))
            writer.together(lambda connection, version: fetches.see_blocks(connection, fetch.chain, blocks))
            options = {"source": fetch.source, "state": fetch.state}
            return writer.commit(ImportRecord(options=options, summary={"rows": fetch.rows, "answers": fetch.answers}))

    def cut(self, chain: str, height: int, reason: str) -> None:
        """Drop every row of a chain above a block that no longer leads where it led, and say so in coverage."""
        now = int(time.time())
        with self.lock, self._open().writer(f"reorganisation-{chain}-{height}") as writer:
            writer.remove_above(chain, height)
            writer.declare([Coverage(chain, from_block=height + 1, complete=False, reason=reason)])
            writer.together(lambda connection, version: fetches.forget_above(connection, chain, height, version, now))
            writer.commit()

    def _open(self) -> Store:
        if self._closed:
            raise KeyboardInterrupt
        return self._store
