"""An economy with joint transactions: value is conserved, each kind is recognised, and no CoinJoin ever links anybody."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from exposure.attribution.clusters import METHODS, Method
from exposure.attribution.clusters.coins import COLUMNS, merge
from exposure.model.joint import MARKED, Form, form
from exposure.simulate import economy
from exposure.simulate.ledgers import coin_ledger
from exposure.simulate.provenance import total
from exposure.simulate.sizes import plan
from exposure.simulate.world import World, begin
from exposure.workflows.simulate import simulate

KINDS = {"joinmarket": Form.JOINMARKET, "wasabi 1": Form.WASABI, "wasabi 2": Form.WASABI2, "whirlpool": Form.WHIRLPOOL}


@pytest.fixture(scope="module")
def lived() -> tuple[World, list[economy.Chunk]]:
    world = begin(plan("small", 3, joint=True))
    return world, list(economy.run(world))


def test_each_kind_happens_and_is_recognised_by_its_form(lived: tuple[World, list[economy.Chunk]]) -> None:
    world, chunks = lived
    made = {joint.tx: joint for joint in world.joints}
    seen = Counter()
    outputs = [row for chunk in chunks for row in chunk.outputs]
    inputs = [row for chunk in chunks for row in chunk.inputs]
    for tx in coin_ledger(outputs, inputs):
        looks = form(
            [(spend.address, spend.amount) for spend in tx.inputs], [(out.address, out.amount) for out in tx.outputs], tx.time
        )
        assert tx.joint is (looks in MARKED)
        if tx.tx in made:
            seen[made[tx.tx].form, looks] += 1
            assert looks is KINDS.get(made[tx.tx].form, looks)
        else:
            assert looks not in MARKED, "what one person makes alone is taken for no CoinJoin here"
    assert {kind for kind, _ in seen} == {*KINDS, "payjoin"}
    assert seen["payjoin", Form.PAYJOIN] and not any(seen["payjoin", looks] for looks in MARKED)


def test_everybody_gets_his_own_money_out(lived: tuple[World, list[economy.Chunk]]) -> None:
    world, _ = lived
    for user in (*world.users, *world.launderers):
        assert user.wallet.balance == sum(coin.amount for coin in user.wallet.coins)
        assert all(total(coin.parts) == coin.amount for coin in user.wallet.coins)


def test_no_coinjoin_of_an_economy_links_anybody(lived: tuple[World, list[economy.Chunk]]) -> None:
    world, chunks = lived
    coinjoins = {joint.tx for joint in world.joints if joint.form in KINDS}
    ledger = coin_ledger([row for chunk in chunks for row in chunk.outputs], [row for chunk in chunks for row in chunk.inputs])
    numbers: dict[str, int] = {}
    rows = [
        (n, flag, numbers.setdefault(end.address, len(numbers)), end.amount, tx.time)
        for n, tx in enumerate(ledger)
        for flag, ends in ((0, tx.inputs), (1, tx.outputs))
        for end in ends
    ]
    types = (np.int32, np.uint8, np.int32, np.int64, np.int64)  # those of a store: what is compiled once serves both
    columns = {name: np.array(column, kind) for name, column, kind in zip(COLUMNS, zip(*rows, strict=True), types, strict=True)}
    nobody, script = np.full(len(numbers), -1, np.int32), np.zeros(len(numbers), np.int8)
    for method in (Method.EVIDENCE, Method.EXPLORATION):
        found = merge(columns, nobody, script, METHODS[method])
        assert len(found.links) > 20
        assert {ledger[n].tx for n in found.links[:, 3].tolist()}.isdisjoint(coinjoins)


def test_the_folder_names_them(tmp_path: Path) -> None:
    simulate(tmp_path / "economy", seed=3, joint=True, truths="none")
    with (tmp_path / "economy" / "joint.csv").open(newline="") as file:
        assert {row["form"] for row in csv.DictReader(file)} == {*KINDS, "payjoin"}
    assert "--joint" in (tmp_path / "economy" / "README.txt").read_text()


def test_without_the_option_nothing_joint_is_made() -> None:
    world = begin(plan("small", 3))
    next(iter(economy.run(world)))
    assert not world.joints
