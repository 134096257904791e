"""Accounts of the subjects that worked cases name: transfers, outputs, transactions, addresses, in both directions."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.engines.registry import Engine
from exposure.measure.account import (
    Account,
    Bounds,
    added,
    categories,
    check,
    destination_of_coin,
    destination_of_transfer,
    interval,
    poison_interval,
    source,
)
from exposure.model.ledger import Kind
from exposure.model.settings import Rule, Settings
from exposure.taint.reference.lots import Lot, Origin, Run
from exposure.workflows.selfcheck.cases import Case
from exposure.workflows.selfcheck.expectations import Subject


class Ledger:
    """A worked case under one rule: its runs, made once, and the accounts read off them."""

    def __init__(self, case: Case, rule: Rule, engine: Engine) -> None:
        self.case, self.rule, self.engine = case, rule, engine
        self.settings = Settings(rule=rule, max_hops=case.max_hops, taint_fee=case.taint_fee)
        self.figure = self.run()
        self._strict: Run | None = None

    @property
    def strict(self) -> Run:
        """The stricter run behind the interval."""
        if self._strict is None:
            self._strict = self.run(strict=True)
        return self._strict

    def run(self, *, strict: bool = False, follow: str | None = None) -> Run:
        """The rule over the whole ledger."""
        case = self.case
        if case.kind == "utxo":
            return self.engine.utxo(case.txs, case.labels, self.settings, strict=strict, follow=follow)
        incomplete = case.incomplete if strict else None
        return self.engine.account(
            case.transfers, case.labels, self.settings, openings=case.openings, incomplete=incomplete, follow=follow
        )

    def refs(self, subject: Subject, direction: str) -> list[str]:
        """The transfers or outputs that a subject stands for."""
        if subject.kind in ("transfer", "output"):
            return [subject.name]
        if self.case.kind == "account":
            return self._transfers(subject, direction)
        refs = []
        for tx in self.case.txs:
            spenders = {spend.address for spend in tx.inputs if spend.address is not None}
            for n, output in enumerate(tx.outputs):
                named = tx.tx if subject.kind == "transaction" else output.address
                if named == subject.name and output.address not in spenders:
                    refs.append(f"{tx.tx}:{n}")
        return refs

    def _transfers(self, subject: Subject, direction: str) -> list[str]:
        refs = []
        for transfer in self.case.transfers:
            near = transfer.receiver if direction == "source" else transfer.sender
            wanted = subject.name == (transfer.tx if subject.kind == "transaction" else near)
            if wanted and subject.asset in (None, transfer.asset) and transfer.kind is not Kind.FEE:
                refs.append(transfer.ref)
        return [ref for ref in refs if self.case.amount(ref)]

    def own(self, subject: Subject) -> str | None:
        """Category of the seed that the subject itself is, or lies at."""
        address: str | None = subject.name
        if subject.kind == "transfer":
            address = next(row.receiver for row in self.case.transfers if row.ref == subject.name)
        elif subject.kind == "output":
            tx, _, n = subject.name.rpartition(":")
            address = next(row for row in self.case.txs if row.tx == tx).outputs[int(n)].address
        seed = None if address is None or subject.kind == "transaction" else self.case.labels.seeds.get(address)
        return None if seed is None else seed.category

    def account(self, refs: Sequence[str], direction: str, *, strict: bool = False) -> Account:
        """The complete account of some transfers or outputs, checked to sum to them."""
        limit = self.case.max_hops
        if direction == "source":
            run = self.strict if strict else self.figure
            account = added(source(run.received[ref], limit) for ref in refs)
        else:
            account = added(self._destination(ref, strict=strict) for ref in refs)
        if self.rule is not Rule.POISON:
            check(account, sum(self.case.amount(ref) for ref in refs), what=", ".join(refs))
        return account

    def _destination(self, ref: str, *, strict: bool) -> Account:
        case = self.case
        if not case.amount(ref):
            return {}
        run = self.run(strict=strict, follow=ref)
        if case.kind == "utxo":
            return destination_of_coin(run, case.txs, case.labels, case.max_hops, taint_fee=case.taint_fee)
        return destination_of_transfer(run, case.transfers, case.labels, case.max_hops)

    def bounds(self, refs: Sequence[str], direction: str, wanted: Sequence[str]) -> Bounds:
        """The interval of some transfers or outputs, per category."""
        names = categories(self.case.labels)
        if self.rule is not Rule.POISON:
            return interval(self.account(refs, direction, strict=True), self.rule, names, wanted)
        strict = [(self.case.amount(ref), self._flags(ref, direction)) for ref in refs]
        return poison_interval(strict, self.case.max_hops, names, wanted)

    def _flags(self, ref: str, direction: str) -> Sequence[Lot]:
        """What a transfer carries, or (destination) what its value may have reached."""
        if direction == "source":
            return self.strict.received[ref]
        parts = self._destination(ref, strict=True)
        return [Lot(Origin(part.kind, part.name, part.epoch), part.hop or 0, amount) for part, amount in parts.items()]
