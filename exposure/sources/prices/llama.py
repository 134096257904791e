"""DefiLlama: prices of many assets at one moment, without a key. An asset that it does not know is absent."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.model.assets import Asset
from exposure.net.calls import Host
from exposure.net.http import Client, Reply, Request
from exposure.sources.prices import COINS, DAY, Priced, plausible
from exposure.sources.reply import Record

AT_ONCE = 30
"""Assets in one request."""

_CHAINS = {"avalanche": "avax"}
_LEAST_CONFIDENCE = 0.5
_WIDTH = 12 * 3600


def coin_of(asset_id: str) -> str | None:
    """What DefiLlama calls an asset; None if it has no name for its chain."""
    asset = Asset.parse(asset_id)
    if asset.chain not in COINS:
        return None
    if asset.contract is None:
        return f"coingecko:{COINS[asset.chain]}"
    return f"{_CHAINS.get(asset.chain, asset.chain)}:{asset.contract}"


def day_prices(client: Client, host: Host, assets: Sequence[str], day: int) -> tuple[list[Priced], Reply]:
    """Prices of assets at the beginning of a day (unix seconds); those that are not known are left out.

    Raises
    ------
    SourceError
        If the reply is none.
    """
    coins = {coin: [asset for asset in assets if coin_of(asset) == coin] for coin in map(coin_of, assets) if coin}
    path = f"prices/historical/{day}/{','.join(coins)}"
    reply = client.json(host, Request(path, {"searchWidth": "12h"}))
    if reply.status >= 400:
        client.fail(host, f"answered {reply.status} ({reply.excerpt}): try again later")
    told = Record(reply.value, f"{host.name}, prices").record("coins")
    found = []
    for coin, named in coins.items():
        one = told.maybe_record(coin)
        if one is None:
            continue
        price = plausible(one.fields.get("price"))
        near = abs(one.whole("timestamp", 2**40) - day) <= _WIDTH
        confidence = plausible(one.fields.get("confidence")) if one.has("confidence") else 1.0
        if price is not None and near and confidence is not None and confidence >= _LEAST_CONFIDENCE:
            found += [Priced(asset, day - day % DAY, "usd", price) for asset in named]
    return found, reply
