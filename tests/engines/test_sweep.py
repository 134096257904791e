"""A sweep over a whole ledger says of every pot what the reference says of its inflows, for every rule and both ledgers."""

from __future__ import annotations

import os
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import LAW, account_worlds, ends, moves, utxo_worlds  # shared with the laws
from numbered_worlds import account_ledger, accounts, roles, stricter, thefts, utxo_ledger

from exposure.engines.local.hubs import hubs
from exposure.engines.local.moves import Sight
from exposure.engines.local.sweep import sweep
from exposure.measure.account import categories, source
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Incomplete, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.tracing.hubs import account_hubs

SWEPT = settings(LAW, max_examples=int(os.environ.get("EXPOSURE_LAW_EXAMPLES", "15")))
HOPS = 3
ASSETS = ("ethereum/0x01", "ethereum/native")


def assert_same(found, pots, expected, amounts, sight, rule):
    groups = sight.roles.groups
    for row, pot in enumerate(pots):
        parts = {
            (name, hop): found.parts[row, hop * groups.number + place].item() * found.unit[row]
            for place, name in enumerate(groups.categories)
            for hop in range(HOPS + 1)
        }
        total = amounts[pot]
        allowed = {Rule.HAIRCUT: total * 1e-9, Rule.POISON: total * 1e-9}.get(
            rule, found.unit[row] * 64 if found.unit[row] > 1 else 0
        )
        for key, amount in expected[pot].items():
            if isinstance(key, tuple) and key not in parts:
                assert not amount, (pot, key)
        for key, amount in parts.items():
            assert abs(amount - float(expected[pot].get(key, 0))) <= max(
                allowed, 1e-9 * float(total) if total > 2**53 else 0
            ), (pot, key)
        lost = float(expected[pot].get("unresolved", 0))
        mine = float(found.unresolved[row]) * float(found.unit[row])
        if rule is Rule.POISON:  # one flag a group: a near origin hides another of its group that lies past the limit
            assert mine <= lost + allowed, (pot, "unresolved")
        else:
            assert abs(mine - lost) <= max(allowed, 1e-9 * float(total)), (pot, "unresolved")


def flagged(run, inflows, amounts, limit, labels):
    """Under poison: value of the inflows that carry a category's flag, at its smallest hop, and an unresolved one."""
    category = categories(labels)
    found = {}
    for pot, refs in inflows.items():
        parts = defaultdict(int)
        for ref in refs:
            smallest, lost = {}, False
            for part in source(run.received[ref], limit):
                if part.kind == "seed":
                    smallest[category[part.name]] = min(smallest.get(category[part.name], 99), part.hop)
                lost |= part.kind == "unresolved"
            for name, hop in smallest.items():
                parts[name, hop] += amounts[ref]
            parts["unresolved"] += amounts[ref] * lost
        found[pot] = dict(parts)
    return found


def check(ledger, pots, run, inflows, amounts, labels, named, rule, missing=None):
    sight = Sight(roles(labels, pots, ASSETS), np.arange(len(pots), dtype=np.int32), *thefts(labels, named))
    found = sweep(ledger, rule, HOPS, sight, ledger.asset, stricter=missing)
    expected = flagged(run, inflows, amounts, HOPS, labels) if rule is Rule.POISON else accounts(run, inflows, HOPS, labels)
    totals = {pot: sum(amounts[ref] for ref in refs) for pot, refs in inflows.items()}
    assert_same(found, pots, expected, totals, sight, rule)


def account_inflows(transfers, labels, pots):
    inflows = {pot: [] for pot in pots}
    for t in transfers:
        if moves(t, labels) and t.kind is not Kind.FEE and t.receiver is not None and ends(t, labels)[0] != ends(t, labels)[1]:
            inflows[t.asset, t.receiver].append(t.ref)
    return inflows


