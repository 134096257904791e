"""EVM chains: any JSON-RPC node, Etherscan and Blockscout; calls apart from reading replies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exposure.errors import InputError
from exposure.model.assets import chain as chain_of
from exposure.net.calls import Host, Key

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.model.assets import Chain
    from exposure.net.http import Client
    from exposure.sources.remote import RemoteHistory

OWN_RATE = 50.0
"""Requests a second to a node of one's own: on this machine or in one's network."""

_NODE_RATE, _ETHERSCAN_RATE, _BLOCKSCOUT_RATE = 5.0, 3.0, 3.0


def open_node(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """The JSON-RPC node that the settings name for a chain."""
    from exposure.sources.evm.node import NodeHistory

    url = node_url(config.evm_rpc_url, chain)
    if not url:
        raise InputError(f"name a node of {chain.name}: set EXPOSURE_EVM_RPC_URL, such as http://127.0.0.1:8545")
    return NodeHistory(chain, client, node_host(url))


def open_etherscan(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """Etherscan, version 2, with a key."""
    from exposure.sources.evm.etherscan import EtherscanHistory

    if not config.etherscan_key and config.sources["etherscan_url"] == "default":
        raise InputError("Etherscan needs a key (a free one will do): set EXPOSURE_ETHERSCAN_KEY")
    key = Key(config.etherscan_key, parameter="apikey") if config.etherscan_key else None
    return EtherscanHistory(chain, client, _host(config.etherscan_url, key, _ETHERSCAN_RATE))


def open_blockscout(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """Blockscout: its host for all chains, or an instance."""
    from exposure.sources.evm.blockscout import BlockscoutHistory

    key = Key(config.blockscout_key, header="Authorization", prefix="Bearer ") if config.blockscout_key else None
    url = config.blockscout_url.replace("{id}", str(chain.evm_id))
    return BlockscoutHistory(chain, client, _host(url, key, _BLOCKSCOUT_RATE))


def node_url(setting: str, chain: Chain) -> str:
    """The address of a chain's node in a setting that names one node, or several as CHAIN=ADDRESS; empty if none.

    A single address without a name is taken for any chain: the node says which one it serves.
    """
    for part in setting.split(","):
        name, equals, url = part.partition("=")
        if not equals or "/" in name:
            return part
        if chain_of(name) == chain:
            return url
    return ""


def node_host(url: str) -> Host:
    """A node's host; providers hand out the key as the path, so whatever stands there is kept secret."""
    parts = urlsplit(url)
    path = parts.path.strip("/") + (f"?{parts.query}" if parts.query else "")
    return _host(f"{parts.scheme}://{parts.netloc}", Key(path, path=True) if path else None, _NODE_RATE)


def _host(base: str, key: Key | None, rate: float) -> Host:
    return Host(base, key, rate=OWN_RATE if base.startswith("http://") else rate, burst=4)
