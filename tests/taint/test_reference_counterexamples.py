"""Small ledgers on which the reference once went wrong, or could: each states the rule that decides."""

from __future__ import annotations

from decimal import Decimal

import pytest

from exposure.errors import EngineError
from exposure.measure.account import Part, destination_of_coin, destination_of_transfer, interval, poison_interval, source
from exposure.model.labels import Labels, Seed, Service
from exposure.model.ledger import LAST_INDEX, Coin, Incomplete, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference import account, utxo
from exposure.taint.reference.lots import Lot, Origin

SANCTIONED = Seed("sanctioned", "sanctioned")
STOLEN = Seed("stolen", "stolen_funds")
CATEGORY = {"sanctioned": "sanctioned", "stolen": "stolen_funds"}
UNLIMITED = {rule: Settings(rule=rule, max_hops=None) for rule in Rule}


def pays(number: int, sender: str, receiver: str, amount: int, *, tx: str = "", index: int = 0, time: int = 0) -> Transfer:
    block = int(tx) if tx else number
    return Transfer(f"t{number}", tx or str(number), Place(block, 0, index), time, sender, receiver, "E", amount)


def spends(tx: str, coins: list[tuple[str, int]], outputs: list[tuple[str, int]], **more: object) -> UtxoTx:
    inputs = tuple(
        Spend(Coin(name.split(":")[0], int(name.split(":")[1])), name.split(":")[2], amount) for name, amount in coins
    )
    made = tuple(Output(address, amount) for address, amount in outputs)
    return UtxoTx(tx, Place(1, int(tx[1:]), 0), 0, inputs, made, **more)  # passed on by name


def mined(tx: str, address: str, amount: int) -> UtxoTx:
    return UtxoTx(tx, Place(0, int(tx[1:]), 0), 0, (), (Output(address, amount),), coinbase=True)


LISTED = Labels(seeds={"S": SANCTIONED}, boundaries={"X": Service("X", "exchange")})


@pytest.mark.parametrize("rule", [Rule.HAIRCUT, Rule.FIFO, Rule.LIFO, Rule.TIHO])
def test_the_interval_keeps_open_whether_stolen_value_of_unknown_history_had_a_label(rule: Rule) -> None:
    """V's history is missing. Had V been paid by S, its units would keep S's label through the theft."""
    labels = Labels(seeds={"S": SANCTIONED}, tx_seeds={"2": STOLEN})
    theft = [pays(2, "V", "T", 10)]
    whole = [pays(1, "S", "V", 10), *theft]
    gap = [Incomplete("V", "E")]
    truth = account.run(whole, labels, UNLIMITED[rule]).received["t2"]
    assert truth == (Lot(Origin("seed", "sanctioned", 0), 2, 10),)
    strict = account.run(theft, labels, UNLIMITED[rule], incomplete=gap).received["t2"]
    found = interval(source(strict, None), rule, CATEGORY, ["sanctioned", "stolen_funds"])
    assert set(found.values()) == {(0, 10)}


def test_stolen_value_from_a_hub_is_stolen_for_certain() -> None:
    """What leaves a hub carries no seed's label under any completion: the label snapshot stays."""
    labels = Labels(tx_seeds={"2": STOLEN}, hubs={"H": "busy"})
    rows = [pays(1, "H", "V", 10), pays(2, "V", "T", 10)]
    strict = account.run(rows, labels, UNLIMITED[Rule.FIFO], incomplete=[]).received["t2"]
    assert interval(source(strict, None), Rule.FIFO, CATEGORY) == {"stolen_funds": (10, 10)}


def test_a_flag_that_a_gap_may_have_set_outlives_a_known_balance_of_nothing() -> None:
    """Under poison flags are kept for good: an unseen payment from S to A would have set one, though A was empty later."""
    gap = [Incomplete("A", "E", until=Place(3, 0, 0), balance=0)]
    rows = [pays(3, "X", "A", 5), pays(4, "A", "D", 5)]
    strict = account.run(rows, LISTED, UNLIMITED[Rule.POISON], incomplete=gap)
    assert poison_interval([(5, strict.received["t4"])], None, CATEGORY, ["sanctioned"]) == {"sanctioned": (0, 5)}
    fifo = account.run(rows, LISTED, UNLIMITED[Rule.FIFO], incomplete=gap)
    assert interval(source(fifo.received["t4"], None), Rule.FIFO, CATEGORY, ["sanctioned"]) == {"sanctioned": (0, 0)}


def test_a_gap_inside_a_transaction_bears_on_all_that_tiho_serves_together() -> None:
    """An unseen outflow of 9 in transaction 3 would be served before the stored one of 5, and take the taint."""
    rows = [pays(1, "S", "A", 5), pays(2, "X", "A", 9), pays(3, "A", "D", 5, tx="3", index=0)]
    gap = [Incomplete("A", "E", since=Place(3, 0, 1))]
    strict = account.run(rows, LISTED, UNLIMITED[Rule.TIHO], incomplete=gap).received["t3"]
    assert interval(source(strict, None), Rule.TIHO, CATEGORY) == {"risk": (0, 5)}
    whole = [*rows, pays(4, "A", "X", 9, tx="3", index=1)]
    assert account.run(whole, LISTED, UNLIMITED[Rule.TIHO]).received["t3"][0].origin.kind == "service"
    fifo = account.run(rows, LISTED, UNLIMITED[Rule.FIFO], incomplete=gap).received["t3"]
    assert interval(source(fifo, None), Rule.FIFO, CATEGORY) == {"sanctioned": (5, 5)}