@pytest.mark.parametrize("rule", Rule)
@SWEPT
@given(account_worlds(openings=False))
def test_a_sweep_agrees_with_the_reference(rule, world):
    ledger, pots, named = account_ledger(world.transfers)
    run = account.run(world.transfers, world.labels, Settings(rule, HOPS))
    amounts = {t.ref: t.amount for t in world.transfers}
    check(ledger, pots, run, account_inflows(world.transfers, world.labels, pots), amounts, world.labels, named, rule)


GAPS = st.lists(
    st.tuples(st.sampled_from("ABCDE"), st.integers(0, 3), st.integers(0, 8), st.integers(0, 9)),
    max_size=3,
    unique_by=lambda g: g[0],
)


@pytest.mark.parametrize("rule", Rule)
@SWEPT
@given(account_worlds(openings=False), GAPS)
def test_the_stricter_sweep_agrees_with_the_reference(rule, world, gaps):
    incomplete = [
        Incomplete(who, "ethereum/native")
        if kind == 0
        else Incomplete(who, "ethereum/native", oldest=True)
        if kind == 1
        else Incomplete(who, "ethereum/native", since=Place(block, 0, 0))
        if kind == 2 or world.labels.owners
        else Incomplete(who, "ethereum/native", until=Place(block, 0, 0), balance=balance)
        for who, kind, block, balance in gaps
    ]
    if world.labels.owners and len(incomplete) > 1:
        incomplete = incomplete[:1]
    ledger, pots, named = account_ledger(world.transfers)
    run = account.run(world.transfers, world.labels, Settings(rule, HOPS), incomplete=incomplete)
    amounts = {t.ref: t.amount for t in world.transfers}
    missing = stricter(pots, incomplete, world.labels)
    inflows = account_inflows(world.transfers, world.labels, pots)
    check(ledger, pots, run, inflows, amounts, world.labels, named, rule, missing)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("rule", Rule)
@SWEPT
@given(utxo_worlds(huge=False))
def test_a_sweep_over_coins_agrees_with_the_reference(rule, strict, world):
    txs = [
        tx if not tx.joint else type(tx)(tx.tx, tx.place, tx.time, tx.inputs, tx.outputs, tx.coinbase, tx.unknown_inputs)
        for tx in world.txs
    ]
    ledger, pots, named = utxo_ledger(txs)
    run = utxo.run(txs, world.labels, Settings(rule, HOPS), strict=strict)
    inflows, amounts = {pot: [] for pot in pots}, {}
    for tx in txs:
        owners = {world.labels.owner(s.address) for s in tx.inputs if s.address is not None}
        for n, output in enumerate(tx.outputs):
            amounts[f"{tx.tx}:{n}"] = output.amount
            if output.amount and world.labels.owner(output.address) not in owners:
                inflows["native", output.address].append(f"{tx.tx}:{n}")
    missing = stricter(pots, [], world.labels) if strict else None
    check(ledger, pots, run, inflows, amounts, world.labels, named, rule, missing)


@SWEPT
@given(st.lists(st.tuples(st.sampled_from("ABCDE"), st.sampled_from("ABCDEFGH"), st.integers(1, 9)), min_size=5, max_size=60))
def test_hubs_of_a_whole_ledger_are_those_of_their_definition(rows):
    transfers = [
        Transfer(f"t{n}:0", f"t{n}", Place(n, 0, 0), n, sender, receiver, "ethereum/native", amount)
        for n, (sender, receiver, amount) in enumerate(rows)
    ]
    ledger, pots, _ = account_ledger(transfers)
    labels = Labels(seeds={"A": Seed("A", "sanctioned")})
    found = hubs(ledger, roles(labels, pots, ASSETS), threshold=3, dust=np.array([1.0, 1.0]))
    judge = account_hubs(History(transfers).counterparties, labels, "ethereum/native", threshold=3, dust=1)
    assert {pots[pot][1] for pot in found} == {who for _, who in pots if who != "A" and judge(who)}


