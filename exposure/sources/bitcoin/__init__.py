"""Bitcoin's histories: Esplora servers, one's own node, Electrum servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.net.calls import Host, Key

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.model.assets import Chain
    from exposure.net.http import Client
    from exposure.sources.remote import RemoteHistory

OWN_RATE = 50.0
"""Requests a second to a server of one's own: on this machine or in one's network."""

PUBLIC_RATE = 1.5


def open_esplora(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """An Esplora server; the default one knows the main network only."""
    from exposure.sources.bitcoin.esplora import EsploraHistory

    if config.sources["esplora_url"] == "default" and chain.name != "bitcoin":
        raise InputError(f"name an Esplora server of {chain.name}: set EXPOSURE_ESPLORA_URL")
    return EsploraHistory(chain.name, host_of(config.esplora_url), client)


def open_core(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """One's own node; its cookie file comes before user and password."""
    from exposure.sources.bitcoin.core import CoreHistory

    if not config.bitcoin_rpc_url:
        raise InputError("name your Bitcoin node: set EXPOSURE_BITCOIN_RPC_URL, such as http://127.0.0.1:8332")
    user, password = config.bitcoin_rpc_user, config.bitcoin_rpc_password
    if config.bitcoin_rpc_cookie is not None:
        user, password = _cookie(config.bitcoin_rpc_cookie)
    key = Key(password, user=user) if user else None
    host = host_of(config.bitcoin_rpc_url)
    # A node answers 500 to a call that it refuses, and says why in the body.
    return CoreHistory(chain.name, replace(host, key=key, retried=host.retried - {500}), client)


def open_electrum(chain: Chain, config: Config, client: Client) -> RemoteHistory:
    """An Electrum server, over TLS or, in one's own network, plain TCP."""
    from exposure.net.lines import Lines
    from exposure.sources.bitcoin.electrum import ElectrumHistory

    if not config.electrum_url:
        raise InputError("name an Electrum server: set EXPOSURE_ELECTRUM_URL, such as ssl://host:50002")
    return ElectrumHistory(chain.name, Lines(host_of(config.electrum_url), client.calls))


def _cookie(path: Path) -> tuple[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            user, colon, password = file.read(1024).strip().partition(":")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(f"cannot read the node's cookie {path}: {reason}; is the node running, and may you read it?") from None
    if not colon:
        raise InputError(f"{path} is no cookie of a Bitcoin node: it holds no user:password")
    return user, password


def host_of(base: str) -> Host:
    """A host at the pace that it bears: public ones do not say theirs."""
    rate = OWN_RATE if base.startswith(("http://", "tcp://")) else PUBLIC_RATE
    return Host(base, rate=rate, burst=4)
