"""Fetch histories of addresses: what is asked for, by whom it is answered, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure.errors import InputError, SourceError
from exposure.model import addresses as forms
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
from exposure.model.sentences import Sentence
from exposure.sources.registry import SOURCES, WHOLE_BLOCKS, open_source
from exposure.sources.remote import ANY_ADDRESS, Block, is_transaction, transaction_of
from exposure.store.store import Store
from exposure.workflows.fetch.address import Target, fetch_address
from exposure.workflows.fetch.compare import differences
from exposure.workflows.fetch.heights import block_of, check_blocks
from exposure.workflows.fetch.keeper import Keeper
from exposure.workflows.fetch.options import (
    FAILED,
    KNOWN,
    WHOLE,
    Difference,
    FetchOptions,
    FetchSummary,
    Outcome,
    Plan,
    Progress,
)
from exposure.workflows.fetch.reorganised import drop_gone_blocks

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls
    from exposure.sources.remote import RemoteHistory

MAX_THREADS = 8

_NETWORKS = {
    "mainnet": ("bitcoin",),
    "testnet": ("bitcoin-testnet", "bitcoin-regtest"),  # base58 does not tell them apart
    "regtest": ("bitcoin-regtest",),
}


@dataclass(slots=True)
class _Work:
    """What one chain's threads share."""

    options: FetchOptions
    config: Config
    calls: Calls
    store: Store
    keeper: Keeper
    tell: Progress
    rows: int = 0

    def line(self, address: str, rows: int) -> None:
        """Say how far things are."""
        rates = self.calls.rates()
        waiting = [
            f"{host} {state.rate:g}/s" + (f", waits {state.wait:.0f} s" if state.wait > 1 else "")
            for host, state in rates.items()
        ]
        self.tell(f"{address[:12]}...: {rows:,} rows; {self.calls.made:,} calls; {'; '.join(waiting)}")


@dataclass(slots=True)
class Opened:
    """A source in use, and the chain's end as it was when it was first asked: what is fetched together ends there."""

    source: RemoteHistory
    head: Block | None = None


@dataclass(slots=True)
class _Found:
    """What the threads hand back."""

    outcomes: list[Outcome]
    plans: list[Plan]
    differences: list[Difference]
    notes: list[str]


def fetch(
    addresses: Sequence[str],
    options: FetchOptions,
    *,
    store: Store,
    config: Config,
    calls: Calls,
    progress: Progress = lambda line: None,
    opened: dict[str, Opened] | None = None,
) -> FetchSummary:
    """Fetch the histories of addresses into a store; what is there already is not fetched again.

    Chains are fetched side by side, the addresses of one chain one after the other. A source that fails ends its own
    addresses only: the outcome says why, and what was read before is stored.

    Parameters
    ----------
    addresses
        As typed; the chain follows from the form, or from ``options.chain``.
    store
        Written to, unless it is a dry run.
    calls
        The account of requests: budget, offline, politeness.
    progress
        Told a line now and then.
    opened
        Sources by chain that an earlier call opened, to be used again, up to the block that was final then; connections
        stay open, too.

    Raises
    ------
    InputError
        If an address, a chain, a source or a block makes no sense; nothing was fetched then.
    """
    check_blocks(options.since, options.until)
    by_chain: dict[str, dict[str, None]] = {}
    if options.blocks:
        if addresses or options.chain is None:
            raise InputError("whole blocks are fetched with --chain, and without addresses")
        by_chain[chain_of(options.chain).name] = {ANY_ADDRESS: None}
    for text in addresses:
        if is_transaction(text.strip().lower()):
            own = _chain_of_tx(text.strip().lower(), options)
            by_chain.setdefault(own.name, {}).setdefault(transaction_of(text, own) or "")
            continue
        parsed = forms.parse(text)
        chain = _chain_of(parsed, options.chain)
        by_chain.setdefault(chain.name, {}).setdefault(parsed.canonical)
    if not by_chain:
        raise InputError("name the addresses to fetch, or --blocks")
    if options.blocks and options.source is not None and options.source not in WHOLE_BLOCKS:
        raise InputError(f"{options.source} does not serve whole blocks: use one of {', '.join(WHOLE_BLOCKS)}")
    preferred = [name for name in WHOLE_BLOCKS if chain_of(options.chain or "bitcoin").family in SOURCES[name].families]
    named_source = options.source or (preferred[0] if options.blocks and preferred else None)
    sources = {} if opened is None else opened
    for name in by_chain:
        if name not in sources:
            sources[name] = Opened(open_source(named_source, chain_of(name), config, calls))
    if options.second_source is not None:
        for name in by_chain:
            open_source(options.second_source, chain_of(name), config, calls)
    work = _Work(options, config, calls, store, Keeper(store), progress)
    found = _Found([], [], [], [])
    jobs = [_job(work, sources[name], list(named), found) for name, named in by_chain.items()]
    try:
        if len(jobs) == 1:
            jobs[0]()
        else:
            with ThreadPoolExecutor(min(len(jobs), MAX_THREADS)) as pool:
                for done in [pool.submit(job) for job in jobs]:
                    done.result()
    finally:
        if opened is None:
            calls.close()
    return FetchSummary(
        tuple(found.outcomes),
        tuple(found.plans),
        tuple(found.differences),
        tuple(found.notes),
        calls.made_by_host,
        calls.asked,
        None if options.dry_run else store.version,
    )


