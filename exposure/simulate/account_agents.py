"""What people do on the account chain. Each function is one event: it happens, or nobody can afford it and nothing does."""

from __future__ import annotations

from collections.abc import Callable

from exposure.simulate.accounts import ETH, ETHER, GWEI, TOKEN_UNIT, Account, Move
from exposure.simulate.cast import Custodian
from exposure.simulate.dice import cumulative
from exposure.simulate.provenance import lay, ordered
from exposure.simulate.world import Ticket, User, World, native_fee_room

DENOMINATION = ETHER
RELAYER_FEE = ETHER // 200
GRAIN = ETHER // 10_000
TOKEN_GRAIN = TOKEN_UNIT // 100
TOKENS_PER_ETHER = 1_800 * TOKEN_UNIT
SWEEP_GAS = ETHER // 250


def _amount(world: World, base: int, cap: int) -> int:
    return world.dice.heavy(base, cap) // GRAIN * GRAIN


def _tokens(world: World, base: int, cap: int) -> int:
    return world.dice.heavy(base, cap) // TOKEN_GRAIN * TOKEN_GRAIN


def genesis(world: World) -> None:
    """Allocations before anybody acts. Later generations get theirs from exchanges."""
    cast, ledger = world.cast, world.accounts
    mined = world.sources.number("mined", "")
    ledger.at(world.plan.start)
    for custodian in cast.exchanges:
        ledger.mint(custodian.party.account, ETH, 40_000 * ETHER, mined)
    for party, ether in (
        (cast.institution.party, 500),
        (cast.swap, 6_000),
        (cast.issuer, 50),
        (cast.market, 40),
        (cast.ransom, 40),
    ):
        ledger.mint(party.account, ETH, ether * ETHER, mined)
    for party in cast.sanctioned:
        ledger.mint(party.account, ETH, 600 * ETHER, mined)
    for account in (*cast.validators, cast.relayer, cast.poisoner):
        ledger.mint(account, ETH, 20 * ETHER, mined)
    for user in (*world.users[:: max(1, len(world.users) // 200)], *world.launderers[:40]):
        ledger.mint(user.accounts[0], ETH, _amount(world, 2 * ETHER, 80 * ETHER), mined)
    minted = world.sources.number("minted", cast.issuer.name)
    ledger.mint(cast.issuer.account, ledger.token, 60_000_000 * TOKEN_UNIT, minted)
    for party in (*(custodian.party for custodian in cast.exchanges), cast.swap):
        ledger.pay(cast.issuer.account, party.account, ledger.token, 12_000_000 * TOKEN_UNIT)


def pay_someone(world: World) -> None:
    """A user pays another one in the native asset."""
    payer = world.active()
    receiver = world.contact(payer)
    account = world.dice.pick(payer.accounts)
    amount = _amount(world, ETHER // 20, native_fee_room(account) // 2)
    if amount and receiver is not payer:
        world.accounts.pay(account, receiver.accounts[0], ETH, amount)


def pay_tokens(world: World) -> None:
    """A user pays another one in tokens."""
    payer = world.active()
    receiver = world.contact(payer)
    token = world.accounts.token
    amount = _tokens(world, 20 * TOKEN_UNIT, payer.accounts[0].balance(token) // 2)
    if amount and receiver is not payer:
        world.accounts.pay(payer.accounts[0], receiver.accounts[0], token, amount)


def deposit(world: World, user: User, custodian: Custodian, asset: str) -> None:
    """A user deposits at an exchange or at the institution."""
    account = max(user.accounts, key=lambda own: own.balance(asset))
    if asset == ETH:
        amount = _amount(world, ETHER // 2, native_fee_room(account) * 3 // 4)
    else:
        amount = _tokens(world, 200 * TOKEN_UNIT, account.balance(asset) * 3 // 4)
    if not amount:
        return
    target = custodian.account_for(user.name, world.keys)
    if world.accounts.pay(account, target, asset, amount):
        custodian.waiting_accounts.append((target, asset))
        if custodian is world.cast.institution:
            world.note_account_deposit(user.customer, target, asset)


def deposit_at_exchange(world: World) -> None:
    """A user sells at an exchange."""
    user = world.active()
    deposit(world, user, user.exchange, ETH if world.dice.chance(0.7) else world.accounts.token)


def deposit_at_institution(world: World) -> None:
    """A customer deposits."""
    asset = ETH if world.dice.chance(0.7) else world.accounts.token
    deposit(world, world.dice.pick(world.customers), world.cast.institution, asset)


def sweep(world: World, custodian: Custodian) -> None:
    """One deposit address forwards what it holds to the hot address; for tokens it first gets gas from there."""
    if not custodian.waiting_accounts:
        return
    account, asset = custodian.waiting_accounts.pop()
    hot = custodian.party.account
    ledger = world.accounts
    if asset != ETH and account.balance(asset):
        if account.balance(ETH) < SWEEP_GAS and not ledger.pay(hot, account, ETH, SWEEP_GAS):
            return
        ledger.pay(account, hot, asset, account.balance(asset))
    elif asset == ETH:
        fee = ledger.gas()
        amount = account.balance(ETH) - fee
        if amount > SWEEP_GAS:
            ledger.transact([Move(account, hot, ETH, amount)], fee)


def sweep_someone(world: World) -> None:
    """An exchange, or the institution, tidies up."""
    sweep(world, world.dice.pick([*world.cast.exchanges, world.cast.institution]))


def withdraw(world: World) -> None:
    """An exchange pays a user, in either asset."""
    custodian = world.cast.institution if world.dice.chance(0.06) else world.dice.pick(world.cast.exchanges)
    account = world.active().accounts[0]
    if world.dice.chance(0.7):
        world.accounts.pay(custodian.party.account, account, ETH, _amount(world, ETHER, 300 * ETHER))
    else:
        world.accounts.pay(
            custodian.party.account, account, world.accounts.token, _tokens(world, 500 * TOKEN_UNIT, 10**6 * TOKEN_UNIT)
        )


def buy_from_criminal(world: World) -> None:
    """The darknet market sells, a ransom is paid, or a listed party is paid out by an exchange."""
    cast, dice = world.cast, world.dice
    if dice.chance(0.25):
        world.accounts.pay(
            dice.pick(cast.exchanges).party.account,
            dice.pick(cast.sanctioned).account,
            ETH,
            _amount(world, 5 * ETHER, 200 * ETHER),
        )
        return
    account = world.active().accounts[0]
    party = cast.market if dice.chance(0.7) else cast.ransom
    amount = _amount(world, ETHER // 10, native_fee_room(account) // 2)
    if amount:
        world.accounts.pay(account, party.account, ETH, amount)


def criminal_pays(world: World) -> None:
    """Criminal money leaves: mostly to launderers, sometimes straight to a user."""
    dice = world.dice
    account = dice.pick(world.cast.criminals).account
    receiver = dice.pick(world.launderers) if dice.chance(0.8) else world.active()
    amount = _amount(world, 2 * ETHER, native_fee_room(account) // 3)
    if amount:
        world.accounts.pay(account, dice.pick(receiver.accounts), ETH, amount)


def hop(world: World, user: User, asset: str, *, count: int = 1) -> None:
    """Move money to own fresh addresses, the whole or split over several."""
    origin = max(user.accounts, key=lambda own: own.balance(asset))
    room = native_fee_room(origin) if asset == ETH else origin.balance(asset)
    for _ in range(count):
        fresh = Account(world.keys.ethereum(f"{user.name}/{len(user.accounts)}"), user.habit)
        if room // count >= GRAIN and world.accounts.pay(origin, fresh, asset, room // count // GRAIN * GRAIN):
            user.accounts.append(fresh)


def gather(world: World, user: User) -> None:
    """Bring the money of several own addresses together."""
    target = user.accounts[-1]
    for account in user.accounts[-5:-1]:
        amount = native_fee_room(account) // GRAIN * GRAIN
        if amount:
            world.accounts.pay(account, target, ETH, amount)
    if len(user.accounts) > 8:
        # Old addresses are left behind, with their dust.
        user.accounts = sorted(user.accounts, key=lambda own: own.balance(ETH))[-4:]


def mix(world: World, user: User, *, delay: int = 0) -> bool:
    """Hand one denomination to the mixer, against a ticket that falls due later."""
    account = max(user.accounts, key=lambda own: own.balance(ETH))
    if native_fee_room(account) < DENOMINATION:
        return False
    if not world.accounts.pay(account, world.cast.mixer.account, ETH, DENOMINATION):
        return False
    due = world.step + (delay or world.dice.between(2, 20))
    world.account_tickets.append(Ticket(due, user, world.accounts.moved[-1]))
    return True


def redeem(world: World, ticket: Ticket, receiver: Account | None = None) -> Account:
    """A relayer calls the mixer, which pays the ticket to a fresh address, less the relayer's share."""
    user, cast, ledger = ticket.owner, world.cast, world.accounts
    if receiver is None:
        receiver = Account(ledger.keys.ethereum(f"{user.name}/mixed/{ledger.height}"), user.habit)
        user.accounts.append(receiver)
    paid, rest = lay(ordered(ticket.parts, user.habit, world.sources, world.dice), [DENOMINATION - RELAYER_FEE])
    mixer = cast.mixer.account
    ledger.transact(
        [
            Move(cast.relayer, mixer, ETH, 0),
            Move(mixer, receiver, ETH, DENOMINATION - RELAYER_FEE, parts=paid),
            Move(mixer, cast.relayer, ETH, RELAYER_FEE, parts=rest),
        ],
        ledger.gas(60_000),
    )
    return receiver


def redeem_due(world: World) -> None:
    """Pay the tickets that are due."""
    due = [ticket for ticket in world.account_tickets if ticket.due <= world.step]
    if due:
        world.account_tickets = [ticket for ticket in world.account_tickets if ticket.due > world.step]
        for ticket in due:
            redeem(world, ticket)


def _price(world: World) -> int:
    return TOKENS_PER_ETHER * world.dice.between(96, 104) // 100


def sell_tokens(world: World, account: Account, amount: int) -> bool:
    """Swap tokens for ether through the contract, within one transaction; whose money it is goes along."""
    ledger, contract = world.accounts, world.cast.swap.account
    out = amount * ETHER // _price(world) // GWEI * GWEI
    fee = ledger.gas(150_000)
    if not 0 < out < contract.balance(ETH) // 2 or account.balance(ledger.token) < amount or account.balance(ETH) < fee:
        return False
    call = ledger.moves(account, contract, ledger.token, amount)
    ledger.transact([*call, Move(contract, account, ETH, out, converts=True)], fee)
    return True


def sell_ether(world: World, account: Account, amount: int) -> bool:
    """Swap ether for tokens through the contract, within one transaction; whose money it is goes along."""
    ledger, contract = world.accounts, world.cast.swap.account
    out = amount * _price(world) // ETHER // TOKEN_GRAIN * TOKEN_GRAIN
    if not 0 < out < contract.balance(ledger.token) // 2 or native_fee_room(account) < amount:
        return False
    pair = (Move(account, contract, ETH, amount), Move(contract, account, ledger.token, out, converts=True))
    ledger.transact(pair, ledger.gas(150_000))
    return True


def swap(world: World, account: Account) -> bool:
    """Swap part of what an account holds, in one of the two directions."""
    held = account.balance(world.accounts.token)
    if held >= 100 * TOKEN_UNIT and world.dice.chance(0.5):
        return sell_tokens(world, account, held // 2 // TOKEN_GRAIN * TOKEN_GRAIN)
    return sell_ether(world, account, _amount(world, ETHER // 4, native_fee_room(account) // 2))


def launder(world: World) -> None:
    """A launderer makes one step; some users mix or swap as well."""
    dice = world.dice
    if dice.chance(0.2):
        user = world.active()
        if dice.chance(0.6):
            swap(world, user.accounts[0])
        else:
            mix(world, user)
        return
    user = dice.pick(world.launderers)
    kind = dice.below(100)
    if kind < 30:
        hop(world, user, ETH)
    elif kind < 40:
        hop(world, user, ETH, count=dice.between(2, 4))
    elif kind < 52:
        gather(world, user)
    elif kind < 66:
        mix(world, user)
    elif kind < 76:
        swap(world, dice.pick(user.accounts))
    else:
        custodian = world.cast.institution if user.customer and dice.chance(0.5) else user.exchange
        deposit(world, user, custodian, ETH if dice.chance(0.7) else world.accounts.token)


def fail(world: World) -> None:
    """A transaction fails: nothing moves, the fee is paid."""
    payer = world.active()
    account, receiver = payer.accounts[0], world.contact(payer).accounts[0]
    fee = world.accounts.gas()
    if account.balance(ETH) > fee:
        world.accounts.transact([Move(account, receiver, ETH, _amount(world, ETHER // 10, 50 * ETHER))], fee, failed=True)


def poison_addresses(world: World) -> None:
    """Somebody plants zero-value token movements from a victim to a look-alike of a contact of the victim."""
    victim = world.active()
    poisoner, ledger = world.cast.poisoner, world.accounts
    fee = ledger.gas(45_000)
    if not victim.contacts or poisoner.balance(ETH) < fee:
        return
    real = world.dice.pick(victim.contacts).accounts[0].address
    fake = Account(world.keys.lookalike(real, str(ledger.height)))
    call = Move(poisoner, ledger.token_contract, ETH, 0)
    ledger.transact([call, Move(victim.accounts[0], fake, ledger.token, 0)], fee)


def sprinkle(world: World) -> None:
    """A listed party sends dust to somebody who has nothing to do with it."""
    account = world.dice.pick(world.cast.sanctioned).account
    if native_fee_room(account):
        world.accounts.pay(account, world.active().accounts[0], ETH, 10**12 * world.dice.between(1, 9))


def reward(world: World) -> None:
    """A validator is rewarded, and sells some of it."""
    account = world.dice.pick(world.cast.validators)
    world.accounts.mint(account, ETH, 2 * ETHER + world.dice.below(10**6) * 10**11, world.sources.number("mined", ""))
    amount = native_fee_room(account) // 2 // GRAIN * GRAIN
    if amount and world.dice.chance(0.5):
        world.accounts.pay(account, world.active().accounts[0], ETH, amount)


def steal(world: World, entity: str) -> None:
    """One transaction empties a rich user; it is reported, so its hash is tagged as a theft."""
    victim = max((user.accounts[0] for user in world.users), key=lambda account: account.balance(ETH))
    amount = native_fee_room(victim) * 6 // 10 // GRAIN * GRAIN
    if not amount:
        return
    thief = world.dice.pick(world.launderers).accounts[0]
    stolen = world.sources.number("stolen_funds", entity)
    tx = world.accounts.transact([Move(victim, thief, ETH, amount, parts=((stolen, amount),))], world.accounts.gas())
    world.cast.thefts.append(("ethereum", tx, entity))


_EVENTS: tuple[tuple[int, Callable[[World], None]], ...] = (
    (26, pay_someone),
    (10, pay_tokens),
    (11, deposit_at_exchange),
    (7, deposit_at_institution),
    (9, sweep_someone),
    (14, withdraw),
    (5, buy_from_criminal),
    (6, criminal_pays),
    (14, launder),
    (3, fail),
    (2, poison_addresses),
    (1, sprinkle),
    (4, reward),
)
_WEIGHTS = cumulative([weight for weight, _ in _EVENTS])


def happen(world: World) -> None:
    """One random event."""
    _EVENTS[world.dice.weighted(_WEIGHTS)][1](world)
