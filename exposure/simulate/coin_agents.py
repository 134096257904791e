"""What people do on the UTXO chain. Each function is one event: it happens, or nobody can afford it and nothing does."""

from __future__ import annotations

from collections.abc import Callable

from exposure.simulate.cast import Custodian, Party
from exposure.simulate.coins import COIN, MAX_INPUTS, HeldCoin, Wallet
from exposure.simulate.dice import cumulative
from exposure.simulate.provenance import lay, merged, ordered
from exposure.simulate.world import Ticket, User, World

DENOMINATION = COIN // 10
GRAIN = 1_000
SUBSIDY = 50 * COIN


def _amount(world: World, base: int, cap: int) -> int:
    return world.dice.heavy(base, cap) // GRAIN * GRAIN


def pay_someone(world: World) -> None:
    """A user pays another one."""
    payer = world.active()
    receiver = world.contact(payer)
    amount = _amount(world, COIN // 100, payer.wallet.balance // 2)
    if receiver is not payer and amount > 0:
        world.coins.pay(payer.wallet, [(receiver.wallet, amount)])


def deposit(world: World, user: User, custodian: Custodian, amount: int) -> None:
    """A user deposits at an exchange or at the institution."""
    if amount < GRAIN:
        return
    wallet = custodian.wallet_for(user.name, world.keys)
    made = world.coins.pay(user.wallet, [(wallet, amount)])
    if made:
        custodian.waiting.append(wallet)
        if custodian is world.cast.institution:
            world.note_coin_deposit(user.customer, made[0])


def deposit_at_exchange(world: World) -> None:
    """A user, often a miner, sells at an exchange."""
    user = world.dice.pick(world.miners) if world.dice.chance(0.4) else world.active()
    cap = user.wallet.balance * 3 // 4
    deposit(world, user, user.exchange, _amount(world, COIN, cap) if user.mines else _amount(world, COIN // 20, cap))


def deposit_at_institution(world: World) -> None:
    """A customer deposits."""
    user = world.dice.pick(world.customers)
    deposit(world, user, world.cast.institution, _amount(world, COIN // 20, user.wallet.balance * 3 // 4))


def sweep(world: World, custodian: Custodian, most: int = MAX_INPUTS) -> None:
    """Coins on deposit addresses go to the hot address, several in one transaction."""
    spent: list[HeldCoin] = []
    while custodian.waiting and len(spent) < most:
        wallet = custodian.waiting.pop()
        while wallet.coins:
            spent.append(wallet.give(len(wallet.coins) - 1))
    if not spent:
        return
    amount = sum(coin.amount for coin in spent) - world.coins.fee(len(spent), 1)
    hot = custodian.party.wallet
    if amount <= 0:
        for coin in spent:
            hot.receive(coin)
        return
    parts = lay(merged([coin.parts for coin in spent]), [amount])
    made = world.coins.record(spent, [(world.coins.address_of(hot), amount)], parts[:1])
    hot.receive(made[0])


def sweep_someone(world: World) -> None:
    """An exchange, or the institution, tidies up."""
    sweep(world, world.dice.pick([*world.cast.exchanges, world.cast.institution]))


def withdraw(world: World) -> None:
    """An exchange pays out to several users in one transaction."""
    custodian = world.cast.institution if world.dice.chance(0.08) else world.dice.pick(world.cast.exchanges)
    people = {id(user): user for user in (world.active() for _ in range(world.dice.between(1, 6)))}
    payments = [(user.wallet, _amount(world, COIN // 10, 40 * COIN)) for user in people.values()]
    world.coins.pay(custodian.party.wallet, payments)


def buy_from_criminal(world: World) -> None:
    """The darknet market sells, a ransom is paid, or a listed party is paid out by an exchange."""
    cast, dice = world.cast, world.dice
    if dice.chance(0.25):
        party = dice.pick([*cast.sanctioned, cast.farm])
        world.coins.pay(dice.pick(cast.exchanges).party.wallet, [(party.wallet, _amount(world, COIN, 60 * COIN))])
        return
    user = world.active()
    party, base = (cast.market, COIN // 50) if dice.chance(0.7) else (cast.ransom, COIN // 2)
    amount = _amount(world, base, user.wallet.balance // 2)
    if amount >= GRAIN:
        world.coins.pay(user.wallet, [(party.wallet, amount)])


def criminal_pays(world: World) -> None:
    """Criminal money leaves: mostly to launderers, sometimes straight to a user."""
    cast, dice = world.cast, world.dice
    party: Party = dice.pick([*cast.criminals, cast.farm])
    purse = party.wallet
    if party.hidden is not None and party.hidden.balance and dice.chance(0.3):
        purse = party.hidden
    receiver = dice.pick(world.launderers) if dice.chance(0.8) else world.active()
    amount = _amount(world, COIN // 2, purse.balance // 2)
    if amount >= GRAIN:
        world.coins.pay(purse, [(receiver.wallet, amount)])


def peel(world: World, user: User) -> None:
    """Peel small payments off a large coin, some of them at once, the change to a fresh address each time."""
    for _ in range(world.dice.between(1, 4)):
        if not user.wallet.coins:
            return
        place = max(range(len(user.wallet.coins)), key=lambda at: user.wallet.coins[at].amount)
        coin = user.wallet.give(place)
        fee = world.coins.fee(1, 2)
        amount = coin.amount // world.dice.between(8, 20) // GRAIN * GRAIN
        if amount < GRAIN or amount + fee > coin.amount:
            user.wallet.coins.append(coin)
            user.wallet.balance += coin.amount
            return
        receiver = world.active()
        world.coins.spend(user.wallet, [coin], [(receiver.wallet, amount)], fee)


def fan_out(world: World, user: User) -> None:
    """Split a coin over own fresh addresses."""
    count = world.dice.between(3, 7)
    each = user.wallet.balance // (2 * count) // GRAIN * GRAIN
    if each > COIN // 200:
        world.coins.pay(user.wallet, [(user.wallet, each)] * count)


def fan_in(world: World, user: User) -> None:
    """Gather own coins on one address."""
    if len(user.wallet.coins) >= 4:
        amount = user.wallet.balance // 3
        if amount >= GRAIN:
            world.coins.pay(user.wallet, [(user.wallet, amount)], merge=5)


def mix(world: World, user: User, *, delay: int = 0) -> bool:
    """Hand equal denominations to the mixer, against tickets that fall due later."""
    count = min(world.dice.between(1, 3), (user.wallet.balance - COIN // 1000) // DENOMINATION)
    if count < 1:
        return False
    mixer = world.cast.mixer.wallet
    made = world.coins.pay(user.wallet, [(mixer, DENOMINATION)] * count)
    for coin in made:
        due = world.step + (delay or world.dice.between(2, 20))
        world.coin_tickets.append(Ticket(due, user, coin.came))
    return bool(made)


def redeem(world: World, ticket: Ticket, receiver: Wallet | None = None) -> HeldCoin:
    """The mixer pays a ticket out of any coin it has: the ledger shows a mixer's coin, the money is the owner's."""
    mixer = world.cast.mixer.wallet
    coin = mixer.give(world.dice.below(len(mixer.coins)))
    amount = DENOMINATION - world.coins.fee(1, 1)
    wallet = receiver or ticket.owner.wallet
    parts = lay(ordered(ticket.parts, wallet.habit, world.sources, world.dice), [amount])
    made = world.coins.record([coin], [(world.coins.address_of(wallet), amount)], parts[:1])
    wallet.receive(made[0])
    return made[0]


def redeem_due(world: World) -> None:
    """Pay the tickets that are due."""
    due = [ticket for ticket in world.coin_tickets if ticket.due <= world.step]
    if due:
        world.coin_tickets = [ticket for ticket in world.coin_tickets if ticket.due > world.step]
        for ticket in due:
            redeem(world, ticket)


def launder(world: World) -> None:
    """A launderer makes one step; some users mix as well, for privacy."""
    dice = world.dice
    if dice.chance(0.12):
        mix(world, world.active())
        return
    user = dice.pick(world.launderers)
    kind = dice.below(100)
    if kind < 40:
        peel(world, user)
    elif kind < 52:
        fan_out(world, user)
    elif kind < 66:
        fan_in(world, user)
    elif kind < 78:
        mix(world, user)
    else:
        custodian = world.cast.institution if user.customer and dice.chance(0.5) else user.exchange
        deposit(world, user, custodian, _amount(world, COIN // 10, user.wallet.balance * 3 // 4))


def pay_miners(world: World) -> None:
    """The pool pays its miners."""
    pool = world.cast.pool.wallet
    people = world.dice.some(world.miners, world.dice.between(2, 5))
    each = pool.balance // 2 // len(people) // GRAIN * GRAIN
    if each >= COIN // 100:
        world.coins.pay(pool, [(user.wallet, each) for user in people])


def sprinkle(world: World) -> None:
    """A listed party sends dust to people who have nothing to do with it."""
    party = world.dice.pick(world.cast.sanctioned)
    world.coins.pay(party.wallet, [(world.active().wallet, 1_000 + world.dice.below(500)) for _ in range(4)])


def steal(world: World, entity: str) -> None:
    """One transaction takes a rich user's largest coins; it is reported, so its hash is tagged as a theft."""
    wallet = max(world.users, key=lambda user: user.wallet.balance).wallet
    if not wallet.balance:
        return
    wallet.coins.sort(key=lambda coin: coin.amount)
    spent = [wallet.give(len(wallet.coins) - 1) for _ in range(min(5, len(wallet.coins)))]
    amount = sum(coin.amount for coin in spent) - world.coins.fee(len(spent), 1)
    thief = world.dice.pick(world.launderers).wallet
    stolen = world.sources.number("stolen_funds", entity)
    made = world.coins.record(spent, [(world.coins.address_of(thief), amount)], [((stolen, amount),)])
    thief.receive(made[0])
    world.cast.thefts.append(("bitcoin", made[0].tx, entity))


_EVENTS: tuple[tuple[int, Callable[[World], None]], ...] = (
    (30, pay_someone),
    (14, deposit_at_exchange),
    (9, deposit_at_institution),
    (8, sweep_someone),
    (13, withdraw),
    (6, buy_from_criminal),
    (7, criminal_pays),
    (16, launder),
    (5, pay_miners),
    (1, sprinkle),
)
_WEIGHTS = cumulative([weight for weight, _ in _EVENTS])


def happen(world: World) -> None:
    """One random event."""
    _EVENTS[world.dice.weighted(_WEIGHTS)][1](world)


def mine(world: World) -> None:
    """End the block: the first blocks fund exchanges, pool and listed parties; later ones go to pool, miners and farm."""
    cast, dice = world.cast, world.dice
    founders = [
        *(custodian.party.wallet for custodian in cast.exchanges),
        cast.pool.wallet,
        *(wallet for party in cast.sanctioned for wallet in (party.wallet, party.hidden) if wallet is not None),
    ]
    height = world.coins.height
    if world.next_miner is not None:
        wallet, world.next_miner = world.next_miner, None
    elif height <= 3 * len(founders):
        wallet = founders[(height - 1) % len(founders)]
    elif dice.chance(0.55):
        wallet = cast.pool.wallet
    elif dice.chance(0.15):
        wallet = cast.farm.wallet
    else:
        wallet = dice.pick(world.miners).wallet
    mined = world.sources.number("mined", "")
    wallet.receive(world.coins.close_block(world.coins.address_of(wallet), SUBSIDY, mined))
