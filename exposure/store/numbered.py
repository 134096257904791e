"""A ledger with dense numbers for its pots and coins, as memory-mapped columns: what compiled sweeps read.

One folder for each version and chain, under ``index`` in the store: made once by the query engine, out of core, then
reused. It appears whole or not at all. Indexes of versions that nobody reads go when a new one is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from exposure.model.assets import chain as chain_of
from exposure.model.ledger import Coin, Place, Spend, UtxoTx, in_spending_order
from exposure.store import query
from exposure.store.dedup import hash_name
from exposure.store.parts import disk_errors, part_path
from exposure.store.store import Store
from exposure.store.versions import READERS

INDEX = "index"
LOCK = "lock"
FORM = 1
"""Goes up whenever the columns change their meaning: older indexes are made anew."""
_ACCOUNT = {"source": "i4", "target": "i4", "low": "u8", "high": "u8", "block": "i8", "time": "i8", "tx": "u8", "fee": "u1"}
_UTXO = {
    "tx_no": "i4",
    "coin": "i4",
    "address": "i4",
    "amount": "i8",
    "flags": "u1",
    "tx": "u8",
    "n": "i4",
    "block": "i8",
    "time": "i8",
}


@dataclass(frozen=True, slots=True)
class Numbered:
    """A chain's ledger in canonical order.

    ``columns`` of an account chain, one row for each transfer that moves value between addresses: ``source`` and ``target``
    (pot, or -1), ``low`` and ``high`` (the amount's two 64-bit words), ``block``, ``time``, ``tx`` (hash of its name), ``fee``.
    Of a UTXO chain, one row for each input and then each output of a transaction: ``tx_no``, ``coin`` (-1: not stored),
    ``address`` (-1: unknown), ``amount`` (-1: unknown), ``flags`` (1: an output, else an input; 2: of a coinbase; 4: of a
    transaction of which not all inputs are known with their values), ``tx`` and ``n`` (of the coin), ``block``, ``time``.

    A pot is an (asset, address), numbered in sorted order; ``asset`` gives the place in ``assets`` of each.
    """

    folder: Path
    utxo: bool
    rows: int
    pots: int
    coins: int
    txs: int
    assets: tuple[str, ...]
    asset: NDArray[np.int32]
    columns: Mapping[str, NDArray[Any]]

    def names(self) -> Iterator[tuple[int, pa.Array, pa.Array]]:
        """(first pot, assets, addresses) in batches, in order of the pots."""
        first = 0
        with pq.ParquetFile(self.folder / "pots.parquet") as file:
            for batch in file.iter_batches(batch_size=1 << 18):
                yield first, batch.column("asset"), batch.column("address")
                first += batch.num_rows


@contextlib.contextmanager
def numbered(store: Store, chain: str) -> Iterator[Numbered]:
    """The numbered ledger of a chain, made if this version has none yet.

    Cost: making one sorts the ledger once and joins its addresses twice, within the query engine's memory limit; on disk
    it takes 49 bytes a transfer. Where the store cannot be written to, it is made in a temporary folder that goes afterwards.

    Raises
    ------
    StoreError
        If the disk is full or the ledger cannot be read; then no index is left behind.
    """
    root = store.path / INDEX
    temporary: Path | None = None
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        if not os.access(root, os.W_OK):
            raise PermissionError
    except OSError:
        temporary = root = Path(tempfile.mkdtemp(prefix="exposure-"))
    try:
        place = root / f"{store.version}-{chain.replace(os.sep, '_')}"
        found = _opened(place)
        if found is None:
            with _alone(store.path, root):
                found = _opened(place)  # somebody else may have made it meanwhile
                if found is None:
                    _make(store, chain, root, place)
                    found = _opened(place)
        assert found is not None
        yield found
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def hashes(store: Store, names: Sequence[str]) -> list[int]:
    """The numbers under which transactions of these names stand in an index."""
    if not names:
        return []
    with _engine(store.path, Path(tempfile.gettempdir())) as engine:
        return [int(str(query.rows(engine, "select hash($name)", {"name": name})[0][0])) for name in names]


def _opened(place: Path) -> Numbered | None:
    """An index that is there, of this form and hash function, with files of the right length; else None."""
    try:
        said = json.loads((place / "manifest.json").read_text())
        types = _UTXO if said["utxo"] else _ACCOUNT
        columns = {name: _mapped(place / f"{name}.bin", kind, said["rows"]) for name, kind in types.items()}
        asset = _mapped(place / "asset.bin", "i4", said["pots"])
        with _engine(place, place) as engine:
            if said["form"] != FORM or said["hash"] != hash_name(engine):
                return None
    except (OSError, ValueError, KeyError):
        return None
    sizes = (said["rows"], said["pots"], said["coins"], said["txs"])
    return Numbered(place, said["utxo"], *sizes, tuple(said["assets"]), asset, columns)


def _mapped(path: Path, kind: str, length: int) -> NDArray[Any]:
    if path.stat().st_size != length * np.dtype(kind).itemsize:
        raise ValueError(f"{path} has another length than its manifest says")
    return np.memmap(path, kind, "r") if length else np.empty(0, kind)


@contextlib.contextmanager
def _engine(folder: Path, spill: Path) -> Iterator[query.Engine]:
    engine = query.connect(folder, spill)
    try:
        yield engine
    finally:
        engine.close()


@contextlib.contextmanager
def _alone(folder: Path, root: Path) -> Iterator[None]:
    """One process at a time makes indexes in a store; the others wait for it."""
    with disk_errors(folder):
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_read(folder: Path, version: str) -> bool:
    """Whether some process has a version of the store open."""
    try:
        handle = os.open(folder / READERS / version, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _make(store: Store, chain: str, root: Path, place: Path) -> None:
    """Make an index beside its place, then give it its name; what is older, and what killed makers left, goes."""
    with disk_errors(store.path):
        for old in root.iterdir():
            version = old.name.partition("-")[0]
            if old.is_dir() and (old.suffix == ".part" or old == place or not _is_read(store.path, version)):
                shutil.rmtree(old, ignore_errors=True)
        part = root / f"{place.name}.{secrets.token_hex(4)}.part"
        (part / "spill").mkdir(mode=0o700, parents=True)
        part.chmod(0o700)
        try:
            utxo = chain_of(chain).ledger == "utxo"
            with _engine(store.path, part / "spill") as engine:
                _fill(store, chain, engine, part, utxo=utxo)
            shutil.rmtree(part / "spill", ignore_errors=True)
            for file in part.iterdir():
                _settle(file)
            part.replace(place)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _settle(file: Path) -> None:
    file.chmod(0o600)
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _files(store: Store, table: str, chain: str) -> list[str]:
    return [str(part_path(store.path, part)) for part in store.parts(table, chain)]


_MOVES = "read_parquet($files) where status <> 'failed' and amount > 0 and sender is distinct from receiver"


def _fill(store: Store, chain: str, engine: query.Engine, part: Path, *, utxo: bool) -> None:
    coins = txs = 0
    parameters: dict[str, query.Value] = {}
    if utxo:
        sql, coins, txs = _flows(store, chain, engine)
        columns = _UTXO
    else:
        parameters, columns = {"files": _files(store, "transfers", chain)}, _ACCOUNT
        query.run(
            engine,
            "create temp table pots as select asset, address, (row_number() over (order by asset, address) - 1)::int as pot "
            f"from (select asset, sender as address from {_MOVES} and sender is not null "
            f"union select asset, receiver from {_MOVES} and receiver is not null)",
            parameters,
        )
        sql = (
            "select coalesce(s.pot, -1) as source, coalesce(r.pot, -1) as target, t.amount, t.block, t.time, hash(t.tx) as tx, "
            f"(t.kind = 'fee')::utinyint as fee from (select * from {_MOVES}) as t "
            "left join pots as s on s.asset = t.asset and s.address = t.sender "
            "left join pots as r on r.asset = t.asset and r.address = t.receiver "
            'order by t.block, t.tx_index, t."index", t.tx, t.ordinal, t.asset'
        )
    assets = [str(row[0]) for row in query.rows(engine, "select distinct asset from pots order by 1")]
    pots = _write_pots(engine, part, assets)
    rows = _write_columns(query.stream(engine, sql, parameters), part, columns)
    said = {"form": FORM, "utxo": utxo, "rows": rows, "pots": pots, "coins": coins, "txs": txs, "assets": assets}
    (part / "manifest.json").write_text(json.dumps({**said, "hash": hash_name(engine)}))


def _write_pots(engine: query.Engine, part: Path, assets: list[str]) -> int:
    schema = pa.schema([("asset", pa.string()), ("address", pa.string())])
    place, count = pa.array(assets, pa.string()), 0
    with pq.ParquetWriter(part / "pots.parquet", schema) as writer, (part / "asset.bin").open("wb") as numbers:
        for batch in query.stream(engine, "select asset, address from pots order by pot"):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            found = pc.index_in(batch.column("asset"), place).to_numpy(zero_copy_only=False)
            numbers.write(found.astype("i4").tobytes())
            count += batch.num_rows
    return count


def _write_columns(batches: Iterator[pa.RecordBatch], part: Path, columns: Mapping[str, str]) -> int:
    count = 0
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((part / f"{name}.bin").open("wb")) for name in columns}
        for batch in batches:
            found = {name: batch.column(name) for name in batch.schema.names}
            arrays = {name: column.to_numpy(zero_copy_only=False) for name, column in found.items() if name in columns}
            if "low" in columns:
                amount = found["amount"]
                words = np.frombuffer(amount.buffers()[1], "u8")[2 * amount.offset : 2 * (amount.offset + len(amount))]
                arrays |= {"low": words[0::2], "high": words[1::2]}
            for name, kind in columns.items():
                files[name].write(np.ascontiguousarray(arrays[name], kind).tobytes())
            count += batch.num_rows
    return count


def _flows(store: Store, chain: str, engine: query.Engine) -> tuple[str, int, int]:
    """Make the tables of a UTXO chain; the query of its flows, number of coins, number of transactions."""
    native = f"{chain}/native"
    outputs, inputs = _files(store, "outputs", chain), _files(store, "inputs", chain)
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
            "coalesce(i.address, o.address) as address, coalesce(i.amount::bigint, o.amount) as amount, o.coin "
            "from read_parquet($files) as i left join coins as o on o.tx = i.spent_tx and o.n = i.spent_n",
            {"files": inputs},
        )
    else:
        query.run(
            engine,
            "create temp table spends (tx varchar, n int, block bigint, tx_index int, time bigint, spent_tx varchar, "
            "spent_n int, address varchar, amount bigint, coin int)",
        )
    query.run(
        engine,
        "create temp table pots as select $native as asset, address, (row_number() over (order by address) - 1)::int as pot "
        "from (select address from coins union select address from spends where address is not null)",
        {"native": native},
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
    sql = (
        "select tx_no, coin, address, amount, flags, tx, n, block, time from ("
        "select t.tx_no, coalesce(i.coin, -1) as coin, coalesce(p.pot, -1) as address, coalesce(i.amount, -1) as amount, "
        "t.flags::utinyint as flags, hash(i.spent_tx) as tx, i.spent_n as n, i.block, i.time, i.n as place "
        "from spends as i join txs as t using (block, tx_index, tx) left join pots as p on p.address = i.address "
        "union all "
        "select t.tx_no, o.coin, coalesce(p.pot, -1), o.amount, (t.flags + 1)::utinyint, hash(o.tx), o.n, o.block, o.time, o.n "
        "from coins as o join txs as t using (block, tx_index, tx) left join pots as p on p.address = o.address"
        ") order by tx_no, flags & 1, place"
    )
    coins = query.number(engine, "select count(*) from coins")
    return sql, coins, query.number(engine, "select count(*) from txs")


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
