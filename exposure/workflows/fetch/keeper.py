"""The store while a fetch runs: several threads hand over pages, one at a time writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from exposure.sources.remote import Page
from exposure.store import fetches
from exposure.store.coverage import Coverage
from exposure.store.fetches import Fetch
from exposure.store.store import Store
from exposure.store.writer import Committed, ImportRecord
from exposure.workflows.fetch.rows import tables

Answer = TypeVar("Answer")


class Keeper:
    """Serialises what threads do with one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()

    def ask(self, question: Callable[[Store], Answer]) -> Answer:
        """Ask the store, at its newest version."""
        with self._lock:
            return question(self._store)

    def commit(self, fetch: Fetch, pages: Sequence[Page], declared: Iterable[Coverage] = ()) -> Committed:
        """Make the rows of pages, what they prove, and the place where the fetch stands visible, all at once."""
        now = int(time.time())
        with self._lock, self._store.writer(fetch.id) as writer:
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
        with self._lock, self._store.writer(f"reorganisation-{chain}-{height}") as writer:
            writer.remove_above(chain, height)
            writer.declare([Coverage(chain, from_block=height + 1, complete=False, reason=reason)])
            writer.together(lambda connection, version: fetches.forget_above(connection, chain, height, version, now))
            writer.commit()
