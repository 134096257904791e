"""Generated rows as the ledger that the engines see: coinbase last in its block, each fee last in its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from exposure.model.joint import MARKED, form
from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.simulate.accounts import ETH, TransferRow
from exposure.simulate.coins import InputRow, OutputRow


def coin_ledger(outputs: Iterable[OutputRow], inputs: Iterable[InputRow]) -> list[UtxoTx]:
    """Transactions of the UTXO chain in canonical order."""
    spends: dict[str, list[InputRow]] = {}
    for row in inputs:
        spends.setdefault(row.tx, []).append(row)
    known: dict[Coin, Output] = {}
    out = []
    for tx, group in groupby(outputs, key=attrgetter("tx")):
        rows = list(group)
        made = tuple(Output(row.address, row.amount) for row in rows)
        known.update({Coin(tx, row.n): output for row, output in zip(rows, made, strict=True)})
        spent = []
        for row in spends.get(tx, ()):
            coin = Coin(row.spent_tx, row.spent_n)
            spent.append(Spend(coin, known[coin].address, known[coin].amount))
        coinbase = not spent
        place = Place(rows[0].block, LAST_INDEX if coinbase else rows[0].tx_index, 0)
        senders = [(spend.address, spend.amount) for spend in spent]
        together = form(senders, [(output.address, output.amount) for output in made], rows[0].time) in MARKED
        out.append(UtxoTx(tx, place, rows[0].time, tuple(spent), made, coinbase=coinbase, joint=together))
    return sorted(out, key=attrgetter("place"))


def account_ledger(rows: Iterable[TransferRow]) -> Iterator[Transfer]:
    """Transfers of the account chain in canonical order, fees as rows of their own."""
    for tx, group in groupby(rows, key=attrgetter("tx")):
        together = list(group)
        for row in together:
            yield Transfer(
                transfer_ref(tx, row.serial),
                tx,
                Place(row.block, 0, row.serial),
                row.time,
                row.sender or None,
                row.receiver,
                row.asset,
                row.amount,
                _kind(row),
                row.status == "failed",
            )
        first = together[0]
        if first.fee:
            place = Place(first.block, 0, LAST_INDEX)
            yield Transfer(f"{tx}:fee", tx, place, first.time, first.sender, None, ETH, first.fee, Kind.FEE)


def transfer_ref(tx: str, serial: int) -> str:
    """Name of a transfer in a run."""
    return f"{tx}:{serial}"


def _kind(row: TransferRow) -> Kind:
    if not row.sender:
        return Kind.MINT if row.asset != ETH else Kind.REWARD
    return Kind.VALUE if row.asset == ETH else Kind.TOKEN
