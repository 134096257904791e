"""The part of a large ledger that a subject's figures depend on: figures from the trace index, evidence from a small cone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from exposure.engines.registry import Engine
from exposure.model.labels import Labels
from exposure.model.ledger import Transfer
from exposure.model.ports import AccountHistory
from exposure.model.sentences import Sentence
from exposure.model.settings import Rule, Settings
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store
from exposure.taint.reference.lots import Mark, Run
from exposure.tracing.cone import Pot, PotReader
from exposure.workflows.trace.index import Index, declared
from exposure.workflows.trace.large import Carried, Large
from exposure.workflows.trace.ledgers import AccountLedger, Subledger, Touched
from exposure.workflows.trace.options import TraceOptions

EVIDENCE = 2_000
"""Transactions among which paths and flow are looked for, largest first."""
LONGEST = 20_000
"""Movements of a pot past which it is not read for evidence."""


class _ShortPots(PotReader):
    """Pots of a large ledger, but for those that are too long to be read for evidence."""

    def __init__(self, history: AccountHistory, labels: Labels, large: Large) -> None:
        super().__init__(history, labels)
        self._large = large
        self.longest = LONGEST

    def too_long(self, pot: Pot) -> bool:
        """See `PotReader.too_long`."""
        return self._large.length(pot[0]) > self.longest


class LargeLedgers:
    """The account ledgers of a store as one question reads them off trace indexes."""

    def __init__(self, store: Store, labels: Labels, engine: Engine, options: TraceOptions) -> None:
        self._store, self._labels, self._engine, self._options = store, labels, engine, options
        self._known: dict[tuple[str, str], Large] = {}

    def part(
        self,
        index: Index,
        history: StoredAccountHistory,
        dust: int,
        subjects: Sequence[Transfer],
        settings: Settings,
        rules: Sequence[Rule],
        looked: Mapping[str, str],
    ) -> tuple[Subledger, AccountLedger]:
        """All that bears on where some transfers of one asset came from, and the ledger behind its evidence.

        Raises
        ------
        Unfit
            If the search is not made for what it met, under any of the rules, for the figure or the interval.
        """
        chain = history.chain
        large = self._large(index, history, subjects[0].asset, dust, looked)
        reader = _ShortPots(history, self._labels, large)
        ledger = AccountLedger(chain, history, self._labels, self._engine, lambda _asset: large.reason, reader)
        evidence = min(EVIDENCE, settings.max_transactions)
        small = ledger.source(subjects, replace(settings, max_transactions=evidence))
        if not small.refused:  # nothing is left out: the usual way has it all
            return small, ledger
        found = {
            (rule, strict, row.ref): large.carried(row, rule, settings.max_hops, strict=strict)
            for rule in rules
            for strict in (False, True)
            for row in subjects
        }
        names = tuple(Sentence(f"rules.{rule.value}") for rule in rules)
        note = Sentence("notes.large", rules=names, n=max(one.looked for one in found.values()), most=evidence)
        return _with_figures(small, ledger, large, [row.ref for row in subjects], found, note), ledger

    def _large(self, index: Index, history: StoredAccountHistory, asset: str, dust: int, looked: Mapping[str, str]) -> Large:
        if (history.chain, asset) not in self._known:
            self._known[history.chain, asset] = Large(
                index,
                history,
                self._labels,
                asset,
                threshold=self._options.hub_counterparties,
                dust=dust,
                declared=declared(self._store, history.chain),
                looked=looked,
            )
        return self._known[history.chain, asset]


def _with_figures(
    small: Subledger,
    ledger: AccountLedger,
    large: Large,
    refs: Sequence[str],
    found: Mapping[tuple[Rule, bool, str], Carried],
    note: Sentence,
) -> Subledger:
    """A part whose subjects carry what the index says; all else is evidence."""

    def received(rule: Rule, strict: bool) -> Run:
        return Run(received={ref: found[rule, strict, ref].lots for ref in refs})

    def figure(options: Settings, strict: bool, mark: Mark | None) -> Run:
        if strict:
            return received(options.rule, strict)
        run = small.figure(options, strict, mark)
        if mark is None:
            run.received.update(received(options.rule, strict).received)
        return run

    def touched(rule: Rule) -> Touched:
        merged: dict[tuple[str, int | None, int], list[tuple[str, int]]] = {}
        for ref in refs:
            for key, those in found[rule, False, ref].touched.items():
                merged.setdefault(key, []).extend(those)
        return merged

    gaps = {gap: None for one in found.values() for gap in one.gaps}
    return replace(
        small,
        labels=replace(small.labels, hubs={**small.labels.hubs, **large.hubs}),
        refused=0,
        gaps=tuple(ledger.coverage(gap) for gap in gaps),
        figure=figure,
        arcs=None,
        touched=touched,
        evidence=small,
        note=note,
    )
