"""Fetch what a trace lacks: the history on which most of its value hangs, then the next, until little is left to settle."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model.assets import WELL_KNOWN
from exposure.model.assets import chain as chain_of
from exposure.model.results import Lack, Report, Section
from exposure.model.sentences import Sentence
from exposure.model.settings import CONSERVING, Rule
from exposure.sources.remote import is_transaction
from exposure.store.histories import find_tx
from exposure.store.store import Store
from exposure.workflows.fetch.asking import TOO_LARGE, Asking, HubRule, Step
from exposure.workflows.fetch.chain import Opened
from exposure.workflows.fetch.look import dust_in
from exposure.workflows.fetch.options import HUB, FetchOptions, FetchSummary, Outcome, Progress
from exposure.workflows.trace import TraceOptions
from exposure.workflows.trace.run import answer
from exposure.workflows.trace.subjects import customer_of
from exposure.workflows.trace.views import Views

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls

MAX_ROUNDS = 1_000
TOGETHER = 10
"""Histories that are fetched before the subject is traced again."""


class _Round(Views):
    """A store between two fetches: an index of it would be out of date at once."""

    indexed = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What was fetched for a trace. ``left``: the share that still hangs on missing histories, of the section where it is
    largest. ``ended``: why nothing more was fetched although more is left than is tolerated; empty if that is not so.
    ``failed``: that is because of a source or the budget of calls, and not of the size of a service. ``nothing``: the
    subject itself could not be had."""

    summary: FetchSummary
    steps: tuple[Step, ...]
    left: float
    ended: str = ""
    failed: bool = False
    nothing: bool = False


def fetch_for(
    subject: str,
    options: FetchOptions,
    traced: TraceOptions,
    *,
    store: Store,
    config: Config,
    calls: Calls,
    progress: Progress = lambda line: None,
    each: Callable[[Step], None] = lambda step: None,
    between: Callable[[Report], None] = lambda report: None,
    opened: dict[str, Opened] | None = None,
) -> Demand:
    """Fetch histories until what a trace of a subject lacks is at most ``config.tolerance`` of its value.

    The subject's own history comes first. Each round traces it, and fetches the histories on which most of its value hangs,
    the largest first: what the interval counts as unresolved for them. What cannot be had is passed over, and remains in the
    share that is left; what is too long is looked at, and may turn out to be a hub, which settles what hangs on it.
    Of the assets of an address those are followed that are the chain's coin, well known or priced.

    Parameters
    ----------
    traced
        How the subject is traced; its first rule that conserves value says what hangs on what.
    each
        Told of every history, once it was asked for.
    between
        Told the answer of each round, the last one among them.
    opened
        Sources by chain to use instead of those of the settings.

    Raises
    ------
    InputError
        If the subject makes no sense, or the store does not hold it and it could be had.
    """
    asking = Asking(
        options,
        store,
        config,
        calls,
        progress,
        {} if opened is None else opened,
        HubRule(traced.hub_counterparties, dust_in(store, traced.dust_usd)),
        traced.expanded,
    )
    work = _Work(options, config, calls, each, asking)
    rule = next((rule for rule in traced.rules if rule in CONSERVING), Rule.HAIRCUT)
    traced = replace(traced, rules=tuple(dict.fromkeys((*traced.rules, rule))), max_paths=1)
    left, nothing = 1.0, True
    notes: tuple[str, ...] = ()
    try:
        for one in customer_of(subject) or (subject,):
            work.own(one)
        for _ in range(MAX_ROUNDS):
            try:
                report = answer(store, subject, traced, _Round())
            except InputError:
                if any(one.reason for one in work.outcomes):
                    break  # it could not be fetched: the outcome says why
                raise
            nothing = False
            between(report)
            sections = _followed(report, traced, rule)
            left = max((sum(lack.share for lack in section.lacks) for section in sections), default=0.0)
            notes = _passed_over(report, sections, rule)
            due = work.due(sections)
            if not due or work.spent:
                break
            for chain in dict.fromkeys(step.chain for step in due):
                named = [step for step in due if step.chain == chain]
                progress(f"{left:.1%} of the value hangs on missing histories; fetching {len(named)} of {chain}")
                work.fetch(chain, named)
    finally:
        calls.close()
    notes = (*dict.fromkeys(asking.notes), *notes)
    summary = FetchSummary(
        tuple(work.outcomes), notes=notes, calls=calls.made_by_host, asked=calls.asked, version=store.version
    )
    return replace(work.ended(summary, left), nothing=nothing)


