"""Passes over balances and receipts alone: which pots spend more than they hold, what wanted pots received in all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from exposure.taint.kernels.compiled import kernel, prefetch
from exposure.taint.kernels.haircut import AHEAD, two_sum
from exposure.taint.kernels.layout import Transfers

POT = np.dtype([("balance", "f8"), ("rest", "f8"), ("code", "i4"), ("short", "i4")], align=True)
"""What `fall_short` keeps of a pot: its balance, its role (`layout.role_codes`), and whether it fell short."""
LIMB = np.uint64(0xFFFF_FFFF)
SHIFT = np.uint64(32)


@kernel
def fall_short(pots: Any, ledger: Transfers) -> None:
    """Carry out transfers in order on balances of 106 bits; ``short`` is set for pots that had not enough."""
    source, target = ledger.source, ledger.target
    has_rest, has_origin = ledger.rest.shape[0] > 0, ledger.origin.shape[0] > 0
    n = source.shape[0]
    for i in range(n):
        if i + AHEAD < n:
            prefetch(pots, max(source[i + AHEAD], 0))
            prefetch(pots, max(target[i + AHEAD], 0))
        value, rest = ledger.amount[i], ledger.rest[i] if has_rest else 0.0
        s, d = source[i], target[i]
        if value <= 0.0 or (s == d and s >= 0):
            continue
        if (ledger.origin[i] < 0) if has_origin else (s >= 0 and pots[s].code == -1):
            left, behind = two_sum(pots[s].balance, pots[s].rest, -value, -rest)
            if left + behind < 0.0:
                pots[s].short = 1
                left, behind = 0.0, 0.0
            pots[s].balance, pots[s].rest = left, behind
        if d >= 0:
            pots[d].balance, pots[d].rest = two_sum(pots[d].balance, pots[d].rest, value, rest)


@kernel
def receipts(
    keep: NDArray[np.int32],
    low: NDArray[np.uint64],
    high: NDArray[np.uint64],
    time: NDArray[np.int64],
    limbs: NDArray[np.int64],
    span: NDArray[np.int64],
) -> None:
    """Add amounts to what each wanted row received, exactly, as sums of 32-bit limbs, lowest first; widen its span of times.

    ``high`` may be empty: all zeros.
    """
    for i in range(keep.shape[0]):
        row = keep[i]
        if row < 0 or (low[i] == 0 and (high.shape[0] == 0 or high[i] == 0)):
            continue
        limbs[row, 0] += np.int64(low[i] & LIMB)
        limbs[row, 1] += np.int64(low[i] >> SHIFT)
        if high.shape[0]:
            limbs[row, 2] += np.int64(high[i] & LIMB)
            limbs[row, 3] += np.int64(high[i] >> SHIFT)
        span[row, 0] = min(span[row, 0], time[i])
        span[row, 1] = max(span[row, 1], time[i])
