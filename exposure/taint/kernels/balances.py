"""Which pots spend more than they are known to hold: a pass that only moves balances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel
from exposure.taint.kernels.haircut import two_sum
from exposure.taint.kernels.layout import Transfers


@kernel
def fall_short(high: NDArray[np.float64], low: NDArray[np.float64], ledger: Transfers, short: NDArray[Any]) -> None:
    """Carry out transfers in order on balances of 106 bits; ``short`` is set for pots that had not enough."""
    for i in range(ledger.source.shape[0]):
        value, rest = ledger.amount[i], ledger.rest[i]
        if value <= 0.0:
            continue
        s, d = ledger.source[i], ledger.target[i]
        if ledger.origin[i] < 0:
            left, behind = two_sum(high[s], low[s], -value, -rest)
            if left + behind < 0.0:
                short[s] = True
                left, behind = 0.0, 0.0
            high[s], low[s] = left, behind
        if d >= 0:
            high[d], low[d] = two_sum(high[d], low[d], value, rest)