def _chain_of_tx(hash_: str, options: FetchOptions) -> Chain:
    """The chain of a transaction that is asked for by its hash: a bare one is of Bitcoin unless another chain is named."""
    if options.second_source is not None:
        raise InputError("a second source is asked about addresses, not about single transactions")
    if options.chain is None and hash_.startswith("0x"):
        raise InputError(f"{hash_} may be a transaction of any EVM chain: name it with --chain, such as --chain ethereum")
    return chain_of(options.chain or "bitcoin")


def _chain_of(address: forms.Address, told: str | None) -> Chain:
    if told is not None:
        chain = chain_of(told)
        if chain.family != address.family:
            raise InputError(f"{address.canonical} is an address of {address.family} chains, and {chain.name} is none")
        network = forms.network_of(address.canonical) if chain.family == "bitcoin" else None
        if network is not None and chain.name not in _NETWORKS[network]:
            raise InputError(
                f"{address.canonical} is no address of {chain.name}: it belongs to {' or '.join(_NETWORKS[network])}"
            )
        return chain
    if address.family == "bitcoin":
        network = forms.network_of(address.canonical)
        return chain_of("bitcoin" if network in (None, "mainnet") else f"bitcoin-{network}")
    if address.family == "tron":
        return chain_of("tron")
    raise InputError(f"{address.canonical} may be on any EVM chain: name it with --chain, such as --chain ethereum")


def _job(work: _Work, opened: Opened, named: Sequence[str], found: _Found) -> Callable[[], None]:
    source = opened.source

    def job() -> None:
        try:
            head = source.head() if opened.head is None else opened.head
            if head is None:
                raise SourceError(f"{source.name} has no final block")
            until = head if work.options.until is None else block_of(source, work.options.until, head, after=False)
            since = 0 if work.options.since is None else block_of(source, work.options.since, head, after=True).height
            if since > until.height:
                raise InputError(f"--since is block {since:,} and --until block {until.height:,}: the first must not be later")
            if not work.options.dry_run and opened.head is None:
                note = drop_gone_blocks(source, head, work.keeper)
                found.notes += [note] if note else []
            opened.head = head
        except SourceError as error:
            found.outcomes += [Outcome(source.chain, address, source.name, FAILED, reason=str(error)) for address in named]
            return
        for address in named:
            if work.options.dry_run:
                _plan(work, source, address, found)
            else:
                _fetch(work, Target(source, address, since, until), found)

    return job


def _plan(work: _Work, source: RemoteHistory, address: str, found: _Found) -> None:
    try:
        size = source.size(address)
    except SourceError as error:
        found.outcomes.append(Outcome(source.chain, address, source.name, FAILED, reason=str(error)))
        return
    rate = min((state.rate for state in work.calls.rates().values()), default=1.0)
    seconds = None if size.calls is None else size.calls / rate
    found.plans.append(Plan(source.chain, address, source.name, size.transactions, size.at_least, size.calls, seconds))


def _fetch(work: _Work, target: Target, found: _Found) -> None:
    def tell(rows: int) -> None:
        work.line(target.address, rows)

    outcome = fetch_address(target, work.options, work.keeper, work.calls, tell)
    if outcome.state == WHOLE and outcome.last < target.until.height:
        # An unfinished fetch was brought to its own end; the blocks since are still to come.
        more = fetch_address(target, work.options, work.keeper, work.calls, tell)
        if more.state != KNOWN:
            outcome = Outcome(
                *(more.chain, more.address, more.source, more.state, target.since, more.last),
                *(outcome.read + more.read, outcome.stored + more.stored, outcome.calls + more.calls),
                *(more.reason, more.balance or outcome.balance),
            )
    found.outcomes.append(outcome)
    if work.options.second_source is not None and outcome.state in (WHOLE, KNOWN):
        _compare(work, target, outcome, found, tell)


def _compare(work: _Work, target: Target, outcome: Outcome, found: _Found, tell: Callable[[int], None]) -> None:
    """Fetch the address from a second source into a store that is thrown away, and hold it against the first."""
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
            second = fetch_address(Target(other, address, target.since, at), work.options, Keeper(apart), work.calls, tell)
        except SourceError as error:
            found.outcomes.append(Outcome(chain, address, other.name, FAILED, reason=str(error)))
            return
        if second.state != WHOLE:
            found.outcomes.append(second)
            return
        names = (target.source.name, other.name)
        last = target.until.height
        told = work.keeper.ask(lambda store: differences(store, apart, chain, address, names, last))
    found.differences += told
    if not told:
        found.notes.append(Sentence("fetching.same", who=address, other=other.name, first=target.source.name, block=last))
