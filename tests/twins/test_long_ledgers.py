"""On ledgers of ten thousand transfers the compiled engine says what the reference says, for every rule and both kinds."""

from __future__ import annotations

import random

import pytest

from exposure.engines import local
from exposure.measure.account import source
from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo

pytestmark = pytest.mark.long
TRANSFERS = 10_000
PEOPLE = [f"p{n}" for n in range(60)]
LABELS = Labels(
    seeds={"S": Seed("S", "sanctioned"), "M": Seed("M", "mixer")},
    boundaries={"X": Service("X", "exchange")},
    hubs={"H": "busy"},
)
ENDS = ["S", "M", "X", "H"]


def account_ledger(draw):
    """Payments of people who mostly have the money, bursts, cycles, fees, and a service, a hub and seeds among them."""
    held, rows = dict.fromkeys([*PEOPLE, *ENDS], 0), []
    while len(rows) < TRANSFERS:
        n = len(rows)
        sender = draw.choice(ENDS) if draw.random() < 0.1 else draw.choice(PEOPLE)
        receiver = draw.choice(ENDS) if draw.random() < 0.1 else draw.choice(PEOPLE)
        amount = draw.choice([held[sender], held[sender] // 2, draw.randrange(1, 10**6), draw.randrange(1, 10**9)]) or 7
        rows.append(Transfer(f"t{n}:0", f"t{n}", Place(n // 3, n % 3, 0), n, sender, receiver, "ethereum/native", amount))
        held[sender], held[receiver] = max(held[sender] - amount, 0), held[receiver] + amount
        if draw.random() < 0.1:
            rows.append(
                Transfer(f"t{n}:fee", f"t{n}", Place(n // 3, n % 3, 1), n, sender, None, "ethereum/native", 3, Kind.FEE)
            )
            held[sender] = max(held[sender] - 3, 0)
    return rows


def utxo_ledger(draw):
    """Coinbases, payments with change and fees from coins at random, merges, and coins of seeds and services."""
    unspent, txs = [], []
    for n in range(TRANSFERS // 3):
        place = Place(n // 4, n % 4, 0)
        if n % 10 == 0 or len(unspent) < 5:
            outputs = (Output(draw.choice([*PEOPLE, *ENDS]), 5_000_000_000),)
            txs.append(UtxoTx(f"t{n}", place, n, (), outputs, coinbase=True))
        else:
            some = [unspent.pop(draw.randrange(len(unspent))) for _ in range(draw.randrange(1, 4))]
            total = sum(amount for _, _, amount in some)
            parts = sorted(draw.randrange(total + 1) for _ in range(2))
            amounts = [parts[0], parts[1] - parts[0], max(total - parts[1] - 100, 0)]
            owners = [draw.choice(PEOPLE), draw.choice(ENDS) if draw.random() < 0.1 else draw.choice(PEOPLE), some[0][1]]
            outputs = tuple(Output(owner, amount) for owner, amount in zip(owners, amounts, strict=True) if amount)
            txs.append(UtxoTx(f"t{n}", place, n, tuple(Spend(coin, owner, amount) for coin, owner, amount in some), outputs))
        unspent += [(Coin(f"t{n}", k), output.address, output.amount) for k, output in enumerate(txs[-1].outputs)]
    return txs


def hops(part):
    """Hops of a part; what lies past the limit is furthest."""
    return 10**9 if part.hop is None else part.hop


def assert_same(mine, theirs, rule, limit):
    for ref, lots in theirs.received.items():
        found, expected = source(mine.received[ref], limit), source(lots, limit)
        if rule is Rule.POISON:  # flags: which, and at how many hops at least; their values overlap
            assert {part._replace(hop=None): part.hop for part in sorted(found, key=hops, reverse=True)} == {
                part._replace(hop=None): part.hop for part in sorted(expected, key=hops, reverse=True)
            }, ref
            continue
        total = float(sum(expected.values()))
        for part in {*found, *expected}:
            off = abs(float(found.get(part, 0)) - float(expected.get(part, 0)))
            assert off <= (total * 1e-9 if rule is Rule.HAIRCUT else 0), (ref, part)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_long_account_ledger_agrees(rule):
    transfers = account_ledger(random.Random(f"account {rule.value}"))
    settings = Settings(rule=rule, max_hops=5)
    mine, theirs = local.account(transfers, LABELS, settings), account.run(transfers, LABELS, settings)
    assert mine.shortfalls == theirs.shortfalls
    assert_same(mine, theirs, rule, 5)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_long_coin_ledger_agrees(rule):
    txs = utxo_ledger(random.Random(f"coins {rule.value}"))
    settings = Settings(rule=rule, max_hops=5)
    assert_same(local.utxo(txs, LABELS, settings), utxo.run(txs, LABELS, settings), rule, 5)
