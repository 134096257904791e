"""Where one transfer's value went: the part of the ledger that it can have reached, and the account of its ends.

The mirror image of the cone: from the subject's receiver on to every pot that its value can have come to, each with all
its movements (those before decide how the value mixes, those after where it goes on to), until a seed, a service, a hub,
the hop limit or the end of the ledger. Then the reference follows the value through this part alone. What comes from
pots that were not visited has an amount, but nothing of the subject's in it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from exposure.measure.account import Account, Part
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Transfer, UtxoTx, in_spending_order
from exposure.model.ports import UtxoHistory
from exposure.model.settings import Settings
from exposure.taint.reference.lots import FOLLOWED, Lot, Origin, is_beyond
from exposure.taint.reference.origins import owner_origin
from exposure.tracing.cone import HubOf, Pot, PotReader, moves, no_hubs
from exposure.tracing.memory import order_of
from exposure.tracing.utxo_cone import is_change

ELSEWHERE = Origin("unresolved", "elsewhere")
"""What comes from a pot that the subject's value has not reached."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The part of an account ledger that a transfer's value can have come to. ``refused``: pots the budget left out."""

    transfers: tuple[Transfer, ...]
    given: Mapping[str, Origin]
    labels: Labels
    pots: tuple[Pot, ...]
    refused: frozenset[Pot]

    @property
    def transactions(self) -> int:
        """Number of distinct transactions."""
        return len({row.tx for row in self.transfers})


@dataclass(frozen=True, slots=True)
class UtxoReach:
    """The part of a UTXO ledger that a coin's value can have come to.

    ``refused``: coins the budget left unfollowed. ``lying``: coins of ordinary addresses that no stored transaction
    spends.
    """

    txs: tuple[UtxoTx, ...]
    labels: Labels
    refused: frozenset[Coin]
    lying: frozenset[Coin]

    @property
    def transactions(self) -> int:
        """Number of transactions."""
        return len(self.txs)


class _Ends:
    """Who ends the way of followed value, with the hubs found on the way."""

    def __init__(self, labels: Labels, hub_of: HubOf) -> None:
        self.labels, self._hub_of = labels, hub_of
        self.hubs: dict[str, str] = {}

    def ends(self, owner: str, time: int) -> bool:
        if owner_origin(self.labels, owner, time) is not None:
            return True
        if owner in self.labels.seeds:
            return False
        if owner not in self.hubs:
            reason = self._hub_of(owner)
            if reason is None:
                return False
            self.hubs[owner] = reason
        return True

    def found(self) -> Labels:
        """The snapshot with the hubs found."""
        return replace(self.labels, hubs={**self.labels.hubs, **self.hubs})


def account_reach(
    reader: PotReader, subject: Transfer, labels: Labels, settings: Settings, *, hub_of: HubOf = no_hubs
) -> Reach:
    """Follow one transfer forward, largest transfers first, as far as hops and budget go."""
    ends = _Ends(labels, hub_of)
    visited: dict[Pot, dict[int, int]] = {}  # pot -> hop of arrival -> earliest position of such an arrival
    refused: set[Pot] = set()
    txs: set[str] = set()
    heap = [(-subject.amount, order_of(subject), 1, subject)]
    while heap:
        _, _, hop, arrival = heapq.heappop(heap)
        if arrival.receiver is None or is_beyond(hop, settings.max_hops) or not moves(arrival, labels):
            continue
        pot = labels.owner(arrival.receiver), arrival.asset
        if pot in refused or ends.ends(pot[0], arrival.time):
            continue
        movements = reader.movements(pot)
        if pot not in visited:
            fresh = {row.tx for row in movements} - txs
            if len(txs) + len(fresh) > settings.max_transactions:
                refused.add(pot)
                continue
            txs |= fresh
            visited[pot] = {}
        start = reader.place(pot, arrival) + 1
        already = min((place for level, place in visited[pot].items() if level <= hop), default=len(movements))
        if start >= already:
            continue
        visited[pot][hop] = start
        onward = hop if settings.max_hops is None else hop + 1
        for row in movements[start:already]:
            if row.sender is not None and labels.owner(row.sender) == pot[0]:
                heapq.heappush(heap, (-row.amount, order_of(row), onward, row))
    rows = {row.ref: row for pot in visited for row in reader.movements(pot)}
    rows[subject.ref] = subject
    given = {
        ref: ELSEWHERE
        for ref, row in rows.items()
        if ref != subject.ref and row.sender is not None and (labels.owner(row.sender), row.asset) not in visited
    }
    return Reach(tuple(sorted(rows.values(), key=order_of)), given, ends.found(), tuple(visited), frozenset(refused))


def utxo_reach(
    history: UtxoHistory, subject: Coin, labels: Labels, settings: Settings, *, hub_of: HubOf = no_hubs
) -> UtxoReach:
    """Follow one coin forward, largest coins first, as far as hops and budget go."""
    ends = _Ends(labels, hub_of)
    made = history.transaction(subject.tx)
    txs: dict[str, UtxoTx] = {} if made is None else {made.tx: made}
    refused: set[Coin] = set()
    lying: set[Coin] = set()
    best: dict[Coin, int] = {}
    heap: list[tuple[int, Coin, int]] = []

    def follow(tx: UtxoTx, n: int, hop: int) -> None:
        output, coin = tx.outputs[n], Coin(tx.tx, n)
        if not output.amount or is_beyond(hop, settings.max_hops) or hop >= best.get(coin, hop + 1):
            return
        best[coin] = hop
        heapq.heappush(heap, (-output.amount, coin, hop))

    if made is not None:
        follow(made, subject.n, 1)
    while heap:
        _, coin, hop = heapq.heappop(heap)
        output = txs[coin.tx].outputs[coin.n]
        if hop > best[coin]:
            continue
        name = history.spender(coin)
        tx = None if name is None else txs.get(name) or history.transaction(name)
        owner = labels.owner(output.address)
        if tx is None:
            if not ends.ends(owner, txs[coin.tx].time):
                lying.add(coin)
            continue
        if ends.ends(owner, tx.time):
            if not ends.ends(owner, txs[coin.tx].time):  # it became a seed while the coin lay there: the spending shows it
                txs[tx.tx] = tx
            continue
        if tx.tx not in txs:
            if len(txs) >= settings.max_transactions:
                refused.add(coin)
                continue
            txs[tx.tx] = tx
        refused.discard(coin)
        for n in range(len(tx.outputs)):
            step = 0 if is_change(tx, n, labels) or settings.max_hops is None else 1
            follow(tx, n, hop + step)
    ordered = tuple(in_spending_order(txs.values()))
    return UtxoReach(ordered, ends.found(), frozenset(refused), frozenset(lying))


def without_refused(account: Account, refused: Iterable[tuple[str, Iterable[Lot]]], max_hops: int | None) -> Account:
    """An account in which what lies where the budget ended is unresolved, not held there.

    ``refused``: owner, and the lots of the run that lie with it.
    """
    changed = dict(account)
    for owner, lots in refused:
        for origin, hop, amount in lots:
            if origin != FOLLOWED or not amount or is_beyond(hop, max_hops):
                continue
            held, budget = Part("held", owner, None, hop), Part("unresolved", "budget", None, hop)
            changed[held] -= amount
            changed[budget] = changed.get(budget, 0) + amount
            if not changed[held]:
                del changed[held]
    return changed
