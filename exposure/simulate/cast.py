"""Who lives for the whole run: services, criminals, listed parties, the institution. All names are invented."""

from __future__ import annotations

from dataclasses import dataclass, field

from exposure.model.labels import Category
from exposure.simulate.accounts import Account
from exposure.simulate.coins import Wallet
from exposure.simulate.keys import Keys
from exposure.simulate.provenance import Habit, Sources
from exposure.simulate.sizes import DAY, Plan

INSTITUTION = "Own Institution"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the sanctions list says: programme, date of the entity, and which editions (0, 1) name it."""

    profile: int
    programme: str
    listed_on: int
    editions: tuple[int, ...] = (0, 1)
    later: tuple[str, ...] = ()  # addresses that only the second edition has


@dataclass(slots=True, eq=False)
class Party:
    """A named owner of fixed addresses on both chains. ``unlisted``: addresses that no list knows."""

    name: str
    category: Category
    wallet: Wallet
    account: Account
    listing: Listing | None = None
    hidden: Wallet | None = None

    @property
    def source(self) -> int:
        """Number of the party as a true source."""
        assert self.wallet.source is not None  # given to every party's wallet at birth
        return self.wallet.source


@dataclass(slots=True, eq=False)
class Custodian:
    """An exchange or the institution: a hot address on each chain, deposit addresses by user, and what waits to be swept."""

    party: Party
    deposit_wallets: dict[str, Wallet] = field(default_factory=dict)
    deposit_accounts: dict[str, Account] = field(default_factory=dict)
    waiting: list[Wallet] = field(default_factory=list)
    waiting_accounts: list[tuple[Account, str]] = field(default_factory=list)

    def wallet_for(self, user: str, keys: Keys) -> Wallet:
        """The deposit address of a user on the UTXO chain."""
        if user not in self.deposit_wallets:
            name = f"{self.party.name}/deposit/{user}"
            self.deposit_wallets[user] = Wallet(name, addresses=(keys.bitcoin(name),))
        return self.deposit_wallets[user]

    def account_for(self, user: str, keys: Keys) -> Account:
        """The deposit address of a user on the account chain."""
        if user not in self.deposit_accounts:
            self.deposit_accounts[user] = Account(keys.ethereum(f"{self.party.name}/deposit/{user}"))
        return self.deposit_accounts[user]


@dataclass(slots=True, eq=False)
class Cast:
    """Everybody who stays. ``thefts``: (chain, transaction, entity) of reported thefts."""

    exchanges: list[Custodian]
    institution: Custodian
    sanctioned: list[Party]
    market: Party
    ransom: Party
    mixer: Party
    relayer: Account
    pool: Party
    farm: Party
    issuer: Party
    swap: Party
    validators: list[Account]
    poisoner: Account
    thefts: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def parties(self) -> list[Party]:
        """All named parties, criminals first."""
        services = [custodian.party for custodian in (*self.exchanges, self.institution)]
        return [*self.sanctioned, self.market, self.ransom, self.mixer, self.farm, *services, self.pool, self.issuer, self.swap]

    @property
    def criminals(self) -> list[Party]:
        """Parties whose money is risky, the mixer apart: it holds other people's."""
        return [*self.sanctioned, self.market, self.ransom]


def _party(
    keys: Keys, sources: Sources, name: str, category: Category, *, addresses: int = 1, habit: Habit = Habit.ANY
) -> Party:
    source = sources.number(category, name)
    coins = tuple(keys.bitcoin(f"{name}/{serial}") for serial in range(addresses))
    wallet = Wallet(name, habit, source, coins)
    return Party(name, category, wallet, Account(keys.ethereum(name), habit, source))


def assemble(plan: Plan, keys: Keys, sources: Sources) -> Cast:
    """The cast of a run. The listed parties:

    FICTION TRADING OU was listed before the run begins; its second address enters with the second edition; a third
    one is never listed. PRETEND METALS JSC is listed in the first edition and gone from the second. MOCK EXCHANGE
    LIMITED is listed late, after most of its transfers.
    """
    fiction = _party(keys, sources, "FICTION TRADING OU", Category.SANCTIONED, addresses=2)
    fiction.listing = Listing(900_001, "RUSSIA-EO14024", plan.start - 270 * DAY, later=fiction.wallet.addresses[1:])
    name = "FICTION TRADING OU/unlisted"
    fiction.hidden = Wallet(name, Habit.ANY, fiction.source, (keys.bitcoin(name),))
    pretend = _party(keys, sources, "PRETEND METALS JSC", Category.SANCTIONED)
    pretend.listing = Listing(900_002, "UKRAINE-EO13661", plan.start - 1_700 * DAY, editions=(0,))
    mock = _party(keys, sources, "MOCK EXCHANGE LIMITED", Category.SANCTIONED)
    mock.listing = Listing(900_003, "CYBER2", plan.day(0.92), editions=(1,))
    exchanges = [
        Custodian(_party(keys, sources, f"Exchange {tree}", Category.EXCHANGE, habit=Habit.LARGEST_FIRST))
        for tree in ("Alder", "Birch", "Cedar")
    ]
    return Cast(
        exchanges=exchanges,
        institution=Custodian(_party(keys, sources, INSTITUTION, Category.OWN_INSTITUTION)),
        sanctioned=[fiction, pretend, mock],
        market=_party(keys, sources, "Market Umbra", Category.DARKNET_MARKET),
        ransom=_party(keys, sources, "Ransom Quill", Category.RANSOMWARE),
        mixer=_party(keys, sources, "Mixer Eddy", Category.MIXER),
        relayer=Account(keys.ethereum("relayer")),
        pool=_party(keys, sources, "Pool Quarry", Category.MINING_POOL),
        farm=_party(keys, sources, "Mining Farm Larch", Category.RUSSIA_LINKED),
        issuer=_party(keys, sources, "Issuer Penny", Category.PAYMENT_SERVICE),
        swap=_party(keys, sources, "Swap Harbour", Category.SWAP),
        validators=[Account(keys.ethereum(f"validator/{serial}")) for serial in range(4)],
        poisoner=Account(keys.ethereum("poisoner")),
    )
