"""Chains and assets by name: what they are called, their CAIP-2 id, decimals, and how their addresses look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from exposure.errors import InputError

Family = Literal["bitcoin", "evm", "tron"]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain. ``ledger``: ``utxo`` or ``account``. ``evm_id`` is the numeric chain id of an EVM chain."""

    name: str
    caip2: str
    family: Family
    symbol: str
    decimals: int
    explorer_tx: str
    explorer_address: str
    evm_id: int | None = None

    @property
    def ledger(self) -> Literal["utxo", "account"]:
        """Kind of ledger."""
        return "utxo" if self.family == "bitcoin" else "account"

    @property
    def native(self) -> str:
        """Asset id of the chain's own coin."""
        return f"{self.name}/native"


def _evm(name: str, evm_id: int, symbol: str, explorer: str) -> Chain:
    return Chain(name, f"eip155:{evm_id}", "evm", symbol, 18, f"https://{explorer}/tx/", f"https://{explorer}/address/", evm_id)


CHAINS: dict[str, Chain] = {
    chain.name: chain
    for chain in (
        Chain(
            "bitcoin",
            "bip122:000000000019d6689c085ae165831e93",
            "bitcoin",
            "BTC",
            8,
            "https://mempool.space/tx/",
            "https://mempool.space/address/",
        ),
        Chain(
            "bitcoin-testnet",
            "bip122:000000000933ea01ad0ee984209779ba",
            "bitcoin",
            "tBTC",
            8,
            "https://mempool.space/testnet/tx/",
            "https://mempool.space/testnet/address/",
        ),
        Chain("bitcoin-regtest", "bip122:0f9188f13cb7b2c71f2a335e3a4fc328", "bitcoin", "rBTC", 8, "", ""),
        _evm("ethereum", 1, "ETH", "etherscan.io"),
        _evm("polygon", 137, "POL", "polygonscan.com"),
        _evm("bsc", 56, "BNB", "bscscan.com"),
        _evm("arbitrum", 42161, "ETH", "arbiscan.io"),
        _evm("optimism", 10, "ETH", "optimistic.etherscan.io"),
        _evm("base", 8453, "ETH", "basescan.org"),
        _evm("avalanche", 43114, "AVAX", "snowtrace.io"),
        Chain(
            "tron",
            "tron:0x2b6653dc",
            "tron",
            "TRX",
            6,
            "https://tronscan.org/#/transaction/",
            "https://tronscan.org/#/address/",
        ),
    )
}


def chain(name: str) -> Chain:
    """The chain of a name, a CAIP-2 id or an EVM chain id. ``evm-<id>`` and ``eip155:<id>`` name any EVM chain.

    Raises
    ------
    InputError
        If the name is none of these; the message lists the known names.
    """
    key = name.strip().lower()
    if key in CHAINS:
        return CHAINS[key]
    for known in CHAINS.values():
        if key == known.caip2.lower() or (known.evm_id is not None and key in {str(known.evm_id), f"evm-{known.evm_id}"}):
            return known
    number = key.removeprefix("eip155:").removeprefix("evm-")
    if number.isascii() and number.isdigit() and 0 < int(number[:20]) < 2**53:
        return Chain(f"evm-{int(number)}", f"eip155:{int(number)}", "evm", "COIN", 18, "", "", int(number))
    raise InputError(f"unknown chain {name!r}: use one of {', '.join(CHAINS)}, or evm-<chain id> for any other EVM chain")


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset: a chain's own coin (``contract`` None) or a token."""

    chain: str
    contract: str | None = None

    @property
    def id(self) -> str:
        """``<chain>/native`` or ``<chain>/<contract>``."""
        return f"{self.chain}/{self.contract or 'native'}"

    @classmethod
    def parse(cls, text: str) -> Asset:
        """Read an asset id; a bare chain name means its own coin."""
        name, _, contract = text.partition("/")
        return cls(chain(name).name, None if contract in ("", "native") else contract)


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """What people call an asset, from a built-in list of well-known tokens or from the store. ``usd_peg``: stablecoin at 1."""

    symbol: str
    decimals: int
    usd_peg: bool = False


WELL_KNOWN: dict[str, AssetInfo] = {
    "ethereum/0xdac17f958d2ee523a2206206994597c13d831ec7": AssetInfo("USDT", 6, True),
    "ethereum/0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": AssetInfo("USDC", 6, True),
    "ethereum/0x6b175474e89094c44da98b954eedeac495271d0f": AssetInfo("DAI", 18, True),
    "ethereum/0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2": AssetInfo("WETH", 18),
    "ethereum/0x2260fac5e5542a773aa44fbcfedf7c193bc2c599": AssetInfo("WBTC", 8),
    "tron/TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": AssetInfo("USDT", 6, True),
}


def asset_info(asset_id: str) -> AssetInfo:
    """Symbol and decimals of an asset. A token that nobody described has 0 decimals and its shortened contract as symbol."""
    if asset_id in WELL_KNOWN:
        return WELL_KNOWN[asset_id]
    asset = Asset.parse(asset_id)
    if asset.contract is None:
        own = chain(asset.chain)
        return AssetInfo(own.symbol, own.decimals)
    short = asset.contract if len(asset.contract) <= 12 else f"{asset.contract[:6]}...{asset.contract[-4:]}"
    return AssetInfo(short, 0)
