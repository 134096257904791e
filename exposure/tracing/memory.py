"""Histories over rows held in memory: the same answers as a store gives, for frames, tests and case folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exposure.errors import InputError
from exposure.model.ledger import Coin, Incomplete, Kind, Place, Spend, Transfer, UtxoTx, in_spending_order

_UNDECLARED = "completeness of its history was never declared"


def order_of(transfer: Transfer) -> tuple[Place, str, str]:
    """Sort key of the canonical order; transaction and name decide only where a source gave no index."""
    return (transfer.place, transfer.tx, transfer.ref)


class MemoryAccountHistory:
    """`AccountHistory` over transfers in memory.

    Parameters
    ----------
    transfers
        Rows in any order. Failed ones are left out of histories, as a store leaves them out.
    incomplete
        Pots declared incomplete.
    whole
        Whether everything else is complete: the caller vouches that nothing else ever moved.
    as_of
        Last unix second to be seen; None sees all.

    Raises
    ------
    InputError
        If two rows share a ``ref``.
    """

    def __init__(
        self,
        transfers: Iterable[Transfer],
        *,
        incomplete: Iterable[Incomplete] = (),
        whole: bool = True,
        as_of: int | None = None,
    ) -> None:
        self.transfers = tuple(sorted((row for row in transfers if as_of is None or row.time <= as_of), key=order_of))
        self._pots: dict[tuple[str, str], list[Transfer]] = {}
        self._txs: dict[str, list[Transfer]] = {}
        self._incomplete = {(gap.address, gap.asset): gap for gap in incomplete}
        self._whole = whole
        seen: set[str] = set()
        for row in self.transfers:
            if row.ref in seen:
                raise InputError(f"two transfers are both named {row.ref!r}: give each row its own identity")
            seen.add(row.ref)
            self._txs.setdefault(row.tx, []).append(row)
            if row.failed and row.kind is not Kind.FEE:
                continue
            for address in {row.sender, row.receiver} - {None}:
                self._pots.setdefault((str(address), row.asset), []).append(row)

    def movements(self, address: str, asset: str) -> Sequence[Transfer]:
        """See `AccountHistory.movements`."""
        return self._pots.get((address, asset), ())

    def transaction(self, tx: str) -> Sequence[Transfer]:
        """See `AccountHistory.transaction`."""
        return self._txs.get(tx, ())

    def assets(self, address: str) -> Sequence[str]:
        """See `AccountHistory.assets`."""
        return sorted(asset for owner, asset in self._pots if owner == address)

    def incomplete(self, address: str, asset: str) -> Incomplete | None:
        """See `AccountHistory.incomplete`."""
        gap = self._incomplete.get((address, asset))
        if gap is None and not self._whole:
            return Incomplete(address, asset, reason=_UNDECLARED)
        return gap


class MemoryUtxoHistory:
    """`UtxoHistory` over transactions in memory.

    Amount and address of an input are filled in from the output it spends, where that transaction is given too.

    Raises
    ------
    InputError
        If a transaction is given twice, or two transactions spend one coin.
    """

    def __init__(
        self,
        txs: Iterable[UtxoTx],
        *,
        incomplete: Mapping[str, str] | None = None,
        whole: bool = True,
        as_of: int | None = None,
    ) -> None:
        rows = in_spending_order(tx for tx in txs if as_of is None or tx.time <= as_of)
        self._txs: dict[str, UtxoTx] = {}
        for tx in rows:
            if tx.tx in self._txs:
                raise InputError(f"transaction {tx.tx} is given twice")
            self._txs[tx.tx] = tx
        self._spender: dict[Coin, str] = {}
        self._coins: dict[str, list[Coin]] = {}
        self._incomplete = dict(incomplete or {})
        self._whole = whole
        for tx in rows:
            self._txs[tx.tx] = self._resolved(tx)
            for spend in tx.inputs:
                other = self._spender.setdefault(spend.coin, tx.tx)
                if other != tx.tx:
                    raise InputError(f"coin {spend.coin} is spent by {other} and by {tx.tx}: a coin is spent once")
            for n, output in enumerate(tx.outputs):
                self._coins.setdefault(output.address, []).append(Coin(tx.tx, n))
        self.txs = tuple(self._txs.values())

    def _resolved(self, tx: UtxoTx) -> UtxoTx:
        inputs = tuple(self._resolve(spend) for spend in tx.inputs)
        if inputs == tx.inputs:
            return tx
        return UtxoTx(tx.tx, tx.place, tx.time, inputs, tx.outputs, tx.coinbase, tx.unknown_inputs, tx.pool, tx.joint)

    def _resolve(self, spend: Spend) -> Spend:
        parent = self._txs.get(spend.coin.tx)
        if parent is None or not 0 <= spend.coin.n < len(parent.outputs):
            return spend
        output = parent.outputs[spend.coin.n]
        return Spend(spend.coin, output.address, output.amount)

    def transaction(self, tx: str) -> UtxoTx | None:
        """See `UtxoHistory.transaction`."""
        return self._txs.get(tx)

    def spender(self, coin: Coin) -> str | None:
        """See `UtxoHistory.spender`."""
        return self._spender.get(coin)

    def coins(self, address: str) -> Sequence[Coin]:
        """See `UtxoHistory.coins`."""
        return self._coins.get(address, ())

    def incomplete(self, address: str) -> str | None:
        """See `UtxoHistory.incomplete`."""
        if address in self._incomplete:
            return self._incomplete[address]
        return None if self._whole else _UNDECLARED
