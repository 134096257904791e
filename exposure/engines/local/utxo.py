"""UTXO ledgers on the kernels: the same function as `exposure.taint.reference.utxo.run`.

A transaction is written as moves: each input, without a hop, from its coin into the transaction's pot; each output from
there into its coin; what is left is the fee.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from exposure.engines.local.binary import in_binary
from exposure.engines.local.execute import collided, execute
from exposure.engines.local.program import Program
from exposure.errors import EngineError
from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Spend, UtxoTx
from exposure.model.settings import Rule, Settings
from exposure.taint.kernels.layout import BURN, FEE, HOP, OWN, STILL
from exposure.taint.reference import utxo as reference
from exposure.taint.reference.lots import FOLLOWED, Origin, Run
from exposure.taint.reference.origins import active, owner_origin, seed_origin


def run(
    txs: Sequence[UtxoTx],
    labels: Labels,
    settings: Settings,
    *,
    strict: bool = False,
    given: Mapping[str, Origin] | None = None,
    follow: str | None = None,
) -> Run:
    """What every output of a ledger carries under one rule; see the reference, and `account.run` for differences."""
    if strict and (follow is not None or labels.coin_seeds or labels.tx_seeds):
        # Whether stolen value of missing history has a label is open, and followed value may be lost: not compiled.
        return in_binary(reference.run(txs, labels, settings, strict=strict, given=given, follow=follow))
    writer = _Writer(labels, settings, strict, dict(given or {}), follow)
    for tx in txs:
        writer.transaction(tx)
    result = execute(writer.program, settings.rule, settings.max_hops)
    if result is None:
        return in_binary(reference.run(txs, labels, settings, strict=strict, given=given, follow=follow))
    found = Run(received=dict.fromkeys(writer.coins_made, ()), fees={tx.tx: () for tx in txs})
    for place, name in enumerate(writer.program.names):
        if name.startswith("fee "):
            found.fees[name[4:]] = result.sent(place)
        elif name:
            found.received[name] = lots = result.sent(place)
            theft = writer.program.theft[place]
            found.collisions += theft is not None and collided(lots, theft)
    found.held = {(str(coin), ""): result.held(pot) if pot >= 0 else () for coin, pot in writer.coins.items()}
    return found


class _Writer:
    """Writes transactions as moves between coins."""

    def __init__(self, labels: Labels, settings: Settings, strict: bool, given: dict[str, Origin], follow: str | None) -> None:
        self.labels, self.settings, self.strict, self.given, self.follow = labels, settings, strict, given, follow
        self.program = Program()
        self.coins: dict[Coin, int] = {}
        self.coins_made: list[str] = []
        self.spent: set[Coin] = set()
        self.block_fees: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def transaction(self, tx: UtxoTx) -> None:
        program, pot = self.program, self.program.pot(("tx", tx.tx))
        paid = sum(output.amount for output in tx.outputs)
        if tx.coinbase:
            self._mint(tx, pot, paid)
        else:
            self._inputs(tx, pot, paid)
        if program.balances.get(pot, 0) < paid:
            raise EngineError(f"transaction {tx.tx} pays out {paid}, more than its inputs hold")
        owners = {self.labels.owner(spend.address) for spend in tx.inputs if spend.address is not None}
        order = list(range(len(tx.outputs)))
        if self.settings.rule is Rule.TIHO:
            order.sort(key=lambda n: (-tx.outputs[n].amount, n))
        for n in order:
            output, coin = tx.outputs[n], Coin(tx.tx, n)
            own = self.labels.owner(output.address) in owners
            move = (
                OWN if (own and not self.labels.is_joint(tx)) or tx.coinbase else HOP
            )  # what a coinbase mints is at hop 1 already
            self.coins_made.append(str(coin))
            self.coins[coin] = target = program.pot(coin) if output.amount else -1
            if not output.amount:
                continue
            if str(coin) == self.follow:
                program.add("", pot, BURN, output.amount, move=move)
                program.add(str(coin), -1, target, output.amount, origin=FOLLOWED)
            else:
                program.add(str(coin), pot, target, output.amount, theft=self._theft(coin, tx.time, own=own), move=move)
        fee = program.balances.get(pot, 0)
        if fee and self.settings.taint_fee and not tx.coinbase:
            kept = program.pot(("fee", tx.tx))
            program.add(f"fee {tx.tx}", pot, kept, fee)
            self.block_fees[tx.place.block].append((kept, fee))
        elif fee:
            program.add(f"fee {tx.tx}", pot, FEE, fee)

    def _mint(self, tx: UtxoTx, pot: int, paid: int) -> None:
        for kept, fee in self.block_fees.pop(tx.place.block, []):
            self.program.add("", kept, pot, fee, move=STILL)
        subsidy = max(0, paid - self.program.balances.get(pot, 0))
        if subsidy:
            self.program.add("", -1, pot, subsidy, origin=Origin("mint", tx.pool))

    def _inputs(self, tx: UtxoTx, pot: int, paid: int) -> None:
        unknown = Origin("unresolved", f"incomplete:{tx.tx}")
        known = sum(spend.amount for spend in tx.inputs if spend.amount is not None)
        blurred = self.strict and not tx.complete
        for spend in tx.inputs:
            if spend.coin in self.spent:
                raise EngineError(f"coin {spend.coin} is spent twice")
            self.spent.add(spend.coin)
            coin = self.coins.pop(spend.coin, None)
            if spend.amount and not (blurred and self.settings.rule is not Rule.POISON):
                self._spend(tx, pot, spend, coin)
        if blurred and self.settings.rule is not Rule.POISON:
            if max(known, paid):
                self.program.add("", -1, pot, max(known, paid), origin=unknown, move=STILL)
        elif not tx.complete and (paid > known or (blurred and known)):
            # One unit is enough to set a flag, where nothing is missing.
            self.program.add("", -1, pot, max(paid - known, 1), origin=unknown, move=STILL)
            if paid <= known:
                self.program.add("", pot, BURN, 1, move=STILL)

    def _spend(self, tx: UtxoTx, pot: int, spend: Spend, coin: int | None) -> None:
        """An input of known value: from its origin, its coin, or what somebody else vouches for."""
        assert spend.amount is not None
        if spend.address is not None:
            owner = self.labels.owner(spend.address)
            origin = owner_origin(self.labels, owner, tx.time, following=self.follow is not None)
            if origin is not None:
                self.program.add("", -1, pot, spend.amount, origin=origin, move=STILL)
                return
        if coin is not None:
            self.program.add("", coin, pot, spend.amount, move=STILL)
            return
        vouched = self.given.get(str(spend.coin))
        origin = vouched or Origin("unresolved", f"incomplete:{spend.coin.tx}")
        theft = None if vouched else self._theft(spend.coin, tx.time, own=False)
        self.program.add("", -1, pot, spend.amount, origin=origin, theft=theft)

    def _theft(self, coin: Coin, time: int, *, own: bool) -> Origin | None:
        if self.follow is not None:
            return None
        seeds = (self.labels.coin_seeds.get(coin), None if own else self.labels.tx_seeds.get(coin.tx))
        thefts = [seed_origin(seed, time) for seed in seeds if seed is not None and active(seed, self.labels, time)]
        return thefts[0] if thefts else None
