"""TRON: TronGrid's lists, and the logs of a java-tron node through its JSON-RPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.net.calls import Host, Key

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.model.assets import Chain
    from exposure.net.http import Client
    from exposure.sources.remote import RemoteHistory

_WITH_KEY, _WITHOUT_KEY, _OWN = 5.0, 1.0, 50.0
"""Requests a second; the host's limits are not published, and it shuts out for half a minute whom it finds too fast."""


def open_grid(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """TronGrid, with or without a key."""
    from exposure.sources.tron.grid import TronGridHistory

    key = Key(config.trongrid_key, header="TRON-PRO-API-KEY") if config.trongrid_key else None
    rate = _OWN if config.trongrid_url.startswith("http://") else _WITH_KEY if key else _WITHOUT_KEY
    return TronGridHistory(chain, client, Host(config.trongrid_url, key, rate=rate, burst=2))


def open_node(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """The java-tron node that the settings name."""
    from exposure.sources.evm import node_host
    from exposure.sources.tron.jsonrpc import TronNodeHistory

    if not config.tron_rpc_url:
        raise InputError("name a TRON node: set EXPOSURE_TRON_RPC_URL, such as http://127.0.0.1:8545/jsonrpc")
    return TronNodeHistory(chain, client, node_host(config.tron_rpc_url))
