"""Trails: they add up to the figure they explain, and the largest come first."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_ledgers import account_ledgers, utxo_ledgers

from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Kind, Place, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import FOLLOWED, Lot, Origin
from exposure.tracing.cone import PotReader, account_cone, moves
from exposure.tracing.forward import account_reach
from exposure.tracing.memory import MemoryAccountHistory, MemoryUtxoHistory
from exposure.tracing.paths import MarkedRun, largest
from exposure.tracing.paths.flags import shortest
from exposure.tracing.paths.ways import AccountWays, UtxoWays
from exposure.tracing.utxo_cone import utxo_cone

LAW = settings(
    max_examples=40,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ORDER = (Rule.FIFO, Rule.LIFO, Rule.TIHO)
FINE = 10**12
"""Amounts are scaled up by this, so that ways of less than one unit, which are none, hardly weigh."""


def tainted(lots: tuple[Lot, ...], max_hops: int | None) -> Decimal:
    kept = [lot.amount for lot in lots if lot.origin.kind == "seed" and (max_hops is None or lot.hop <= max_hops)]
    return sum((Decimal(amount) for amount in kept), Decimal(0))


def scaled(transfers: list[Transfer]) -> list[Transfer]:
    return [replace(row, amount=row.amount * FINE if row.amount < 10**9 else row.amount) for row in transfers]


@LAW
@given(ledger=account_ledgers(), max_hops=st.sampled_from([None, 1, 3]))
def test_haircut_trails_add_up_to_the_tainted_part(ledger: tuple[list[Transfer], Labels], max_hops: int | None) -> None:
    transfers, labels = scaled(ledger[0]), ledger[1]
    options = Settings(rule=Rule.HAIRCUT, max_hops=max_hops)
    reader = PotReader(MemoryAccountHistory(transfers), labels)
    for subject in [row for row in transfers if moves(row, labels)][-2:]:
        cone = account_cone(reader, [subject], labels, options)
        run = account.run(cone.transfers, cone.labels, options, given=cone.given)
        ways = AccountWays(cone.transfers, cone.given, cone.labels, run)
        found = largest(ways, [subject.ref], lambda origin: origin.kind == "seed", limit=100_000, max_hops=max_hops)
        if found.found is None:
            continue
        total = sum((Decimal(trail.amount) for trail in found.largest), Decimal(0))
        assert abs(total - tainted(run.received[subject.ref], max_hops)) <= subject.amount * Decimal("1e-8") + 1000
        amounts = [trail.amount for trail in found.largest]
        assert amounts == sorted(amounts, reverse=True)


@LAW
@given(ledger=utxo_ledgers(), max_hops=st.sampled_from([None, 1, 3]))
def test_haircut_trails_of_coins_add_up_to_the_tainted_part(ledger: tuple[list[UtxoTx], Labels], max_hops: int | None) -> None:
    txs, labels = ledger
    options = Settings(rule=Rule.HAIRCUT, max_hops=max_hops)
    history = MemoryUtxoHistory(txs)
    for tx in txs[-2:]:
        cone = utxo_cone(history, [Coin(tx.tx, 0)], labels, options)
        run = utxo.run(cone.txs, cone.labels, options, given=cone.given)
        if tx.tx not in {made.tx for made in cone.txs}:
            continue
        ways = UtxoWays(cone.txs, cone.labels, run)
        found = largest(ways, [f"{tx.tx}:0"], lambda origin: origin.kind == "seed", limit=100_000, max_hops=max_hops)
        total = sum((Decimal(trail.amount) for trail in found.largest), Decimal(0))
        whole = tainted(run.received[f"{tx.tx}:0"], max_hops)
        assert total <= whole + Decimal("1e-9")
        if not found.largest:
            assert whole < 20  # each way below one unit
        for trail in found.largest:
            assert trail.refs[-1] == f"{tx.tx}:0"
            assert max_hops is None or trail.hop <= max_hops


@pytest.mark.parametrize("rule", ORDER)
@LAW
@given(ledger=account_ledgers(), max_hops=st.sampled_from([None, 1, 3]))
def test_marks_change_no_figure_and_their_trails_add_up(
    rule: Rule, ledger: tuple[list[Transfer], Labels], max_hops: int | None
) -> None:
    transfers, labels = ledger
    options = Settings(rule=rule, max_hops=max_hops)
    plain, marks = account.run(transfers, labels, options), MarkedRun(max_hops)
    run = account.run(transfers, labels, options, mark=marks.mark)
    for row in transfers:
        trails = marks.trails(run.received[row.ref])
        assert sum(int(trail.amount) for trail in trails) == tainted(plain.received[row.ref], max_hops)
        for trail in trails:
            assert trail.refs[-1] == row.ref
            assert any(lot.origin == trail.origin and lot.hop == trail.hop for lot in plain.received[row.ref])


@LAW
@given(ledger=account_ledgers())
def test_a_flag_has_a_way_of_as_many_transfers_as_hops(ledger: tuple[list[Transfer], Labels]) -> None:
    transfers, labels = ledger
    labels = replace(labels, tx_seeds={})
    options = Settings(rule=Rule.POISON, max_hops=4)
    run = account.run(transfers, labels, options)
    ways = AccountWays(transfers, {}, labels, run)
    for row in transfers:
        for trail in shortest(ways, [row.ref], lambda origin: True, limit=50, max_hops=4).largest:
            assert len(trail.refs) == trail.hop


ASSET = "ethereum/native"


def transfer(number: int, sender: str, receiver: str, amount: int) -> Transfer:
    return Transfer(f"t{number}", f"t{number}", Place(number, 0, 0), number, sender, receiver, ASSET, amount, Kind.VALUE)


def test_two_ways_of_one_seed_are_told_apart_by_their_shares() -> None:
    # S pays A 60 and B 40; K pays A 60; A pays C 60 (half tainted), B pays C 40; C pays D 50 of its 100.
    rows = [
        transfer(1, "S", "A", 60),
        transfer(2, "K", "A", 60),
        transfer(3, "S", "B", 40),
        transfer(4, "A", "C", 60),
        transfer(5, "B", "C", 40),
        transfer(6, "C", "D", 50),
    ]
    labels = Labels(seeds={"S": Seed("S", "sanctioned")})
    run = account.run(rows, labels, Settings())
    found = largest(AccountWays(rows, {}, labels, run), ["t6"], lambda origin: origin.kind == "seed", limit=5, max_hops=5)
    assert [(trail.refs, round(float(trail.amount), 9), trail.hop) for trail in found.largest] == [
        (("t3", "t5", "t6"), 20.0, 3),
        (("t1", "t4", "t6"), 15.0, 3),
    ]
    assert found.found == 2


def test_trails_away_from_a_subject_begin_with_it() -> None:
    rows = [transfer(1, "K", "A", 30), transfer(2, "Z", "A", 10), transfer(3, "A", "B", 20), transfer(4, "B", "S", 20)]
    labels = Labels(seeds={"S": Seed("S", "sanctioned")})
    options = Settings()
    reach = account_reach(PotReader(MemoryAccountHistory(rows), labels), rows[1], labels, options)
    run = account.run(reach.transfers, reach.labels, options, given=reach.given, follow="t2")
    ways = AccountWays(reach.transfers, reach.given, reach.labels, run, subject="t2")
    found = largest(ways, ["t4"], lambda origin: origin == FOLLOWED, limit=5, max_hops=5)
    assert [(trail.refs, trail.origin, float(trail.amount)) for trail in found.largest] == [
        (("t2", "t3", "t4"), Origin("seed", "followed", 0), 5.0)
    ]
