"""The compiled engine says what the reference says: every transfer, fee, pot, shortfall and collision, for every rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import ASSET, LAW, LIMITS, ORDINARY, account_worlds, utxo_worlds  # shared with the laws

from exposure.engines import local
from exposure.measure.account import source
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Incomplete, Kind, Place, Transfer
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo

SMALL = 10**15


def assert_same(mine, theirs, limit, *, rule):
    """Two runs agree: order rules exactly, haircut to 1e-9 of the transfer, poison in its flags."""
    for ref, lots in theirs.received.items():
        same_lots(mine.received[ref], lots, limit, rule, ref)
    for tx in {*theirs.fees, *mine.fees}:
        same_lots(mine.fees.get(tx, ()), theirs.fees.get(tx, ()), limit, rule, f"fee of {tx}")
    if rule is not Rule.POISON:
        for pot in {*theirs.held, *mine.held}:
            same_lots(mine.held.get(pot, ()), theirs.held.get(pot, ()), limit, rule, pot)
    assert mine.collisions == theirs.collisions


def same_lots(mine, theirs, limit, rule, what):
    found, expected = source(mine, limit), source(theirs, limit)
    if rule is Rule.POISON:
        assert smallest(found) == smallest(expected), what
        return
    total = sum(expected.values())
    for part in {*found, *expected}:
        allowed = float(total) * 1e-9 if rule is Rule.HAIRCUT else 0
        assert abs(float(found.get(part, 0)) - float(expected.get(part, 0))) <= allowed, (what, part, found, expected)


def smallest(flags):
    """One flag per origin, with its smallest hop."""
    hops = {}
    for part in flags:
        key = part._replace(hop=None)
        hops[key] = min(hops.get(key, 10**9), 10**8 if part.hop is None else part.hop)
    return hops


def reduced(world):
    """The same world with amounts that fit 64 bits: order rules count in a coarser unit where they do not."""
    return replace(world, transfers=[replace(t, amount=t.amount % SMALL + t.amount // SMALL % 97) for t in world.transfers])


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(account_worlds(), LIMITS)
def test_account_ledgers_agree(rule, world, limit):
    world = reduced(world) if rule in (Rule.FIFO, Rule.LIFO, Rule.TIHO) else world
    settings = Settings(rule=rule, max_hops=limit)
    mine = local.account(world.transfers, world.labels, settings, openings=world.openings)
    theirs = account.run(world.transfers, world.labels, settings, openings=world.openings)
    assert_same(mine, theirs, limit, rule=rule)
    assert mine.shortfalls == theirs.shortfalls


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(account_worlds(), LIMITS, st.data())
def test_the_stricter_run_of_account_ledgers_agrees(rule, world, limit, data):
    world = reduced(world) if rule in (Rule.FIFO, Rule.LIFO, Rule.TIHO) else world
    places = st.one_of(st.none(), st.sampled_from([t.place for t in world.transfers]))
    gaps = []
    for address in data.draw(st.lists(st.sampled_from(ORDINARY), max_size=3, unique=True)):
        until = data.draw(places)
        gaps.append(
            Incomplete(address, ASSET, data.draw(places), data.draw(st.booleans()), until, None if until is None else 6)
        )
    gaps = [replace(g, since=None) if g.oldest or (g.until and g.since and g.since >= g.until) else g for g in gaps]
    settings = Settings(rule=rule, max_hops=limit)
    mine = local.account(world.transfers, world.labels, settings, openings=world.openings, incomplete=gaps)
    theirs = account.run(world.transfers, world.labels, settings, openings=world.openings, incomplete=gaps)
    for transfer in world.transfers:
        same_lots(mine.received[transfer.ref], theirs.received[transfer.ref], limit, rule, transfer.ref)


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(account_worlds(), LIMITS, st.data())
def test_following_forward_agrees(rule, world, limit, data):
    world = reduced(world) if rule in (Rule.FIFO, Rule.LIFO, Rule.TIHO) else world
    follow = data.draw(st.sampled_from([t.ref for t in world.transfers]))
    settings = Settings(rule=rule, max_hops=limit)
    mine = local.account(world.transfers, world.labels, settings, openings=world.openings, follow=follow)
    theirs = account.run(world.transfers, world.labels, settings, openings=world.openings, follow=follow)
    assert_same(mine, theirs, limit, rule=rule)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(utxo_worlds(huge=False), LIMITS, st.booleans())
def test_utxo_ledgers_agree(rule, strict, world, limit, taint_fee):
    settings = Settings(rule=rule, max_hops=limit, taint_fee=taint_fee)
    mine = local.utxo(world.txs, world.labels, settings, strict=strict)
    theirs = utxo.run(world.txs, world.labels, settings, strict=strict)
    assert_same(mine, theirs, limit, rule=rule)


def test_amounts_past_64_bits_are_counted_coarser_and_what_that_loses_is_unresolved():
    rows = [
        Transfer("a", "a", Place(1, 0, 0), 0, "S", "A", ASSET, 10**30 + 7),
        Transfer("b", "b", Place(2, 0, 0), 0, "A", "B", ASSET, 10**30 + 7),
    ]
    found = local.account(rows, Labels(seeds={"S": Seed("S", "sanctioned")}), Settings(rule=Rule.FIFO))
    parts = source(found.received["b"], 5)
    assert sum(parts.values()) == 10**30 + 7
    assert {part.name for part in parts} == {"S", "scaling"}
    assert sum(amount for part, amount in parts.items() if part.name == "scaling") < 10**14


@pytest.mark.parametrize("rule", [Rule.FIFO, Rule.LIFO, Rule.TIHO])
def test_what_several_cuts_leave_out_together_is_no_seeds(rule):
    rows = [
        Transfer("a", "a", Place(1, 0, 0), 0, "S", "A", ASSET, 10**30 + 7 * 10**11),
        Transfer("b", "b", Place(2, 0, 0), 0, None, "A", ASSET, 10**30 + 7 * 10**11, Kind.MINT),
        Transfer("c", "c", Place(3, 0, 0), 0, "A", "B", ASSET, 2 * 10**30 + 14 * 10**11),
    ]
    found = local.account(rows, Labels(seeds={"S": Seed("S", "sanctioned")}), Settings(rule=rule, max_hops=None))
    parts = source(found.received["c"], None)
    assert {(part.name, part.hop) for part in parts} == {("S", 2), ("", 2), ("scaling", 1)}
    assert sum(parts.values()) == rows[-1].amount


@pytest.mark.parametrize("rule", list(Rule))
@LAW
@given(utxo_worlds(huge=False))
def test_a_limit_of_no_hops_is_what_the_reference_says(rule, world):
    """The kernels have no column for it, and once wrote past their rows."""
    settings = Settings(rule=rule, max_hops=0)
    mine = local.utxo(world.txs, world.labels, settings)
    theirs = utxo.run(world.txs, world.labels, settings)
    assert_same(mine, theirs, 0, rule=rule)
