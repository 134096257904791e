"""Sources of histories from outside by name: which chains they serve, and how one is opened with the user's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from exposure.config import Config
from exposure.errors import InputError
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
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
    names = [] if name is None else [one.strip() for one in name.split(",")]
    fitting = [form for form in SOURCES.values() if chain.family in form.families and (not names or form.name in names)]
    ready = [form for form in fitting if form.ready(config)][: None if names else 1]
    return bool(ready) and all(any(config.sources[setting] != "default" for setting in form.settings) for form in ready)


def open_sources(names: str | None, chain: Chain, config: Config, calls: Calls) -> list[RemoteHistory]:
    """The sources of some names (separated by commas), or the chain's default one: one for each host that the settings name.

    Raises
    ------
    InputError
        If there is none of a name, it does not serve the chain, or a setting that it needs is missing.
    """
    forms = [_form(name.strip() or None, chain, config) for name in (names or "").split(",")]
    opened = [form.open(chain, one, Client(calls)) for form in forms for one in _of_one_host(form, chain, config)]
    return list({source.name: source for source in opened}.values())


def open_source(name: str | None, chain: Chain, config: Config, calls: Calls) -> RemoteHistory:
    """The source of a name, or the chain's default one, at the first of its hosts; see `open_sources`."""
    return open_sources(name, chain, config, calls)[0]


def _form(name: str | None, chain: Chain, config: Config) -> SourceForm:
    fitting = [form for form in SOURCES.values() if chain.family in form.families]
    if name is None:
        if not fitting:
            raise InputError(f"no source serves {chain.name}")
        ready = [form for form in fitting if form.ready(config)]
        if not ready:
            names = " or ".join(f"{form.name} - {form.title}" for form in fitting)
            raise InputError(f"no source of {chain.name} is set up: {names}; `exposure config show` lists their settings")
        return ready[0]
    if name not in SOURCES:
        raise InputError(f"there is no source {shown(name, 40)}: use one of {', '.join(SOURCES)}")
    if SOURCES[name] not in fitting:
        raise InputError(f"{name} does not serve {chain.name}: use one of {', '.join(form.name for form in fitting)}")
    return SOURCES[name]


def _of_one_host(form: SourceForm, chain: Chain, config: Config) -> list[Config]:
    """The settings once for each host that they name for a source; what is for another chain is left out."""
    setting = next((name for name in form.settings if name.endswith("_url")), None)
    hosts = [] if setting is None else [part.strip() for part in getattr(config, setting).split(",") if part.strip()]
    if setting is None or len(hosts) < 2:
        return [config]
    named = [(host, *host.partition("=")) for host in hosts]
    mine = [host for host, name, equals, _ in named if not equals or "/" in name or chain_of(name) == chain]
    return [replace(config, **{setting: host}) for host in mine] or [config]
