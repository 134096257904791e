"""A trace that fetches what it needs: when it may go to the network, and what its report says of that.

A trace of what is stored asks nobody, whatever the settings: its figures must not change under the hands of whoever works
on them, and to ask about an address is to tell a stranger of it. It asks if it is told to; and for a subject that the store
does not know at all, where the user has named a source for its chain (a host, a key), since else there would be no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.errors import InputError, SourceError
from exposure.model import addresses as forms
from exposure.model.assets import chain as chain_of
from exposure.model.provenance import Asked, Fetched, HistoryFetched
from exposure.model.results import Report
from exposure.sources.registry import is_chosen
from exposure.sources.remote import is_transaction, transaction_of
from exposure.store.histories import find_tx, holds
from exposure.store.store import Store
from exposure.workflows.fetch.asking import Step
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.fetch.options import FetchOptions, Progress
from exposure.workflows.trace import TraceOptions

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls


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


def fetch_for_trace(
    store: Store,
    subject: str,
    options: TraceOptions,
    config: Config,
    calls: Calls,
    *,
    source: str | None = None,
    progress: Progress = lambda line: None,
    each: Callable[[Step], None] = lambda step: None,
) -> Demand:
    """Fetch what a trace lacks; see `exposure.workflows.fetch.demand.fetch_for`.

    Raises
    ------
    InputError
        If the subject makes no sense, or the network is forbidden.
    SourceError
        If the subject itself could not be had: there is nothing to trace.
    """
    if config.offline:
        raise InputError("--fetch would use the network, and offline forbids it: leave one of them away")
    done = fetch_for(
        subject,
        FetchOptions(chain=options.chain, source=source),
        options,
        store=store,
        config=config,
        calls=calls,
        progress=progress,
        each=each,
    )
    if done.nothing:
        raise SourceError(done.ended)
    return done


def told(report: Report, done: Demand) -> Report:
    """The report of a trace with what was fetched for it: who was asked about what, what hung on it, what is still missing."""
    summary = done.summary
    fetched = Fetched(
        histories=tuple(HistoryFetched(step.chain, step.name, step.share, step.state, step.calls) for step in done.steps),
        asked=tuple(Asked(host, made, tuple(summary.asked.get(host, ()))) for host, made in summary.calls.items()),
        left=done.left,
    )
    missing, warnings = report.incomplete_answer, (*report.warnings, *summary.notes)
    if done.failed:
        missing = (*missing, done.ended)
    elif done.ended:
        warnings = (*warnings, done.ended)
    return replace(report, run=replace(report.run, fetched=fetched), warnings=warnings, incomplete_answer=missing)
