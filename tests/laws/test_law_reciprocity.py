"""Laws 11 and 12: two accounts of one flow agree; no conserving rule leaves the bracket."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given
from ledgers import (
    CATEGORY,
    FIFO_LIKE,
    LAW,
    LIMITS,
    AccountWorld,
    UtxoWorld,
    account_worlds,
    ends,
    moves,
    utxo_worlds,
)
from readings import at_most, exposure, near

from exposure.measure.account import check, destination_of_coin, destination_of_transfer, source
from exposure.model.settings import CONSERVING, Settings
from exposure.taint.reference import account, utxo
from exposure.tracing.bracket import account_arcs, bracket_of, utxo_arcs


@LAW
@given(world=account_worlds(whole=True, thefts=False, designation=False, openings=False, listed=False), max_hops=LIMITS)
def test_what_one_says_went_the_other_says_came_on_account_chains(world: AccountWorld, max_hops: int | None) -> None:
    labels = world.labels
    for rule in FIFO_LIKE:
        settings = Settings(rule=rule, max_hops=max_hops)
        went: dict[tuple[str, str, int | None], Any] = defaultdict(int)
        came: dict[tuple[str, str, int | None], Any] = defaultdict(int)
        figure = account.run(world.transfers, labels, settings)
        for transfer in world.transfers:
            if not moves(transfer, labels):
                continue
            sender, receiver = ends(transfer, labels)
            if sender in labels.seeds:
                run = account.run(world.transfers, labels, settings, follow=transfer.ref)
                parts = destination_of_transfer(run, world.transfers, labels, max_hops)
                check(parts, transfer.amount, what=transfer.ref)
                for part, amount in parts.items():
                    if part.kind in ("seed", "service"):
                        went[str(sender), part.name, part.hop] += amount
            if receiver in labels.seeds or receiver in labels.boundaries:
                for line, amount in source(figure.received[transfer.ref], max_hops).items():
                    if line.kind == "seed":
                        came[line.name, str(receiver), line.hop] += amount
        for key in went.keys() | came.keys():
            assert near(went.get(key, 0), came.get(key, 0), sum(t.amount for t in world.transfers)), (rule, key, went, came)


@LAW
@given(world=utxo_worlds(whole=True, thefts=False, designation=False), max_hops=LIMITS)
def test_what_one_says_went_the_other_says_came_on_utxo_chains(world: UtxoWorld, max_hops: int | None) -> None:
    labels = world.labels
    for rule in FIFO_LIKE:
        settings = Settings(rule=rule, max_hops=max_hops)
        figure = utxo.run(world.txs, labels, settings)
        went: dict[tuple[str, str, int | None], Any] = defaultdict(int)
        came: dict[tuple[str, str, int | None], Any] = defaultdict(int)
        mixed: set[str] = set()
        for tx in world.txs:
            spenders = {labels.owner(spend.address or "") for spend in tx.inputs if spend.amount}
            paying = spenders & set(labels.seeds)
            if paying and len(spenders) > 1:
                mixed |= paying  # what this one paid is a part of each output, which no subject can single out
            for n, output in enumerate(tx.outputs):
                coin = f"{tx.tx}:{n}"
                if paying and len(spenders) == 1 and output.amount:
                    run = utxo.run(world.txs, labels, settings, follow=coin)
                    parts = destination_of_coin(run, world.txs, labels, max_hops)
                    check(parts, output.amount, what=coin)
                    for part, amount in parts.items():
                        if part.kind in ("seed", "service"):
                            went[next(iter(paying)), part.name, part.hop] += amount
                receiver = labels.owner(output.address)
                if receiver in labels.seeds or receiver in labels.boundaries:
                    for line, amount in source(figure.received[coin], max_hops).items():
                        if line.kind == "seed":
                            came[line.name, receiver, line.hop] += amount
        for key in went.keys() | came.keys():
            if key[0] not in mixed:
                assert near(went.get(key, 0), came.get(key, 0), 10**31), (rule, key, went, came)


@LAW
@given(world=account_worlds(), max_hops=LIMITS)
def test_a_destination_account_is_complete_on_account_chains(world: AccountWorld, max_hops: int | None) -> None:
    for rule in CONSERVING:
        settings = Settings(rule=rule, max_hops=max_hops)
        for subject in world.last(3):
            for incomplete in (None, ()):
                run = account.run(
                    world.transfers, world.labels, settings, openings=world.openings, follow=subject.ref, incomplete=incomplete
                )
                parts = destination_of_transfer(run, world.transfers, world.labels, max_hops)
                check(parts, subject.amount, what=subject.ref)


@LAW
@given(world=utxo_worlds(), max_hops=LIMITS)
def test_a_destination_account_is_complete_on_utxo_chains(world: UtxoWorld, max_hops: int | None) -> None:
    for rule in CONSERVING:
        for taint_fee in (False, True):
            settings = Settings(rule=rule, max_hops=max_hops, taint_fee=taint_fee)
            for tx in world.txs[:2]:
                for n, output in enumerate(tx.outputs):
                    for strict in (False, True):
                        coin = f"{tx.tx}:{n}"
                        run = utxo.run(world.txs, world.labels, settings, follow=coin, strict=strict)
                        parts = destination_of_coin(run, world.txs, world.labels, max_hops, taint_fee=taint_fee)
                        check(parts, output.amount, what=coin)


CATEGORIES = ("sanctioned", "ransomware", "mixer", "stolen_funds", "scam")


@LAW
@given(world=account_worlds())
def test_no_conserving_rule_leaves_the_bracket_on_account_chains(world: AccountWorld) -> None:
    runs = [
        account.run(world.transfers, world.labels, Settings(rule=rule, max_hops=None), openings=world.openings)
        for rule in CONSERVING
    ]
    for subject in world.last(2):
        arcs = account_arcs(world.transfers, world.labels, subject.ref, openings=world.openings)
        found = bracket_of(arcs, subject.amount, world.labels, CATEGORIES)
        for run in runs:
            carried = exposure(run.received[subject.ref], None)
            for name, (least, most) in found.items():
                assert 0 <= least <= most <= subject.amount
                assert at_most(least, carried.get(name, 0), subject.amount), (name, found, carried)
                assert at_most(carried.get(name, 0), most, subject.amount), (name, found, carried)


@LAW
@given(world=utxo_worlds())
def test_no_conserving_rule_leaves_the_bracket_on_utxo_chains(world: UtxoWorld) -> None:
    for taint_fee in (False, True):
        runs = [
            utxo.run(world.txs, world.labels, Settings(rule=rule, max_hops=None, taint_fee=taint_fee)) for rule in CONSERVING
        ]
        for tx in world.txs[-2:]:
            for n, output in enumerate(tx.outputs[:2]):
                coin = f"{tx.tx}:{n}"
                arcs = utxo_arcs(world.txs, world.labels, coin, taint_fee=taint_fee)
                found = bracket_of(arcs, output.amount, world.labels, CATEGORIES)
                for run in runs:
                    carried = exposure(run.received[coin], None)
                    for name, (least, most) in found.items():
                        assert 0 <= least <= most <= output.amount
                        assert at_most(least, carried.get(name, 0), output.amount), (name, found, carried)
                        assert at_most(carried.get(name, 0), most, output.amount), (name, found, carried)


def test_every_category_of_the_random_ledgers_is_known() -> None:
    assert set(CATEGORIES) - {"scam"} <= set(CATEGORY.values())
