"""A trace that fetches what it needs, and what its report says of that. When it may: `exposure.workflows.trace.unasked`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from exposure.errors import InputError, SourceError
from exposure.model.provenance import Asked, Fetched, HistoryFetched
from exposure.model.results import Report
from exposure.store.store import Store
from exposure.workflows.fetch.asking import Step
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.fetch.options import FetchOptions, Progress
from exposure.workflows.trace import TraceOptions

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls


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
