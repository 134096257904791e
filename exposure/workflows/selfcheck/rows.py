"""The ledger of a worked case: transfers with their fees, or transactions of coins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.workflows.selfcheck.fields import Json, coin, name, number, rows, switch, table, text, units


def read_transfers(ledger: Sequence[Any]) -> tuple[Transfer, ...]:
    """Transfers in the order given; the fees of a transaction behind its last transfer."""
    transfers: list[Transfer] = []
    fees: list[Transfer] = []
    seen: set[str] = set()
    done: set[str] = set()
    tx, block = "", -1
    for place, entry in enumerate(ledger):
        row = table(entry, f"transfer {place + 1}")
        ref = name(row["i"], "i of a transfer")
        if ref in seen:
            raise ValueError(f"two transfers are named {ref!r}")
        seen.add(ref)
        if name(row["tx"], f"tx of {ref}") != tx or not transfers:
            done.add(tx)
            transfers += fees
            fees, tx, block = [], row["tx"], block + 1
            if tx in done:
                raise ValueError(f"the transfers of transaction {tx!r} do not stand together")
        moved, fee = _transfer(row, ref, Place(block, 0, place))
        transfers.append(moved)
        if fee is not None:
            fees.append(fee)
    return (*transfers, *fees)


def _transfer(row: Json, ref: str, place: Place) -> tuple[Transfer, Transfer | None]:
    time, tx = number(row.get("time", 0), f"time of {ref}", least=-(2**40)), row["tx"]
    sender, receiver = (None if row[end] is None else name(row[end], f"{end} of {ref}") for end in ("from", "to"))
    if sender is None and receiver is None:
        raise ValueError(f"transfer {ref!r} goes from nowhere to nowhere")
    asset = text(row["asset"], f"asset of {ref}")
    failed = switch(row.get("fail", False), f"fail of {ref}")
    kind = Kind.MINT if sender is None else Kind.BURN if receiver is None else Kind.VALUE
    moved = Transfer(ref, tx, place, time, sender, receiver, asset, units(row["value"], f"value of {ref}"), kind, failed)
    paid = units(row.get("fee", 0), f"fee of {ref}")
    if not paid:
        return moved, None
    payer = row.get("fee_payer", sender)
    if payer is None:
        raise ValueError(f"nobody pays the fee of {ref!r}: give fee_payer")
    asset = text(row.get("fee_asset", asset), f"fee_asset of {ref}")
    last = place._replace(index=LAST_INDEX)
    return moved, Transfer(f"{ref}/fee", tx, last, time, name(payer, f"fee_payer of {ref}"), None, asset, paid, Kind.FEE)


def read_txs(ledger: Sequence[Any]) -> tuple[UtxoTx, ...]:
    """Transactions in the order given; amount and address of an input are those of the output it spends."""
    made: dict[Coin, Output] = {}
    named = {name(table(entry, "a transaction")["id"], "id of a transaction") for entry in ledger}
    if len(named) < len(ledger):
        raise ValueError("two transactions have the same id")
    spent: set[Coin] = set()
    txs = []
    for place, row in enumerate(ledger):
        tx = row["id"]
        unknown = row["in"] == "unknown"
        coins = [] if unknown else [Coin(*coin(given, f"input of {tx}")) for given in rows(row["in"], f"in of {tx}")]
        for given in coins:
            if given in spent:
                raise ValueError(f"coin {given} is spent twice")
            if given not in made and given.tx in named:
                raise ValueError(f"{tx} spends {given}, which no earlier transaction has made")
            spent.add(given)
        outputs = tuple(_output(table(out, f"output of {tx}"), tx) for out in rows(row["out"], f"out of {tx}"))
        inputs = tuple(Spend(c, made[c].address, made[c].amount) if c in made else Spend(c, None, None) for c in coins)
        txs.append(
            UtxoTx(
                tx,
                Place(number(row.get("block", 0), f"block of {tx}"), place, 0),
                number(row.get("time", 0), f"time of {tx}", least=-(2**40)),
                inputs,
                outputs,
                coinbase=not unknown and not coins,
                unknown_inputs=unknown,
                pool=text(row.get("pool", ""), f"pool of {tx}"),
                joint=switch(row.get("joint", False), f"joint of {tx}"),
            )
        )
        lacking = sum(out.amount for out in outputs) - sum(spend.amount or 0 for spend in inputs)
        if inputs and txs[-1].complete and lacking > 0:
            raise ValueError(f"{tx} pays out {lacking} more than its inputs hold")
        made.update({Coin(tx, n): output for n, output in enumerate(outputs)})
    return tuple(txs)


def _output(out: Json, tx: str) -> Output:
    return Output(name(out["address"], f"address of an output of {tx}"), units(out["value"], f"value of an output of {tx}"))
