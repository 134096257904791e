"""Bitcoin's histories: Esplora servers, one's own node, Electrum servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.net.calls import Host

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


def host_of(base: str) -> Host:
    """A host at the pace that it bears: public ones do not say theirs."""
    rate = OWN_RATE if base.startswith(("http://", "tcp://")) else PUBLIC_RATE
    return Host(base, rate=rate, burst=4)
