"""Hubs of a whole numbered ledger: untagged owners with very many counterparties. The definition is in `exposure.tracing.hubs`.

Only owners whose transfers could be enough are looked at closely, so the cost is two passes over the ledger's columns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import doubles
from exposure.engines.local.roles import Roles
from exposure.taint.kernels import ends

COLLECTED = 0.9
FEW = 3
"""As in the definition: whoever sends nine tenths of the value to at most three others is a collector."""
PAIRS = 1 << 22

Ints = NDArray[Any]


def hubs(ledger: Ledger, roles: Roles, *, threshold: int, dust: NDArray[np.float64]) -> NDArray[np.int64]:
    """Owners' pots that are hubs. ``dust``: by asset, base units; only transfers above it make a counterparty."""
    ends = _coin_pairs if ledger.utxo else _transfer_pairs
    degree = np.zeros(max(ledger.pots, 1), np.int64)
    every = np.ones(max(ledger.pots, 1), np.bool_)
    if ledger.pots <= 1 or 2 * ledger.rows <= threshold:
        return np.empty(0, np.int64)
    for part in ledger.chunks():
        for owner, _, _, _ in ends(ledger, roles, part, dust, every):
            np.add.at(degree, owner, 1)
    likely = degree > threshold
    likely[: ledger.pots] &= roles.group < 0
    if not likely.any():
        return np.empty(0, np.int64)
    waiting: list[tuple[Ints, Ints]] = [(np.empty(0, np.int64), np.empty(0))]
    for part in ledger.chunks():
        for owner, other, amount, sent in ends(ledger, roles, part, dust, likely):
            waiting.append((owner.astype(np.int64) * ledger.pots + other, amount * sent))
        if sum(len(keys) for keys, _ in waiting) > PAIRS:
            waiting = [_summed(waiting)]
    keys, paid = _summed(waiting)
    owners, starts = np.unique(keys // ledger.pots, return_index=True)
    is_hub = []
    for owner, values in zip(owners.tolist(), np.split(paid, starts[1:]), strict=True):
        total = values.sum()
        collects = total and np.sort(values)[-FEW:].sum() >= COLLECTED * total
        if len(values) > threshold and not collects:
            is_hub.append(owner)
    return np.array(is_hub, np.int64)


def counterparties(run: NDArray[Any], others: NDArray[Any], *, threshold: int, dust: int) -> int | None:
    """How many counterparties the owner of a pot has, if that makes it a hub; else None.

    ``run``: the pot's movements (`exposure.taint.kernels.ends`); ``others``: with whom, one number for each owner (negative:
    nobody). Exact, so that nobody is a hub here and none in the definition.
    """
    if len(run) <= threshold:
        return None
    high, low = dust >> 64, np.uint64(dust & (2**64 - 1))
    counts = (others >= 0) & ((run["high"] > high) | ((run["high"] == high) & (run["low"] > low)))
    number = len(np.unique(others[counts]))
    if number <= threshold:
        return None
    sent = counts & (run["at"] & ends.SENT != 0)
    _, place = np.unique(others[sent], return_inverse=True)
    paid = np.sort(np.bincount(place, doubles(run["low"][sent], run["high"][sent].astype(np.uint64))[0]))
    few, share = paid[-FEW:].sum(), COLLECTED * paid.sum()
    if abs(few - share) <= 1e-9 * share:
        exact = [0] * len(paid)
        for which, above, below in zip(place.tolist(), run["high"][sent].tolist(), run["low"][sent].tolist(), strict=True):
            exact[which] += (above << 64) + below
        few, share = sum(sorted(exact)[-FEW:]), COLLECTED * sum(exact)
    return None if paid.size and few >= share else number


class Figures(NamedTuple):
    """What makes some owners hubs, one entry each: distinct counterparties, those that paid it and those that it paid; how
    much in base units (above dust, in floating point); the share of what it sent that its `FEW` largest receivers got."""

    counterparties: Ints
    payers: Ints
    payees: Ints
    received: Ints
    sent: Ints
    few: Ints


def figures(ledger: Ledger, roles: Roles, found: NDArray[np.int64], *, dust: NDArray[np.float64]) -> Figures:
    """The figures of some owners' pots, in their order."""
    wanted = np.zeros(max(ledger.pots, 1), np.bool_)
    wanted[found] = True
    ends = _coin_pairs if ledger.utxo else _transfer_pairs
    both: dict[bool, list[tuple[Ints, Ints]]] = {sent: [(np.empty(0, np.int64), np.empty(0))] for sent in (True, False)}
    for part in ledger.chunks():
        for owner, other, amount, sent in ends(ledger, roles, part, dust, wanted):
            both[sent].append((owner.astype(np.int64) * ledger.pots + other, amount))
            if sum(len(keys) for keys, _ in both[sent]) > PAIRS:
                both[sent] = [_summed(both[sent])]
    (out, paid), (into, got) = _summed(both[True]), _summed(both[False])
    every = np.unique(np.concatenate([out, into]))
    few = np.zeros(len(found))
    for place, owner in enumerate(found.tolist()):
        values = np.sort(paid[out // ledger.pots == owner])
        few[place] = values[-FEW:].sum() / values.sum() if values.sum() else 0.0

    def of(keys: Ints, values: Ints | None = None) -> Ints:
        counted = np.bincount(keys // ledger.pots, values, minlength=max(ledger.pots, 1))
        return np.asarray(counted[found])

    return Figures(of(every), of(into), of(out), of(into, got), of(out, paid), few)


def _summed(waiting: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    keys = np.concatenate([part[0] for part in waiting])
    paid = np.concatenate([part[1] for part in waiting])
    different, place = np.unique(keys, return_inverse=True)
    return different, np.bincount(place, paid, minlength=len(different))


def _transfer_pairs(
    ledger: Ledger, roles: Roles, part: slice, dust: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> list[tuple[Ints, Ints, Ints, bool]]:
    """(owners, counterparties, amounts, whether the owner sent them)."""
    row = {name: np.asarray(ledger.columns[name][part]) for name in ("source", "target", "low", "high", "fee")}
    both = (row.pop("fee") == 0) & (row["source"] >= 0) & (row["target"] >= 0)
    if not both.all():
        row = {name: column[both] for name, column in row.items()}
    amount, _ = doubles(row["low"], row["high"])
    source, target = roles.owner[row["source"]], roles.owner[row["target"]]
    counts = (amount > dust[ledger.asset[row["source"]]]) & (source != target)
    pairs = []
    for owner, other, sent in ((source, target, True), (target, source, False)):
        which = counts & wanted[owner]
        pairs.append((owner[which], other[which], amount[which], sent))
    return pairs


def _coin_pairs(
    ledger: Ledger, roles: Roles, part: slice, dust: NDArray[np.float64], wanted: NDArray[np.bool_]
) -> list[tuple[Ints, Ints, Ints, bool]]:
    row = {name: np.asarray(column[part]) for name, column in ledger.columns.items()}
    if not len(row["tx_no"]):
        return []
    tx = row["tx_no"].astype(np.int64) - int(row["tx_no"][0])
    out, known = (row["flags"] & 1) != 0, row["address"] >= 0
    owner = np.where(known, roles.owner[np.maximum(row["address"], 0)], 0).astype(np.int64)
    senders = np.unique(tx[~out & known] * ledger.pots + owner[~out & known])
    from_tx, sender = senders // ledger.pots, senders % ledger.pots
    paid = out & known & (row["amount"] > dust[0])
    to_tx, receiver, amount = tx[paid], owner[paid], row["amount"][paid].astype(np.float64)
    number = int(tx[-1]) + 1
    pairs = []
    for sent in (True, False):
        left, right = (from_tx, to_tx) if sent else (to_tx, from_tx)
        mine = np.flatnonzero(wanted[sender if sent else receiver])
        first, count = np.searchsorted(right, np.arange(number)), np.bincount(right, minlength=number)
        repeats = count[left[mine]]
        a = np.repeat(mine, repeats)
        begin = np.repeat(np.cumsum(repeats) - repeats, repeats)
        b = np.repeat(first[left[mine]], repeats) + np.arange(len(a)) - begin
        who, other = (sender[a], receiver[b]) if sent else (receiver[a], sender[b])
        value = amount[b] if sent else amount[a]
        apart = who != other
        pairs.append((who[apart], other[apart], value[apart], sent))
    return pairs
