"""The stricter run over a cone gives the interval of the stricter run over the whole ledger."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_ledgers import ADDRESSES, ASSET, account_ledgers, utxo_ledgers

from exposure.engines.registry import engine
from exposure.measure.account import RISK, Account, Bounds, categories, interval, poison_interval, source
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Incomplete, Kind, Place, Transfer, UtxoTx
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


@st.composite
def gaps_in(draw: st.DrawFn, blocks: int = 8) -> list[Incomplete]:
    """What coverage may say of a few addresses: anywhere, the oldest end, from a block on, up to a known balance, or both."""
    found = []
    for address in sorted(draw(st.sets(st.sampled_from(ADDRESSES), max_size=3))):
        since, until = sorted(draw(st.tuples(st.integers(0, blocks), st.integers(0, blocks))))
        first, known = Place(since, 0, 0), Place(until + 1, 0, 0)
        balance = draw(st.sampled_from([0, 3, 50]))
        form = draw(st.integers(0, 4))
        entry = Incomplete(address, ASSET, oldest=form == 1)
        if form in (2, 4):
            entry = replace(entry, since=first)
        if form in (3, 4):
            entry = replace(entry, until=known, balance=balance)
        found.append(entry)
    return found


def same(left: Bounds, right: Bounds, amount: int) -> None:
    assert left.keys() == right.keys()
    for name in left:
        for one, other in zip(left[name], right[name], strict=True):
            assert abs(Fraction(one) - Fraction(other)) <= Fraction(amount, 10**12), (name, left, right)


@pytest.mark.parametrize("name", ["reference", "local"])
@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(ledger=account_ledgers(), max_hops=st.sampled_from([None, 1, 2, 4]), gaps=gaps_in())
def test_the_interval_of_a_cone_is_that_of_the_whole_ledger(
    rule: Rule, name: str, ledger: tuple[list[Transfer], Labels], max_hops: int | None, gaps: list[Incomplete]
) -> None:
    transfers, labels = ledger[0], replace(ledger[1], tx_seeds={})
    transfers = [replace(row, amount=row.amount % 10**15) for row in transfers]  # the local engine counts in 64 bits
    options = Settings(rule=rule, max_hops=max_hops)
    whole = account.run(transfers, labels, options, incomplete=gaps)
    history = MemoryAccountHistory(transfers, incomplete=gaps)
    ledger_of = AccountLedger("ethereum", history, labels, engine(name), lambda asset: no_hubs)
    for subject in [row for row in transfers if moves(row, labels) and row.kind is not Kind.FEE][::3]:
        sub = ledger_of.source([subject], options)
        run = sub.figure(options, True, None)
        if rule is Rule.POISON:
            theirs, mine = (
                poison_interval([(subject.amount, found.received[subject.ref])], max_hops, categories(labels), CATEGORIES)
                for found in (whole, run)
            )
            assert theirs == mine
            continue
        expected, strict = source(whole.received[subject.ref], max_hops), sub.account(run, subject.ref, options)
        same(bounds(expected, rule, labels), bounds(strict, rule, labels), subject.amount)


def pays(ref: str, block: int, sender: str | None, receiver: str, amount: int) -> Transfer:
    kind = Kind.VALUE if sender else Kind.MINT
    return Transfer(ref, ref, Place(block, 0, 0), block, sender, receiver, ASSET, amount, kind)


def test_a_shortfall_behind_the_deposit_proves_a_gap_before_it_also_where_a_later_one_is_declared() -> None:
    """A spends 5 of the thief's 5, and then 3 that it never got: something came in that is not stored, maybe before."""
    labels = Labels(seeds={"S": Seed("S", "sanctioned")})
    rows = [pays("t1", 1, "S", "A", 5), pays("t2", 2, "A", "D", 5), pays("t3", 3, "A", "E", 3)]
    history = MemoryAccountHistory(rows, incomplete=[Incomplete("A", ASSET, since=Place(9, 0, 0))])
    ledger_of = AccountLedger("ethereum", history, labels, engine("reference"), lambda asset: no_hubs)
    for rule in RULES:
        options = Settings(rule=rule)
        sub = ledger_of.source([rows[1]], options)
        found = bounds(sub.account(sub.figure(options, True, None), "t2", options), rule, labels)
        assert found[RISK if rule is Rule.TIHO else "sanctioned"] == (0, 5)


def test_what_leaves_an_address_after_its_designation_is_no_shortfall_of_its_pot() -> None:
    """S is ordinary up to time 7: it got 5 and paid them; what it pays as a listed party is its own, whatever it has."""
    labels = Labels(seeds={"S": Seed("S", "sanctioned", dates=(7,))}, seeds_from_designation=True)
    rows = [pays("t1", 1, None, "S", 5), pays("t2", 2, "S", "D", 5), pays("t9", 9, "S", "E", 3)]
    ledger_of = AccountLedger("ethereum", MemoryAccountHistory(rows), labels, engine("reference"), lambda asset: no_hubs)
    options = Settings(rule=Rule.FIFO)
    sub = ledger_of.source([rows[1]], options)
    assert sub.gaps == ()
    assert bounds(sub.account(sub.figure(options, True, None), "t2", options), Rule.FIFO, labels)["sanctioned"] == (0, 0)


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
