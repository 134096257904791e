"""The UTXO chain as it is being made: coins, wallets, blocks. Conserves value; a coin is spent at most once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from exposure.simulate.dice import Dice
from exposure.simulate.keys import Keys
from exposure.simulate.provenance import Habit, Parts, Sources, lay, merged, ordered

CHAIN = "bitcoin"
ASSET = "bitcoin/native"
COIN = 10**8
DUST = 600
MAX_INPUTS = 12
REUSE = 0.4
"""How often those who are careless about it are paid to the address they used last."""


class OutputRow(NamedTuple):
    """A row of the outputs file."""

    tx: str
    n: int
    block: int
    tx_index: int
    time: int
    address: str
    amount: int


class InputRow(NamedTuple):
    """A row of the inputs file; a coinbase has none."""

    tx: str
    n: int
    spent_tx: str
    spent_n: int


@dataclass(slots=True, eq=False)
class HeldCoin:
    """An unspent output and whose money it really is; ``came``: whose it was until the receiver made it its own."""

    tx: str
    n: int
    amount: int
    address: str
    parts: Parts
    came: Parts = ()


@dataclass(slots=True, eq=False)
class Wallet:
    """The coins of one owner. ``source``: the owner is a source of its own, so what it receives becomes its money.

    ``addresses``: the owner's fixed addresses; empty: mostly a fresh one, made from ``name``, sometimes ``last`` again.
    """

    name: str
    habit: Habit = Habit.ANY
    source: int | None = None
    addresses: tuple[str, ...] = ()
    coins: list[HeldCoin] = field(default_factory=list)
    balance: int = 0
    serial: int = 0
    last: str = ""
    reuses: bool = False

    def receive(self, coin: HeldCoin) -> None:
        """Put a coin into the wallet."""
        coin.came = coin.parts
        if self.source is not None:
            coin.parts = ((self.source, coin.amount),)
        self.coins.append(coin)
        self.balance += coin.amount

    def give(self, place: int) -> HeldCoin:
        """Take the coin at a place out of the wallet; the last coin moves there."""
        coin = self.coins[place]
        self.coins[place] = self.coins[-1]
        self.coins.pop()
        self.balance -= coin.amount
        return coin


class CoinLedger:
    """Rows of the UTXO chain since the last `drain`, and what is needed to write the next one."""

    def __init__(self, keys: Keys, dice: Dice, sources: Sources) -> None:
        self.keys = keys
        self.dice = dice
        self.sources = sources
        self.height = 0
        self.time = 0
        self.outputs: list[OutputRow] = []
        self.inputs: list[InputRow] = []
        self._index = 1
        self._fees = 0
        self._coinbase = ""

    def open_block(self, time: int) -> None:
        """Begin a block. Its coinbase is first, as the chain prints it, and is written by `close_block`."""
        self.height += 1
        self.time = time
        self._index = 1
        self._fees = 0
        self._coinbase = self.keys.hash()

    def close_block(self, address: str, subsidy: int, source: int) -> HeldCoin:
        """Write the coinbase: subsidy and the fees of the block."""
        amount = subsidy + self._fees
        self.outputs.append(OutputRow(self._coinbase, 0, self.height, 0, self.time, address, amount))
        return HeldCoin(self._coinbase, 0, amount, address, ((source, amount),))

    def record(self, spent: Sequence[HeldCoin], targets: Sequence[tuple[str, int]], parts: Sequence[Parts]) -> list[HeldCoin]:
        """Write a transaction; outputs stand in random order, so that change is not always last.

        Returns the new coins in the order of ``targets``.
        """
        tx = self.keys.hash()
        fee = sum(coin.amount for coin in spent) - sum(amount for _, amount in targets)
        if fee < 0 or not spent:
            raise ValueError("a transaction pays out more than it spends")
        self._fees += fee
        for n, coin in enumerate(spent):
            self.inputs.append(InputRow(tx, n, coin.tx, coin.n))
        places = self.dice.shuffled(range(len(targets)))
        made = [
            HeldCoin(tx, n, amount, address, part) for n, (address, amount), part in zip(places, targets, parts, strict=True)
        ]
        for coin in sorted(made, key=lambda coin: coin.n):
            self.outputs.append(OutputRow(tx, coin.n, self.height, self._index, self.time, coin.address, coin.amount))
        self._index += 1
        return made

    def address_of(self, wallet: Wallet) -> str:
        """Where a wallet wants to be paid next."""
        if wallet.addresses:
            return self.dice.pick(wallet.addresses)
        if not wallet.last or not wallet.reuses or not self.dice.chance(REUSE):
            wallet.serial += 1
            wallet.last = self.keys.bitcoin(f"{wallet.name}/{wallet.serial}")
        return wallet.last

    def choose(self, wallet: Wallet, needed: int, *, merge: int = 0) -> list[HeldCoin]:
        """Take coins of at least ``needed`` out of a wallet, at least ``merge`` of them if it has so many.

        Returns an empty list, and leaves the wallet alone, if it has not got that much in `MAX_INPUTS` coins.
        """
        if wallet.balance < needed:
            return []
        chosen: list[HeldCoin] = []
        have = 0
        dirty = self.sources.is_dirty
        while (have < needed or len(chosen) < merge) and wallet.coins and len(chosen) < MAX_INPUTS:
            place = self.dice.below(len(wallet.coins))
            if wallet.habit is Habit.DIRTY_FIRST or have + wallet.coins[place].amount < needed:
                # A second look: launderers prefer the dirty one, others the larger one.
                other = self.dice.below(len(wallet.coins))
                first, second = wallet.coins[place], wallet.coins[other]
                if wallet.habit is Habit.DIRTY_FIRST:
                    if any(dirty[source] for source, _ in second.parts) and not any(dirty[source] for source, _ in first.parts):
                        place = other
                elif second.amount > first.amount:
                    place = other
            chosen.append(wallet.give(place))
            have += chosen[-1].amount
        if have < needed:
            for coin in chosen:
                wallet.coins.append(coin)
                wallet.balance += coin.amount
            return []
        return chosen

    def spend(
        self, payer: Wallet, spent: Sequence[HeldCoin], payments: Sequence[tuple[Wallet, int]], fee: int
    ) -> list[HeldCoin]:
        """Pay out of chosen coins; change goes to a next address of the payer. Returns the coins of the payments.

        The payer's habit orders the parts: they go on the payments, then on the change; the fee gets the rest.
        """
        paid = sum(amount for _, amount in payments)
        change = sum(coin.amount for coin in spent) - paid - fee
        amounts = [amount for _, amount in payments]
        receivers = [wallet for wallet, _ in payments]
        if change >= DUST:
            amounts.append(change)
            receivers.append(payer)
        parts = lay(ordered(merged([coin.parts for coin in spent]), payer.habit, self.sources, self.dice), amounts)
        targets = [(self.address_of(wallet), amount) for wallet, amount in zip(receivers, amounts, strict=True)]
        made = self.record(spent, targets, parts[:-1])
        for wallet, coin in zip(receivers, made, strict=True):
            wallet.receive(coin)
        return made[: len(payments)]

    def fee(self, inputs: int, outputs: int) -> int:
        """A plausible fee in satoshi."""
        return (11 + 68 * inputs + 31 * outputs) * self.dice.between(2, 40)

    def pay(self, payer: Wallet, payments: Sequence[tuple[Wallet, int]], *, merge: int = 0) -> list[HeldCoin]:
        """Pay from a wallet. Returns the coins of the payments, or an empty list if the wallet cannot."""
        fee = self.fee(2, len(payments) + 1)
        spent = self.choose(payer, sum(amount for _, amount in payments) + fee, merge=merge)
        return self.spend(payer, spent, payments, fee) if spent else []

    def drain(self) -> tuple[list[OutputRow], list[InputRow]]:
        """The rows since the last call, which are forgotten here."""
        rows = self.outputs, self.inputs
        self.outputs, self.inputs = [], []
        return rows
