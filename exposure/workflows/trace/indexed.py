"""When a question reads the trace index of a chain: for figures where a budget was spent, and to tell hubs of many others.

The index is not made before it is needed, and what needs numba is not imported before there is an index to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from exposure.engines.registry import Engine
from exposure.errors import StoreError
from exposure.model.labels import Labels
from exposure.model.ledger import Transfer
from exposure.model.sentences import Sentence
from exposure.model.settings import Rule, Settings
from exposure.store.histories import StoredAccountHistory
from exposure.store.index_places import is_made
from exposure.store.store import Store
from exposure.tracing.hubs import Met
from exposure.workflows.trace.ledgers import AccountLedger, Subledger
from exposure.workflows.trace.options import TraceOptions

if TYPE_CHECKING:  # they import numba
    from exposure.workflows.trace.index import Index
    from exposure.workflows.trace.large_part import LargeLedgers

RULES = frozenset({Rule.HAIRCUT, Rule.FIFO, Rule.LIFO})
"""Rules that serve by no label: a trace index answers for them."""
FEW = 300
"""Owners that are looked up in the store, before the index is asked: its import takes as long."""

Told = Callable[[str, int, int], None]
"""Told what is made for a trace: what it is, how much of it is done, and how much there is."""


def untold(_what: str, _done: int, _total: int) -> None:
    """Nobody is told."""


class Indexed:
    """The trace indexes that one question reads, each opened once. Close it when the question is answered."""

    def __init__(self, store: Store, labels: Labels, engine: Engine, options: TraceOptions, told: Told = untold) -> None:
        self._store, self._labels, self._engine, self._options, self._told = store, labels, engine, options, told
        self._held = ExitStack()
        self._indexes: dict[str, Index] = {}
        self._large: LargeLedgers | None = None

    def close(self) -> None:
        """Let go of the indexes."""
        self._held.close()

    def counterparties(self, history: StoredAccountHistory) -> Met:
        """With whom addresses deal: from the store, and from the chain's index once many are asked for, if there is one."""
        asked, met = 0, history.counterparties

        def ask(address: str, asset: str, above: int) -> tuple[Sequence[str], dict[str, int]]:
            nonlocal asked, met
            asked += 1
            if asked == FEW and is_made(self._store, history.chain):
                met = self._index(history).counterparties
            return met(address, asset, above)

        return ask

    def part(
        self,
        history: StoredAccountHistory,
        dust: int,
        subjects: Sequence[Transfer],
        settings: Settings,
        looked: dict[str, str],
    ) -> tuple[Subledger, AccountLedger] | Sentence:
        """All that bears on where some transfers of one asset came from, and the ledger behind its evidence; or why it could
        not be read off the index, which is made if there is none.

        ``looked``: hubs of the asset by a first look at their history, with its words.
        """
        from exposure.engines.local.ancestry import Unfit
        from exposure.workflows.trace.large_part import LargeLedgers

        rules = [rule for rule in self._options.rules if rule in RULES]
        if self._large is None:
            self._large = LargeLedgers(self._store, self._labels, self._engine, self._options)
        try:
            return self._large.part(self._index(history), history, dust, subjects, settings, rules, looked)
        except Unfit:
            return Sentence("no_index.unfit")
        except StoreError as error:
            return Sentence("no_index.unmade", why=str(error))

    def _index(self, history: StoredAccountHistory) -> Index:
        from exposure.workflows.trace.index import opened

        if history.chain not in self._indexes:
            made = opened(self._store, history.chain, history.as_of, self._told)
            self._indexes[history.chain] = self._held.enter_context(made)
        return self._indexes[history.chain]
