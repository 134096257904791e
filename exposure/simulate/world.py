"""The state of a running economy: both chains, the cast, the users of the present generation, and open promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from exposure.simulate import accounts, coins
from exposure.simulate.accounts import ETH, Account, AccountLedger
from exposure.simulate.cast import Cast, Custodian, assemble
from exposure.simulate.coins import CoinLedger, HeldCoin, Wallet
from exposure.simulate.dice import Dice, cumulative
from exposure.simulate.keys import Keys
from exposure.simulate.provenance import Habit, Parts, Sources
from exposure.simulate.sizes import Plan

MAX_CONTACTS = 6


@dataclass(slots=True, eq=False)
class User:
    """A person with a wallet and one or more accounts. ``customer``: reference at the institution, if any."""

    name: str
    habit: Habit
    wallet: Wallet
    accounts: list[Account]
    exchange: Custodian
    customer: str = ""
    launders: bool = False
    mines: bool = False
    contacts: list[User] = field(default_factory=list, repr=False)


class Deposit(NamedTuple):
    """A customer's deposit at the institution.

    ``place``: output number, or place of the transfer in its transaction (column ``index``). ``parts``: whose money it is.
    """

    id: str
    customer: str
    chain: str
    tx: str
    place: int
    address: str
    asset: str
    amount: int
    time: int
    parts: Parts


class Joint(NamedTuple):
    """A transaction that several people made together: what kind it is, and how many they were."""

    tx: str
    form: str
    owners: int


class Ticket(NamedTuple):
    """A claim on the mixer: at step ``due`` the same amount, less fees, goes to a fresh address of its owner."""

    due: int
    owner: User
    parts: Parts


@dataclass(slots=True, eq=False, repr=False)
class World:
    """A running economy. Agents read and change it; nothing else does."""

    plan: Plan
    dice: Dice
    keys: Keys
    sources: Sources
    cast: Cast
    coins: CoinLedger
    accounts: AccountLedger
    step: int = 0
    users: list[User] = field(default_factory=list)
    launderers: list[User] = field(default_factory=list)
    customers: list[User] = field(default_factory=list)
    miners: list[User] = field(default_factory=list)
    activity: list[int] = field(default_factory=list)
    coin_tickets: list[Ticket] = field(default_factory=list)
    account_tickets: list[Ticket] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    deposit_count: int = 0
    demos: dict[str, Deposit] = field(default_factory=dict)
    joints: list[Joint] = field(default_factory=list)
    next_miner: Wallet | None = None  # who gets the next coinbase, if that is settled

    def active(self) -> User:
        """A user, the busy ones more often: activity falls as one over rank."""
        return self.users[self.dice.weighted(self.activity)]

    def contact(self, user: User) -> User:
        """Whom a user pays: mostly somebody paid before."""
        if user.contacts and self.dice.chance(0.7):
            return self.dice.pick(user.contacts)
        other = self.active()
        if other is not user and len(user.contacts) < MAX_CONTACTS:
            user.contacts.append(other)
        return other

    def note_coin_deposit(self, customer: str, coin: HeldCoin, *, named: str = "") -> None:
        """Remember a deposit of a coin at the institution."""
        row = Deposit(
            self._next_id(named),
            customer,
            coins.CHAIN,
            coin.tx,
            coin.n,
            coin.address,
            coins.ASSET,
            coin.amount,
            self.coins.time,
            coin.came,
        )
        self._note(row, named)

    def note_account_deposit(self, customer: str, account: Account, asset: str, *, named: str = "") -> None:
        """Remember the last movement of the last transaction as a deposit at the institution."""
        row = self.accounts.rows[-1]
        parts = self.accounts.moved[-1]
        self._note(
            Deposit(
                self._next_id(named),
                customer,
                accounts.CHAIN,
                row.tx,
                row.serial,
                account.address,
                asset,
                row.amount,
                row.time,
                parts,
            ),
            named,
        )

    def _next_id(self, named: str) -> str:
        if named:
            return named
        self.deposit_count += 1
        return f"D{self.deposit_count:06d}"

    def _note(self, deposit: Deposit, named: str) -> None:
        self.deposits.append(deposit)
        if named:
            self.demos[named] = deposit


def begin(plan: Plan) -> World:
    """A world before its first block."""
    dice = Dice("economy", plan.size, plan.seed)
    keys = Keys(plan.seed)
    sources = Sources()
    cast = assemble(plan, keys, sources)
    token = keys.ethereum("token contract")
    return World(plan, dice, keys, sources, cast, CoinLedger(keys, dice, sources), AccountLedger(keys, dice, sources, token))


def new_generation(world: World, number: int) -> None:
    """Replace the users. Their predecessors' balances stay where they are, and are not touched again."""
    plan, dice, keys = world.plan, world.dice, world.keys
    habits = (Habit.ANY, Habit.ANY, Habit.LARGEST_FIRST, Habit.CLEAN_FIRST)
    people: list[User] = []
    for serial in range(plan.users + plan.launderers):
        launders = serial >= plan.users
        name = f"g{number}/{'launderer' if launders else 'user'}{serial}"
        own = Habit.DIRTY_FIRST if launders else dice.pick(habits)
        habit = plan.habit or own  # drawn all the same: economies of one seed differ by what people part with alone
        wallet = Wallet(name, habit, reuses=not launders)
        user = User(
            name,
            habit,
            wallet,
            [Account(keys.ethereum(name), habit)],
            dice.pick(world.cast.exchanges),
            launders=launders,
        )
        people.append(user)
    world.users = people[: plan.users]
    world.launderers = people[plan.users :]
    # Every third launderer has an account at the institution as well.
    world.customers = dice.some(world.users, plan.customers) + world.launderers[::3]
    for serial, user in enumerate(world.customers):
        user.customer = f"C{number:03d}-{serial:04d}"
    world.miners = world.users[: max(3, plan.users // 50)]
    for user in world.miners:
        user.mines = True
    world.activity = cumulative([1_000_000 // (rank + 3) + 1 for rank in range(len(world.users))])
    for custodian in (*world.cast.exchanges, world.cast.institution):
        custodian.deposit_wallets.clear()
        custodian.deposit_accounts.clear()


def native_fee_room(account: Account) -> int:
    """What an account can pay of the native asset and still afford a fee."""
    return max(0, account.balance(ETH) - 5 * 10**16)
