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
from exposure.taint.reference.lots import Run
from exposure.workflows.selfcheck.cases import Case, Json


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

    def refs(self, subject: Json, direction: str) -> list[str]:
        """The transfers or outputs that a subject stands for."""
        case, owner = self.case, self.case.labels.owner
        if "transfer" in subject:
            return [str(subject["transfer"])]
        if "output" in subject:
            return [str(subject["output"])]
        refs = []
        if case.kind == "account":
            for transfer in case.transfers:
                near, far = transfer.receiver, transfer.sender
                if direction == "destination":
                    near, far = far, near
                if "address" not in subject:
                    wanted = transfer.tx == subject["transaction"]
                else:
                    wanted = near == subject["address"] != far and transfer.asset == subject.get("asset", transfer.asset)
                if wanted and transfer.kind is not Kind.FEE and not transfer.failed:
                    refs.append(transfer.ref)
            return refs
        for tx in case.txs:
            spenders = {owner(spend.address) for spend in tx.inputs if spend.address is not None}
            for n, output in enumerate(tx.outputs):
                own = owner(output.address) in spenders
                wanted = tx.tx == subject["transaction"] if "transaction" in subject else output.address == subject["address"]
                if wanted and not own:
                    refs.append(f"{tx.tx}:{n}")
        return refs

    def amount(self, ref: str) -> int:
        """Amount of a transfer or output."""
        if self.case.kind == "account":
            return next(t.amount for t in self.case.transfers if t.ref == ref)
        tx, _, n = ref.rpartition(":")
        return next(t.outputs[int(n)].amount for t in self.case.txs if t.tx == tx)

    def account(self, refs: Sequence[str], direction: str, *, strict: bool = False) -> Account:
        """The complete account of some transfers or outputs, checked to sum to them."""
        limit = self.case.max_hops
        if direction == "source":
            run = self.strict if strict else self.figure
            account = added(source(run.received[ref], limit) for ref in refs)
        else:
            account = added(self._destination(ref, strict=strict) for ref in refs)
        check(account, sum(self.amount(ref) for ref in refs), what=", ".join(refs))
        return account

    def _destination(self, ref: str, *, strict: bool) -> Account:
        case, run = self.case, self.run(strict=strict, follow=ref)
        if case.kind == "utxo":
            return destination_of_coin(run, case.txs, case.labels, case.max_hops, taint_fee=case.taint_fee)
        return destination_of_transfer(run, case.transfers, case.labels, case.max_hops)

    def bounds(self, refs: Sequence[str], direction: str, wanted: Sequence[str]) -> Bounds:
        """The interval of some transfers or outputs, per category."""
        names = categories(self.case.labels)
        if self.rule is Rule.POISON:
            strict = [(self.amount(ref), self.strict.received[ref]) for ref in refs]
            return poison_interval(strict, self.case.max_hops, names, wanted)
        return interval(self.account(refs, direction, strict=True), self.rule, names, wanted)
