"""Both truths account for every deposit, and they are not the same thing."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import islice

import pytest
from economies import Ran

from exposure.model.settings import CONSERVING, Rule, Settings
from exposure.simulate import demo
from exposure.simulate.labels import snapshot
from exposure.simulate.truth import TruthRow, WholeLedgers, by_rule, really

DEPOSITS = 40


@pytest.fixture(scope="module")
def rules_say(first_economy: Ran) -> list[TruthRow]:
    named = list(first_economy.world.demos.values())
    deposits = [*named, *islice((deposit for deposit in first_economy.deposits if deposit not in named), DEPOSITS)]
    ledgers = WholeLedgers(first_economy.txs, first_economy.moves, snapshot(first_economy.world.cast))
    return [row for rule in Rule for row in by_rule(deposits, ledgers, Settings(rule=rule, max_hops=5))]


def test_what_really_was_sums_to_the_deposit(economy_run: Ran) -> None:
    sums: dict[str, int] = defaultdict(int)
    for row in really(economy_run.deposits, economy_run.world.sources):
        sums[row.deposit] += int(row.amount)
    assert sums == {deposit.id: deposit.amount for deposit in economy_run.deposits}
    assert len(sums) > 50


def test_deposits_stand_in_the_ledger_as_noted(economy_run: Ran) -> None:
    outputs = {(row.tx, row.n): (row.address, row.amount, row.time) for row in economy_run.outputs}
    moves = {(row.tx, row.serial): (row.receiver, row.amount, row.time, row.asset) for row in economy_run.transfers}
    for deposit in economy_run.deposits:
        if deposit.chain == "bitcoin":
            assert outputs[deposit.tx, deposit.place] == (deposit.address, deposit.amount, deposit.time)
        else:
            assert moves[deposit.tx, deposit.place] == (deposit.address, deposit.amount, deposit.time, deposit.asset)


def test_each_conserving_rule_accounts_for_every_deposit(first_economy: Ran, rules_say: list[TruthRow]) -> None:
    amounts = {deposit.id: deposit.amount for deposit in first_economy.deposits}
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rules_say:
        sums[row.deposit, row.truth] += Decimal(row.amount)
    for (deposit, rule), said in sums.items():
        if rule == Rule.HAIRCUT:
            assert abs(said - amounts[deposit]) <= Decimal("1e-9") * amounts[deposit]
        elif rule in CONSERVING:
            assert said == amounts[deposit], (deposit, rule)
    assert len({rule for _, rule in sums}) == len(Rule)


def test_no_part_is_past_the_hop_limit(rules_say: list[TruthRow]) -> None:
    assert all(row.hop is None or 1 <= row.hop <= 5 for row in rules_say)
    assert all((row.hop is None) == (row.entity == "beyond") for row in rules_say)


def test_poison_says_the_whole_deposit_or_nothing(first_economy: Ran, rules_say: list[TruthRow]) -> None:
    amounts = {deposit.id: deposit.amount for deposit in first_economy.deposits}
    assert all(int(row.amount) == amounts[row.deposit] for row in rules_say if row.truth == Rule.POISON)


def test_no_rule_says_what_really_was(first_economy: Ran, rules_say: list[TruthRow]) -> None:
    """People choose what they part with; if a rule always guessed it, the truth would measure nothing."""

    def risky(rows: list[TruthRow]) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows:
            if row.kind == "seed":
                sums[row.deposit] += Decimal(row.amount)
        return {deposit: said.quantize(Decimal(1)) for deposit, said in sums.items()}

    told = {row.deposit for row in rules_say}
    was = risky([row for row in really(first_economy.deposits, first_economy.world.sources) if row.deposit in told])
    for rule in CONSERVING:
        assert risky([row for row in rules_say if row.truth == rule]) != was, rule


@pytest.mark.parametrize("name", [demo.BITCOIN, demo.ETHEREUM])
def test_scripted_deposit_shows_every_part_of_an_account(rules_say: list[TruthRow], name: str) -> None:
    parts = [row for row in rules_say if row.deposit == name and row.truth == Rule.HAIRCUT]
    total = sum(Decimal(row.amount) for row in parts)
    sanctioned = {row.entity: row.hop for row in parts if row.category == "sanctioned"}
    assert sanctioned == {"FICTION TRADING OU": 4, "MOCK EXCHANGE LIMITED": 3}, "indirect, two and three intermediaries"
    assert not any(row.hop == 1 for row in parts), "nothing direct"
    shares = {row.category or row.entity or row.kind: Decimal(row.amount) / total for row in parts}
    assert {"mixer", "exchange", "mint", "beyond"} <= set(shares)
    assert min(shares.values()) > Decimal("0.02"), "every part is worth showing"
    assert any(row.entity.startswith("conversion") for row in parts) == (name == demo.ETHEREUM)


def test_unlisted_address_of_a_listed_party_is_in_no_label(first_economy: Ran) -> None:
    cast = first_economy.world.cast
    hidden = cast.sanctioned[0].hidden
    assert hidden is not None
    labels = snapshot(cast)
    assert hidden.addresses[0] not in labels.seeds
    assert set(cast.sanctioned[0].wallet.addresses) <= set(labels.seeds)
    assert any(row.address == hidden.addresses[0] for row in first_economy.outputs), "it takes part all the same"


def test_truth_of_the_beginning_needs_no_later_rows(first_economy: Ran, rules_say: list[TruthRow]) -> None:
    """No later transfer changes a deposit: so the truth may be computed on the beginning of a long ledger."""
    height = first_economy.world.coins.height // 2
    txs = [tx for tx in first_economy.txs if tx.place.block <= height]
    known = {tx.tx for tx in txs}
    early = [deposit for deposit in first_economy.deposits if deposit.tx in known][:5]
    assert early
    ledgers = WholeLedgers(txs, [], snapshot(first_economy.world.cast))
    said = [row for rule in Rule for row in by_rule(early, ledgers, Settings(rule=rule, max_hops=5))]
    told = {deposit.id for deposit in early}
    assert sorted(said) == sorted(row for row in rules_say if row.deposit in told)
