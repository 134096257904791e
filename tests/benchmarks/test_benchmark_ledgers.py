"""The generator of the benchmarks: one ledger whatever the chunks, of the shape that it claims."""

import numpy as np
import pytest

from benchmarks.ledgers import FEE, FIRST_ACCOUNT, FIRST_HUB, FIRST_SERVICE, RECEIVING, SEEDS, Chunk, Shape, chunks, openings
from benchmarks.scenarios import SCENARIOS, ledger_moves, reach

SHAPE = Shape(60_000, 12_000)


def joined(shape, size):
    """A ledger as one chunk."""
    return Chunk(*(np.concatenate(columns) for columns in zip(*chunks(shape, size), strict=True)))


@pytest.fixture(scope="module")
def ledger():
    return joined(SHAPE, 1 << 20)


@pytest.mark.parametrize("size", [1, 997, 4_096, 59_999])
def test_the_ledger_does_not_depend_on_its_chunks(size):
    shape = Shape(12_000, 3_000) if size == 1 else SHAPE
    for column, same in zip(joined(shape, size), joined(shape, 1 << 20), strict=True):
        assert np.array_equal(column, same)


def test_another_seed_is_another_ledger(ledger):
    other = joined(Shape(SHAPE.transfers, SHAPE.addresses, seed=2), 1 << 20)
    assert (other.target != ledger.target).mean() > 0.5


def test_ids_are_given_by_first_use_and_births_come_at_the_rate_that_was_asked(ledger):
    ends = np.stack([ledger.source, ledger.target], axis=1).ravel()
    used = ends[ends >= FIRST_ACCOUNT + SHAPE.first]
    latest = np.maximum.accumulate(used)
    assert (np.diff(np.concatenate([[FIRST_ACCOUNT + SHAPE.first - 1], latest])) <= 1).all()
    born = latest[-1] + 1 - FIRST_ACCOUNT - SHAPE.first
    assert born / SHAPE.transfers == pytest.approx(SHAPE.births, rel=0.001)
    assert latest[-1] < SHAPE.addresses


def test_amounts_are_positive_and_all_that_moves_fits_62_bits(ledger):
    _, held = openings(SHAPE)
    assert ledger.amount.min() > 0
    assert sum(ledger.amount.tolist()) + sum(held.tolist()) < 2**62


def test_nobody_pays_himself_and_fees_are_as_many_as_asked(ledger):
    assert not (ledger.source == ledger.target).any()
    accounts = ledger.source >= FIRST_ACCOUNT
    assert (ledger.target[accounts] == FEE).mean() == pytest.approx(SHAPE.fees, rel=0.3)
    assert not (ledger.target[~accounts] == FEE).any()
    assert not (joined(Shape(20_000, 5_000, fees=0.0), 1 << 20).target == FEE).any()


def test_accounts_and_hubs_never_spend_what_they_have_not_got(ledger):
    held = np.zeros(SHAPE.addresses, object)
    who, first = openings(SHAPE)
    held[who] = first.tolist()
    for source, target, amount in zip(*(column.tolist() for column in ledger), strict=True):
        if source >= FIRST_HUB:
            assert held[source] >= amount
            held[source] -= amount
        if target >= 0:
            held[target] += amount


def test_most_accounts_are_emptied_in_the_end(ledger):
    held = np.zeros(SHAPE.addresses, np.int64)
    who, first = openings(SHAPE)
    held[who] = first
    np.subtract.at(held, ledger.source, ledger.amount)
    some = ledger.target >= 0
    np.add.at(held, ledger.target[some], ledger.amount[some])
    assert (held[FIRST_ACCOUNT:] == 0).mean() > 0.5


def test_services_hubs_and_seeds_take_part_and_degrees_have_a_heavy_tail(ledger):
    service = (ledger.target >= FIRST_SERVICE) & (ledger.target < FIRST_HUB)
    assert 0.3 < service.mean() < 0.7
    assert ((ledger.target >= FIRST_HUB) & (ledger.target < FIRST_ACCOUNT)).any()
    assert (ledger.source < SEEDS).any()
    degrees = np.sort(np.bincount(ledger.target[service] - FIRST_SERVICE, minlength=RECEIVING))
    assert degrees[-10:].sum() > 10 * degrees.mean() * 5
    pools = (ledger.target >= FIRST_SERVICE + RECEIVING) & (ledger.target < FIRST_HUB)
    assert not pools.any()


def test_payers_were_lately_paid(ledger):
    last = np.full(SHAPE.addresses, -1)
    waits = []
    for place, (source, target) in enumerate(zip(ledger.source.tolist(), ledger.target.tolist(), strict=True)):
        if source >= FIRST_ACCOUNT and last[source] >= 0:
            waits.append(place - last[source])
        if target >= 0:
            last[target] = place
    assert np.median(waits) < SHAPE.transfers / 50


def test_value_goes_round_in_cycles(ledger):
    paid = set(zip(ledger.source.tolist(), ledger.target.tolist(), strict=True))
    back = [pair for pair in paid if pair[0] >= FIRST_ACCOUNT and pair[1] >= FIRST_ACCOUNT and pair[::-1] in paid]
    assert back


def test_taint_reaches_further_where_less_stops_it(ledger):
    reached = [reach(SHAPE.addresses, ledger_moves(SHAPE, [ledger], scenario)) for scenario in SCENARIOS]
    assert reached[0].carrying < reached[1].carrying < reached[2].carrying
    assert reached[2].carrying > 0.7 * SHAPE.transfers


def test_only_pools_fall_short(ledger):
    short = [reach(SHAPE.addresses, ledger_moves(SHAPE, [ledger], scenario)).short for scenario in SCENARIOS]
    pools = (ledger.source >= FIRST_SERVICE + RECEIVING) & (ledger.source < FIRST_HUB)
    assert short == [0, 0, pools.sum()]


@pytest.mark.parametrize(("transfers", "addresses"), [(1_000, 1_000), (10_000, 9_000)])
def test_a_shape_that_cannot_be_generated_is_refused(transfers, addresses):
    with pytest.raises(SystemExit, match="addresses are too"):
        Shape(transfers, addresses)
