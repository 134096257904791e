"""Histories of one version of a store, up to a block: what tracing sees (`exposure.model.ports`)."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import reduce
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from exposure.errors import InputError
from exposure.model.ledger import Coin, Incomplete, Kind, Status, Transfer, UtxoTx
from exposure.store import coverage, decode
from exposure.store.lookup import Value, block_at, integers
from exposure.store.store import Store

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CACHE_ROWS = 200_000
"""Rows of decoded answers that one history keeps."""

_MAIN = ("transfers", "outputs")
_OTHERS = ("end", "asset", "block", "other", "incoming", "amount", "kind", "status")
_MOST = 10**38 - 1
"""No amount of a store is larger."""


def as_of_block(store: Store, chain: str, *, block: int | None = None, time: int | None = None) -> int:
    """The last block of a question.

    Parameters
    ----------
    store : Store
        The store.
    chain : str
        Chain name.
    block : int, optional
        Highest block to be seen (the unix second, for a ledger without blocks).
    time : int, optional
        Unix second: the last block that has a row at or before it. Together with ``block`` the earlier one counts.

    Returns
    -------
    int
        Never above the last stored block.

    Raises
    ------
    InputError
        If the store has nothing of the chain up to then.
    """
    last = store.last_block(chain)
    if last is None:
        raise InputError(f"the store {store.path} holds nothing of {chain}: {_held(store)}")
    bounds = [last] if block is None else [last, block]
    if time is not None:
        found = [block_at(store.path, store.parts(layout, chain), time) for layout in _MAIN]
        bounds.append(max((bound for bound in found if bound is not None), default=-1))
    if min(bounds) < 0:
        raise InputError(f"the store {store.path} holds nothing of {chain} up to then; its last block is {last:,}")
    return min(bounds)


class StoredAccountHistory:
    """`AccountHistory` of one chain of a store, up to a block, at the version that the store shows when this is made.

    Answers are kept while there is room.

    Parameters
    ----------
    store : Store
        Must stay open as long as this object is used.
    chain : str
        Chain name.
    as_of : int, optional
        Last block to be seen; see `as_of_block`.
    """

    def __init__(self, store: Store, chain: str, as_of: int | None = None) -> None:
        self.chain = chain
        self.as_of = as_of_block(store, chain, block=as_of)
        self._store = store
        self._version = store.version
        self._ends = store.lookup("transfers_by_end", chain)
        self._others = store.lookup("transfers_by_end", chain, _OTHERS)
        self._txs = store.lookup("transfers_by_tx", chain)
        self._blocks = store.lookup("transfers", chain, decode.TRANSFER_COLUMNS)
        self._movements: _Kept[tuple[str, str], tuple[Transfer, ...]] = _Kept()

    def movements(self, address: str, asset: str) -> Sequence[Transfer]:
        """See `AccountHistory.movements`."""
        key = (address, asset)
        found = self._movements.get(key)
        if found is None:
            rows = self._seen(self._ends.rows(address))
            rows = rows.filter(pc.and_(pc.equal(rows["asset"], asset), pc.not_equal(rows["status"], "failed")))
            found = tuple(decode.movements(rows))
            self._movements.put(key, found, len(found))
        return found

    def transaction(self, tx: str) -> Sequence[Transfer]:
        """See `AccountHistory.transaction`."""
        found: list[Transfer] = []
        for block in sorted(set(self._txs.rows(tx)["block"].to_pylist())):
            if block <= self.as_of:
                rows = self._blocks.rows(block)
                found += decode.transfers(rows.filter(pc.equal(rows["tx"], tx)))
        return found

    def assets(self, address: str) -> Sequence[str]:
        """See `AccountHistory.assets`."""
        return sorted(pc.unique(self._seen(self._ends.rows(address))["asset"]).to_pylist())

    def incomplete(self, address: str, asset: str) -> Incomplete | None:
        """See `AccountHistory.incomplete`."""
        rows = coverage.declared(self._store.connection, self._version, self.chain, address, asset)
        return coverage.gap(rows, address, asset, self.as_of)

    def counterparties(self, address: str, asset: str, above: int) -> tuple[list[str], dict[str, int]]:
        """Who paid an address more than ``above`` at a time, and how much each got whom it paid so; fees are left out.

        Cost: by columns, so that an address with a million movements takes a second, and no memory for rows as values.
        """
        rows = self._seen(self._others.rows(address))
        counts = [
            pc.equal(rows["asset"], asset),
            pc.not_equal(rows["status"], Status.FAILED.value),
            pc.not_equal(rows["kind"], Kind.FEE.value),
            pc.not_equal(rows["other"], address),  # nobody, where value was minted or burned: null, which is no match
            pc.greater(rows["amount"], pa.scalar(min(above, _MOST), rows["amount"].type)),
        ]
        rows = rows.filter(reduce(pc.and_, counts))
        payers = pc.unique(rows["other"].filter(rows["incoming"])).to_pylist()
        sent = rows.filter(pc.invert(rows["incoming"]))
        paid: dict[str, int] = defaultdict(int)
        for receiver, amount in zip(sent["other"].to_pylist(), integers(sent["amount"]), strict=True):
            paid[receiver] += amount
        return payers, paid

    def deposits(self, address: str, asset: str | None = None) -> list[Transfer]:
        """Transfers of positive value into an address from elsewhere, in canonical order; of one asset, if given."""
        assets = self.assets(address) if asset is None else [asset]
        found = [
            row
            for name in assets
            for row in self.movements(address, name)
            if row.receiver == address and row.sender != address and row.amount > 0 and row.kind is not Kind.FEE
        ]
        return sorted(found, key=lambda row: (row.place, row.tx, row.ref))

    def _seen(self, rows: pa.Table) -> pa.Table:
        return rows.filter(pc.less_equal(rows["block"], self.as_of))


class StoredUtxoHistory:
    """`UtxoHistory` of one chain of a store, up to a block, at the version that the store shows when this is made.

    Answers are kept while there is room.

    Parameters
    ----------
    store : Store
        Must stay open as long as this object is used.
    chain : str
        Chain name.
    as_of : int, optional
        Last block to be seen; see `as_of_block`.
    """

    def __init__(self, store: Store, chain: str, as_of: int | None = None) -> None:
        self.chain = chain
        self.as_of = as_of_block(store, chain, block=as_of)
        self._store = store
        self._version = store.version
        self._outputs = store.lookup("outputs_by_tx", chain)
        self._inputs = store.lookup("inputs_by_tx", chain)
        self._spenders = store.lookup("inputs_by_coin", chain)
        self._addresses = store.lookup("outputs_by_address", chain)
        self._received: _Kept[str, list[decode.OutputRow]] = _Kept()
        self._transactions: _Kept[str, UtxoTx] = _Kept()

    def transaction(self, tx: str) -> UtxoTx | None:
        """See `UtxoHistory.transaction`."""
        found = self._transactions.get(tx)
        if found is None:
            received = self._outputs_of(tx)
            spent = [row for row in decode.inputs(self._inputs.rows(tx)) if row.block <= self.as_of]
            if not received and not spent:
                return None
            found = decode.utxo_tx(received, [self._resolved(row) for row in spent])
            self._transactions.put(tx, found, len(found.inputs) + len(found.outputs))
        return found

    def spender(self, coin: Coin) -> str | None:
        """See `UtxoHistory.spender`."""
        rows = self._spenders.rows(coin.tx)
        rows = rows.filter(pc.and_(pc.equal(rows["spent_n"], coin.n), pc.less_equal(rows["block"], self.as_of)))
        return str(rows["tx"][0].as_py()) if rows.num_rows else None

    def coins(self, address: str) -> Sequence[Coin]:
        """See `UtxoHistory.coins`."""
        rows = self._to(address)
        return list(map(Coin, rows["tx"].to_pylist(), rows["n"].to_pylist()))

    def incomplete(self, address: str) -> str | None:
        """See `UtxoHistory.incomplete`."""
        rows = coverage.declared(self._store.connection, self._version, self.chain, address, coverage.ANY)
        found = coverage.gap(rows, address, coverage.ANY, self.as_of)
        return None if found is None else found.reason

    def deposits(self, address: str) -> list[tuple[Coin, int, int]]:
        """Outputs to an address as (coin, unix time, amount), in canonical order."""
        rows = self._to(address)
        return [
            (Coin(tx, n), time, int(amount))
            for tx, n, time, amount in zip(*(rows[name].to_pylist() for name in ("tx", "n", "time", "amount")), strict=True)
        ]

    def _to(self, address: str) -> pa.Table:
        rows = self._addresses.rows(address)
        return rows.filter(pc.less_equal(rows["block"], self.as_of))

    def _outputs_of(self, tx: str) -> list[decode.OutputRow]:
        found = self._received.get(tx)
        if found is None:
            found = [row for row in decode.outputs(self._outputs.rows(tx)) if row.block <= self.as_of]
            self._received.put(tx, found, len(found))
        return found

    def _resolved(self, row: decode.InputRow) -> decode.InputRow:
        """The input with what its parent's output says, where that is stored.

        An input only repeats it, and its transaction's hash does not cover the repetition: a server may say anything there.
        """
        outputs = self._outputs_of(row.spent_tx)
        whole = row.spent_n < len(outputs) and outputs[row.spent_n].n == row.spent_n
        parent = outputs[row.spent_n] if whole else next((output for output in outputs if output.n == row.spent_n), None)
        return row if parent is None else row._replace(address=parent.address, amount=parent.amount)


def find_tx(store: Store, tx: str) -> list[str]:
    """Chains that hold rows of a transaction, sorted."""
    return _chains_with(store, ("transfers_by_tx", "outputs_by_tx", "inputs_by_tx"), tx)


def holds(store: Store, address: str) -> dict[str, list[str]]:
    """Chains on which an address occurs, with the ids of its assets there, sorted; empty if it occurs nowhere."""
    found: dict[str, list[str]] = {}
    for chain in store.chains():
        rows = store.lookup("transfers_by_end", chain).rows(address)
        if rows.num_rows:
            found[chain] = sorted(pc.unique(rows["asset"]).to_pylist())
    for chain in _chains_with(store, ("outputs_by_address",), address):
        found[chain] = [f"{chain}/native"]
    return dict(sorted(found.items()))


def _chains_with(store: Store, layouts: Iterable[str], value: Value) -> list[str]:
    return sorted({chain for chain in store.chains() for layout in layouts if store.lookup(layout, chain).rows(value).num_rows})


def _held(store: Store) -> str:
    chains = store.chains()
    return f"it has {', '.join(chains)}" if chains else "it is empty; import something first"


class _Kept(Generic[K, V]):
    """Answers, the least recently used thrown out first; counted in rows, since one address may have a million."""

    def __init__(self) -> None:
        self._answers: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._rows = 0

    def get(self, key: K) -> V | None:
        if key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key][0]

    def put(self, key: K, answer: V, rows: int) -> None:
        self._answers[key] = (answer, rows + 1)
        self._rows += rows + 1
        while self._rows > CACHE_ROWS and len(self._answers) > 1:
            _, (_, dropped) = self._answers.popitem(last=False)
            self._rows -= dropped
