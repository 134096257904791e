"""Sources of histories from outside by name: which chains they serve, and how one is opened with the user's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from exposure.config import Config
from exposure.errors import InputError
from exposure.model.assets import Chain
from exposure.net.calls import Calls
from exposure.net.http import Client
from exposure.sources import bitcoin, evm, tron
from exposure.sources.remote import RemoteHistory
from exposure.text import shown

Open = Callable[[Chain, Config, Client], RemoteHistory]
"""Makes the source for a chain; an `InputError` says which setting is missing. No call is made yet."""


def _always(config: Config) -> bool:
    return True


class SourceForm(NamedTuple):
    """A source: ``families`` of chains that it serves, what it is in words, and whether the settings are enough for it.

    ``settings``: those by which a user says that this source is to be asked.
    """

    name: str
    families: tuple[str, ...]
    title: str
    open: Open
    ready: Callable[[Config], bool] = _always
    settings: tuple[str, ...] = ()


SOURCES: dict[str, SourceForm] = {
    form.name: form
    for form in (
        SourceForm("esplora", ("bitcoin",), "Esplora server (no key)", bitcoin.open_esplora, settings=("esplora_url",)),
        SourceForm("core", ("bitcoin",), "one's own Bitcoin node", bitcoin.open_core, settings=("bitcoin_rpc_url",)),
        SourceForm("electrum", ("bitcoin",), "Electrum server", bitcoin.open_electrum, settings=("electrum_url",)),
        SourceForm(
            *("etherscan", ("evm",), "Etherscan (a free key)", evm.open_etherscan),
            lambda config: bool(config.etherscan_key) or config.sources["etherscan_url"] != "default",
            ("etherscan_key", "etherscan_url"),
        ),
        SourceForm(
            *("blockscout", ("evm",), "Blockscout (a key, or an instance)", evm.open_blockscout),
            lambda config: bool(config.blockscout_key) or config.sources["blockscout_url"] != "default",
            ("blockscout_key", "blockscout_url"),
        ),
        SourceForm(
            *("node", ("evm",), "a JSON-RPC node", evm.open_node), lambda config: bool(config.evm_rpc_url), ("evm_rpc_url",)
        ),
        SourceForm(
            *("trongrid", ("tron",), "TronGrid (a key makes it faster)", tron.open_grid),
            settings=("trongrid_key", "trongrid_url"),
        ),
        SourceForm("tron-node", ("tron",), "a java-tron node's JSON-RPC", tron.open_node, settings=("tron_rpc_url",)),
    )
}
"""In the order of preference: the first one that serves a chain and has the settings that it needs is its default."""


WHOLE_BLOCKS = ("core", "node")
"""Sources that can be asked for everything in a range of blocks, in the order of preference."""


def is_chosen(name: str | None, chain: Chain, config: Config) -> bool:
    """Whether the source that would be asked (``name`` None: the chain's default one) is one that the user named in the
    settings, by its host or key; naming another one of the chain does not count.
    """
    fitting = [form for form in SOURCES.values() if chain.family in form.families and name in (None, form.name)]
    asked = next((form for form in fitting if form.ready(config)), None)
    return asked is not None and any(config.sources[setting] != "default" for setting in asked.settings)


def open_source(name: str | None, chain: Chain, config: Config, calls: Calls) -> RemoteHistory:
    """The source of a name, or the chain's default one.

    Raises
    ------
    InputError
        If there is none of that name, it does not serve the chain, or a setting that it needs is missing.
    """
    fitting = [form for form in SOURCES.values() if chain.family in form.families]
    if name is None:
        if not fitting:
            raise InputError(f"no source serves {chain.name}")
        ready = [form for form in fitting if form.ready(config)]
        if not ready:
            names = " or ".join(f"{form.name} - {form.title}" for form in fitting)
            raise InputError(f"no source of {chain.name} is set up: {names}; `exposure config show` lists their settings")
        return ready[0].open(chain, config, Client(calls))
    if name not in SOURCES:
        raise InputError(f"there is no source {shown(name, 40)}: use one of {', '.join(SOURCES)}")
    if SOURCES[name] not in fitting:
        raise InputError(f"{name} does not serve {chain.name}: use one of {', '.join(form.name for form in fitting)}")
    return SOURCES[name].open(chain, config, Client(calls))
