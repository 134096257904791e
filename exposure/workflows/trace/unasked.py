"""Whether a trace fetches without being told to. Apart from what fetches, so that a trace that does not imports none of it.

A trace of what is stored asks nobody, whatever the settings: its figures must not change under the hands of whoever works
on them, and to ask about an address is to tell a stranger of it. It asks if it is told to; and for a subject that the store
does not know at all, where the user has named a source for its chain (a host, a key), since else there would be no answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model import addresses as forms
from exposure.model.assets import chain as chain_of
from exposure.sources.registry import is_chosen
from exposure.sources.remote import is_transaction, transaction_of
from exposure.store.histories import find_tx, holds
from exposure.store.store import Store
from exposure.workflows.trace.options import TraceOptions

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config


def fetches_unasked(
    store: Store | None, subject: str, options: TraceOptions, config: Config, source: str | None = None
) -> bool:
    """Whether a trace fetches without being told to: the store (None: there is none) does not know the subject, and the source
    that would be asked is one that the user named.
    """
    own = re.sub(r"(:.*|@.*)$", "", subject.strip())
    if config.offline or not own:
        return False
    if is_transaction(own.lower()):
        if options.chain is None and own.lower().startswith("0x"):
            return False  # of any EVM chain: nobody knows whom to ask
        chain = options.chain or "bitcoin"
        hash_ = transaction_of(own, chain_of(chain)) or ""
        known = store is not None and bool(find_tx(store, hash_))
    else:
        try:
            parsed = forms.parse(own)
        except InputError:
            return False  # no address: the trace says so
        named = {"bitcoin": "bitcoin", "tron": "tron"}.get(parsed.family)
        if options.chain is None and (named is None or forms.network_of(parsed.canonical) not in (None, "mainnet")):
            return False
        chain = options.chain or named or ""
        known = store is not None and chain in holds(store, parsed.canonical)
    return not known and is_chosen(source, chain_of(chain), config)
