"""Prices of what fetched addresses moved, on the days on which they moved it; what is stored is not asked for again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from exposure.errors import SourceError
from exposure.model.assets import chain as chain_of
from exposure.model.sentences import Sentence
from exposure.net.calls import Calls, Host, Key
from exposure.net.http import Client, Reply
from exposure.sources.prices import DAY, Priced, ecb, gecko, llama
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.prices import FIAT_USD, MAX_AGE, Prices
from exposure.store.store import Store
from exposure.store.writer import ImportRecord

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config

_RATE = 2.0
_GECKO_RATE = 0.4  # about thirty a minute


def fetch_prices(store: Store, addresses: Iterable[tuple[str, str]], config: Config, calls: Calls) -> list[str]:
    """Fetch the prices that are missing for addresses, given as (chain, address); sentences about what came of it.

    Dollar stablecoins are taken at 1 by the rule of the store, and are not asked for. A source that fails ends its own part:
    what came before is stored, and amounts without a price stay without a value.
    """
    pairs = list(dict.fromkeys(addresses))
    wanted = _missing(store, pairs)
    rows: list[Priced] = []
    replies: list[Reply] = []
    notes: list[str] = []
    client = Client(calls)
    try:
        try:
            for found, reply in _dollars(client, config, wanted):
                rows += found
                replies.append(reply)
        except SourceError as error:
            notes.append(Sentence("fetching.no_prices", why=str(error)))
        days = sorted(_without_yen(store, pairs))
        try:
            if days:
                found, reply = ecb.yen_rates(client, Host(config.ecb_url, rate=_RATE), days[0] - MAX_AGE, days[-1] + DAY)
                rows += found
                replies.append(reply)
        except SourceError as error:
            notes.append(Sentence("fetching.no_yen", why=str(error)))
    finally:
        client.close()
    if rows:
        _keep(store, rows, replies)
    told = {(row.asset, row.time) for row in rows}
    lacking = sorted(asset for asset, own in wanted.items() if not any((asset, day) in told for day in own))
    priced = {asset for asset, _ in told} - {FIAT_USD}
    notes.append(Sentence("fetching.prices", n=len(rows), priced=len(priced), lacking=len(lacking)))
    return notes


def _moments(store: Store, chain: str, address: str) -> Iterator[tuple[str, int]]:
    """(asset, unix time) of whatever an address received or sent."""
    if chain not in store.chains():
        return
    if chain_of(chain).ledger == "utxo":
        for _, moment, _ in StoredUtxoHistory(store, chain).deposits(address):
            yield chain_of(chain).native, moment
        return
    history = StoredAccountHistory(store, chain)
    for asset in history.assets(address):
        for row in history.movements(address, asset):
            if row.amount:
                yield asset, row.time


def _missing(store: Store, addresses: Iterable[tuple[str, str]]) -> dict[str, set[int]]:
    """Days (their beginnings) by asset for which no price of that day is stored."""
    known = Prices(store, max_age=0)
    wanted: dict[str, set[int]] = {}
    for chain, address in addresses:
        for asset, moment in _moments(store, chain, address):
            wanted.setdefault(asset, set()).add(moment - moment % DAY)
    missing = {
        asset: {day for day in days if not known.has(asset, "usd", day)}
        for asset, days in wanted.items()
        if llama.coin_of(asset) is not None and not store.asset_info(asset).usd_peg
    }
    return {asset: days for asset, days in missing.items() if days}


def _without_yen(store: Store, addresses: Iterable[tuple[str, str]]) -> set[int]:
    known = Prices(store)
    moments = {moment for chain, address in addresses for _, moment in _moments(store, chain, address)}
    return {moment - moment % DAY for moment in moments if not known.has(FIAT_USD, "jpy", moment)}


def _dollars(client: Client, config: Config, wanted: dict[str, set[int]]) -> Iterator[tuple[list[Priced], Reply]]:
    if config.price_source == "coingecko":
        key = Key(config.coingecko_key, header="x-cg-demo-api-key") if config.coingecko_key else None
        host = Host(config.coingecko_url, key, rate=_GECKO_RATE)
        for asset, days in sorted(wanted.items()):
            yield gecko.series(client, host, asset, min(days), max(days))
        return
    host = Host(config.defillama_url, rate=_RATE)
    for day in sorted({day for days in wanted.values() for day in days}):
        assets = sorted(asset for asset, days in wanted.items() if day in days)
        for start in range(0, len(assets), llama.AT_ONCE):
            yield llama.day_prices(client, host, assets[start : start + llama.AT_ONCE], day)


def _keep(store: Store, rows: list[Priced], replies: list[Reply]) -> None:
    from exposure.sources.bulk.stored import python_rows

    source = f"prices-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    hosts = dict.fromkeys(reply.url.partition("://")[2].partition("/")[0] for reply in replies)
    files = [(host, next(r.sha256 for r in replies if host in r.url), sum(len(r.body) for r in replies)) for host in hosts]
    with store.writer(source) as writer:
        writer.append("prices", python_rows("prices", sorted(set(rows))))
        writer.commit(ImportRecord(files=files, summary={"prices": len(rows)}))
