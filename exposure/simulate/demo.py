"""Two scripted customer deposits, one on each chain, that show every part of an account of where value came from.

Each mixes money of two listed parties (over two and three intermediaries, on several paths), of a mixer, of exchanges and
of miners, and a chain of hops that is longer than the limit; on the account chain also the proceeds of a swap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from exposure.errors import EngineError
from exposure.simulate import account_agents, coin_agents
from exposure.simulate.accounts import ETH, ETHER, TOKEN_UNIT, Account
from exposure.simulate.cast import Party
from exposure.simulate.coins import COIN, Wallet
from exposure.simulate.provenance import Habit
from exposure.simulate.world import User, World

BITCOIN = "demo-bitcoin"
ETHEREUM = "demo-ethereum"
CUSTOMER = "C-DEMO"
CHAIN_LENGTH = 6
LENGTH = 24
"""Steps that the script takes."""

CENT = COIN // 100
ETHER_TENTH = ETHER // 10


@dataclass(slots=True, eq=False)
class Script:
    """The couriers of the script, made when first named."""

    world: World
    wallets: dict[str, Wallet] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    purses: dict[str, Wallet] = field(default_factory=dict)

    def wallet(self, name: str) -> Wallet:
        """A courier on the UTXO chain."""
        if name not in self.wallets:
            self.wallets[name] = Wallet(f"demo/{name}", Habit.DIRTY_FIRST)
        return self.wallets[name]

    def account(self, name: str) -> Account:
        """A courier on the account chain."""
        if name not in self.accounts:
            self.accounts[name] = Account(self.world.keys.ethereum(f"demo/{name}"), Habit.DIRTY_FIRST)
        return self.accounts[name]

    def purse(self, party: Party) -> Wallet:
        """Coins at a party's address that are kept for the script, whatever else the party does."""
        if party.name not in self.purses:
            self.purses[party.name] = Wallet(party.name, Habit.ANY, party.source, party.wallet.addresses[:1])
        return self.purses[party.name]

    def send_from(self, party: Party, receiver: str, tenths: int) -> None:
        """An exchange pays a party, which pays a courier: so the party can afford it."""
        self.send(self.world.cast.exchanges[0].party.account, party.account, 2 * tenths + 10)
        self.send(party.account, self.account(receiver), tenths)

    def user(self) -> User:
        """A courier who uses the mixer."""
        return User(
            "demo/mixing", Habit.DIRTY_FIRST, self.wallet("mixing"), [self.account("mixing")], self.world.cast.exchanges[0]
        )

    def pay(self, payer: Wallet, receiver: str, cents: int) -> None:
        """Pay hundredths of a coin to a courier."""
        if not self.world.coins.pay(payer, [(self.wallet(receiver), cents * CENT)]):
            raise EngineError(f"the script's payment to {receiver} cannot be afforded with this seed; use another --seed")

    def join(self, payers: Sequence[str], receiver: Wallet, cents: int) -> None:
        """Spend all coins of several couriers in one transaction; the first one gets the change."""
        spent = [wallet.give(0) for wallet in map(self.wallet, payers) for _ in range(len(wallet.coins))]
        ledger = self.world.coins
        self.world.coins.spend(self.wallet(payers[0]), spent, [(receiver, cents * CENT)], ledger.fee(len(spent), 2))

    def send(self, payer: Account, receiver: Account, tenths: int, *, asset: str = ETH) -> None:
        """Pay tenths of an ether (or of a token) between accounts."""
        unit = ETHER_TENTH if asset == ETH else TOKEN_UNIT // 10
        if not self.world.accounts.pay(payer, receiver, asset, tenths * unit):
            raise EngineError("a payment of the script cannot be afforded with this seed; use another --seed")

    def pass_coins_on(self, serial: int) -> None:
        """One link of the long chain: nearly all that it got goes to the next one."""
        self.pay(self.wallet(f"far{serial}"), f"far{serial + 1}", 13 - serial)

    def pass_ether_on(self, serial: int) -> None:
        """One link of the long chain on the account chain."""
        self.send(self.account(f"far{serial}"), self.account(f"far{serial + 1}"), 17 - serial)


