"""What higher layers ask of lower ones. Tracing sees a history, never the store: behind it lies a store, or fetching."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exposure.model.ledger import Coin, Incomplete, Transfer, UtxoTx


class AccountHistory(Protocol):
    """Histories of account chains, bounded by the as-of place of whoever made the object."""

    def movements(self, address: str, asset: str) -> Sequence[Transfer]:
        """Every stored transfer and fee of ``asset`` from or to ``address``, in canonical order, failed ones left out."""
        ...

    def transaction(self, tx: str) -> Sequence[Transfer]:
        """Every stored transfer of a transaction in canonical order, its fee last; empty if the store has none."""
        ...

    def assets(self, address: str) -> Sequence[str]:
        """Ids of the assets that ever moved from or to an address, sorted."""
        ...

    def incomplete(self, address: str, asset: str) -> Incomplete | None:
        """None if coverage declares the pot complete; else how it is incomplete and why."""
        ...


class UtxoHistory(Protocol):
    """Histories of UTXO chains, bounded by the as-of place of whoever made the object."""

    def transaction(self, tx: str) -> UtxoTx | None:
        """A transaction with the amount and address of each known input; None if the store has not got it."""
        ...

    def spender(self, coin: Coin) -> str | None:
        """Hash of the transaction that spends a coin, or None if it is unspent (as far as stored)."""
        ...

    def coins(self, address: str) -> Sequence[Coin]:
        """Every stored output to an address, in canonical order."""
        ...

    def incomplete(self, address: str) -> str | None:
        """None if coverage declares that all outputs to and spends from an address are stored; else the reason."""
        ...
