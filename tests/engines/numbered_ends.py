"""Ends of small numbered ledgers, in memory."""

from __future__ import annotations

import numpy as np

from exposure.engines.local.ancestry import NAMED, ORDINARY, STOPS, Search, marked
from exposure.taint.kernels import ends as kernels
from exposure.taint.kernels import shares


def ends_of(ledger, buckets=1):
    """(ends, firsts, short) of a ledger, made in some buckets of pots."""
    columns = tuple(np.asarray(ledger.columns[name]) for name in ("source", "target", "low", "high", "fee"))
    counts = np.zeros(max(ledger.pots, 1), np.int32)
    kernels.count(columns[0], columns[1], counts)
    firsts = np.zeros(ledger.pots + 1, np.int64)
    np.cumsum(counts[: ledger.pots], out=firsts[1:])
    short, parts = np.empty(ledger.pots, np.int32), []
    cuts = np.linspace(0, ledger.pots, buckets + 1).astype(int)
    for first, last in zip(cuts, cuts[1:], strict=False):
        part, counts[:] = np.zeros(int(firsts[last] - firsts[first]), kernels.END), 0
        half = len(columns[0]) // 2
        for some in (slice(0, half), slice(half, None)):
            kernels.fill(tuple(c[some] for c in columns), some.start, first, last, firsts, counts, part)
        kernels.balance(firsts, first, last, part, short)
        parts.append(part)
    found = np.concatenate([np.zeros(0, kernels.END), *parts])
    kernels.tell(firsts, short, found)
    return found, firsts, short


def search_of(ledger, stops, judge=lambda pot: ORDINARY, named=()):
    """A search over a ledger in which some pots are origins, some of these by name."""
    found, firsts, _ = ends_of(ledger)
    marks = marked(ledger.pots)
    shares.put(marks, np.array(sorted(stops), np.int64), STOPS)
    shares.put(marks, np.array(sorted(named), np.int64), NAMED)
    return Search(found, firsts, marks, judge)
