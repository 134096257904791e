"""The stricter run over a cone gives the interval of the stricter run over the whole ledger."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_ledgers import ADDRESSES, ASSET, account_ledgers, utxo_ledgers

from exposure.engines.registry import engine
from exposure.measure.account import RISK, Account, Bounds, categories, interval, source
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Incomplete, Kind, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.tracing.cone import moves, no_hubs
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory
from exposure.workflows.trace.ledgers import AccountLedger, UtxoLedger

LAW = settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
RULES = (Rule.HAIRCUT, Rule.FIFO, Rule.LIFO, Rule.TIHO)
CATEGORIES = ("sanctioned", "ransomware", "mixer", "scam")


def bounds(strict: Account, rule: Rule, labels: Labels) -> Bounds:
    return interval(strict, rule, categories(labels), CATEGORIES)


def same(left: Bounds, right: Bounds, amount: int) -> None:
    assert left.keys() == right.keys()
    for name in left:
        for one, other in zip(left[name], right[name], strict=True):
            assert abs(Fraction(one) - Fraction(other)) <= Fraction(amount, 10**12), (name, left, right)


@pytest.mark.parametrize("rule", RULES)
@LAW
@given(
    ledger=account_ledgers(),
    max_hops=st.sampled_from([None, 1, 2, 4]),
    open_pots=st.sets(st.sampled_from(ADDRESSES), max_size=3),
    oldest=st.booleans(),
)
def test_the_interval_of_a_cone_is_that_of_the_whole_ledger(
    rule: Rule, ledger: tuple[list[Transfer], Labels], max_hops: int | None, open_pots: set[str], oldest: bool
) -> None:
    transfers, labels = ledger[0], replace(ledger[1], tx_seeds={})
    gaps = [Incomplete(address, ASSET, oldest=oldest) for address in sorted(open_pots)]
    options = Settings(rule=rule, max_hops=max_hops)
    whole = account.run(transfers, labels, options, incomplete=gaps)
    history = MemoryAccountHistory(transfers, incomplete=gaps)
    ledger_of = AccountLedger("ethereum", history, labels, engine("reference"), lambda asset: no_hubs)
    for subject in [row for row in transfers if moves(row, labels) and row.kind is not Kind.FEE][-3:]:
        sub = ledger_of.source([subject], options)
        strict = sub.account(sub.figure(options, True, None), subject.ref, options)
        expected = source(whole.received[subject.ref], max_hops)
        same(bounds(expected, rule, labels), bounds(strict, rule, labels), subject.amount)


@pytest.mark.parametrize("rule", RULES)
@LAW
@given(ledger=utxo_ledgers(), max_hops=st.sampled_from([None, 1, 2, 4]))
def test_the_interval_of_a_coin_is_that_of_the_whole_ledger(
    rule: Rule, ledger: tuple[list[UtxoTx], Labels], max_hops: int | None
) -> None:
    txs, labels = ledger[0], replace(ledger[1], tx_seeds={}, coin_seeds={})
    options = Settings(rule=rule, max_hops=max_hops)
    whole = utxo.run(txs, labels, options, strict=True)
    ledger_of = UtxoLedger("bitcoin", MemoryUtxoHistory(txs), labels, engine("reference"), no_hubs)
    for tx in txs[-3:]:
        if not tx.outputs[0].amount:
            continue
        ref = f"{tx.tx}:0"
        sub = ledger_of.source([Coin(tx.tx, 0)], options)
        strict = sub.account(sub.figure(options, True, None), ref, options)
        same(bounds(source(whole.received[ref], max_hops), rule, labels), bounds(strict, rule, labels), tx.outputs[0].amount)


@LAW
@given(ledger=account_ledgers())
def test_the_figure_lies_in_its_interval(ledger: tuple[list[Transfer], Labels]) -> None:
    transfers, labels = ledger
    ledger_of = AccountLedger("ethereum", MemoryAccountHistory(transfers), labels, engine("reference"), lambda asset: no_hubs)
    for subject in [row for row in transfers if moves(row, labels) and row.kind is not Kind.FEE][-2:]:
        for rule in RULES:
            options = Settings(rule=rule, max_hops=3)
            sub = ledger_of.source([subject], options)
            figure = sub.account(sub.figure(options, False, None), subject.ref, options)
            found = bounds(sub.account(sub.figure(options, True, None), subject.ref, options), rule, labels)
            names = categories(labels)
            for name, (lower, upper) in found.items():
                part = [
                    Fraction(amount)
                    for line, amount in figure.items()
                    if line.kind == "seed" and (name == RISK or names[line.name] == name)
                ]
                slack = Fraction(subject.amount, 10**12)
                assert Fraction(lower) - slack <= sum(part) <= Fraction(upper) + slack
