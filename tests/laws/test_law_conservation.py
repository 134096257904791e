"""Laws 1 and 2: nothing is made or lost, and what lies in a pot fits into it."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from ledgers import CATEGORY, LAW, LIMITS, AccountWorld, UtxoWorld, account_worlds, moves, utxo_worlds
from readings import at_most, balances, beyond, is_end, near

from exposure.model.ledger import Kind
from exposure.model.settings import CONSERVING, Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lot, Lots
from exposure.taint.reference.origins import active, owner_origin


def seeds_of(lots: Lots, asset: str = "") -> dict[tuple[str, str], object]:
    found: dict[tuple[str, str], object] = defaultdict(int)
    for lot in lots:
        if lot.origin.kind == "seed":
            found[CATEGORY[lot.origin.name], asset] += lot.amount  # numbers of one run add up
    return found


def add(total: dict[tuple[str, str], object], more: dict[tuple[str, str], object]) -> None:
    for key, amount in more.items():
        total[key] += amount  # as above


def agree(issued: dict[tuple[str, str], object], gone: dict[tuple[str, str], object]) -> None:
    for key in issued.keys() | gone.keys():
        assert near(issued.get(key, 0), gone.get(key, 0)), (key, issued, gone)


@pytest.mark.parametrize("exact", [False, True])
@LAW
@given(world=account_worlds())
def test_what_seeds_issue_is_held_or_has_ended_somewhere_on_account_chains(exact: bool, world: AccountWorld) -> None:
    labels = world.labels
    for rule in CONSERVING if not exact else (Rule.HAIRCUT,):
        run = account.run(world.transfers, labels, Settings(rule=rule, max_hops=None), openings=world.openings, exact=exact)
        issued: dict[tuple[str, str], object] = defaultdict(int)
        gone: dict[tuple[str, str], object] = defaultdict(int)
        for transfer in world.transfers:
            if not moves(transfer, labels):
                assert run.received[transfer.ref] == ()
                continue
            lots = run.received[transfer.ref]
            sender = None if transfer.sender is None else labels.owner(transfer.sender)
            origin = None if sender is None else owner_origin(labels, sender, transfer.time)
            listed = active(labels.asset_seeds.get(transfer.asset), labels, transfer.time)
            if origin is not None and origin.kind == "seed":
                issued[CATEGORY[origin.name], transfer.asset] += transfer.amount
            elif listed is not None:  # each movement issues anew; what it found of the asset's own label ends there
                continue
            elif transfer.tx in labels.tx_seeds and transfer.kind is not Kind.FEE:
                fresh = tuple(lot for lot in lots if lot.origin.name == "theft" and lot.hop == 0)
                add(issued, seeds_of(fresh, transfer.asset))
            if is_end(transfer, labels):
                add(gone, seeds_of(lots, transfer.asset))
        for (_, asset), lots in run.held.items():
            add(gone, seeds_of(lots, asset))
        if labels.asset_seeds:
            issued = {key: amount for key, amount in issued.items() if key[1] not in labels.asset_seeds}
            gone = {key: amount for key, amount in gone.items() if key[1] not in labels.asset_seeds}
        agree(issued, gone)


@pytest.mark.parametrize("exact", [False, True])
@LAW
@given(world=utxo_worlds())
def test_what_seeds_issue_is_held_or_has_ended_somewhere_on_utxo_chains(exact: bool, world: UtxoWorld) -> None:
    labels = world.labels
    for rule in CONSERVING if not exact else (Rule.HAIRCUT,):
        for taint_fee in (False, True):
            settings = Settings(rule=rule, max_hops=None, taint_fee=taint_fee)
            run = utxo.run(world.txs, labels, settings, exact=exact)
            issued: dict[tuple[str, str], object] = defaultdict(int)
            gone: dict[tuple[str, str], object] = defaultdict(int)
            owner_of = {f"{tx.tx}:{n}": out.address for tx in world.txs for n, out in enumerate(tx.outputs)}
            waiting: dict[int, list[Lots]] = defaultdict(list)
            for tx in world.txs:
                for spend in tx.inputs:
                    owner = None if spend.address is None else labels.owner(spend.address)
                    origin = None if owner is None else owner_origin(labels, owner, tx.time)
                    if origin is None or not spend.amount:
                        continue
                    if origin.kind == "seed":
                        issued[CATEGORY[origin.name], ""] += spend.amount
                    add(gone, seeds_of(run.received.get(str(spend.coin), ())))  # absorbed where it was received
                for n in range(len(tx.outputs)):
                    add(issued, seeds_of(tuple(lot for lot in run.received[f"{tx.tx}:{n}"] if lot.hop == 0)))
                if taint_fee and tx.coinbase:
                    waiting.pop(tx.place.block, None)
                waiting[tx.place.block].append(run.fees[tx.tx])
            for fees in waiting.values():
                for lots in fees:
                    add(gone, seeds_of(lots))
            for (coin, _), lots in run.held.items():
                assert coin in owner_of
                add(gone, seeds_of(lots))
            agree(issued, gone)


@LAW
@given(world=account_worlds(), max_hops=LIMITS)
def test_taint_of_a_pot_lies_between_nothing_and_its_balance(world: AccountWorld, max_hops: int | None) -> None:
    expected = balances(world.transfers, world.labels, world.openings)
    for rule in CONSERVING:
        run = account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=max_hops), openings=world.openings)
        assert run.held.keys() == expected.keys()
        for pot, lots in run.held.items():
            assert all(lot.amount >= 0 for lot in lots)
            assert near(sum(lot.amount for lot in lots), expected[pot])
        for transfer in world.transfers:
            lots = run.received[transfer.ref]
            assert all(lot.amount >= 0 for lot in lots)
            assert near(sum(lot.amount for lot in lots), transfer.amount if moves(transfer, world.labels) else 0)


@LAW
@given(world=utxo_worlds(), max_hops=LIMITS)
def test_taint_of_a_coin_lies_between_nothing_and_its_value(world: UtxoWorld, max_hops: int | None) -> None:
    for rule in CONSERVING:
        run = utxo.run(world.txs, world.labels, Settings(rule=rule, max_hops=max_hops))
        for tx in world.txs:
            for n, output in enumerate(tx.outputs):
                lots = run.received[f"{tx.tx}:{n}"]
                assert all(lot.amount >= 0 for lot in lots)
                assert near(sum(lot.amount for lot in lots), output.amount)


def within(lots: tuple[Lot, ...], hops: int, *, poison: bool) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for lot in lots:
        if lot.origin.kind == "seed" and lot.hop <= hops:
            category = CATEGORY[lot.origin.name]
            found[category] = Fraction(lot.amount) if poison else found[category] + Fraction(lot.amount)
    return found


def dominated(carried: tuple[Lot, ...], flags: tuple[Lot, ...], max_hops: int | None) -> None:
    for hops in range(9):
        if max_hops is not None and hops > max_hops:
            break
        most = within(tuple(lot for lot in flags if not beyond(lot, max_hops)), hops, poison=True)
        for category, amount in within(carried, hops, poison=False).items():
            assert at_most(amount, most.get(category, 0), amount), (category, hops, carried, flags)


@LAW
@given(world=account_worlds(), max_hops=LIMITS)
def test_poison_carries_at_least_what_any_rule_carries_on_account_chains(world: AccountWorld, max_hops: int | None) -> None:
    runs = {
        rule: account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=max_hops), openings=world.openings)
        for rule in Rule
    }
    for ref, flags in runs[Rule.POISON].received.items():
        for rule in CONSERVING:
            dominated(runs[rule].received[ref], flags, max_hops)


@LAW
@given(world=utxo_worlds(), max_hops=LIMITS)
def test_poison_carries_at_least_what_any_rule_carries_on_utxo_chains(world: UtxoWorld, max_hops: int | None) -> None:
    runs = {rule: utxo.run(world.txs, world.labels, Settings(rule=rule, max_hops=max_hops)) for rule in Rule}
    for ref, flags in runs[Rule.POISON].received.items():
        for rule in CONSERVING:
            dominated(runs[rule].received[ref], flags, max_hops)
