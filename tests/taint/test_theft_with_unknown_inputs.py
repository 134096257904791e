"""Outputs of a stolen transaction may have gone back to the owner of an unknown input: the interval leaves that open."""

from __future__ import annotations

import pytest

from exposure.model.labels import Labels, Seed
from exposure.model.ledger import LAST_INDEX, Coin, Output, Place, Spend, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import utxo

MINED = UtxoTx("m", Place(1, LAST_INDEX, 0), 0, (), (Output("A", 5),), coinbase=True)
THEFT = UtxoTx("t", Place(2, 1, 0), 1, (Spend(Coin("m", 0), "A", 5),), (Output("B", 9),), unknown_inputs=True)
BY_TX = Labels(tx_seeds={"t": Seed("theft", "stolen_funds")})
BY_COIN = Labels(coin_seeds={Coin("t", 0): Seed("theft", "stolen_funds")})


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize(("labels", "certain"), [(BY_TX, False), (BY_COIN, True)])
def test_only_a_coin_named_itself_is_certainly_stolen(rule: Rule, labels: Labels, certain: bool) -> None:
    strict = utxo.run([MINED, THEFT], labels, Settings(rule=rule), strict=True).received["t:0"]
    figure = utxo.run([MINED, THEFT], labels, Settings(rule=rule)).received["t:0"]
    assert any(lot.origin.name == "theft" for lot in figure)
    assert any(lot.origin.name == "theft" for lot in strict) is (certain and rule is Rule.POISON)