def test_a_gap_of_unknown_place_opens_a_pot_from_its_beginning_whatever_balance_is_known_later() -> None:
    gaps = [Incomplete("A", "E"), Incomplete("A", "E", since=Place(4, 0, 0), until=Place(5, 0, 0), balance=0)]
    rows = [pays(1, "S", "A", 5), pays(2, "A", "D", 5), pays(6, "X", "A", 1), pays(7, "A", "D", 1)]
    strict = account.run(rows, LISTED, UNLIMITED[Rule.FIFO], incomplete=gaps)
    assert strict.received["t2"][0].origin.kind == "unresolved"
    assert strict.received["t7"][0].origin.kind == "unresolved"


@pytest.mark.parametrize("until", [None, Place(6, 0, 0)])
def test_followed_value_in_a_pot_with_a_gap_behind_it_is_unresolved(until: Place | None) -> None:
    """What was missed behind the gap may have taken it anywhere: it is not known to be held."""
    rows = [pays(1, "X", "A", 5), pays(7, "X", "B", 1)]
    gap = [Incomplete("A", "E", since=Place(4, 0, 0), until=until, balance=None if until is None else 5)]
    run = account.run(rows, LISTED, UNLIMITED[Rule.FIFO], incomplete=gap, follow="t1")
    found = destination_of_transfer(run, rows, LISTED, None)
    assert found == {Part("unresolved", "incomplete:A", None, 1): 5}


def test_followed_value_in_a_transaction_with_unknown_inputs_is_unresolved_for_the_interval() -> None:
    txs = [mined("t1", "A", 5), spends("t2", [("t1:0:A", 5)], [("B", 8)], unknown_inputs=True)]
    run = utxo.run(txs, Labels(), UNLIMITED[Rule.FIFO], strict=True, follow="t1:0")
    assert destination_of_coin(run, txs, Labels(), None) == {Part("unresolved", "incomplete:t2", None, 1): 5}


def test_a_fee_that_no_coinbase_of_the_ledger_takes_up_is_a_fee() -> None:
    txs = [mined("t1", "A", 5), spends("t2", [("t1:0:A", 5)], [("B", 3)])]
    settings = Settings(rule=Rule.FIFO, max_hops=None, taint_fee=True)
    run = utxo.run(txs, Labels(), settings, follow="t1:0")
    found = destination_of_coin(run, txs, Labels(), None, taint_fee=True)
    assert found == {Part("held", "B", None, 2): 3, Part("fee", "", None, 2): 2}


def test_a_stolen_transaction_excludes_outputs_to_its_own_inputs_also_when_it_is_joint() -> None:
    labels = Labels(tx_seeds={"t3": STOLEN})
    txs = [mined("t1", "A", 5), mined("t2", "B", 5)]
    txs.append(spends("t3", [("t1:0:A", 5), ("t2:0:B", 5)], [("A", 6), ("C", 4)], joint=True))
    run = utxo.run(txs, labels, UNLIMITED[Rule.FIFO])
    assert {lot.origin.kind for lot in run.received["t3:0"]} == {"mint"}
    assert {lot.hop for lot in run.received["t3:0"]} == {2}
    assert run.received["t3:1"] == (Lot(Origin("seed", "stolen", 0), 0, 4),)


def test_an_output_named_as_coin_and_by_its_transaction_is_one_theft() -> None:
    labels = Labels(coin_seeds={Coin("t2", 0): SANCTIONED}, tx_seeds={"t2": STOLEN})
    run = utxo.run([mined("t1", "A", 5), spends("t2", [("t1:0:A", 5)], [("B", 5)])], labels, UNLIMITED[Rule.FIFO])
    assert run.received["t2:0"] == (Lot(Origin("seed", "sanctioned", 0), 0, 5),)
    assert run.collisions == 0


def test_a_stolen_coin_is_stolen_though_its_own_transaction_is_not_stored() -> None:
    labels = Labels(coin_seeds={Coin("t1", 0): STOLEN})
    run = utxo.run([spends("t2", [("t1:0:A", 5)], [("B", 5)])], labels, UNLIMITED[Rule.FIFO])
    assert run.received["t2:0"] == (Lot(Origin("seed", "stolen", 0), 1, 5),)


def test_a_sum_of_long_decimals_loses_no_unit() -> None:
    lots = [Lot(Origin("mint", ""), 1, Decimal(10**35)), Lot(Origin("mint", ""), 1, Decimal(1))]
    assert source(lots, None) == {Part("mint", "", None, 1): Decimal(10**35 + 1)}


def test_a_coin_is_spent_once() -> None:
    txs = [mined("t1", "A", 5), spends("t2", [("t1:0:A", 5)], [("B", 5)]), spends("t3", [("t1:0:A", 5)], [("B", 5)])]
    with pytest.raises(EngineError, match="spent twice"):
        utxo.run(txs, Labels(), UNLIMITED[Rule.FIFO])


def test_a_transaction_of_known_inputs_pays_out_no_more_than_they_hold() -> None:
    with pytest.raises(EngineError, match="pays out 6"):
        utxo.run([mined("t1", "A", 5), spends("t2", [("t1:0:A", 5)], [("B", 6)])], Labels(), UNLIMITED[Rule.FIFO])


def test_a_failed_transfer_moves_nothing_and_its_fee_is_paid() -> None:
    rows = [
        pays(1, "S", "A", 5),
        Transfer("t2", "2", Place(2, 0, 0), 0, "A", "B", "E", 5, failed=True),
        Transfer("t2/fee", "2", Place(2, 0, LAST_INDEX), 0, "A", None, "E", 1, Kind.FEE),
    ]
    run = account.run(rows, LISTED, UNLIMITED[Rule.FIFO])
    assert run.received["t2"] == ()
    assert run.fees["2"] == (Lot(Origin("seed", "sanctioned", 0), 2, 1),)
    assert run.held == {("A", "E"): (Lot(Origin("seed", "sanctioned", 0), 1, 4),)}
