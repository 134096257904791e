"""Following one subject through what it can reach gives the same ends as following it through the whole ledger."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_ledgers import account_ledgers, utxo_ledgers

from exposure.measure.account import Account, check, destination_of_coin, destination_of_transfer
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.tracing.cone import PotReader, moves
from exposure.tracing.forward import account_reach, utxo_reach, without_refused
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory

LAW = settings(
    max_examples=int(os.environ.get("EXPOSURE_LAW_EXAMPLES", "50")),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # these ledgers are small as they come, and shrinking them takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LIMITS = st.sampled_from([None, 1, 2, 3, 5])


def same(left: Account, right: Account, amount: int, rule: Rule) -> None:
    for part in left.keys() | right.keys():
        if rule is Rule.POISON and part.hop is None:  # whole values, counted again at every step: their sum means nothing
            assert (part in left) == (part in right)
            continue
        assert abs(left.get(part, 0) - right.get(part, 0)) <= amount * 1e-12, (part, left, right)


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(ledger=account_ledgers(), max_hops=LIMITS)
def test_following_a_transfer_needs_only_what_it_can_reach(
    rule: Rule, ledger: tuple[list[Transfer], Labels], max_hops: int | None
) -> None:
    transfers, labels = ledger
    options = Settings(rule=rule, max_hops=max_hops)
    reader = PotReader(MemoryAccountHistory(transfers), labels)
    for subject in [row for row in transfers if moves(row, labels) and row.kind is not Kind.FEE][:4]:
        whole = destination_of_transfer(
            account.run(transfers, labels, options, follow=subject.ref), transfers, labels, max_hops
        )
        reach = account_reach(reader, subject, labels, options)
        run = account.run(reach.transfers, reach.labels, options, given=reach.given, follow=subject.ref)
        part = destination_of_transfer(run, reach.transfers, reach.labels, max_hops)
        same(whole, part, subject.amount, rule)
        if rule is not Rule.POISON:
            check(part, subject.amount, what=subject.ref)


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(ledger=utxo_ledgers(), max_hops=LIMITS)
def test_following_a_coin_needs_only_what_it_can_reach(
    rule: Rule, ledger: tuple[list[UtxoTx], Labels], max_hops: int | None
) -> None:
    txs, labels = ledger
    labels = replace(labels, seeds_from_designation=False)
    options = Settings(rule=rule, max_hops=max_hops)
    history = MemoryUtxoHistory(txs)
    for coin in [Coin(tx.tx, n) for tx in txs for n, output in enumerate(tx.outputs) if output.amount][:4]:
        amount = next(tx for tx in txs if tx.tx == coin.tx).outputs[coin.n].amount
        whole = destination_of_coin(utxo.run(txs, labels, options, follow=str(coin)), txs, labels, max_hops)
        reach = utxo_reach(history, coin, labels, options)
        run = utxo.run(reach.txs, reach.labels, options, follow=str(coin))
        part = destination_of_coin(run, reach.txs, reach.labels, max_hops)
        same(whole, part, amount, rule)
        if rule is not Rule.POISON:
            check(part, amount, what=str(coin))


@LAW
@given(ledger=account_ledgers(), budget=st.integers(0, 6))
def test_a_spent_budget_leaves_an_account_that_still_sums(ledger: tuple[list[Transfer], Labels], budget: int) -> None:
    transfers, labels = ledger
    options = Settings(rule=Rule.FIFO, max_hops=None, max_transactions=budget)
    reader = PotReader(MemoryAccountHistory(transfers), labels)
    for subject in [row for row in transfers if moves(row, labels) and row.kind is not Kind.FEE][:4]:
        reach = account_reach(reader, subject, labels, options)
        assert reach.transactions <= budget + 1
        run = account.run(reach.transfers, reach.labels, options, given=reach.given, follow=subject.ref)
        found = destination_of_transfer(run, reach.transfers, reach.labels, None)
        refused = [(pot[0], lots) for pot, lots in run.held.items() if pot in reach.refused]
        check(without_refused(found, refused, None), subject.amount, what=subject.ref)


def test_a_coin_that_lay_with_an_address_when_it_was_designated_reached_a_seed() -> None:
    """Under seeds-from-designation S was ordinary when it got the coin (1), and a listed party when it spent it (9)."""
    labels = Labels(seeds={"S": Seed("S", "sanctioned", dates=(7,))}, seeds_from_designation=True)
    txs = [
        UtxoTx("t0", Place(0, LAST_INDEX, 0), 0, (), (Output("A", 5),), coinbase=True),
        UtxoTx("t1", Place(1, 1, 0), 1, (Spend(Coin("t0", 0), "A", 5),), (Output("S", 5),)),
        UtxoTx("t9", Place(9, 1, 0), 9, (Spend(Coin("t1", 0), "S", 5),), (Output("B", 5),)),
    ]
    options = Settings(rule=Rule.FIFO)
    whole = destination_of_coin(utxo.run(txs, labels, options, follow="t1:0"), txs, labels, options.max_hops)
    reach = utxo_reach(MemoryUtxoHistory(txs), Coin("t1", 0), labels, options)
    run = utxo.run(reach.txs, reach.labels, options, follow="t1:0")
    part = destination_of_coin(run, reach.txs, reach.labels, options.max_hops)
    same(whole, part, 5, Rule.FIFO)
    assert [(line.kind, line.name, amount) for line, amount in part.items()] == [("seed", "S", 5)]
