"""Transactions that several people make together: CoinJoins of four kinds, and payjoins.

They happen only in economies that ask for them (`Plan.joint`). Whose money it is does not change: everybody gets his own out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from exposure.model.joint import DENOMINATIONS, POOLS
from exposure.simulate.coins import COIN, DUST, HeldCoin, Wallet
from exposure.simulate.dice import cumulative
from exposure.simulate.provenance import lay, merged, ordered
from exposure.simulate.world import Joint, User, World

CHANCE = 0.35
"""How often a block has one."""
WASABI_AMOUNT = COIN // 10
FEE_EACH = 4_000
MOST_PIECES = 8
_STANDARD = [int(value) for value in reversed(DENOMINATIONS)]


class Share(NamedTuple):
    """What one person brings and takes: coins, and (wallet, amount) of outputs. What is left is his part of the fee."""

    wallet: Wallet
    coins: list[HeldCoin]
    outputs: list[tuple[Wallet, int]]


def _person(world: World) -> User:
    return world.dice.pick(world.launderers) if world.dice.chance(0.25) else world.active()


def _gather(world: World, count: int, needed: int, *, merge: int = 0) -> list[tuple[User, list[HeldCoin]]]:
    """Different people with coins of at least ``needed`` each, taken out of their wallets; none if they are too few."""
    found: dict[str, tuple[User, list[HeldCoin]]] = {}
    for _ in range(6 * count):
        user = _person(world)
        if user.name not in found and (coins := world.coins.choose(user.wallet, needed, merge=merge)):
            found[user.name] = user, coins
        if len(found) == count:
            return list(found.values())
    for user, coins in found.values():
        _give_back(user.wallet, coins)
    return []


def _give_back(wallet: Wallet, coins: Sequence[HeldCoin]) -> None:
    for coin in coins:
        wallet.coins.append(coin)
        wallet.balance += coin.amount


def _worth(coins: Sequence[HeldCoin]) -> int:
    return sum(coin.amount for coin in coins)


def _fresh(world: World, wallet: Wallet) -> str:
    """A next address that is new, whatever the wallet's habit: programs for joint transactions see to that."""
    reuses, wallet.reuses = wallet.reuses, False
    address = world.coins.address_of(wallet)
    wallet.reuses = reuses
    return address


def _join(world: World, form: str, shares: Sequence[Share]) -> None:
    """Write one transaction of all shares: inputs and outputs in random order, each share's money on its own outputs."""
    targets, parts, receivers = [], [], []
    for share in shares:
        money = ordered(merged([coin.parts for coin in share.coins]), share.wallet.habit, world.sources, world.dice)
        parts += lay(money, [amount for _, amount in share.outputs])[:-1]
        targets += [(_fresh(world, wallet), amount) for wallet, amount in share.outputs]
        receivers += [wallet for wallet, _ in share.outputs]
    spent = world.dice.shuffled([coin for share in shares for coin in share.coins])
    made = world.coins.record(spent, targets, parts)
    for wallet, coin in zip(receivers, made, strict=True):
        wallet.receive(coin)
    world.joints.append(Joint(made[0].tx, form, len(shares)))


def joinmarket(world: World) -> None:
    """One pays or mixes an amount of his own; makers of offers stand by with the same amount."""
    amount = world.dice.heavy(COIN // 50, 5 * COIN)
    shares: list[Share] = []
    for user, coins in _gather(world, world.dice.between(3, 7), amount + FEE_EACH):
        receiver = world.contact(user).wallet if not shares and world.dice.chance(0.5) else user.wallet
        shares.append(_share(user.wallet, coins, [(receiver, amount)]))
    if shares:
        _join(world, "joinmarket", shares)


def wasabi(world: World) -> None:
    """Many take one equal output each, and change."""
    amount = WASABI_AMOUNT - world.dice.below(COIN // 200)
    people = _gather(world, world.dice.between(10, 25), amount + FEE_EACH)
    if people:
        _join(world, "wasabi 1", [_share(user.wallet, coins, [(user.wallet, amount)]) for user, coins in people])


def wasabi2(world: World) -> None:
    """Many split all that they bring into standard denominations."""
    people = _gather(world, world.dice.between(10, 20), COIN // 50, merge=3)
    if sum(len(coins) for _, coins in people) < 20:
        for user, coins in people:
            _give_back(user.wallet, coins)
        return
    shares = []
    for user, coins in people:
        pieces = _pieces(_worth(coins) - FEE_EACH)
        shares.append(_share(user.wallet, coins, [(user.wallet, piece) for piece in pieces]))
    _join(world, "wasabi 2", shares)


def _pieces(amount: int) -> list[int]:
    pieces: list[int] = []
    for value in _STANDARD:
        while amount >= value and len(pieces) < MOST_PIECES:
            pieces.append(value)
            amount -= value
    return pieces


def whirlpool(world: World) -> None:
    """Five or more, each with a coin that he cut to the pool's size beforehand, take equal outputs and no change."""
    pool = int(world.dice.pick([int(size) for size in POOLS[:3]]))
    shares = []
    for user, coins in _gather(world, world.dice.between(5, 8), 2 * pool + 3 * FEE_EACH):
        cut = world.coins.spend(user.wallet, coins, [(user.wallet, pool + FEE_EACH)], world.coins.fee(len(coins), 2))
        coin = user.wallet.give(next(place for place, one in enumerate(user.wallet.coins) if one is cut[0]))
        shares.append(Share(user.wallet, [coin], [(user.wallet, pool)]))
    if shares:
        _join(world, "whirlpool", shares)


def payjoin(world: World) -> None:
    """A payment to which the receiver adds a coin of his own."""
    payer = world.active()
    receiver = world.contact(payer)
    amount = world.dice.heavy(COIN // 50, payer.wallet.balance // 2)
    if receiver is payer or not receiver.wallet.coins or amount < DUST:
        return
    coins = world.coins.choose(payer.wallet, amount + FEE_EACH + DUST)
    if not coins:
        return
    added = receiver.wallet.give(world.dice.below(len(receiver.wallet.coins)))
    change = _worth(coins) - amount - FEE_EACH
    money = ordered(merged([coin.parts for coin in coins]), payer.wallet.habit, world.sources, world.dice)
    paid, kept, _ = lay(money, [amount, change])
    targets = [(_fresh(world, receiver.wallet), amount + added.amount), (_fresh(world, payer.wallet), change)]
    made = world.coins.record(world.dice.shuffled([*coins, added]), targets, [merged([paid, added.parts]), kept])
    receiver.wallet.receive(made[0])
    payer.wallet.receive(made[1])
    world.joints.append(Joint(made[0].tx, "payjoin", 2))


def _share(wallet: Wallet, coins: list[HeldCoin], outputs: list[tuple[Wallet, int]]) -> Share:
    """A share with its change, if there is any."""
    left = _worth(coins) - sum(amount for _, amount in outputs) - FEE_EACH
    return Share(wallet, coins, [*outputs, (wallet, left)] if left >= DUST else outputs)


_EVENTS: tuple[tuple[int, Callable[[World], None]], ...] = (
    (4, joinmarket),
    (2, wasabi),
    (2, wasabi2),
    (4, whirlpool),
    (6, payjoin),
)
_WEIGHTS = cumulative([weight for weight, _ in _EVENTS])


def happen(world: World) -> None:
    """One of them, now and then; nobody can afford it, and nothing happens."""
    if world.dice.chance(CHANCE):
        _EVENTS[world.dice.weighted(_WEIGHTS)][1](world)
