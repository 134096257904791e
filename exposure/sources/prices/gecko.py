"""CoinGecko: a series of prices of one asset. The free plan reaches back a year."""

from __future__ import annotations

from decimal import Decimal

from exposure.model.assets import Asset
from exposure.net.calls import Host
from exposure.net.http import Client, Reply, Request
from exposure.sources.prices import COINS, DAY, Priced, plausible
from exposure.sources.reply import Record

_PLATFORMS = {
    "ethereum": "ethereum",
    "polygon": "polygon-pos",
    "bsc": "binance-smart-chain",
    "arbitrum": "arbitrum-one",
    "optimism": "optimistic-ethereum",
    "base": "base",
    "avalanche": "avalanche",
    "tron": "tron",
}


def path_of(asset_id: str) -> str | None:
    """Where CoinGecko has the series of an asset; None if it has no name for its chain."""
    asset = Asset.parse(asset_id)
    if asset.contract is None:
        return f"coins/{COINS[asset.chain]}" if asset.chain in COINS else None
    return f"coins/{_PLATFORMS[asset.chain]}/contract/{asset.contract}" if asset.chain in _PLATFORMS else None


def series(client: Client, host: Host, asset: str, first: int, last: int) -> tuple[list[Priced], Reply]:
    """Prices of an asset, the first one of each day, from the day of ``first`` to that of ``last`` (unix seconds).

    An asset that CoinGecko does not know has none.

    Raises
    ------
    SourceError
        If the reply is none.
    """
    begin = first - first % DAY
    asked: dict[str, str | int] = {"vs_currency": "usd", "from": begin, "to": last - last % DAY + DAY}
    reply = client.json(host, Request(f"{path_of(asset)}/market_chart/range", asked))
    if reply.status == 404:
        return [], reply
    if reply.status >= 400:
        client.fail(
            host,
            f"answered {reply.status} ({reply.excerpt}): its free plan reaches back one year only; "
            "use DefiLlama, or import prices from a file",
        )
    record = Record(reply.value, f"{host.name}, market_chart")
    days: dict[int, float] = {}
    for pair in record.values("prices"):
        if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[0], bool) or not isinstance(pair[0], int | Decimal):
            raise record.wrong("prices", "a list of times and prices")
        second, price = int(pair[0]) // 1000, plausible(pair[1])
        if price is not None and begin <= second <= last + DAY:
            days.setdefault(second - second % DAY, price)
    return [Priced(asset, day, "usd", price) for day, price in sorted(days.items())], reply
