"""Whole ledgers of a store in canonical order: for forward runs, and as Arrow batches for compiled ones."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from exposure.errors import InputError
from exposure.model.ledger import Transfer, UtxoTx, in_spending_order
from exposure.model.schemas import TABLES
from exposure.store import decode, query
from exposure.store.histories import as_of_block
from exposure.store.layouts import BY_NAME, order_by
from exposure.store.parts import part_path
from exposure.store.store import Store
from exposure.store.versions import SPILL


def transfers(store: Store, chain: str, as_of: int | None = None) -> Iterator[Transfer]:
    """Every transfer and fee of an account chain up to a block, in canonical order, failed ones marked as such.

    Streams: memory does not grow with the ledger. Parameters as in `exposure.store.histories`.
    """
    for batch in batches(store, "transfers", chain, as_of, columns=decode.TRANSFER_COLUMNS):
        yield from decode.transfers(batch)


def utxo_txs(store: Store, chain: str, as_of: int | None = None) -> Iterator[UtxoTx]:
    """Every transaction of a UTXO chain up to a block, in canonical order, inputs resolved where the store can.

    Streams: memory does not grow with the ledger. Parameters as in `exposure.store.histories`.
    """
    bound = as_of_block(store, chain, block=as_of)
    outputs = _paths(store, "outputs", chain)
    inputs = _paths(store, "inputs", chain)
    names = ", ".join(f'i."{name}"' for name in decode.INPUT_COLUMNS if name not in ("address", "amount"))
    parents = (
        "address, amount"
        if not outputs
        else "case when o.tx is null then i.address else o.address end as address, coalesce(o.amount, i.amount) as amount"
    )
    join = "left join read_parquet($outputs) as o on o.tx = i.spent_tx and o.n = i.spent_n" if outputs else ""
    spent = (
        f"select {names}, {parents} from read_parquet($inputs) as i {join} "
        "where i.block <= $bound order by i.block, i.tx_index, i.tx, i.n"
    )
    parameters: dict[str, query.Value] = {"inputs": inputs, "bound": bound}
    if outputs:
        parameters["outputs"] = outputs
    # Two engines: one connection streams one result at a time.
    with query_engine(store) as first, query_engine(store) as second:
        received = batches(store, "outputs", chain, as_of, columns=decode.OUTPUT_COLUMNS, engine=first)
        spends = query.stream(second, spent, parameters) if inputs else iter(())
        found = decode.utxo_txs(
            (row for batch in received for row in decode.outputs(batch)),
            (row for batch in spends for row in decode.inputs(batch)),
        )
        for _, block in groupby(found, key=lambda tx: tx.place.block):
            yield from in_spending_order(block)


def batches(
    store: Store,
    table: str,
    chain: str,
    as_of: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    engine: query.Engine | None = None,
) -> Iterator[pa.RecordBatch]:
    """Rows of ``transfers``, ``outputs`` or ``inputs`` of a chain up to a block, in canonical order, as Arrow batches.

    Parameters
    ----------
    store, chain, as_of
        As in `exposure.store.histories`.
    table : str
        Name of the table.
    columns : sequence of str, optional
        Columns of the table to read; all of them by default. Amounts are decimal128(38, 0).
    engine : optional
        A query engine to use; by default one is made for the length of the iteration.

    Raises
    ------
    InputError
        If the table or a column does not exist, or the store holds nothing of the chain.
    """
    if table not in ("transfers", "outputs", "inputs"):
        raise InputError(f"no ledger table {table!r}: use transfers, outputs or inputs")
    wanted = list(columns) if columns is not None else list(TABLES[table].names)
    unknown = [name for name in wanted if name not in TABLES[table].names]
    if unknown:
        raise InputError(f"table {table} has no column {', '.join(unknown)}; it has {', '.join(TABLES[table].names)}")
    bound = as_of_block(store, chain, block=as_of)
    paths = _paths(store, table, chain)
    if not paths:
        return
    names = ", ".join(f'"{name}"' for name in wanted)
    sql = f"select {names} from read_parquet($files) where block <= $bound {order_by(BY_NAME[table])}"
    with contextlib.ExitStack() as stack:
        own = engine if engine is not None else stack.enter_context(query_engine(store))
        yield from query.stream(own, sql, {"files": paths, "bound": bound})


@contextlib.contextmanager
def query_engine(store: Store) -> Iterator[query.Engine]:
    """A query engine with a folder of its own to spill to."""
    spill = _spill_folder(store.path)
    engine = query.connect(store.path, spill)
    try:
        yield engine
    finally:
        engine.close()
        shutil.rmtree(spill, ignore_errors=True)


def _spill_folder(folder: Path) -> Path:
    # A reader's temporary files must not lie where a writer sweeps.
    try:
        spill = folder / SPILL / secrets.token_hex(8)
        spill.parent.mkdir(mode=0o700, exist_ok=True)
        spill.mkdir(mode=0o700)
    except OSError:
        # A store on a read-only disk is read all the same.
        return Path(tempfile.mkdtemp(prefix="exposure-"))
    return spill


def _paths(store: Store, table: str, chain: str) -> list[str]:
    return [str(part_path(store.path, part)) for part in store.parts(table, chain)]
