"""What moved in and out of an address, summed over the stored rows: to be compared with the balance it is said to have."""

from __future__ import annotations

from exposure.model.assets import chain as chain_of
from exposure.store import query
from exposure.store.ledgers import query_engine
from exposure.store.parts import part_path
from exposure.store.store import Store


def net_flow(store: Store, chain: str, address: str, asset: str, first: int, last: int) -> int:
    """Received less sent by an address in the blocks ``first`` to ``last``, fees included, failed transfers left out.

    Exact, in base units. Cost: a look-up; for coins also one pass over the addresses of all stored inputs.
    """
    if chain_of(chain).ledger == "utxo":
        return _coins(store, chain, address, first, last)
    rows = store.lookup("transfers_by_end", chain).rows(address)
    total = 0
    columns = (rows.column(name).to_pylist() for name in ("asset", "block", "status", "incoming", "other", "amount"))
    for named, block, status, incoming, other, amount in zip(*columns, strict=True):
        if named == asset and first <= block <= last and status != "failed" and other != address:
            total += int(amount) if incoming else -int(amount)
    return total


def _coins(store: Store, chain: str, address: str, first: int, last: int) -> int:
    outputs, inputs = (
        [str(part_path(store.path, part)) for part in store.parts(name, chain)] for name in ("outputs", "inputs")
    )
    parameters: dict[str, query.Value] = {"address": address, "first": first, "last": last}
    with query_engine(store) as engine:
        received, spent = 0, 0
        query.run(engine, "create temp table coins (tx varchar, n int, amount decimal(38, 0), block bigint)")
        if outputs:
            query.run(
                engine,
                "insert into coins select tx, n, amount, block from read_parquet($files) where address = $address",
                {"files": outputs, "address": address},
            )
            received = _sum(
                engine, "select sum(amount) from coins where block between $first and $last", first=first, last=last
            )
        if inputs:
            # An input is the address's own by what its source says, or by the coin that it spends.
            spent = _sum(
                engine,
                "select sum(coalesce(i.amount, c.amount)) from read_parquet($files) as i left join coins as c "
                "on i.spent_tx = c.tx and i.spent_n = c.n where i.block between $first and $last "
                "and (i.address = $address or c.tx is not null)",
                files=inputs,
                **parameters,
            )
    return received - spent


def _sum(engine: query.Engine, sql: str, **parameters: query.Value) -> int:
    found = query.rows(engine, sql, parameters)[0][0]
    return 0 if found is None else int(str(found))
