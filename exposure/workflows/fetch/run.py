"""Fetch histories of addresses: what is asked for, by whom it is answered, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model import addresses as forms
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
from exposure.sources.registry import SOURCES, WHOLE_BLOCKS, open_source, open_sources
from exposure.sources.remote import ANY_ADDRESS, is_transaction, transaction_of
from exposure.store.store import Store
from exposure.workflows.fetch.chain import ChainFetch, Opened, Work
from exposure.workflows.fetch.heights import check_blocks
from exposure.workflows.fetch.keeper import Keeper
from exposure.workflows.fetch.options import FetchOptions, FetchSummary, Progress
from exposure.workflows.fetch.side_by_side import side_by_side

if TYPE_CHECKING:  # annotations only
    from exposure.config import Config
    from exposure.net.calls import Calls

_NETWORKS = {
    "mainnet": ("bitcoin",),
    "testnet": ("bitcoin-testnet", "bitcoin-regtest"),  # base58 does not tell them apart
    "regtest": ("bitcoin-regtest",),
}


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

    Chains are fetched side by side, and so are the hosts of one chain; what falls to one host one after the other. A source
    that fails ends its own addresses only: the outcome says why, and what was read before is stored.

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
    if options.blocks and not set(_names(options.source)) <= set(WHOLE_BLOCKS):
        raise InputError(f"{options.source} does not serve whole blocks: use one of {', '.join(WHOLE_BLOCKS)}")
    preferred = [name for name in WHOLE_BLOCKS if chain_of(options.chain or "bitcoin").family in SOURCES[name].families]
    named_source = options.source or (preferred[0] if options.blocks and preferred else None)
    chains = {} if opened is None else opened
    for name in by_chain:
        if name not in chains:
            first, *others = open_sources(named_source, chain_of(name), config, calls)
            chains[name] = Opened(first, others=others)
    if options.second_source is not None:
        for name in by_chain:
            open_source(options.second_source, chain_of(name), config, calls)
    work = Work(options, config, calls, Keeper(store), progress)
    parts = [ChainFetch(work, chains[name], list(named)) for name, named in by_chain.items()]
    try:
        _run(work, parts)
    except BaseException:
        work.keeper.close()  # what threads that hang have read is put on disk, and they cannot write any more
        raise
    finally:
        if opened is None:
            calls.close()
    return FetchSummary(
        tuple(outcome for part in parts for outcome in part.outcomes),
        tuple(plan for part in parts for plan in part.plans.values()),
        tuple(difference for part in parts for difference in part.differences),
        tuple(note for part in parts for note in part.notes),
        calls.made_by_host,
        calls.asked,
        None if options.dry_run else store.version,
    )


def _run(work: Work, parts: Sequence[ChainFetch]) -> None:
    """Chains side by side, and the hosts of each."""
    side_by_side([part.prepare for part in parts], work.calls.stop)
    side_by_side([job for part in parts for job in part.lanes()], work.calls.stop)
    side_by_side([job for part in parts for job in part.again()], work.calls.stop)


def _names(sources: str | None) -> list[str]:
    return [name.strip() for name in (sources or "").split(",") if name.strip()]


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
