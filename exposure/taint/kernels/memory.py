"""Memory for state: reserved for as many pots as there may be, paid for only where something was written."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Linux counts such a mapping only page by page as it is written (Python names the flag from 3.13 on)."""


def reserve(length: int, dtype: Any) -> NDArray[Any]:
    """Zeros, aligned to a cache line, in huge pages where the system has them: random access misses fewer translations.

    Cost: address space at once, memory by the page on first write.
    """
    kind = np.dtype(dtype)
    size = max(length, 1) * kind.itemsize
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        return np.zeros(max(length, 1), kind)
    space = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    if hasattr(mmap, "MADV_HUGEPAGE") and size > 1 << 22:
        space.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(space, kind)
