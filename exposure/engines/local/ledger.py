"""A numbered ledger as the kernels go through it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local import account_moves


@dataclass(frozen=True, slots=True)
class Ledger:
    """A numbered ledger as `exposure.store.numbered` gives it, without where it lies."""

    utxo: bool
    pots: int
    coins: int
    txs: int
    asset: NDArray[np.int32]
    assets: int
    columns: Mapping[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        """Number of transfers, or of inputs and outputs."""
        return len(self.columns["time"])

    @property
    def tx(self) -> Any:
        """The number of each row's transaction."""
        return self.columns["tx_no" if self.utxo else "tx"]

    def chunks(self, start: int = 0) -> Iterator[slice]:
        """Slices that never cut a transaction, from row ``start`` on."""
        return account_moves.chunks(self.tx, start=start)

    def cuts(self, row: int) -> bool:
        """Whether the rows before ``row`` end within a transaction."""
        return 0 < row < self.rows and bool(self.tx[row - 1] == self.tx[row])
