"""An account chain as columns: one pass over its transfers in canonical order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.model.ledger import Kind, Status
from exposure.store import query
from exposure.store.numbering import kernels
from exposure.store.numbering.columns import Columns, Facts, write_pots
from exposure.store.numbering.names import Names, Pots, texts
from exposure.store.numbering.rows import rows
from exposure.store.parts import Part

Advance = Callable[[int, int], None]
READ = ("asset", "sender", "receiver", "amount", "block", "time", "tx", "kind", "status")
CODED = ("asset", "kind", "status")


def number_accounts(folder: Path, parts: list[Part], engine: query.Engine, into: Path, advance: Advance) -> Facts:
    """Number the transfers of a chain that move value; write columns, names and pots into a folder.

    Memory: the names, 20 bytes beside each, and 12 a pot; nothing grows with the number of transfers.
    """
    names, pots, assets = Names(), Pots(), dict[str, int]()
    total, done = sum(part.rows for part in parts), 0
    with contextlib.ExitStack() as stack:
        columns = stack.enter_context(Columns(into, ("source", "target", "low", "high", "tx", "fee")))
        source = stack.enter_context(contextlib.closing(rows(folder, "transfers", parts, READ, CODED, engine)))
        for batch in source:
            _add(batch, names, pots, assets, columns)
            done += batch.num_rows
            advance(done, total)
    names.write(into)
    order = sorted(assets)
    rank = np.empty(max(len(assets), 1), np.int32)
    for place, asset in enumerate(order):
        rank[assets[asset]] = place
    write_pots(into, pots.owner, rank[pots.asset], names.count)
    return Facts(
        utxo=False,
        rows=columns.rows,
        stretches=columns.stretches,
        pots=pots.count,
        names=names.count,
        coins=0,
        txs=0,
        assets=tuple(order),
        wide=columns.wide,
        key=int(names.key),
    )


def _add(batch: pa.RecordBatch, names: Names, pots: Pots, assets: dict[str, int], columns: Columns) -> None:
    amount = batch.column("amount")
    words = np.frombuffer(amount.buffers()[1], np.uint64)[2 * amount.offset : 2 * (amount.offset + len(amount))]
    low, high = words[0::2], words[1::2]
    live = ((low | high) != 0) & ~_is(batch.column("status"), Status.FAILED.value)
    ends = names.ends(texts(batch.column("sender")), texts(batch.column("receiver")), live)
    pots.number(ends, names.count, _codes(batch.column("asset"), assets), live)
    tx = np.empty(len(live), np.uint64)
    kernels.hash_texts(texts(batch.column("tx")), names.key, tx)
    found: dict[str, NDArray[Any]] = {
        "source": ends[:, 0],
        "target": ends[:, 1],
        "low": low,
        "high": high,
        "tx": tx,
        "fee": _is(batch.column("kind"), Kind.FEE.value),
    }
    moments = batch.column("block").to_numpy(), batch.column("time").to_numpy()
    columns.add({name: column[live] for name, column in found.items()}, moments[0][live], moments[1][live])


def _is(column: pa.Array, word: str) -> NDArray[np.bool_]:
    if isinstance(column, pa.DictionaryArray):
        same = np.array([value == word for value in column.dictionary.to_pylist()] or [False], np.bool_)
        return np.asarray(same[column.indices.to_numpy(zero_copy_only=False)], np.bool_)
    return np.asarray(pc.equal(column, word).to_numpy(zero_copy_only=False), np.bool_)


def _codes(column: pa.Array, known: dict[str, int]) -> NDArray[np.int64]:
    """Numbers of texts of which there are few different ones; new ones are added to ``known``."""
    coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    # Only what occurs: a dictionary may hold values of other rows.
    used = np.unique(coded.indices.to_numpy(zero_copy_only=False))
    numbers = np.zeros(max(len(coded.dictionary), 1), np.int64)
    for place in used.tolist():
        numbers[place] = known.setdefault(coded.dictionary[place].as_py(), len(known))
    return np.asarray(numbers[coded.indices.to_numpy(zero_copy_only=False)])
