"""Whole numbers of 128 bits as two words, signed high and unsigned low: amounts and balances that must be exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from exposure.taint.kernels.compiled import kernel


@kernel
def plus(high: Any, low: Any, more_high: Any, more_low: Any) -> Any:
    """The sum of two numbers."""
    total = np.uint64(low + more_low)
    return high + more_high + np.int64(total < low), total


@kernel
def minus(high: Any, low: Any, less_high: Any, less_low: Any) -> Any:
    """The difference of two numbers."""
    return high - less_high - np.int64(low < less_low), np.uint64(low - less_low)


@kernel
def below(high: Any, low: Any, other_high: Any, other_low: Any) -> bool:
    """Whether the first number is smaller."""
    return bool(high < other_high or (high == other_high and low < other_low))


@kernel
def rounded(high: Any, low: Any) -> float:
    """The number as a double."""
    return float(high) * 18446744073709551616.0 + float(low)
