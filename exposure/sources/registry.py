"""Sources of histories from outside by name: which chains they serve, and how one is opened with the user's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from exposure.config import Config
from exposure.errors import InputError
from exposure.model.assets import Chain
from exposure.net.calls import Calls
from exposure.net.http import Client
from exposure.sources import bitcoin
from exposure.sources.remote import RemoteHistory
from exposure.text import shown

Open = Callable[[Chain, Config, Client], RemoteHistory]
"""Makes the source for a chain; an `InputError` says which setting is missing. No call is made yet."""


class SourceForm(NamedTuple):
    """A source: ``families`` of chains that it serves, and what it is in words."""

    name: str
    families: tuple[str, ...]
    title: str
    open: Open


SOURCES: dict[str, SourceForm] = {
    form.name: form
    for form in (
        SourceForm("esplora", ("bitcoin",), "Esplora server (no key)", bitcoin.open_esplora),
        SourceForm("core", ("bitcoin",), "one's own Bitcoin node", bitcoin.open_core),
        SourceForm("electrum", ("bitcoin",), "Electrum server", bitcoin.open_electrum),
    )
}
"""In the order of preference: the first one that serves a chain is its default."""


WHOLE_BLOCKS = ("core",)
"""Sources that can be asked for everything in a range of blocks, in the order of preference."""


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
        return fitting[0].open(chain, config, Client(calls))
    if name not in SOURCES:
        raise InputError(f"there is no source {shown(name, 40)}: use one of {', '.join(SOURCES)}")
    if SOURCES[name] not in fitting:
        raise InputError(f"{name} does not serve {chain.name}: use one of {', '.join(form.name for form in fitting)}")
    return SOURCES[name].open(chain, config, Client(calls))
