"""A rule over the ledger of a UTXO chain: a pot is one transaction; the coin, not the address, carries composition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import localcontext

from exposure.errors import EngineError
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Spend, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.reference.lots import CONSERVED, FOLLOWED, Lot, Lots, Mark, Origin, Run, imposed, moved, stolen, summed
from exposure.taint.reference.origins import active, owner_origin, seed_origin
from exposure.taint.reference.pots import DIGITS, new_pot


def run(
    txs: Sequence[UtxoTx],
    labels: Labels,
    settings: Settings,
    *,
    strict: bool = False,
    given: Mapping[str, Origin] | None = None,
    follow: str | None = None,
    exact: bool = False,
    mark: Mark | None = None,
) -> Run:
    """What every output of a ledger carries under one rule.

    Parameters
    ----------
    txs
        In canonical order, a coinbase last in its block.
    strict
        The stricter run behind the interval: a transaction with an input of unknown value is unresolved as a whole.
    given
        Composition imposed on a coin (``tx:n``) whose own transaction is not part of ``txs``.
    follow
        Coin (``tx:n``) whose value alone is taint; every seed, boundary and hub ends it.
    exact
        Rationals instead of decimals under haircut.
    mark
        Renames the origins of what a coin carries, to gather evidence; None leaves them.

    Raises
    ------
    EngineError
        If a transaction pays out more than its known inputs hold, spends a coin twice, or loses value.
    """
    with localcontext() as context:
        context.prec = DIGITS
        ledger = _Ledger(labels, settings, strict, dict(given or {}), follow, exact)
        ledger.mark = mark
        for tx in txs:
            ledger.transaction(tx)
        ledger.run.held = {(str(coin), ""): lots for coin, lots in ledger.coins.items()}
        return ledger.run


class _Ledger:
    """Unspent coins of a running ledger, and what has been found so far."""

    def __init__(
        self, labels: Labels, settings: Settings, strict: bool, given: dict[str, Origin], follow: str | None, exact: bool
    ) -> None:
        self.labels, self.settings, self.strict = labels, settings, strict
        self.given, self.follow, self.exact = given, follow, exact
        self.coins: dict[Coin, Lots] = {}
        self.spent: set[Coin] = set()
        self.block_fees: dict[int, list[tuple[Lots, int]]] = defaultdict(list)
        self.mark: Mark | None = None
        self.run = Run()

    def transaction(self, tx: UtxoTx) -> None:
        """Carry out one transaction: all inputs in, outputs out in order (tiho: largest first), the fee last."""
        paid = sum(output.amount for output in tx.outputs)
        pot = new_pot(self.settings.rule, self.settings.max_hops, exact=self.exact)
        for lots, amount in self._inputs(tx, paid):
            if amount:
                pot.receive(lots, amount)
        if pot.balance < paid:
            raise EngineError(f"transaction {tx.tx} pays out {paid}, more than its inputs hold ({pot.balance})")
        owners = {self.labels.owner(spend.address) for spend in tx.inputs if spend.address is not None}
        order = list(range(len(tx.outputs)))
        if self.settings.rule is Rule.TIHO:
            order.sort(key=lambda n: (-tx.outputs[n].amount, n))
        for n in order:
            output, coin = tx.outputs[n], Coin(tx.tx, n)
            drawn = pot.draw(output.amount) if output.amount else []
            own = self.labels.owner(output.address) in owners
            lots = (
                tuple(drawn)
                if tx.coinbase
                else moved(drawn, self.settings.max_hops, keeps_hop=own and not self.labels.is_joint(tx))
            )
            self._create(tx, coin, output.amount, self._labelled(tx, coin, output.amount, lots, own=own))
        fee = pot.balance
        lots = moved(pot.draw(fee), self.settings.max_hops) if fee else ()
        self.run.fees[tx.tx] = lots
        if not tx.coinbase:
            self.block_fees[tx.place.block].append((lots, fee))

    def _inputs(self, tx: UtxoTx, paid: int) -> list[tuple[Lots, int]]:
        """What goes in: lots and amount of each input, in order."""
        if tx.coinbase:
            return self._minted(tx, paid)
        inputs = [(self._spend(tx, spend), spend.amount) for spend in tx.inputs if spend.amount is not None]
        for spend in tx.inputs:
            if spend.amount is None:
                self._forget(spend.coin)
        if tx.complete:
            return inputs
        known = sum(amount for _, amount in inputs)
        unknown = Origin("unresolved", f"incomplete:{tx.tx}")
        if self.strict and self.settings.rule is not Rule.POISON:
            if self.follow is not None:  # followed value goes through, but nobody knows to which output
                self.run.lost[tx.tx, ""] = tuple(lot for lots, _ in inputs for lot in lots if lot.origin == FOLLOWED)
            return [((Lot(unknown, 0, max(known, paid)),), max(known, paid))]
        missing = max(0, paid - known)
        if self.strict:  # poison: the flags that are set stay, and the unresolved one is added
            inputs = [((*lots, Lot(unknown, 0, amount)), amount) for lots, amount in inputs]
        # As far as is known, what was not fetched made up for what the outputs lack: one further input, behind the others.
        return [*inputs, ((Lot(unknown, 0, missing),), missing)]

    def _minted(self, tx: UtxoTx, paid: int) -> list[tuple[Lots, int]]:
        """A coinbase: newly minted value at hop 1; with ``taint_fee`` the block's fees before it, a hop from who paid them."""
        fees = self.block_fees.pop(tx.place.block, []) if self.settings.taint_fee else []
        subsidy = max(0, paid - sum(amount for _, amount in fees))
        return [*fees, ((Lot(Origin("mint", tx.pool), 1, subsidy),), subsidy)]

    def _spend(self, tx: UtxoTx, spend: Spend) -> Lots:
        """What an input of known value carries."""
        amount = spend.amount or 0
        lots = self._forget(spend.coin)
        if spend.address is not None:
            origin = owner_origin(self.labels, self.labels.owner(spend.address), tx.time, following=self.follow is not None)
            if origin is not None:
                return (Lot(origin, 0, amount),)
        if lots is not None:
            return lots
        if str(spend.coin) in self.given:
            return imposed(self.given[str(spend.coin)], amount, self.settings.max_hops)
        # Its own transaction is not stored, but a reported theft names the coin all the same.
        unknown = imposed(Origin("unresolved", f"incomplete:{spend.coin.tx}"), amount, self.settings.max_hops)
        return unknown if self.follow is not None else self._stolen(spend.coin, tx.time, unknown, own=False)

    def _forget(self, coin: Coin) -> Lots | None:
        if coin in self.spent:
            raise EngineError(f"coin {coin} is spent twice")
        self.spent.add(coin)
        return self.coins.pop(coin, None)

    def _labelled(self, tx: UtxoTx, coin: Coin, amount: int, lots: Lots, *, own: bool) -> Lots:
        """Lots of a new coin, where a theft or the followed value is named by coin or transaction."""
        if self.follow is not None:
            return imposed(FOLLOWED, amount, self.settings.max_hops) if str(coin) == self.follow and amount else lots
        # Where an input is not known, nobody can tell the interval whether an output went back to its owner.
        own = own or (self.strict and not tx.complete)
        return self._stolen(coin, tx.time, lots, own=own) if amount else lots

    def _stolen(self, coin: Coin, time: int, lots: Lots, *, own: bool) -> Lots:
        """Lots of a coin that a theft names: by itself first, else by its transaction (unless it went back to a sender)."""
        for seed in (self.labels.coin_seeds.get(coin), None if own else self.labels.tx_seeds.get(coin.tx)):
            theft = active(seed, self.labels, time)
            if theft is not None:
                lots, collision = stolen(lots, seed_origin(theft, time), strict=self.strict)
                self.run.collisions += collision
                break
        return lots

    def _create(self, tx: UtxoTx, coin: Coin, amount: int, lots: Lots) -> None:
        total = 0 if self.settings.rule is Rule.POISON else summed(lots)
        if self.settings.rule is not Rule.POISON and abs(total - amount) > amount * CONSERVED:
            raise EngineError(f"the parts of output {coin} sum to {total}, not to its amount {amount}")
        if self.mark is not None:
            lots = self.mark(str(coin), lots)
        self.coins[coin] = lots
        self.run.received[str(coin)] = lots