def _coin_steps(script: Script) -> dict[int, Callable[[], None]]:
    world, cast = script.world, script.world.cast
    alder, birch = (custodian.party.wallet for custodian in cast.exchanges[:2])
    fiction, pretend, mock, ransom = (script.purse(party) for party in (*cast.sanctioned, cast.ransom))

    def fund() -> None:
        purses = [(purse, 2 * COIN) for purse in (fiction, pretend, mock, ransom)]
        if not any(world.coins.pay(custodian.party.wallet, purses) for custodian in cast.exchanges):
            raise EngineError("the script cannot be funded with this seed; use another --seed")
        world.next_miner = script.wallet("miner")

    def mix() -> None:
        if not coin_agents.mix(world, script.user(), delay=10**9):
            raise EngineError("the script cannot mix with this seed; use another --seed")

    def redeem() -> None:
        mine = [ticket for ticket in world.coin_tickets if ticket.due >= 10**9]
        world.coin_tickets = [ticket for ticket in world.coin_tickets if ticket.due < 10**9]
        coin_agents.redeem(world, mine[0], script.wallet("mixed"))
        for ticket in mine[1:]:
            coin_agents.redeem(world, ticket, script.wallet("mixing"))

    def arrive() -> None:
        wallet = cast.institution.wallet_for(CUSTOMER, world.keys)
        script.join(["joined", "miner2", "late", "mixed", f"far{CHAIN_LENGTH}", "plain"], wallet, 280)
        world.note_coin_deposit(CUSTOMER, wallet.coins[-1], named=BITCOIN)
        cast.institution.waiting.append(wallet)

    steps: dict[int, Callable[[], None]] = {
        0: fund,
        2: lambda: script.pay(fiction, "first", 34),
        3: lambda: script.pay(script.wallet("first"), "second", 20),
        4: lambda: script.pay(birch, "clean", 125),
        5: lambda: script.pay(pretend, "mixing", 35),
        6: mix,
        7: lambda: script.join(["second", "clean"], script.wallet("joined"), 140),
        8: lambda: script.pay(script.wallet("miner"), "miner1", 70),
        9: lambda: script.join(["first", "miner1"], script.wallet("miner2"), 81),
        10: lambda: script.pay(mock, "late1", 12),
        11: lambda: script.pay(script.wallet("late1"), "late", 11),
        12: lambda: script.pay(ransom, "far1", 13),
        13: lambda: script.pay(alder, "plain", 40),
        14: redeem,
        LENGTH - 1: arrive,
    }
    for serial in range(1, CHAIN_LENGTH):
        steps[14 + serial] = partial(script.pass_coins_on, serial)
    return steps


def _account_steps(script: Script) -> dict[int, Callable[[], None]]:
    world, cast = script.world, script.world.cast
    birch = cast.exchanges[1].party.account
    fiction, pretend, mock = cast.sanctioned
    token = world.accounts.token
    last = script.account("last")

    def fund() -> None:
        mined = world.sources.number("mined", "")
        for _ in range(4):
            world.accounts.mint(script.account("validator"), ETH, 2 * ETHER, mined)

    def mix() -> None:
        if not account_agents.mix(world, script.user(), delay=10**9):
            raise EngineError("the script cannot mix with this seed; use another --seed")

    def redeem() -> None:
        mine = [ticket for ticket in world.account_tickets if ticket.due >= 10**9]
        world.account_tickets = [ticket for ticket in world.account_tickets if ticket.due < 10**9]
        account_agents.redeem(world, mine[0], last)

    def prepare_swap() -> None:
        script.send(birch, script.account("trader"), 2)
        script.send(birch, script.account("trader"), 60_000, asset=token)

    def swap() -> None:
        if not account_agents.sell_tokens(world, script.account("trader"), 3_000 * TOKEN_UNIT):
            raise EngineError("the script cannot swap with this seed; use another --seed")
        script.send(script.account("trader"), last, 14)

    def arrive() -> None:
        account = cast.institution.account_for(CUSTOMER, world.keys)
        script.send(last, account, 340)
        world.note_account_deposit(CUSTOMER, account, ETH, named=ETHEREUM)
        cast.institution.waiting_accounts.append((account, ETH))

    steps: dict[int, Callable[[], None]] = {
        0: fund,
        2: lambda: script.send_from(fiction, "first", 58),
        3: lambda: script.send(script.account("first"), script.account("second"), 32),
        4: lambda: script.send(script.account("first"), script.account("third"), 24),
        5: lambda: script.send(birch, script.account("second"), 190),
        6: lambda: script.send(script.account("validator"), script.account("third"), 78),
        7: lambda: script.send_from(pretend, "mixing", 15),
        8: mix,
        9: lambda: script.send(script.account("second"), last, 205),
        10: lambda: script.send_from(mock, "late", 19),
        11: lambda: script.send(script.account("late"), last, 18),
        12: lambda: script.send_from(cast.ransom, "far1", 17),
        13: prepare_swap,
        14: redeem,
        15: swap,
        21: lambda: script.send(script.account("third"), last, 95),
        22: lambda: script.send(script.account(f"far{CHAIN_LENGTH}"), last, 11),
        LENGTH - 1: arrive,
    }
    for serial in range(1, CHAIN_LENGTH):
        steps[15 + serial] = partial(script.pass_ether_on, serial)
    return steps


def script_of(world: World) -> list[dict[int, Callable[[], None]]]:
    """What the script does at which of its steps: on the UTXO chain, on the account chain."""
    script = Script(world)
    return [_coin_steps(script), _account_steps(script)]
