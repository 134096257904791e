"""The reference against a simulation of single units, on random ledgers of tiny amounts."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "laws"))

from ledgers import LAW, LIMITS, AccountWorld, UtxoWorld, account_worlds, ends, moves, utxo_worlds
from units import Mix, Unit, counted, mapped, relabelled, share, stepped, take

from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Coin, Kind, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lots

ORDERED = ("fifo", "lifo", "tiho")


def who(labels: Labels, owner: str | None, time: int) -> Unit | None:
    """What an owner is, from the words of the definition: seed before boundary before hub; None is ordinary."""
    if owner is None:
        return ("mint", "", None, 0)
    seed = labels.seeds.get(owner)
    if seed is not None:
        if labels.seeds_from_designation and seed.dates and time < min(seed.dates):
            return None
        return ("seed", seed.name, len([date for date in seed.dates if date <= time]), 0)
    if owner in labels.boundaries:
        return ("service", owner, None, 0)
    if owner in labels.hubs:
        return ("unresolved", f"hub:{owner}", None, 0)
    return ("unresolved", f"conversion:{owner}", None, 0) if owner in labels.pass_through else None


def theft_of(seed: Seed | None, labels: Labels, time: int) -> Unit | None:
    if seed is None or (labels.seeds_from_designation and seed.dates and time < min(seed.dates)):
        return None
    return ("seed", seed.name, len([date for date in seed.dates if date <= time]), 0)


def read(lots: Lots, limit: int | None) -> Mix:
    found: Mix = defaultdict(Fraction)
    for origin, hop, amount in lots:
        found[(*origin, hop if limit is None else min(hop, limit + 1))] += Fraction(amount)
    return dict(found)


def capped(mix: Mix, limit: int | None) -> Mix:
    return mapped(mix, lambda unit: unit if limit is None else (*unit[:3], min(unit[3], limit + 1)))


def simulate_accounts(world: AccountWorld, rule: str, limit: int | None) -> dict[str, Mix]:
    labels, received = world.labels, {}
    pots: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    mixes: dict[tuple[str, str], Mix] = defaultdict(dict)
    haircut = rule == "haircut"
    for (address, asset), amount in world.openings.items():
        key = labels.owner(address), asset
        unit = ("unresolved", f"opening:{key[0]}", None, 0)
        pots[key] += [unit] * amount
        mixes[key][unit] = Fraction(amount)
    waiting: dict[str, Any] = {}
    rows = [transfer for transfer in world.transfers if moves(transfer, labels)]
    for place, transfer in enumerate(rows):
        sender, receiver = ends(transfer, labels)
        origin, time = who(labels, sender, transfer.time), transfer.time
        key = str(sender), transfer.asset
        lacking = ("unresolved", f"shortfall:{sender}", None, 0)
        if origin is not None:
            gone: Any = {origin: Fraction(transfer.amount)} if haircut else [origin] * transfer.amount
        elif haircut:
            held = sum(mixes[key].values(), Fraction(0))
            gone = share(mixes[key], min(transfer.amount, int(held)))
            if held < transfer.amount:
                gone[lacking] = gone.get(lacking, 0) + transfer.amount - held
        else:
            if transfer.ref not in waiting:
                for other in served(rows, place, labels, rule):
                    units = take(pots[key], other.amount, rule, limit)
                    waiting[other.ref] = units + [lacking] * (other.amount - len(units))
            gone = waiting[transfer.ref]
        theft = None if transfer.kind is Kind.FEE else theft_of(labels.tx_seeds.get(transfer.tx), labels, time)
        if haircut:
            gone = mapped(mapped(gone, stepped), lambda unit, theft=theft: relabelled(unit, theft))
            received[transfer.ref] = gone
        else:
            gone = [relabelled(stepped(unit), theft) for unit in gone]
            received[transfer.ref] = counted(gone)
        if receiver is not None and who(labels, receiver, time) is None:
            if haircut:
                pot = mixes[receiver, transfer.asset]
                for unit, part in gone.items():
                    pot[unit] = pot.get(unit, Fraction(0)) + part
            else:
                pots[receiver, transfer.asset] += gone
    return received


def served(rows: list[Transfer], place: int, labels: Labels, rule: str) -> list[Transfer]:
    first = rows[place]
    if rule != "tiho" or first.kind is Kind.FEE:
        return [first]
    together = []
    for transfer in rows[place:]:
        if transfer.tx != first.tx or transfer.kind is Kind.FEE:
            break
        if transfer.asset == first.asset:
            if ends(transfer, labels)[1] == ends(first, labels)[0]:
                break
            if ends(transfer, labels)[0] == ends(first, labels)[0]:
                together.append(transfer)
    return sorted(together, key=lambda transfer: -transfer.amount)  # a stable sort: ties by index


@pytest.mark.parametrize("rule", ["haircut", *ORDERED])
@LAW
@given(world=account_worlds(listed=False, size=12), max_hops=LIMITS)
def test_the_reference_moves_single_units_as_the_rule_says_on_account_chains(
    rule: str, world: AccountWorld, max_hops: int | None
) -> None:
    small = [replace(transfer, amount=transfer.amount % 13) for transfer in world.transfers]
    world = AccountWorld(small, world.labels, world.openings)
    settings = Settings(rule=Rule(rule), max_hops=max_hops)
    run = account.run(small, world.labels, settings, openings=world.openings, exact=True)
    for ref, mix in simulate_accounts(world, rule, max_hops).items():
        assert read(run.received[ref], max_hops) == capped(mix, max_hops), (ref, rule)


def simulate_coins(world: UtxoWorld, rule: str, limit: int | None, *, taint_fee: bool) -> dict[str, Mix]:
    labels, coins, received = world.labels, {}, {}
    fees: dict[int, list[Any]] = defaultdict(list)
    haircut = rule == "haircut"
    for tx in world.txs:
        pot: list[Unit] = []
        paid = sum(output.amount for output in tx.outputs)
        for spend in tx.inputs:
            owner = labels.owner(str(spend.address))
            origin = None if spend.address is None else who(labels, owner, tx.time)
            if origin is not None:
                pot += [origin] * int(spend.amount or 0)
            elif spend.coin in coins:
                pot += coins[spend.coin]
            elif spend.amount is not None:
                pot += [("unresolved", f"incomplete:{spend.coin.tx}", None, 1)] * spend.amount
        if tx.coinbase:
            for units in fees.pop(tx.place.block, []) if taint_fee else []:
                pot += units
            pot += [("mint", tx.pool, None, 1)] * max(0, paid - len(pot))
        elif len(pot) < paid:
            pot += [("unresolved", f"incomplete:{tx.tx}", None, 0)] * (paid - len(pot))
        owners = {labels.owner(spend.address) for spend in tx.inputs if spend.address is not None}
        order = list(enumerate(tx.outputs))
        if rule == "tiho":
            order.sort(key=lambda entry: -entry[1].amount)
        for n, output in order:
            back = labels.owner(output.address) in owners
            theft = theft_of(labels.coin_seeds.get(Coin(tx.tx, n)), labels, tx.time)
            if theft is None and not back:
                theft = theft_of(labels.tx_seeds.get(tx.tx), labels, tx.time)
            drawn = take(pot, output.amount, rule, limit)
            if not tx.coinbase:
                drawn = [stepped(unit, change=back and not tx.joint) for unit in drawn]
            drawn = [relabelled(unit, theft) for unit in drawn]
            coins[Coin(tx.tx, n)] = drawn
            received[f"{tx.tx}:{n}"] = counted(drawn)
        if not tx.coinbase:
            fees[tx.place.block].append([stepped(unit) for unit in take(pot, len(pot), rule, limit)])
    assert not haircut
    return received


def tiny(txs: list[UtxoTx]) -> bool:
    return all(output.amount < 100 for tx in txs for output in tx.outputs)


@pytest.mark.parametrize("taint_fee", [False, True])
@pytest.mark.parametrize("rule", ORDERED)
@LAW
@given(world=utxo_worlds(huge=False), max_hops=LIMITS)
def test_the_reference_moves_single_units_as_the_rule_says_on_utxo_chains(
    rule: str, taint_fee: bool, world: UtxoWorld, max_hops: int | None
) -> None:
    assert tiny(world.txs)
    run = utxo.run(world.txs, world.labels, Settings(rule=Rule(rule), max_hops=max_hops, taint_fee=taint_fee))
    for coin, mix in simulate_coins(world, rule, max_hops, taint_fee=taint_fee).items():
        assert read(run.received[coin], max_hops) == capped(mix, max_hops), (coin, rule)


@LAW
@given(world=utxo_worlds(thefts=False), max_hops=LIMITS)
def test_under_haircut_every_output_takes_its_share_of_every_input(world: UtxoWorld, max_hops: int | None) -> None:
    labels = replace(world.labels, coin_seeds={}, tx_seeds={})
    run = utxo.run(world.txs, labels, Settings(rule=Rule.HAIRCUT, max_hops=None), exact=True)
    for tx in world.txs:
        if tx.coinbase or not tx.complete or not all(str(spend.coin) in run.received for spend in tx.inputs):
            continue
        pot: Mix = defaultdict(Fraction)
        for spend in tx.inputs:
            origin = who(labels, labels.owner(str(spend.address)), tx.time)
            parts = read(run.received[str(spend.coin)], None) if origin is None else {origin: Fraction(spend.amount or 0)}
            for unit, part in parts.items():
                pot[unit] += part
        whole = sum(pot.values(), Fraction(0))
        owners = {labels.owner(str(spend.address)) for spend in tx.inputs}
        for n, output in enumerate(tx.outputs):
            back = labels.owner(output.address) in owners and not tx.joint
            expected = mapped(
                {unit: part * output.amount / whole for unit, part in pot.items() if part} if whole and output.amount else {},
                lambda unit, back=back: stepped(unit, change=back),
            )
            assert read(run.received[f"{tx.tx}:{n}"], None) == expected
