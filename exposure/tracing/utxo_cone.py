"""The ancestral cone of a subject on a UTXO chain: the transactions that can bear on its figures.

As `exposure.tracing.cone`, with coins for transfers and transactions for pots. All inputs of a transaction matter to
each of its outputs. An output to an owner among the inputs (change) keeps the hops of what it carries, so it passes its
reach on undiminished.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from exposure.errors import InputError
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, UtxoTx, in_spending_order
from exposure.model.ports import UtxoHistory
from exposure.model.settings import Settings
from exposure.taint.reference.lots import BEYOND, Origin
from exposure.taint.reference.origins import active, owner_origin
from exposure.tracing.cone import BUDGET, HubOf, initial_reach, no_hubs, one_less


@dataclass(frozen=True, slots=True)
class UtxoCone:
    """A part of a UTXO ledger that gives a subject the same figures as the whole.

    ``txs`` are in canonical order. ``given``: composition imposed on coins whose transaction was not looked at.
    ``labels``: the snapshot with the hubs found on the way. ``refused``: coins left out for the budget.
    ``feeding``: the coins whose composition was asked for.
    """

    txs: tuple[UtxoTx, ...]
    given: Mapping[str, Origin]
    labels: Labels
    refused: tuple[str, ...] = ()
    feeding: frozenset[str] = frozenset()

    @property
    def transactions(self) -> int:
        """Number of transactions in the cone."""
        return len(self.txs)


def owners_in(tx: UtxoTx, labels: Labels) -> set[str]:
    """Owners of the known inputs of a transaction."""
    return {labels.owner(spend.address) for spend in tx.inputs if spend.address is not None}


def is_change(tx: UtxoTx, n: int, labels: Labels) -> bool:
    """Whether an output goes back to an owner of the inputs, so that it is no hop (in joint transactions all are hops)."""
    return not labels.is_joint(tx) and labels.owner(tx.outputs[n].address) in owners_in(tx, labels)


def utxo_cone(
    history: UtxoHistory,
    subjects: Sequence[Coin],
    labels: Labels,
    settings: Settings,
    *,
    hub_of: HubOf = no_hubs,
) -> UtxoCone:
    """The cone of some coins. Parameters and budget as in `exposure.tracing.cone.account_cone`.

    Raises
    ------
    InputError
        With ``taint_fee``: the fees of a whole block enter its coinbase, so only whole ledgers answer that.
    """
    if settings.taint_fee:
        raise InputError("fees are followed into coinbases only over a whole ledger, not in a trace: leave this switch off")
    search = _Search(history, labels, settings, hub_of)
    for coin in subjects:
        tx = history.transaction(coin.tx)
        if tx is not None and 0 <= coin.n < len(tx.outputs):
            search.want(coin, tx.outputs[coin.n].amount, initial_reach(settings), subject=True)
    search.exhaust()
    return search.cone()


class _Search:
    """The frontier of a cone: coins whose composition is wanted, largest first."""

    def __init__(self, history: UtxoHistory, labels: Labels, settings: Settings, hub_of: HubOf) -> None:
        self._history, self._labels, self._settings, self._hub_of = history, labels, settings, hub_of
        self._hubs: dict[str, str] = {}
        self._checked: set[str] = set()
        self._wanted: dict[Coin, int] = {}
        self._heap: list[tuple[int, Coin, int]] = []
        self._txs: dict[str, UtxoTx] = {}
        self._reach: dict[str, int] = {}  # transaction -> reach under which its inputs were wanted
        self._refused: set[Coin] = set()
        self._absent: set[str] = set()

    def want(self, coin: Coin, amount: int, reach: int, *, subject: bool = False) -> None:
        """Ask for the composition of a coin, as far as parts of at most ``reach`` hops are concerned."""
        if amount and reach > self._wanted.get(coin, -1):
            self._wanted[coin] = reach
            if subject or reach >= (0 if self._may_be_theft(coin) else 1):
                heapq.heappush(self._heap, (-amount, coin, -reach))

    def exhaust(self) -> None:
        """Follow everything wanted to its origins, or to the end of the budget."""
        while self._heap:
            _, coin, negative = heapq.heappop(self._heap)
            if -negative == self._wanted[coin]:
                self._expand(coin, -negative)

    def _may_be_theft(self, coin: Coin) -> bool:
        return coin in self._labels.coin_seeds or coin.tx in self._labels.tx_seeds

    def _is_theft(self, tx: UtxoTx, coin: Coin, *, change: bool) -> bool:
        seeds = (self._labels.coin_seeds.get(coin), None if change else self._labels.tx_seeds.get(tx.tx))
        return any(active(seed, self._labels, tx.time) is not None for seed in seeds)

    def _fixed(self, address: str | None, time: int) -> bool:
        """Whether a coin spent at ``time`` carries its owner as origin."""
        if address is None:
            return False
        owner = self._labels.owner(address)
        if owner_origin(self._labels, owner, time) is not None or owner in self._hubs:
            return True
        if owner in self._labels.seeds or owner in self._checked:
            return False
        self._checked.add(owner)
        reason = self._hub_of(owner)
        if reason is not None:
            self._hubs[owner] = reason
        return reason is not None

    def _expand(self, coin: Coin, reach: int) -> None:
        tx = self._take(coin)
        if tx is None or tx.coinbase:
            return
        change = is_change(tx, coin.n, self._labels)
        if self._is_theft(tx, coin, change=change):  # a theft keeps the labels that it finds, so they are needed in full
            reach = initial_reach(self._settings)
        elif reach < 1:
            return
        reach = reach if change else one_less(reach)
        if reach <= self._reach.get(tx.tx, -1):
            return
        self._reach[tx.tx] = reach
        for spend in tx.inputs:
            if spend.amount and not self._fixed(spend.address, tx.time):
                self.want(spend.coin, spend.amount, reach)

    def _take(self, coin: Coin) -> UtxoTx | None:
        """The transaction of a coin, if the store has it and the budget allows."""
        if coin.tx in self._txs:
            return self._txs[coin.tx]
        if coin.tx in self._absent:
            return None
        if len(self._txs) >= self._settings.max_transactions:
            self._refused.add(coin)
            return None
        tx = self._history.transaction(coin.tx)
        if tx is None or coin.n >= len(tx.outputs):
            self._absent.add(coin.tx)
            return None
        self._txs[coin.tx] = tx
        return tx

    def cone(self) -> UtxoCone:
        """What was found, as a ledger that the reference can run over."""
        txs = tuple(in_spending_order(self._txs.values()))
        given = {}
        for tx in txs:
            for spend in tx.inputs:
                if spend.coin.tx not in self._txs and spend.coin.tx not in self._absent and spend.amount:
                    given[str(spend.coin)] = BUDGET if spend.coin in self._refused else BEYOND
        labels = replace(self._labels, hubs={**self._labels.hubs, **self._hubs})
        return UtxoCone(txs, given, labels, tuple(sorted(map(str, self._refused))), frozenset(map(str, self._wanted)))
