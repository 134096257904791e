"""A UTXO chain as columns: its coins, spends and transactions numbered by the query engine, out of core."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from exposure.model.ledger import Coin, Place, Spend, UtxoTx, in_spending_order
from exposure.store import query
from exposure.store.numbering.columns import Columns, Facts, write_pots
from exposure.store.numbering.names import Names, texts

Advance = Callable[[int, int], None]
COLUMNS = ("tx_no", "coin", "address", "amount", "flags", "tx", "n")


def number_coins(
    native: str, outputs: Sequence[str], inputs: Sequence[str], engine: query.Engine, into: Path, advance: Advance
) -> Facts:
    """Number the coins of a chain; write columns, names and pots into a folder. ``outputs``, ``inputs``: paths of parts."""
    sql = _flows(engine, list(outputs), list(inputs))
    coins, txs = (query.number(engine, f"select count(*) from {table}") for table in ("coins", "txs"))
    total = coins + query.number(engine, "select count(*) from spends")
    names = Names()
    for batch in query.stream(engine, "select address from pots order by pot"):
        none = texts(pa.nulls(batch.num_rows, pa.string()))
        names.ends(texts(batch.column("address")), none, np.ones(batch.num_rows, np.bool_))
    with Columns(into, COLUMNS) as columns:
        for batch in query.stream(engine, sql):
            found = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
            columns.add(found, *(batch.column(name).to_numpy(zero_copy_only=False) for name in ("block", "time")))
            advance(columns.rows, total)
    names.write(into)
    one = names.count
    write_pots(into, np.arange(one, dtype=np.int32), np.zeros(one, np.int32), one)
    return Facts(
        utxo=True,
        rows=columns.rows,
        stretches=columns.stretches,
        pots=one,
        names=one,
        coins=coins,
        txs=txs,
        assets=(native,) if one else (),
        wide=False,
        key=int(names.key),
    )


def _flows(engine: query.Engine, outputs: list[str], inputs: list[str]) -> str:
    """Make the tables of a UTXO chain; the query of its flows."""
    if outputs:
        query.run(
            engine,
            "create temp table coins as select tx, n, block, tx_index, time, address, amount::bigint as amount, coinbase, "
            "(row_number() over (order by block, tx_index, tx, n) - 1)::int as coin from read_parquet($files)",
            {"files": outputs},
        )
    else:
        query.run(
            engine,
            "create temp table coins (tx varchar, n int, block bigint, tx_index int, time bigint, address varchar, "
            "amount bigint, coinbase bool, coin int)",
        )
    if inputs:
        query.run(
            engine,
            "create temp table spends as select i.tx, i.n, i.block, i.tx_index, i.time, i.spent_tx, i.spent_n, "
            # What an input is said to bring gives way to the coin itself, as in a history.
            "case when o.tx is null then i.address else o.address end as address, "
            "coalesce(o.amount, i.amount::bigint) as amount, o.coin "
            "from read_parquet($files) as i left join coins as o on o.tx = i.spent_tx and o.n = i.spent_n",
            {"files": inputs},
        )
    else:
        query.run(
            engine,
            "create temp table spends (tx varchar, n int, block bigint, tx_index int, time bigint, spent_tx varchar, "
            "spent_n int, address varchar, amount bigint, coin int)",
        )
    # Addresses that receive coins in the order of their first one; behind them those of which only spent coins are known.
    query.run(
        engine,
        "create temp table pots as select address, (row_number() over (order by first, address) - 1)::int as pot from ("
        "select address, min(coin) as first from (select address, coin from coins union all "
        "select address, 2147483647 from spends where address is not null) group by address)",
    )
    # A gap among the inputs, none where there must be some, a value that nobody states, or more out than in.
    query.run(
        engine,
        "create temp table txs as select block, tx_index, tx, "
        "(row_number() over (order by block, tx_index, tx) - 1)::int as tx_no, "
        "case when coalesce(b.coinbase, false) then 2 else 0 end + case when coalesce(b.coinbase, false) then 0 "
        "when a.c is null or a.m + 1 <> a.c or a.k <> a.c or a.s < coalesce(b.paid, 0) then 4 else 0 end as flags "
        "from (select block, tx_index, tx, count(*) as c, max(n) as m, count(amount) as k, sum(amount) as s "
        "from spends group by all) as a full join "
        "(select block, tx_index, tx, sum(amount) as paid, bool_or(coinbase) as coinbase from coins group by all) as b "
        "using (block, tx_index, tx)",
    )
    _parents_first(engine)
    return (
        "select tx_no, coin, address, amount, flags, tx, n, block, time from ("
        "select t.tx_no, coalesce(i.coin, -1) as coin, coalesce(p.pot, -1) as address, coalesce(i.amount, -1) as amount, "
        "t.flags::utinyint as flags, hash(i.spent_tx) as tx, i.spent_n as n, i.block, i.time, i.n as place "
        "from spends as i join txs as t using (block, tx_index, tx) left join pots as p on p.address = i.address "
        "union all "
        "select t.tx_no, o.coin, coalesce(p.pot, -1), o.amount, (t.flags + 1)::utinyint, hash(o.tx), o.n, o.block, o.time, o.n "
        "from coins as o join txs as t using (block, tx_index, tx) left join pots as p on p.address = o.address"
        ") order by tx_no, flags & 1, place"
    )


def _parents_first(engine: query.Engine) -> None:
    """Where a source gave no places within a block, a spender may stand before its parent: number such blocks anew."""
    pairs = (
        "from spends as i join txs as child using (block, tx_index, tx) join coins as o on o.coin = i.coin "
        "join txs as parent on parent.tx = o.tx and parent.block = i.block"
    )
    wrong = query.rows(engine, f"select distinct child.block {pairs} where parent.tx_no > child.tx_no")
    for (block,) in wrong:
        places = query.rows(engine, "select tx_no, tx from txs where block = $block order by tx_no", {"block": int(str(block))})
        parents: dict[str, list[Spend]] = defaultdict(list)
        found = query.rows(engine, f"select child.tx, o.tx, o.n {pairs} where i.block = $block", {"block": int(str(block))})
        for child, parent, n in found:
            parents[str(child)].append(Spend(Coin(str(parent), int(str(n))), None, None))
        numbers = [int(str(number)) for number, _ in places]
        txs = [UtxoTx(str(tx), Place(0, number, 0), 0, tuple(parents[str(tx)]), ()) for number, (_, tx) in enumerate(places)]
        for number, tx in zip(numbers, in_spending_order(txs), strict=True):
            query.run(
                engine,
                "update txs set tx_no = $number where block = $block and tx = $tx",
                {"number": number, "block": int(str(block)), "tx": tx.tx},
            )