class History:
    """Counterparties in a list of transfers."""

    def __init__(self, transfers):
        self.transfers = transfers

    def counterparties(self, address, asset, above):
        rows = [t for t in self.transfers if t.asset == asset and t.sender != t.receiver and t.amount > above]
        paid = defaultdict(int)
        for t in rows:
            if t.sender == address:
                paid[t.receiver] += t.amount
        return [t.sender for t in rows if t.receiver == address], paid


def transfer(n, sender, receiver, amount, asset="ethereum/native"):
    return Transfer(f"t{n}:0", f"t{n}", Place(n, 0, 0), n, sender, receiver, asset, amount)


def agrees(rule, transfers, missing=None):
    labels = Labels(seeds={"S": Seed("S", "sanctioned")})
    ledger, pots, named = account_ledger(transfers)
    run = account.run(transfers, labels, Settings(rule, HOPS), incomplete=missing)
    gaps = None if missing is None else stricter(pots, missing, labels)
    inflows, amounts = account_inflows(transfers, labels, pots), {t.ref: t.amount for t in transfers}
    check(ledger, pots, run, inflows, amounts, labels, named, rule, gaps)


@pytest.mark.parametrize("amount", [10**15, 10**21, 10**30])
@pytest.mark.parametrize("dust", [1, 10**9])
def test_what_stays_behind_a_large_outflow_keeps_its_parts(amount, dust):
    transfers = [
        transfer(0, "S", "A", amount),
        transfer(1, None, "A", amount),
        transfer(2, "A", "B", 2 * amount - dust),
        transfer(3, "A", "C", dust),
    ]
    agrees(Rule.HAIRCUT, transfers)


@pytest.mark.parametrize("rule", [Rule.FIFO, Rule.LIFO, Rule.TIHO])
@pytest.mark.parametrize("balance", [4 * 10**18, 2**64 + 3 * 10**18, 10**25])
def test_a_known_balance_counts_in_its_own_assets_unit_however_large_it_is(rule, balance):
    transfers = [
        transfer(0, "S", "A", 10**19),
        transfer(1, "S", "A", 5, "ethereum/0x01"),
        transfer(5, "S", "A", 10**19),
        transfer(6, "A", "B", 10**19),
    ]
    agrees(rule, transfers, [Incomplete("A", "ethereum/native", until=Place(3, 0, 0), balance=balance)])


@pytest.mark.parametrize("balance", [0, 9])
def test_a_known_balance_takes_no_flag_away_and_hides_none_that_was_missed(balance):
    transfers = [transfer(1, "S", "A", 5), transfer(5, None, "A", 7), transfer(6, "A", "B", 7)]
    agrees(Rule.POISON, transfers, [Incomplete("A", "ethereum/native", until=Place(3, 0, 0), balance=balance)])


@pytest.mark.parametrize("rule", Rule)
def test_a_shortfall_behind_a_declared_gap_proves_none_before_it(rule):
    transfers = [transfer(1, "S", "A", 5), transfer(2, "A", "B", 3), transfer(9, "A", "C", 50)]
    agrees(rule, transfers, [Incomplete("A", "ethereum/native", since=Place(5, 0, 0))])


@pytest.mark.parametrize("rule", Rule)
def test_a_stolen_transaction_with_an_unknown_input_is_no_sure_theft(rule):
    """Nobody can tell whether its outputs went back to whoever owned that input."""
    txs = [
        UtxoTx("c", Place(1, 0, 0), 1, (), (Output("A", 9),), coinbase=True),
        UtxoTx("t", Place(2, 0, 0), 2, (Spend(Coin("c", 0), "A", 9), Spend(Coin("u", 0), None, None)), (Output("B", 9),)),
    ]
    labels = Labels(tx_seeds={"t": Seed("T", "stolen_funds")})
    ledger, pots, named = utxo_ledger(txs)
    run = utxo.run(txs, labels, Settings(rule, HOPS), strict=True)
    inflows = {("native", "A"): ["c:0"], ("native", "B"): ["t:0"]}
    check(ledger, pots, run, inflows, {"c:0": 9, "t:0": 9}, labels, named, rule, stricter(pots, [], labels))
