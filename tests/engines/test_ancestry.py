"""The search backwards over ends gives what the reference gives forwards, for every transfer and limit."""

from __future__ import annotations

from dataclasses import replace

import numbered_ends
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import LAW, LIMITS, account_worlds
from numbered_worlds import account_ledger

from exposure.measure.account import source
from exposure.model.settings import Rule, Settings
from exposure.taint.kernels.ends import FLAG, PLACE
from exposure.taint.reference import account
from exposure.taint.reference.lots import BEYOND, Lot, Origin
from exposure.taint.reference.origins import owner_origin

LARGE = 10**27


def ordinary(world):
    """The same world without what the search is not made for, and with amounts below 2^96."""
    labels = replace(world.labels, tx_seeds={}, asset_seeds={}, owners={}, seeds_from_designation=False)
    return replace(world, labels=labels, transfers=[replace(t, amount=t.amount % LARGE) for t in world.transfers], openings={})


def lots(found, pots, columns, labels, limit):
    """What a search found, as lots under the names that the reference gives."""
    for pot, row, hop, amount in zip(*found.origins, strict=True):
        time = int(columns["time"][row]) if row >= 0 else 0
        origin = Origin("mint", "") if pot < 0 else owner_origin(labels, pots[pot][1], time)
        yield Lot(origin, int(hop), amount)
    for pot, hop, amount in zip(*found.lacking, strict=True):
        yield Lot(Origin("unresolved", f"shortfall:{pots[pot][1]}"), int(hop), amount)
    if found.beyond:
        yield Lot(BEYOND, (limit or 0) + 1, found.beyond)


@pytest.mark.parametrize("rule", [Rule.HAIRCUT, Rule.FIFO, Rule.LIFO])
@LAW
@given(account_worlds(thefts=False), LIMITS)
def test_every_transfer_came_from_where_the_reference_says(rule, world, limit):
    world = ordinary(world)
    ledger, pots, _ = account_ledger(world.transfers)
    stops = {n for n, (_, owner) in enumerate(pots) if owner_origin(world.labels, owner, 0) is not None}
    seeds = {n for n in stops if pots[n][1] in world.labels.seeds}
    search = numbered_ends.search_of(ledger, stops, named=seeds)
    run = account.run(world.transfers, world.labels, Settings(rule, limit))
    moving = [t for t in world.transfers if not t.failed and t.amount and t.sender != t.receiver]
    for row, transfer in enumerate(moving):
        pot = int(ledger.columns["source"][row])
        if pot < 0 or pot in stops:
            continue
        (at,) = search.find(pot, range(row, row + 1))
        carried = search.trace(pot, at, rule, limit)
        by_name = np.isin(carried.origins.pot, sorted(seeds))
        assert (ledger.columns["source"][carried.origins.row[by_name]] == carried.origins.pot[by_name]).all()
        found = source(lots(carried, pots, ledger.columns, world.labels, limit), limit)
        expected = source(run.received[transfer.ref], limit)
        for part in {*found, *expected}:
            allowed = transfer.amount * 1e-9 if rule is Rule.HAIRCUT else 0
            assert abs(float(found.get(part, 0)) - float(expected.get(part, 0))) <= allowed, (transfer, part, found, expected)
        if rule is not Rule.HAIRCUT:
            assert found == expected


@LAW
@given(account_worlds(thefts=False), st.integers(1, 4))
def test_ends_say_every_movement_at_both_pots_in_order(world, buckets):
    ledger, _, _ = account_ledger(ordinary(world).transfers)
    found, firsts, short = numbered_ends.ends_of(ledger, buckets)
    columns = {name: np.asarray(column) for name, column in ledger.columns.items()}
    for pot in range(ledger.pots):
        run = found[firsts[pot] : firsts[pot + 1]]
        rows = np.flatnonzero((columns["source"] == pot) | (columns["target"] == pot))
        assert (run["row"] & PLACE).tolist() == rows.tolist()
        balance, first = 0, -1
        for place, (end, row) in enumerate(zip(run, rows.tolist(), strict=True)):
            amount = int(end["low"]) | int(end["high"]) << 64
            assert amount == int(columns["low"][row]) | int(columns["high"][row]) << 64
            sent = columns["source"][row] == pot
            other = int(columns["target" if sent else "source"][row])
            assert bool(end["at"] & FLAG) == sent
            assert int(end["other"]) == (-2 if other < 0 and columns["fee"][row] else other)
            if other >= 0:
                there = found[firsts[other] + (end["at"] & PLACE)]
                assert there["row"] == end["row"] and int(there["other"]) == pot
            if sent:
                missing = max(amount - balance, 0)
                assert float(end["after"]) == (-float(missing) if missing else float(balance - amount))
                assert bool(end["row"] & FLAG) == (missing > 0)
                first = place if missing and first < 0 else first
                balance = max(balance - amount, 0)
            else:
                balance += amount
        assert short[pot] == first
