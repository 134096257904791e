"""Asking for one history that a trace lacks, unless it would cost more than one is worth: then a first look must do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from exposure.errors import InputError, SourceError
from exposure.model.assets import chain as chain_of
from exposure.sources.registry import open_sources
from exposure.sources.remote import Listed, RemoteHistory, Size, is_transaction
from exposure.store.histories import StoredUtxoHistory
from exposure.store.store import Store
from exposure.text import counted
from exposure.tracing.hubs import verdict
from exposure.workflows.fetch.chain import Opened
from exposure.workflows.fetch.look import Dust, look_at, record
from exposure.workflows.fetch.options import FAILED, HUB, WHOLE, FetchOptions, FetchSummary, Outcome, Progress
from exposure.workflows.fetch.run import fetch
from exposure.workflows.seen_hubs import counted_of

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls

MAX_CALLS_EACH = 50
"""An address whose history would take more calls is not fetched on the way: most likely it is a service that nobody tagged."""

TOO_LARGE = "too large"
"""State of a step whose history was left out for its size, and that is no hub; the others are those of `Outcome`."""

CROWD = 3
"""Transactions that hang on coins of one address before its history is looked at."""

WIDE = 10
"""Inputs or outputs of a transaction that looks like a service's: then whose coin it made is looked at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One history that was asked for: the share of the subject's value that hung on it, what came of it, and its calls.

    ``name``: an address or a transaction; ``why``: of a hub, what was seen.
    """

    chain: str
    name: str
    share: float
    state: str = ""
    calls: int = 0
    why: str = ""


class HubRule(NamedTuple):
    """Who is a hub: more counterparties than ``threshold``, in amounts above ``dust``."""

    threshold: int
    dust: Dust


Taken = tuple[Outcome, Step]


@dataclass(slots=True)
class Asking:
    """Sources, store and budget behind the histories that a trace lacks, and who was looked at.

    ``expanded``: addresses whose whole history is wanted, whatever it takes.
    """

    options: FetchOptions
    store: Store
    config: Config
    calls: Calls
    progress: Progress
    opened: dict[str, Opened]
    hubs: HubRule
    expanded: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)
    _hubs: set[tuple[str, str]] = field(default_factory=set)
    _looked: set[tuple[str, str]] = field(default_factory=set)
    _crowds: Counter[tuple[str, str]] = field(default_factory=Counter)

    def needless(self, chain: str, name: str) -> bool:
        """Whether all that hangs on a history hangs on hubs that were found since."""
        owners = self._owners(chain, name)
        return bool(owners) and all((chain, owner) in self._hubs for owner in owners)

    def ask(self, step: Step) -> Iterator[Taken]:
        """Fetch a history, or say why not; on Bitcoin whose coins hang on it may be looked at, before or after."""
        chain, owners = step.chain, self._owners(step.chain, step.name)
        self._crowds.update((chain, owner) for owner in owners)
        crowded = [owner for owner in owners if self._crowds[chain, owner] >= CROWD]
        for owner in crowded:
            yield from self._looked_at(replace(step, name=owner))
        if owners and all((chain, owner) in self._hubs for owner in owners):
            return
        before = self.calls.made
        outcome, state = self._one(chain, step.name)
        yield outcome, replace(step, state=state, calls=self.calls.made - before, why=outcome.reason if state == HUB else "")
        if owners and outcome.state == WHOLE and self._is_wide(chain, step.name):
            for owner in owners:
                yield from self._looked_at(replace(step, name=owner))

    def fetched(self, name: str, options: FetchOptions) -> FetchSummary:
        """Fetch one history, whatever it takes."""
        summary = fetch(
            [name],
            options,
            store=self.store,
            config=self.config,
            calls=self.calls,
            progress=self.progress,
            opened=self.opened,
        )
        self.notes += summary.notes
        return summary

    def _one(self, chain: str, name: str) -> tuple[Outcome, str]:
        """One history and its state."""
        try:
            source = self._source(chain)
            options = replace(self.options, chain=chain)
            if is_transaction(name) or name in self.expanded:
                outcome = self.fetched(name, options).outcomes[0]
                return outcome, outcome.state
            size = source.size(name)
            if _is_long(source, size):
                why = self._hub(source, name, size)
                if why:
                    return Outcome(chain, name, source.name, HUB, reason=why), HUB
                if size.calls is not None:
                    reason = (
                        f"its history has {counted(size.transactions, 'transaction')} and "
                        f"would take {counted(size.calls, 'call')}: "
                        "tag it, or fetch it by name"
                    )
                    return Outcome(chain, name, source.name, FAILED, reason=reason), TOO_LARGE
            most = 2 * MAX_CALLS_EACH if isinstance(source, Listed) else None
            outcome = self.fetched(name, replace(options, max_calls_each=most)).outcomes[0]
            return outcome, TOO_LARGE if most is not None and outcome.calls >= most and outcome.reason else outcome.state
        except (SourceError, InputError) as error:
            # An owner that is no address, a source that serves no single transactions: the others go on.
            return Outcome(chain, name, self.options.source or "", FAILED, reason=str(error)), FAILED

    def _looked_at(self, step: Step) -> Iterator[Taken]:
        """Whether an address of a UTXO chain is a hub; asked once, and said only if it is."""
        key = step.chain, step.name
        if key in self._looked or step.name in self.expanded or self.calls.made >= self.calls.max_calls:
            return
        self._looked.add(key)
        before = self.calls.made
        try:
            source = self._source(step.chain)
            size = source.size(step.name)
            why = self._hub(source, step.name, size) if _is_long(source, size) else ""
        except (SourceError, InputError):
            return  # its transactions are fetched one by one, and fail by themselves if it must be
        if why:
            made = self.calls.made - before
            outcome = Outcome(step.chain, step.name, source.name, HUB, calls=made, reason=why)
            yield outcome, replace(step, state=HUB, calls=made, why=why)

    def _hub(self, source: RemoteHistory, address: str, size: Size) -> str:
        """Look at a long history; why it is that of a hub, which is then on record, or an empty text."""
        head = self.opened[source.chain].head or source.head()
        if head is None:
            raise SourceError(f"{source.name} has no final block")
        threshold = self.hubs.threshold
        found = look_at(source, address, size, head, threshold=threshold, dust=self.hubs.dust)
        reasons = {look: verdict(counted_of(look), threshold) for look in found}
        hubs = [look for look in found if reasons[look]]
        if not hubs:
            return ""
        record(self.store, hubs)
        self._hubs.add((source.chain, address))
        return reasons[hubs[0]] or ""

    def _source(self, chain: str) -> RemoteHistory:
        if chain not in self.opened:
            first, *others = open_sources(self.options.source, chain_of(chain), self.config, self.calls)
            self.opened[chain] = Opened(first, others=others)
        return self.opened[chain].source

    def _owners(self, chain: str, name: str) -> list[str]:
        """Whose coins of a transaction are known to be spent: they are what hangs on it. Of an address nobody."""
        if not is_transaction(name) or chain_of(chain).ledger != "utxo":
            return []
        spends = self.store.lookup("inputs_by_coin", chain).rows(name)["tx"].to_pylist()
        history = StoredUtxoHistory(self.store, chain)
        owners: dict[str, None] = {}
        for tx in dict.fromkeys(spends):
            found = history.transaction(tx)
            for spend in () if found is None else found.inputs:
                if spend.coin.tx == name and spend.address is not None:
                    owners.setdefault(spend.address)
        return list(owners)

    def _is_wide(self, chain: str, tx: str) -> bool:
        found = StoredUtxoHistory(self.store, chain).transaction(tx)
        return found is not None and max(len({spend.address for spend in found.inputs}), len(found.outputs)) >= WIDE


def _is_long(source: RemoteHistory, size: Size) -> bool:
    """Whether a history would take too many calls, or may: a first page that is full, with no word of how much follows."""
    if size.calls is None:
        return isinstance(source, Listed) and size.transactions > 0
    return size.calls > MAX_CALLS_EACH
