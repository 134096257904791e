"""The account chain as it is being made: balances of two assets, fees, failed transactions. No balance goes below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from exposure.simulate.dice import Dice
from exposure.simulate.keys import Keys
from exposure.simulate.provenance import Habit, Parts, Sources, converted, lay, merged, ordered, total

CHAIN = "ethereum"
ETH = "ethereum/native"
ETHER = 10**18
GWEI = 10**9
TOKEN_UNIT = 10**6
BLOCK_SECONDS = 12


class TransferRow(NamedTuple):
    """A row of the transfers file. ``sender`` empty: minted. The fee, in wei, stands in the first row of a transaction.

    ``serial`` is the place within the transaction (column ``index``).
    """

    tx: str
    serial: int
    block: int
    time: int
    sender: str
    receiver: str
    amount: int
    fee: int
    asset: str
    status: str
    memo: str


@dataclass(slots=True, eq=False)
class Account:
    """Balances of one address and whose money they really are. ``source``: what it receives becomes its own money."""

    address: str
    habit: Habit = Habit.ANY
    source: int | None = None
    pots: dict[str, Parts] = field(default_factory=dict)

    def balance(self, asset: str) -> int:
        """Base units held."""
        return total(self.pots.get(asset, ()))

    def receive(self, asset: str, parts: Parts) -> None:
        """Add parts to a pot."""
        if self.source is not None and parts:
            parts = ((self.source, total(parts)),)
        self.pots[asset] = merged((self.pots.get(asset, ()), parts))


class Move(NamedTuple):
    """One movement inside a transaction.

    ``parts``: whose money the receiver gets, where that is not the sender's own (a mixer pays out a ticket).
    ``converts``: the receiver gets, in this asset, whose money the move before brought (a swap).
    """

    sender: Account
    receiver: Account
    asset: str
    amount: int
    parts: Parts | None = None
    converts: bool = False


class AccountLedger:
    """Rows of the account chain since the last `drain`. Every transaction has a block of its own."""

    def __init__(self, keys: Keys, dice: Dice, sources: Sources, token: str) -> None:
        self.keys = keys
        self.dice = dice
        self.sources = sources
        self.token_contract = Account(token)
        self.token = f"{CHAIN}/{token}"
        self.height = 0
        self.time = 0
        self.rows: list[TransferRow] = []
        self.moved: list[Parts] = []  # by move of the last transaction

    def at(self, time: int) -> None:
        """Move the clock on: the next block is not before ``time``."""
        self.time = max(self.time, time - BLOCK_SECONDS)

    def _block(self) -> str:
        self.height += 1
        self.time += BLOCK_SECONDS * self.dice.between(1, 3)
        return "0x" + self.keys.hash()

    def take(self, account: Account, asset: str, amount: int) -> Parts:
        """Take an amount out of a pot; the owner's habit says which parts leave."""
        order = ordered(account.pots.get(asset, ()), account.habit, self.sources, self.dice)
        taken, left = lay(order, [amount])
        account.pots[asset] = left
        return taken

    def mint(self, receiver: Account, asset: str, amount: int, source: int) -> None:
        """Write new value: a genesis allocation, a validator's reward, an issue of tokens."""
        tx = self._block()
        self.rows.append(TransferRow(tx, 0, self.height, self.time, "", receiver.address, amount, 0, asset, "ok", ""))
        receiver.receive(asset, ((source, amount),))

    def gas(self, units: int = 21_000) -> int:
        """A plausible fee in wei."""
        return units * self.dice.between(8, 60) * GWEI

    def transact(self, moves: Sequence[Move], fee: int, *, failed: bool = False, memo: str = "") -> str:
        """Write one transaction: its moves in order, then the fee, paid by the sender of the first move.

        Returns the hash. The caller has made sure that everybody can pay.
        """
        tx = self._block()
        status = "failed" if failed else "ok"
        payer = moves[0].sender
        self.moved = []
        for index, move in enumerate(moves):
            own_fee = fee if index == 0 else 0
            row = TransferRow(
                tx,
                index,
                self.height,
                self.time,
                move.sender.address,
                move.receiver.address,
                move.amount,
                own_fee,
                move.asset,
                status,
                memo,
            )
            self.rows.append(row)
            if move.amount and not failed:
                parts = self.take(move.sender, move.asset, move.amount)
                if move.converts:
                    parts = converted(self.moved[-1], move.amount)
                elif move.parts is not None:
                    parts = move.parts
                move.receiver.receive(move.asset, parts)
                self.moved.append(parts)
            else:
                self.moved.append(())
        self.take(payer, ETH, fee)
        return tx

    def pay(self, payer: Account, receiver: Account, asset: str, amount: int, *, memo: str = "") -> str:
        """Pay native value or tokens. Returns the hash, or an empty string if the payer cannot."""
        fee = self.gas() if asset == ETH else self.gas(55_000)
        if payer.balance(asset) < amount or payer.balance(ETH) < fee + (amount if asset == ETH else 0):
            return ""
        return self.transact(self.moves(payer, receiver, asset, amount), fee, memo=memo)

    def moves(self, payer: Account, receiver: Account, asset: str, amount: int) -> list[Move]:
        """The movements of a plain payment. A token payment is a call of the contract, without value, and its event."""
        if asset == ETH:
            return [Move(payer, receiver, asset, amount)]
        return [Move(payer, self.token_contract, ETH, 0), Move(payer, receiver, asset, amount)]

    def drain(self) -> list[TransferRow]:
        """The rows since the last call, which are forgotten here."""
        rows, self.rows = self.rows, []
        return rows
