"""Laws of the minimal cut: it holds exactly the largest flow, and without its transfers nothing can have come."""

from __future__ import annotations

from hypothesis import assume, given, settings
from random_ledgers import account_ledgers, utxo_ledgers

from exposure.measure.account import categories
from exposure.model.labels import Labels
from exposure.model.ledger import Transfer, UtxoTx
from exposure.taint.reference.lots import Origin
from exposure.tracing.bracket import Arc, account_arcs, bracket, carrying, utxo_arcs


def _holds(arcs: list[Arc], amount: int, labels: Labels) -> None:
    names = categories(labels)
    origins = {origin for arc in arcs for origin in (arc.tail, arc.theft) if isinstance(origin, Origin)}
    for category in sorted({names[origin.name] for origin in origins if origin.kind == "seed"}):
        most = bracket(arcs, amount, names, [category])[category][1]
        cut = carrying(arcs, names, category)
        assert sum(units for _, units in cut) == most or most == amount
        refs = {ref for ref, _ in cut}
        assert refs <= {arc.ref for arc in arcs}
        if "" not in refs and cut:  # nothing of the cut lay in a pot, so without its transfers there is no way left
            left = [arc for arc in arcs if arc.ref not in refs]
            assert bracket(left, amount, names, [category])[category][1] == 0


@given(account_ledgers())
@settings(max_examples=60, deadline=None)
def test_on_account_chains(made: tuple[list[Transfer], Labels]) -> None:
    transfers, labels = made
    able = [
        row for row in transfers if row.receiver is not None and row.amount and not row.failed and row.sender != row.receiver
    ]
    assume(able)
    _holds(account_arcs(transfers, labels, able[-1].ref), able[-1].amount, labels)


@given(utxo_ledgers())
@settings(max_examples=60, deadline=None)
def test_on_utxo_chains(made: tuple[list[UtxoTx], Labels]) -> None:
    txs, labels = made
    coins = [(f"{tx.tx}:{n}", output.amount) for tx in txs for n, output in enumerate(tx.outputs) if output.amount]
    assume(coins)
    name, amount = coins[-1]
    _holds(utxo_arcs(txs, labels, name), amount, labels)