def _followed(report: Report, traced: TraceOptions, rule: Rule) -> list[Section]:
    """The accounts whose gaps are worth calls: not those of unknown tokens that somebody sent to an address."""
    return [
        section
        for section in report.sections
        if section.rule == rule.value
        and (
            traced.asset is not None
            or section.subject.kind != "address"
            or section.subject.usd is not None
            or section.subject.asset in WELL_KNOWN
            or section.subject.asset == chain_of(section.subject.chain).native
        )
    ]


def _passed_over(report: Report, followed: Sequence[Section], rule: Rule) -> tuple[str, ...]:
    passed = {section.subject.asset for section in report.sections if section.rule == rule.value}
    passed -= {section.subject.asset for section in followed}
    if not passed:
        return ()
    return (Sentence("fetching.tokens", n=len(passed)),)


@dataclass(slots=True)
class _Work:
    """What the rounds share."""

    options: FetchOptions
    config: Config
    calls: Calls
    each: Callable[[Step], None]
    asking: Asking
    outcomes: list[Outcome] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tried: set[tuple[str, str]] = field(default_factory=set)

    @property
    def spent(self) -> bool:
        """Whether the budget of calls is spent."""
        return self.calls.made >= self.calls.max_calls

    def own(self, subject: str) -> None:
        """The subject's own history: of an address, or a transaction."""
        own = re.sub(r"(:.*|@.*)$", "", subject.strip())
        if is_transaction(own.lower()) and self.options.chain is None and find_tx(self.asking.store, own.lower()):
            return  # it is stored: its chain is known, and it is whole
        self.outcomes += self.asking.fetched(own, self.options).outcomes

    def due(self, sections: Sequence[Section]) -> list[Step]:
        """The next histories to ask for: in each account the largest, while what they leave is more than is tolerated."""
        found: dict[tuple[str, str], Step] = {}
        for section in sections:
            chain = section.subject.chain
            fresh = [lack for lack in section.lacks if any((chain, name) not in self.tried for name in lack.names)]
            open_ = sum(lack.share for lack in fresh)
            lost = sum(lack.share for lack in section.lacks) - open_
            enough = self.config.tolerance - lost if lost < self.config.tolerance else self.config.tolerance
            for lack in fresh:
                if open_ <= enough:
                    break
                open_ -= lack.share
                self._ask(found, chain, lack, lack.names)
            for lack in section.lacks:  # whoever wants to look behind an address wants its history, however little hangs on it
                self._ask(found, chain, lack, [name for name in lack.names if name in self.asking.expanded])
        return sorted(found.values(), key=lambda step: -step.share)[:TOGETHER]

    def _ask(self, found: dict[tuple[str, str], Step], chain: str, lack: Lack, names: Sequence[str]) -> None:
        for name in names:
            known = found.get((chain, name))
            if (chain, name) not in self.tried and (known is None or known.share < lack.share):
                found[chain, name] = Step(chain, name, lack.share)

    def fetch(self, chain: str, steps: Sequence[Step]) -> None:
        """Ask for some histories of a chain, one after the other, and tell of each."""
        for step in steps:
            if self.spent:
                return
            self.tried.add((chain, step.name))
            if self.asking.needless(chain, step.name):
                continue  # a hub was found on its way: the next trace ends there
            for outcome, taken in self.asking.ask(step):
                self.outcomes.append(outcome)
                self.steps.append(taken)
                self.each(taken)

    def ended(self, summary: FetchSummary, left: float) -> Demand:
        """What was done, and why no more."""
        steps = tuple(self.steps)
        if left <= self.config.tolerance:
            return Demand(summary, steps, left)
        share = f"{left:.2%}"
        if self.spent:
            said = Sentence("fetching.spent", most=self.calls.max_calls, share=share)
            return Demand(summary, steps, left, said, True)
        sized = {(step.chain, step.name) for step in steps if step.state in (TOO_LARGE, HUB)}
        failed = next((one for one in self.outcomes if one.reason and (one.chain, one.address) not in sized), None)
        if failed is not None:
            said = Sentence("fetching.failed", share=share, who=failed.address, why=failed.reason)
            return Demand(summary, steps, left, said, True)
        return Demand(summary, steps, left, Sentence("fetching.left", share=share))
