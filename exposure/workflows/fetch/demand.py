"""Fetch what a trace lacks: the history where most of its value gets lost, then the next, until little is left to settle."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exposure.errors import InputError, SourceError
from exposure.model.settings import Direction
from exposure.sources.remote import is_transaction
from exposure.store.store import Store
from exposure.workflows.fetch.options import FAILED, FetchOptions, FetchSummary, Outcome, Progress
from exposure.workflows.fetch.run import fetch
from exposure.workflows.trace import TraceOptions, trace

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls
    from exposure.sources.remote import RemoteHistory

MAX_ROUNDS = 1_000
TOGETHER = 10
"""Gaps that are fetched before the subject is traced again: single transactions are a call each."""

MAX_CALLS_EACH = 50
"""An address whose history would take more calls is a service that nobody tagged: it is not fetched on the way."""

_LOST = ("incomplete",)


@dataclass(frozen=True, slots=True)
class Step:
    """One history that was fetched, and what share of the subject's value got lost there before."""

    chain: str
    name: str
    share: float


def fetch_for(
    subject: str,
    options: FetchOptions,
    *,
    hops: int | None,
    store: Store,
    config: Config,
    calls: Calls,
    progress: Progress = lambda line: None,
) -> tuple[FetchSummary, tuple[Step, ...], float]:
    """Fetch histories until what a backward trace of a subject lacks is at most ``config.tolerance`` of its value.

    The subject's own history comes first, if it is not stored. Each round traces it, and fetches the histories in which most of
    its value gets lost, the largest first. What cannot be had is passed over, and remains in the share that is left.

    Returns
    -------
    (FetchSummary, tuple of Step, float)
        What was done; the histories in the order in which they were fetched; the share that is still lost, of the section
        where it is largest.

    Raises
    ------
    InputError
        If the subject makes no sense.
    """
    opened: dict[str, RemoteHistory] = {}
    outcomes: list[Outcome] = []
    steps: list[Step] = []
    tried: set[str] = set()
    left = 1.0
    traced = TraceOptions(hops=hops, direction=Direction.SOURCE, hub_counterparties=config.hub_counterparties)
    own = re.sub(r"(:\d+|@.*)$", "", subject)
    try:
        outcomes += _fetched([own], options, store, config, calls, progress, opened)
        for _ in range(MAX_ROUNDS):
            if outcomes[-1].state == FAILED and calls.made >= calls.max_calls:
                break
            try:
                report = trace(store, subject, traced)
            except InputError:
                if outcomes[0].reason:
                    break  # it could not be fetched: the outcome says why
                raise
            gaps = sorted(
                (
                    Step(section.subject.chain, row.name, row.share)
                    for section in report.sections
                    for row in section.unresolved
                    if row.reason in _LOST
                ),
                key=lambda gap: -gap.share,
            )
            left = max(
                (sum(r.share for r in section.unresolved if r.reason in _LOST) for section in report.sections), default=0.0
            )
            fresh = [gap for gap in gaps if gap.name not in tried][:TOGETHER]
            if left <= config.tolerance or not fresh:
                break
            for chain in dict.fromkeys(gap.chain for gap in fresh):
                named = [gap for gap in fresh if gap.chain == chain]
                tried |= {gap.name for gap in named}
                steps += named
                progress(f"{left:.1%} of the value is lost; {len(named)} histories of {chain} to fetch")
                told = replace(options, chain=chain)
                names, left_out = _of_a_size([gap.name for gap in named], opened[chain])
                outcomes += left_out
                if names:
                    outcomes += _fetched(names, told, store, config, calls, progress, opened)
    finally:
        calls.close()
    summary = FetchSummary(tuple(outcomes), calls=calls.made_by_host, asked=calls.asked, version=store.version)
    return summary, tuple(steps), left


def _of_a_size(names: Sequence[str], source: RemoteHistory) -> tuple[list[str], list[Outcome]]:
    """The histories that are worth their calls; of the others, that they are left out. One call an address."""
    fitting: list[str] = []
    left_out: list[Outcome] = []
    for name in names:
        try:
            size = None if is_transaction(name) else source.size(name)
        except SourceError as error:
            left_out.append(Outcome(source.chain, name, source.name, FAILED, reason=str(error)))
            continue
        if size is not None and size.calls is not None and size.calls > MAX_CALLS_EACH:
            reason = (
                f"its history has {size.transactions:,} transactions and would take {size.calls:,} calls: a service, by its "
                "size; tag it, or fetch it by name"
            )
            left_out.append(Outcome(source.chain, name, source.name, FAILED, reason=reason))
        else:
            fitting.append(name)
    return fitting, left_out


def _fetched(
    names: Sequence[str],
    options: FetchOptions,
    store: Store,
    config: Config,
    calls: Calls,
    progress: Progress,
    opened: dict[str, RemoteHistory],
) -> tuple[Outcome, ...]:
    return fetch(names, options, store=store, config=config, calls=calls, progress=progress, opened=opened).outcomes
