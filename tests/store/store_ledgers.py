"""Ledgers for the store's tests: plain values, and the same as Arrow rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal

import pyarrow as pa

from exposure.model.ledger import LAST_INDEX, Coin, Kind, Output, Place, Spend, Transfer, UtxoTx
from exposure.model.schemas import TABLES, arrow_schema

ETH = "ethereum/native"
TOKEN = "ethereum/0x" + "a" * 40


def random_transfers(seed: int, count: int, addresses: int = 12) -> list[Transfer]:
    """A random account ledger: values, tokens, fees, mints, burns, failures, several rows a transaction."""
    draw = random.Random(seed)
    names = [f"0x{number:040x}" for number in range(1, addresses + 1)]
    rows: list[Transfer] = []
    for number in range(count):
        tx = f"0x{draw.getrandbits(256):064x}"
        block, tx_index = number // 3, number % 3
        time = 1_600_000_000 + 12 * block
        sender, receiver = draw.choice(names), draw.choice(names)
        failed = draw.random() < 0.1
        amount = draw.choice([0, 1, draw.randrange(10**6), draw.randrange(10**25)])

        def row(
            index: int, ordinal: str, source: str | None, target: str | None, asset: str, kind: Kind, units: int, bad: bool
        ) -> None:
            place = Place(block, tx_index, index)  # noqa: B023  # called at once, in this turn of the loop
            rows.append(Transfer(f"{tx}:{ordinal}", tx, place, time, source, target, asset, units, kind, bad))  # noqa: B023  # the same

        row(0, "value", sender, receiver, ETH, Kind.VALUE, amount, failed)
        if draw.random() < 0.3:
            row(1, "log:1", draw.choice([sender, None]), receiver, TOKEN, Kind.TOKEN, draw.randrange(1000), False)
        row(LAST_INDEX, "fee", sender, None, ETH, Kind.FEE, draw.randrange(1000), False)
    return rows


def transfer_rows(transfers: Sequence[Transfer], chain: str = "ethereum") -> pa.Table:
    """Transfers as rows of the table."""
    return _table(
        "transfers",
        [
            {
                "chain": chain,
                "asset": row.asset,
                "tx": row.tx,
                "block": row.place.block,
                "tx_index": row.place.tx_index,
                "index": row.place.index,
                "ordinal": row.ref.removeprefix(f"{row.tx}:"),
                "time": row.time,
                "sender": row.sender,
                "receiver": row.receiver,
                "amount": row.amount,
                "kind": row.kind.value,
                "status": "failed" if row.failed else "ok",
                "memo": None,
                "flags": row.flags,
                "source": "",
            }
            for row in transfers
        ],
    )


def random_coins(seed: int, blocks: int, addresses: int = 8) -> list[UtxoTx]:
    """A random UTXO ledger: a coinbase a block, spends of earlier coins, some of the same block."""
    draw = random.Random(seed)
    names = [f"1Address{number}" for number in range(addresses)]
    unspent: list[tuple[Coin, Output]] = []
    ledger: list[UtxoTx] = []
    for block in range(blocks):
        time = 1_300_000_000 + 600 * block
        txs = []
        for tx_index in range(1, draw.randrange(1, 4)):
            if not unspent:
                break
            spent = [unspent.pop(draw.randrange(len(unspent))) for _ in range(min(len(unspent), draw.randrange(1, 4)))]
            value = sum(output.amount for _, output in spent)
            parts = sorted(draw.randrange(value + 1) for _ in range(draw.randrange(1, 4)))
            outputs = tuple(
                Output(draw.choice(names), after - before) for before, after in zip([0, *parts], parts, strict=False)
            )
            inputs = tuple(Spend(coin, output.address, output.amount) for coin, output in spent)
            txs.append(UtxoTx(f"{draw.getrandbits(256):064x}", Place(block, tx_index, 0), time, inputs, outputs))
        coinbase = UtxoTx(
            f"{draw.getrandbits(256):064x}",
            Place(block, LAST_INDEX, 0),
            time,
            (),
            (Output(draw.choice(names), 50 * 10**8),),
            coinbase=True,
        )
        for tx in (*txs, coinbase):
            unspent += [(Coin(tx.tx, n), output) for n, output in enumerate(tx.outputs)]
        ledger += [*txs, coinbase]
    return ledger


def output_rows(txs: Sequence[UtxoTx], chain: str = "bitcoin") -> pa.Table:
    """Outputs of transactions as rows of the table; a coinbase as the first of its block, as a block has it."""
    return _table(
        "outputs",
        [
            {
                "chain": chain,
                "tx": tx.tx,
                "n": n,
                "block": tx.place.block,
                "tx_index": 0 if tx.coinbase else tx.place.tx_index,
                "time": tx.time,
                "address": output.address,
                "amount": output.amount,
                "script": "p2pkh",
                "coinbase": tx.coinbase,
                "flags": 0,
                "source": "",
            }
            for tx in txs
            for n, output in enumerate(tx.outputs)
        ],
    )


def input_rows(
    txs: Sequence[UtxoTx], chain: str = "bitcoin", stated: Callable[[Spend], bool] = lambda spend: False
) -> pa.Table:
    """Inputs of transactions as rows of the table; ``stated``: whether a row states its coin's address and amount."""
    return _table(
        "inputs",
        [
            {
                "chain": chain,
                "tx": tx.tx,
                "n": n,
                "block": tx.place.block,
                "tx_index": tx.place.tx_index,
                "time": tx.time,
                "spent_tx": spend.coin.tx,
                "spent_n": spend.coin.n,
                "address": spend.address if stated(spend) else None,
                "amount": spend.amount if stated(spend) else None,
                "flags": 0,
                "source": "",
            }
            for tx in txs
            for n, spend in enumerate(tx.inputs)
        ],
    )


def price_rows(rows: Sequence[tuple[str, int, str, float]]) -> pa.Table:
    """(asset, time, currency, price) as rows of the table."""
    return _table(
        "prices",
        [
            {"asset": asset, "time": time, "currency": currency, "price": price, "source": ""}
            for asset, time, currency, price in rows
        ],
    )


def shuffled(table: pa.Table, seed: int = 0) -> pa.Table:
    """The rows in another order."""
    order = list(range(table.num_rows))
    random.Random(seed).shuffle(order)
    return table.take(pa.array(order, pa.int64()))


def _table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    schema = arrow_schema(TABLES[name])
    decimal = [field.name for field in schema if pa.types.is_decimal(field.type)]
    for row in rows:
        for column in decimal:
            value = row[column]
            row[column] = None if value is None else _exact(value)
    return pa.Table.from_pylist(rows, schema=schema)


def _exact(value: object) -> object:
    return Decimal(str(value))
