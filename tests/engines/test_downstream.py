"""Recomputing what lies downstream of changed seeds gives what the whole ledger gives, whatever changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ledgers import LAW, SEEDS, account_worlds  # shared with the laws
from numbered_worlds import account_ledger, roles, stricter

from exposure.engines.local.downstream import Change, recomputed
from exposure.engines.local.moves import Sight
from exposure.engines.local.sweep import Sweep
from exposure.errors import EngineError
from exposure.model.labels import Labels, Seed
from exposure.model.ledger import Place, Transfer
from exposure.model.settings import Rule

ASSETS = ("ethereum/0x01", "ethereum/native")
CATEGORIES = sorted({seed.category for seed in SEEDS.values()})
HOPS = 3


def swept(ledger, pots, labels, rule, missing):
    """A whole sweep, with every category there is, so that two of them can be compared."""
    own = roles(labels, pots, ASSETS)
    given = roles(Labels(seeds={f"only{n}": Seed(f"{n}", name) for n, name in enumerate(CATEGORIES)}), pots, ASSETS).groups
    number = {old: given.categories.index(name) for old, name in enumerate(own.groups.categories)}
    number |= {own.groups.unknown: given.unknown, own.groups.blind: given.blind, own.groups.known: given.known, -1: -1}
    own = own._replace(groups=given, group=np.array([number[group] for group in own.group.tolist()], np.int32))
    sight = Sight(own, np.arange(len(pots), dtype=np.int32))
    made = Sweep(ledger, rule, HOPS, sight, ledger.asset, stricter=stricter(pots, [], labels) if missing else None)
    made.run()
    return made


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("rule", [Rule.HAIRCUT, Rule.FIFO, Rule.LIFO])
@LAW
@given(account_worlds(openings=False), st.data())
def test_what_lies_downstream_of_changed_seeds_is_all_that_changes(rule, missing, world, data):
    addresses = st.sampled_from(["A", "B", "C", "D", "S", "R"])
    labels = [
        Labels(
            seeds={
                a: SEEDS[data.draw(st.sampled_from("SRM"))] for a in data.draw(st.lists(addresses, max_size=3, unique=True))
            },
            boundaries={"X": world.labels.boundaries["X"]} if "X" in world.labels.boundaries else {},
        )
        for _ in range(2)
    ]
    ledger, pots, _ = account_ledger(world.transfers)
    assume(ledger.rows)
    before, after = (swept(ledger, pots, one, rule, missing) for one in labels)
    change = Change(ledger, rule, before.state.groups, before.sight.pot_roles, after.sight.pot_roles)
    units = np.array(before.state.units, object)
    found, _ = recomputed(change, before.state.kept[: len(pots)], before.sight.wanted, units)
    expected = after.state.kept[: len(pots)]
    if rule is Rule.HAIRCUT:
        assert np.allclose(found, expected, rtol=0, atol=1e-9 * expected[:, -1:])
    else:
        assert np.array_equal(found, expected)


def chain(names):
    ends = zip(names, names[1:], strict=False)
    return [Transfer(f"t{n}:0", f"t{n}", Place(n, 0, 0), n, s, r, "ethereum/native", 5) for n, (s, r) in enumerate(ends)]


def test_only_what_bears_on_a_change_is_looked_at():
    transfers = chain("ABCD") + [
        Transfer(f"u{n}:0", f"u{n}", Place(9 + n, 0, 0), 9 + n, "V", "W", "ethereum/native", 1) for n in range(50)
    ]
    ledger, pots, _ = account_ledger(transfers)
    labels = Labels(), Labels(seeds={"B": SEEDS["S"]})
    before, after = (swept(ledger, pots, one, Rule.HAIRCUT, missing=False) for one in labels)
    change = Change(ledger, Rule.HAIRCUT, before.state.groups, before.sight.pot_roles, after.sight.pot_roles)
    _, cost = recomputed(change, before.state.kept, before.sight.wanted, np.array(before.state.units, object))
    assert cost.upstream == 2
    assert cost.downstream == 3


@pytest.mark.parametrize("rule", [Rule.TIHO, Rule.POISON])
def test_rules_that_look_at_labels_are_refused(rule):
    ledger, pots, _ = account_ledger(chain("ABC"))
    made = swept(ledger, pots, Labels(), Rule.HAIRCUT, missing=False)
    change = Change(ledger, rule, made.state.groups, made.sight.pot_roles, made.sight.pot_roles)
    with pytest.raises(EngineError, match="carry out the whole ledger again"):
        recomputed(change, made.state.kept, made.sight.wanted, np.array(made.state.units, object))
