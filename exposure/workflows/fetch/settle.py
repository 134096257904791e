"""What fetched pages prove: coverage, held against the balance that the source was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from exposure import units
from exposure.model.assets import asset_info
from exposure.model.assets import chain as chain_of
from exposure.sources.remote import NATIVE, TOKENS
from exposure.store import coverage
from exposure.store.coverage import ANY, Coverage
from exposure.store.fetches import Fetch, Queried, Stretch
from exposure.store.flows import net_flow
from exposure.store.store import Store


def asset_of(chain: str, kind: str) -> str:
    """The asset under which coverage of a kind is filed: all of a UTXO chain's coins are one."""
    known = chain_of(chain)
    if known.ledger == "utxo":
        return ANY
    return {NATIVE: known.native, TOKENS: f"{chain}/{coverage.TOKENS}"}.get(kind, kind)


def whole_up_to(store: Store, chain: str, address: str, kinds: Iterable[str], first: int) -> int:
    """Last block up to which all of these kinds are declared whole from ``first`` on; ``first - 1`` if none is."""
    found = [
        coverage.whole_up_to(coverage.declared(store.connection, store.version, chain, address, asset_of(chain, kind)), first)
        for kind in kinds
    ]
    return min(found, default=first - 1)


def declarations(store: Store, fetch: Fetch, reason: str) -> tuple[list[Coverage], str]:
    """Coverage that a fetch proves, and a sentence about its balances.

    Parameters
    ----------
    reason : str
        Why the fetch stopped before its end; empty if it did not.
    """
    rows: list[Coverage] = []
    said: list[str] = []
    balances = {balance.asset: balance for balance in fetch.balances}
    for stretch in fetch.covered:
        rows += _of_stretch(store, fetch, stretch, balances, reason, said)
    for balance in fetch.balances:
        rows += _of_token(store, fetch, balance, said)
    return rows, "; ".join(said)


def _of_stretch(
    store: Store, fetch: Fetch, stretch: Stretch, balances: dict[str, Queried], reason: str, said: list[str]
) -> list[Coverage]:
    chain, address = fetch.chain, fetch.address
    asset = asset_of(chain, stretch.kind)
    base = Coverage(chain, address, asset, source=fetch.id)
    missing: list[Coverage] = []
    if stretch.reason:
        return [base._replace(from_block=stretch.first or None, to_block=stretch.last, complete=False, reason=stretch.reason)]
    if stretch.first > stretch.last:
        return _rest(store, fetch, base, 0, fetch.until, reason)
    # What an earlier fetch proved to be whole belongs to it.
    joins = stretch.first > 0 and whole_up_to(store, chain, address, [stretch.kind], 0) >= stretch.first - 1
    first = 0 if joins else stretch.first
    opening = stretch.opening
    native = chain_of(chain).native
    queried = balances.get(native if stretch.kind == NATIVE else stretch.kind)
    if queried is not None and first <= queried.block <= stretch.last:
        flow = net_flow(store, chain, address, queried.asset, first, queried.block)
        if first > 0:
            opening = queried.amount - flow
            said.append(f"{_coins(queried.asset, opening)} before block {first:,}")
        fault = _fault(queried, flow, first, opening)
        if fault:
            said.append(fault)
            return [base._replace(to_block=stretch.last, complete=False, reason=fault)]
        if first == 0:
            said.append(f"{_coins(queried.asset, queried.amount)} at block {queried.block:,}, as its movements sum to")
    whole = base._replace(
        from_block=stretch.first or None, to_block=stretch.last, opening=None if stretch.first == 0 or joins else opening
    )
    if reason:
        missing += _rest(store, fetch, base, 0, stretch.first - 1, reason) if not joins else []
        missing += _rest(store, fetch, base, stretch.last + 1, fetch.until, reason)
    return [whole, *missing]


def _rest(store: Store, fetch: Fetch, base: Coverage, first: int, last: int, reason: str) -> list[Coverage]:
    """Say why some blocks are not whole, unless they are known to be."""
    first = max(first, fetch.since)
    if first > last or not reason:
        return []
    known = coverage.declared(store.connection, store.version, base.chain, base.address, base.asset)
    if coverage.whole_up_to(known, first) >= last:
        return []
    return [base._replace(from_block=first or None, to_block=last, complete=False, reason=reason)]


def _of_token(store: Store, fetch: Fetch, balance: Queried, said: list[str]) -> list[Coverage]:
    """A token whose movements do not sum to its balance: it takes fees, rebases, or moves without events."""
    if balance.asset == chain_of(fetch.chain).native:
        return []
    spoken = {stretch.kind: stretch for stretch in fetch.covered if not stretch.reason and stretch.first <= stretch.last}
    tokens = spoken.get(TOKENS)
    if tokens is None or balance.asset in spoken:
        return []
    if tokens.first > 0 and whole_up_to(store, fetch.chain, fetch.address, [TOKENS], 0) < tokens.first - 1:
        return []  # a cut history: what was there before it is not known
    flow = net_flow(store, fetch.chain, fetch.address, balance.asset, 0, balance.block)
    fault = _fault(balance, flow, 0, None)
    if not fault:
        return []
    said.append(fault)
    return [
        Coverage(fetch.chain, fetch.address, balance.asset, None, balance.block, False, fault, fetch.id),
    ]


def _fault(queried: Queried, flow: int, first: int, opening: int | None) -> str:
    """Why a balance and the flows before it cannot both be right; empty if they can."""
    if first == 0 and flow != queried.amount:
        return (
            f"its stored movements sum to {_coins(queried.asset, flow)} and it holds {_coins(queried.asset, queried.amount)} "
            f"at block {queried.block:,}"
        )
    if first > 0 and opening is not None and opening < 0:
        return f"its movements from block {first:,} on bring more than it holds at block {queried.block:,}"
    return ""


def _coins(asset: str, amount: int) -> str:
    info = asset_info(asset)
    if info.decimals == 0:
        return f"{amount:,} base units of {info.symbol}"
    sign = "-" if amount < 0 else ""
    return f"{sign}{units.coins(abs(amount), info.decimals)} {info.symbol}"
