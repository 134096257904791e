"""The generator of the trace benchmark: one ledger whatever the chunks, in which nobody spends what he has not got."""

import numpy as np
import pytest

from benchmarks.ledgers import Chunk
from benchmarks.spread import FIRST_ACCOUNT, FIRST_HUB, OPENING, addresses, chunks, openings

TRANSFERS = 60_000


def joined(size=1 << 20, seed=1):
    """A ledger as one chunk."""
    return Chunk(*(np.concatenate(columns) for columns in zip(*chunks(TRANSFERS, seed, size), strict=True)))


@pytest.fixture(scope="module")
def ledger():
    return joined()


@pytest.mark.parametrize("size", [7, 997, 59_999])
def test_the_ledger_does_not_depend_on_its_chunks(ledger, size):
    for column, same in zip(joined(size), ledger, strict=True):
        assert np.array_equal(column, same)


def test_another_seed_is_another_ledger(ledger):
    assert (joined(seed=2).target != ledger.target).mean() > 0.5


def test_nobody_pays_himself_or_spends_what_he_has_not_got_and_nobody_is_emptied_on_purpose(ledger):
    assert not (ledger.source == ledger.target).any() and ledger.amount.min() > 0
    held = np.zeros(addresses(TRANSFERS), object)
    who, first = openings(TRANSFERS)
    held[who] = first.astype(object)
    emptied = 0
    for source, target, amount in zip(*(column.tolist() for column in ledger), strict=True):
        assert held[source] >= amount
        held[source] -= amount
        held[target] += amount
        emptied += held[source] == 0
    assert held[:FIRST_ACCOUNT].min() > OPENING // 2
    assert emptied < 0.05 * TRANSFERS  # dust, whose parts are whole


def test_ids_are_given_by_first_use_and_nearly_all_are_used(ledger):
    used = np.concatenate([np.arange(FIRST_ACCOUNT), ledger.target])
    latest = np.maximum.accumulate(used)
    assert (np.diff(latest) <= 1).all()
    assert latest[-1] <= addresses(TRANSFERS) - 1 and latest[-1] > 0.99 * addresses(TRANSFERS)


def test_hubs_deal_most_and_old_accounts_more_than_young_ones(ledger):
    number = np.bincount(np.concatenate([ledger.source, ledger.target]), minlength=addresses(TRANSFERS))
    assert number[FIRST_HUB:FIRST_ACCOUNT].min() > 10 * number[FIRST_ACCOUNT:].mean()
    accounts = number[FIRST_ACCOUNT:]
    assert accounts[: len(accounts) // 10].sum() > 3 * accounts[-len(accounts) // 10 :].sum()
