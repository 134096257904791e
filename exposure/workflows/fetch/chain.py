"""One chain's part of a fetch: its hosts side by side, each with the addresses that fall to it, and what came of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exposure.errors import InputError, SourceError
from exposure.model.assets import chain as chain_of
from exposure.model.sentences import Sentence
from exposure.net.calls import BudgetSpentError
from exposure.sources.registry import open_source
from exposure.sources.remote import Block
from exposure.store.store import Store
from exposure.text import counted
from exposure.workflows.fetch.address import Target, fetch_address
from exposure.workflows.fetch.compare import differences
from exposure.workflows.fetch.heights import block_of
from exposure.workflows.fetch.keeper import Keeper
from exposure.workflows.fetch.options import FAILED, KNOWN, WHOLE, Difference, FetchOptions, Outcome, Plan, Progress
from exposure.workflows.fetch.reorganised import drop_gone_blocks
from exposure.workflows.fetch.side_by_side import Job

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls
    from exposure.sources.remote import RemoteHistory


@dataclass(slots=True)
class Opened:
    """A chain's source in use, and the chain's end as it was when it was first asked: what is fetched together ends there.

    ``others``: further hosts that are asked side by side with the first.
    """

    source: RemoteHistory
    head: Block | None = None
    others: Sequence[RemoteHistory] = ()


def ranked(sources: Sequence[RemoteHistory], address: str) -> list[RemoteHistory]:
    """Hosts of a chain in the order in which an address falls to them: the same at each run, whoever is faster."""
    return sorted(sources, key=lambda source: hashlib.sha256(f"{source.name}\x00{address}".encode()).digest())


@dataclass(slots=True)
class Work:
    """What all threads of a fetch share."""

    options: FetchOptions
    config: Config
    calls: Calls
    keeper: Keeper
    tell: Progress
    rows: dict[tuple[str, str], int] = field(default_factory=dict)

    def line(self, chain: str, address: str, rows: int) -> None:
        """Say how far things are."""
        self.rows[chain, address] = rows
        waiting = [
            f"{host} {state.rate:g}/s" + (f", waits {state.wait:.0f} s" if state.wait > 1 else "")
            for host, state in self.calls.rates().items()
        ]
        rows = sum(list(self.rows.values()))
        self.tell(f"{address[:12]}...: {counted(rows, 'row')}; {counted(self.calls.made, 'call')}; {'; '.join(waiting)}")


class ChainFetch:
    """The addresses wanted of one chain. `prepare` first, then the lanes beside each other, then `again`.

    Which host is asked for which address follows from the names of both, so that it is the same at every run: a fetch that was
    stopped goes on where it was, and nothing hangs on who is faster.
    """

    def __init__(self, work: Work, opened: Opened, named: Sequence[str]) -> None:
        self._work, self._opened, self._named = work, opened, named
        self._sources: list[RemoteHistory] = []
        self._ends: tuple[int, Block] | None = None
        self._outcomes: dict[str, list[Outcome]] = {address: [] for address in named}
        self.plans: dict[str, Plan] = {}
        self.differences: list[Difference] = []
        self.notes: list[str] = []

    @property
    def outcomes(self) -> list[Outcome]:
        """What came of each address, in the order in which they were named."""
        return [outcome for address in self._named for outcome in self._outcomes[address]]

    def prepare(self) -> None:
        """Find the block up to which all hosts are asked; leave out those that do not have it."""
        options, opened = self._work.options, self._opened
        source = opened.source
        try:
            head = opened.head or self._common_head()
            self._sources = [opened.source, *opened.others]
            until = head if options.until is None else block_of(source, options.until, head, after=False)
            since = 0 if options.since is None else block_of(source, options.since, head, after=True).height
            if since > until.height:
                raise InputError(f"--since is block {since:,} and --until block {until.height:,}: the first must not be later")
            if not options.dry_run and opened.head is None:
                note = drop_gone_blocks(source, head, self._work.keeper)
                self.notes += [note] if note else []
            opened.head, self._ends = head, (since, until)
        except SourceError as error:
            for address in self._named:
                self._outcomes[address] = [Outcome(source.chain, address, source.name, FAILED, reason=str(error))]

    def lanes(self) -> list[Job]:
        """A job for each host that has something to do."""
        if self._ends is None:
            return []
        mine: dict[str, list[str]] = {source.name: [] for source in self._sources}
        for address in self._named:
            mine[ranked(self._sources, address)[0].name].append(address)
        return [self._lane(source, mine[source.name]) for source in self._sources if mine[source.name]]

    def again(self) -> list[Job]:
        """Addresses of which a host had nothing are given to the next one that falls to them."""
        if self._ends is None or self._work.options.dry_run:
            return []
        return [lambda: self._elsewhere(failed)] if (failed := self._failed()) and len(self._sources) > 1 else []

    def _failed(self) -> list[str]:
        return [address for address, found in self._outcomes.items() if found and found[0].state == FAILED]

    def _elsewhere(self, failed: Sequence[str]) -> None:
        for address in failed:
            for source in ranked(self._sources, address)[1:]:
                if self._outcomes[address][0].state != FAILED or self._work.calls.made >= self._work.calls.max_calls:
                    break
                reason = self._outcomes[address][0].reason
                self.notes.append(f"{address}: {reason}; {source.name} was asked instead")
                self._outcomes[address] = []
                self._fetch(source, address)

    def _lane(self, source: RemoteHistory, addresses: Sequence[str]) -> Job:
        def lane() -> None:
            for address in addresses:
                (self._plan if self._work.options.dry_run else self._fetch)(source, address)

        return lane

    def _common_head(self) -> Block:
        """The newest final block that all hosts have; who fails or has another one there is left out, and that is said."""
        same: list[RemoteHistory] = []
        found: list[tuple[RemoteHistory, Block]] = []
        sources = [self._opened.source, *self._opened.others]
        for source in sources:
            try:
                head = source.head()
                if head is None:
                    raise SourceError(f"{source.name} has no final block")
                found.append((source, head))
            except BudgetSpentError:
                raise
            except SourceError as error:
                if len(sources) == 1:
                    raise
                self.notes.append(f"{source.name} is left out: {error}")
        if not found:
            raise SourceError(f"no host of {self._opened.source.chain} answers: {'; '.join(self.notes)}")
        lowest = min((head for _, head in found), key=lambda head: head.height)
        for source, head in found:
            there = head if head.height == lowest.height else source.head(lowest.height)
            if there is not None and there.hash == lowest.hash:
                same.append(source)
            else:
                self.notes.append(f"{source.name} is left out: it has another block {lowest.height:,} than the others, or none")
        if len(same) * 2 <= len(found) and len(found) > 1:
            raise SourceError(f"hosts of {self._opened.source.chain} are of different chains: {'; '.join(self.notes)}")
        self._opened.source, *self._opened.others = same
        return lowest

    def _plan(self, source: RemoteHistory, address: str) -> None:
        try:
            size = source.size(address)
        except SourceError as error:
            self._outcomes[address] = [Outcome(source.chain, address, source.name, FAILED, reason=str(error))]
            return
        rate = min((state.rate for state in self._work.calls.rates().values()), default=1.0)
        seconds = None if size.calls is None else size.calls / rate
        self.plans[address] = Plan(source.chain, address, source.name, size.transactions, size.at_least, size.calls, seconds)

    def _fetch(self, source: RemoteHistory, address: str) -> None:
        assert self._ends is not None
        since, until = self._ends
        target, work = Target(source, address, since, until), self._work

        def tell(rows: int) -> None:
            work.line(source.chain, address, rows)

        outcome = fetch_address(target, work.options, work.keeper, work.calls, tell)
        if outcome.state == WHOLE and outcome.last < until.height:
            # An unfinished fetch was brought to its own end; the blocks since are still to come.
            more = fetch_address(target, work.options, work.keeper, work.calls, tell)
            if more.state != KNOWN:
                outcome = Outcome(
                    *(more.chain, more.address, more.source, more.state, since, more.last),
                    *(outcome.read + more.read, outcome.stored + more.stored, outcome.calls + more.calls),
                    *(more.reason, more.balance or outcome.balance),
                )
        self._outcomes[address].append(outcome)
        if work.options.second_source is not None and outcome.state in (WHOLE, KNOWN):
            self._compare(target, outcome)

    def _compare(self, target: Target, outcome: Outcome) -> None:
        """Fetch the address from a second source into a store that is thrown away, and hold it against the first."""
        work = self._work
        other = open_source(work.options.second_source, chain_of(target.source.chain), work.config, work.calls)
        chain, address = target.source.chain, target.address
        if other.name == target.source.name:
            raise InputError(f"--second-source is {other.name}, which was asked already: name another one")
        with Store.in_memory() as apart:
            try:
                head = other.head()
                at = None if head is None or head.height < target.until.height else other.head(target.until.height)
                if at is None or at.hash != target.until.hash:
                    raise SourceError(
                        f"{other.name} has another block {target.until.height:,} than {target.source.name}, or none yet"
                    )
                second = fetch_address(Target(other, address, target.since, at), work.options, Keeper(apart), work.calls)
            except SourceError as error:
                self._outcomes[address].append(Outcome(chain, address, other.name, FAILED, reason=str(error)))
                return
            if second.state != WHOLE:
                self._outcomes[address].append(second)
                return
            names = (target.source.name, other.name)
            last = target.until.height
            told = work.keeper.ask(lambda store: differences(store, apart, chain, address, names, last))
        self.differences += told
        if not told:
            self.notes.append(Sentence("fetching.same", who=address, other=other.name, first=target.source.name, block=last))
