"""One address from one source, page by page: put on disk every so often, gone on with after whatever ended it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from exposure.errors import SourceError
from exposure.model.sentences import Sentence
from exposure.net.calls import Calls
from exposure.sources.remote import Block, CursorGoneError, Page, Question, RemoteHistory, is_transaction
from exposure.store import fetches
from exposure.store.fetches import DONE, READ, RUNNING, Fetch
from exposure.workflows.fetch.keeper import Keeper
from exposure.workflows.fetch.options import FAILED, KNOWN, PARTIAL, WHOLE, FetchOptions, Outcome
from exposure.workflows.fetch.settle import declarations, whole_up_to

RESTARTS = 2
"""How often an address is begun again because its list changed while it was read."""

_CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of an address: the blocks ``since`` to ``until``."""

    source: RemoteHistory
    address: str
    since: int
    until: Block


@dataclass(slots=True)
class _Tally:
    """Counts of this command, and why rows were turned away."""

    calls: Calls
    before: int
    read: int = 0
    stored: int = 0
    reason: str = ""
    faults: int = 0

    @property
    def made(self) -> int:
        """Calls for this address so far."""
        return self.calls.made_here - self.before

    def enough(self, options: FetchOptions) -> str:
        """Which limit of one address is reached; empty if none is."""
        if options.max_rows is not None and self.read >= options.max_rows:
            return f"--max-rows {options.max_rows:,} is reached"
        if options.max_calls_each is not None and self.made >= options.max_calls_each:
            return f"it takes more than {options.max_calls_each:,} calls: fetch it by name"
        return ""


def fetch_address(
    target: Target, options: FetchOptions, keeper: Keeper, calls: Calls, tell: Callable[[int], None] = lambda rows: None
) -> Outcome:
    """Fetch what is missing of an address, and declare what came of it.

    Raises
    ------
    KeyboardInterrupt
        After what was read is on disk. A source's failure is no exception here, but an outcome.
    """
    tally = _Tally(calls, calls.made_here)
    source, until = target.source, target.until
    try:
        fetch = _begin(target, options, keeper)
    except SourceError as error:
        return Outcome(source.chain, target.address, source.name, FAILED, target.since, until.height, reason=str(error))
    if fetch is None:
        return Outcome(source.chain, target.address, source.name, KNOWN, target.since, until.height)
    if fetch.state == RUNNING:
        fetch, tally.reason = _read(fetch, target, options, keeper, tally, tell)
    reason = tally.reason
    if tally.faults:
        reason = str(Sentence("stored.contradicting", n=tally.faults))
    declared, balance = keeper.ask(lambda store: declarations(store, fetch, reason))
    whole = fetch.state == READ and not reason and all(row.complete for row in declared)
    keeper.commit(fetch.moved(state=DONE if fetch.state == READ else RUNNING), [], declared)
    why = reason or "; ".join(dict.fromkeys(row.reason for row in declared if not row.complete))
    state = WHOLE if whole else PARTIAL if tally.read or fetch.rows or fetch.covered else FAILED
    return Outcome(
        *(source.chain, target.address, source.name, state, target.since, fetch.until),
        read=tally.read,
        stored=tally.stored,
        calls=tally.made,
        reason="" if whole else why,
        balance=balance,
    )


def _begin(target: Target, options: FetchOptions, keeper: Keeper) -> Fetch | None:
    """Where to go on: at the cursor of an unfinished fetch, behind what is whole, or at the beginning. None: all is there."""
    source, address, until = target.source, target.address, target.until
    known = keeper.ask(lambda store: fetches.find(store.connection, source.chain, address, source.name))
    fresh = Fetch(source.chain, address, source.name, RUNNING, target.since, until.height, until.hash)
    if known is None or options.restart:
        return fresh
    if known.state == RUNNING and known.cursor is not None and known.since <= target.since <= known.until <= until.height:
        still = source.head(known.until)
        if still is not None and still.hash == known.until_hash:
            return known
    if known.state == READ:
        return known
    if is_transaction(address):
        return None if known.state == DONE else fresh
    # What a source can never make whole (a spam token, a coin that it does not list) is not asked for again and again.
    kinds = {stretch.kind for stretch in known.covered if not stretch.reason}
    last = keeper.ask(lambda store: whole_up_to(store, source.chain, address, kinds, target.since)) if kinds else -1
    if last >= until.height:
        return None
    if last >= target.since and known.state == DONE:
        return fresh.moved(since=last + 1)
    return fresh


def _read(
    fetch: Fetch, target: Target, options: FetchOptions, keeper: Keeper, tally: _Tally, tell: Callable[[int], None]
) -> tuple[Fetch, str]:
    """Read pages to the end, or to what stops it; everything read is on disk afterwards. The reason is empty at the end."""
    begun = fetch.moved(cursor=None, covered=(), balances=(), rows=0)
    for attempt in range(RESTARTS + 1):
        held = _Held(fetch, keeper, tally, options)
        keeper.holds(held)
        until = target.until if target.until.height == fetch.until else Block(fetch.until, fetch.until_hash)
        question = Question(target.address, until, fetch.since)
        try:
            for page in target.source.pages(question, fetch.cursor):
                held.add(page)
                tell(tally.read)
                if page.cursor is not None and (reached := tally.enough(options)):
                    held.write()
                    return held.fetch, reached
            held.fetch = held.fetch.moved(state=READ, cursor=None)
            held.write()
            return held.fetch, ""
        except CursorGoneError as error:
            held.write()
            if attempt == RESTARTS:
                return held.fetch.moved(cursor=None), str(error)
            fetch = begun.moved(answers=held.fetch.answers)
        except SourceError as error:
            held.write()
            return held.fetch, str(error)
        except BaseException:
            held.write()
            raise
        finally:
            keeper.released(held)
    raise AssertionError("the last attempt returns")


class _Held:
    """Pages that are read and not yet on disk."""

    def __init__(self, fetch: Fetch, keeper: Keeper, tally: _Tally, options: FetchOptions) -> None:
        self.fetch = fetch
        self._keeper = keeper
        self._tally = tally
        self._options = options
        self._pages: list[Page] = []
        self._rows = 0
        self._since = time.monotonic()

    def add(self, page: Page) -> None:
        """Take a page; put all on disk when enough is held."""
        with self._keeper.lock:
            self._add(page)

    def _add(self, page: Page) -> None:
        count = sum(len(rows) for rows in page.rows.values())
        self._pages.append(page)
        self._rows += count
        self._tally.read += count
        self.fetch = self.fetch.moved(
            cursor=page.cursor,
            covered=tuple(fetches.Stretch(one.kind, one.first, one.last, one.reason, one.opening) for one in page.covered),
            balances=tuple(fetches.Queried(one.asset, one.amount, one.block) for one in page.balances) or self.fetch.balances,
            rows=self.fetch.rows + count,
            answers=self.fetch.answers + len(page.answers),
        )
        late = time.monotonic() - self._since > _CHECKPOINT_SECONDS
        if page.cursor is not None and (
            late or self._rows >= self._options.checkpoint_rows or len(self._pages) >= self._options.checkpoint_pages
        ):
            self.write()

    def write(self) -> None:
        """Put what is held on disk, with the place where the fetch stands."""
        with self._keeper.lock:
            if not self._pages:
                return
            done = self._keeper.commit(self.fetch, self._pages)
            self._tally.stored += sum(done.stored.values())
            self._tally.faults += sum(done.rejected.values())
            self._pages, self._rows, self._since = [], 0, time.monotonic()
