"""What the user typed, and the transfers it stands for in a store."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from exposure.errors import InputError
from exposure.model.addresses import Address, parse
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import Coin, Kind, Transfer, UtxoTx
from exposure.model.settings import Direction
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory, find_tx, holds
from exposure.store.store import Store
from exposure.text import shown
from exposure.units import clock, iso, to_unix
from exposure.workflows.trace.options import TraceOptions
from exposure.workflows.trace.views import History, Views

MAX_TEXT = 300
MAX_COLONS = 6
MAX_ADDRESSES = 1_000
_BETWEEN = re.compile(r"[\s,;]+")
_HASH = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_AT_TIME = re.compile(r"(?P<address>[^@\s]+)@(?P<time>[^@#]+)(#(?P<n>[0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """What one account is about: transfers (account chains) or coins (UTXO chains) of one asset.

    ``source`` and ``destination`` are the subject's transfers in that direction; either is empty where it is not asked for.
    ``addresses``: those of a customer who is one subject; ``address`` is None then. ``unmoved``: those of them of which the
    store holds nothing that was asked for.
    """

    chain: str
    asset: str
    kind: Literal["deposit", "transaction", "address"]
    address: str | None
    source: tuple[Transfer | Coin, ...]
    destination: tuple[Transfer | Coin, ...]
    tx: str | None = None
    n: int | None = None
    addresses: tuple[str, ...] = ()
    unmoved: tuple[str, ...] = ()

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """The address, or all those of a customer."""
        return self.addresses or (() if self.address is None else (self.address,))


class Ledgers:
    """The histories of a store that a question may look at, made when they are first asked for."""

    def __init__(self, store: Store, options: TraceOptions, views: Views) -> None:
        self.store, self._options, self._views = store, options, views
        self._histories: dict[str, History] = {}

    def history(self, chain: str) -> History:
        """History of a chain up to the as-of time."""
        from exposure.store.histories import as_of_block

        if chain not in self._histories:
            bound = as_of_block(self.store, chain, time=self._options.as_of)
            self._histories[chain] = self._views.history(self.store, chain, bound)
        return self._histories[chain]


def targets(store: Store, text: str, options: TraceOptions, ledgers: Ledgers) -> list[Target]:
    """The accounts that a question asks for.

    Raises
    ------
    InputError
        If the text is no subject, its checksum is wrong, or the store does not hold it.
    """
    addresses = customer_of(text)
    if addresses:
        return _customer(addresses, options, ledgers)
    subject = text.strip()
    if not subject or len(subject) > MAX_TEXT:
        raise InputError(f"the subject has {len(subject)} characters: give an address, a transaction, TX:N or ADDRESS@TIME")
    if not store.chains():
        raise InputError(f"the store {store.path} is empty: import a ledger first, with `exposure import FILE...`")
    at_time = _AT_TIME.fullmatch(subject)
    if at_time is not None:
        return _deposit_at(at_time["address"], at_time["time"], at_time["n"], options, ledgers)
    for tx, part in _splits(subject):
        name, chains = _find(store, tx, options)
        if chains and part is None:
            return [target for chain in chains for target in _transaction(ledgers.history(chain), name, options)]
        if chains and part is not None:
            return [_in_transaction(ledgers.history(chain), name, part, options) for chain in chains]
        if _HASH.fullmatch(tx):
            raise _unknown_tx(store, tx, options)
    return _address(parse(subject), options, ledgers)


def customer_of(text: str) -> tuple[str, ...]:
    """The addresses of a customer, where a subject names several, parted by spaces or commas; else none.

    Raises
    ------
    InputError
        If there are too many of them, or one is none.
    """
    names = [name for name in _BETWEEN.split(text.strip()) if name]
    if len(names) < 2 or "@" in text:
        return ()
    if len(names) > MAX_ADDRESSES:
        raise InputError(f"a customer of {len(names):,} addresses: {MAX_ADDRESSES:,} at most are traced as one subject")
    return tuple(dict.fromkeys(parse(name).canonical for name in names))


def _customer(addresses: tuple[str, ...], options: TraceOptions, ledgers: Ledgers) -> list[Target]:
    """Several addresses as one subject: of each chain and asset what came to them from others, and went to others."""
    if not ledgers.store.chains():
        raise InputError(f"the store {ledgers.store.path} is empty: import a ledger first, with `exposure import FILE...`")
    merged: dict[tuple[str, str], list[Target]] = defaultdict(list)
    refused: dict[str, InputError] = {}
    for address in addresses:
        try:
            for target in _address(parse(address), options, ledgers):
                merged[target.chain, target.asset].append(target)
        except InputError as error:
            refused[address] = error
    if not merged:
        raise next(iter(refused.values()))
    found = []
    for (chain, asset), those in sorted(merged.items()):
        history = ledgers.history(chain)
        rows = [_between(history, (getattr(one, side) for one in those)) for side in ("source", "destination")]
        found.append(Target(chain, asset, "address", None, rows[0], rows[1], addresses=addresses, unmoved=tuple(refused)))
    return found


def _between(history: History, those: Iterable[tuple[Transfer | Coin, ...]]) -> tuple[Transfer | Coin, ...]:
    """Rows of several addresses in order, each once; what moved among them goes once it is known who owns what."""
    rows = {row.ref if isinstance(row, Transfer) else str(row): row for some in those for row in some}
    placed = [(row.place if isinstance(row, Transfer) else made_by(history, row).place, name) for name, row in rows.items()]
    return tuple(rows[name] for _, name in sorted(placed))


def deposits_of(address: str, options: TraceOptions, ledgers: Ledgers) -> list[tuple[str, str, Transfer | Coin]]:
    """Chain, asset and transfer (coin) of everything an address received, in the window asked for, in order."""
    addresses = customer_of(address)
    if addresses:
        return [row for one in addresses for row in deposits_of(one, options, ledgers)]
    found: list[tuple[str, str, Transfer | Coin]] = []
    for chain, assets in _held(parse(address), options, ledgers).items():
        history = ledgers.history(chain)
        for asset in assets:
            found += [(chain, asset, row) for row in _inflows(history, parse(address).canonical, asset, options)]
    return found


def time_of(history: History, row: Transfer | Coin) -> int:
    """Unix time of a transfer or coin."""
    if isinstance(row, Transfer):
        return row.time
    return made_by(history, row).time


def made_by(history: History, coin: Coin) -> UtxoTx:
    """The transaction of a coin that the store is known to hold."""
    tx = history.transaction(coin.tx)
    assert isinstance(tx, UtxoTx)
    return tx


def _splits(subject: str) -> list[tuple[str, str | None]]:
    """A subject as a transaction, or as a transaction and what stands behind a colon; names may hold colons themselves."""
    pieces = subject.split(":")
    found: list[tuple[str, str | None]] = [(subject, None)]
    for cut in range(len(pieces) - 1, 0, -1):
        found.append((":".join(pieces[:cut]), ":".join(pieces[cut:])))
    return found[:MAX_COLONS]


def _find(store: Store, tx: str, options: TraceOptions) -> tuple[str, list[str]]:
    """A transaction as the store names it, and the chains that hold it."""
    names = [tx]
    if _HASH.fullmatch(tx):
        bare = tx.lower().removeprefix("0x")
        names = [bare, f"0x{bare}"]
    for name in names:
        chains = [chain for chain in find_tx(store, name) if options.chain in (None, chain)]
        if chains:
            return name, chains
    return tx, []


def _unknown_tx(store: Store, tx: str, options: TraceOptions) -> InputError:
    where = options.chain or ", ".join(store.chains())
    return InputError(
        f"the store holds no transaction {shown(tx, 80)} (it has {where}): import the block or history that it stands in, "
        "or compare the hash with where you have it from"
    )


def _direction(options: TraceOptions, default: Direction) -> tuple[bool, bool]:
    chosen = options.direction or default
    return chosen is not Direction.DESTINATION, chosen is not Direction.SOURCE


def _asked_for(tx: str, time: int | None, options: TraceOptions) -> None:
    """Refuse a transaction outside the times asked for: the answer would name a window that its subject is not in."""
    if time is None:
        raise InputError(f"transaction {shown(tx, 80)} lies after the time asked for (--as-of)")
    if not _in_window(time, options):
        raise InputError(
            f"transaction {shown(tx, 80)} is of {clock(time)}, outside the window asked for: widen --since or --until"
        )


def _transaction(history: History, tx: str, options: TraceOptions) -> list[Target]:
    if isinstance(history, StoredUtxoHistory):
        return [_utxo_transaction(history, tx, options)]
    rows = history.transaction(tx)
    _asked_for(tx, rows[0].time if rows else None, options)
    groups: dict[tuple[str, str], list[tuple[int, Transfer]]] = defaultdict(list)
    for n, row in enumerate(rows):
        if _counts(row) and row.receiver is not None and options.asset in (None, row.asset):
            groups[row.receiver, row.asset].append((n, row))
    if not groups:
        why = (
            "it failed, so only its fee was paid" if all(row.failed or row.kind is Kind.FEE for row in rows) else "none matches"
        )
        raise InputError(f"transaction {shown(tx, 80)} moved no value to anybody: {why}")
    source, destination = _direction(options, Direction.SOURCE)
    return [
        Target(
            history.chain,
            asset,
            "deposit" if len(found) == 1 else "transaction",
            receiver,
            tuple(row for _, row in found) if source else (),
            tuple(row for _, row in found) if destination else (),
            tx,
            found[0][0] if len(found) == 1 else None,
        )
        for (receiver, asset), found in groups.items()
    ]


def _utxo_transaction(history: StoredUtxoHistory, tx: str, options: TraceOptions) -> Target:
    made = history.transaction(tx)
    _asked_for(tx, None if made is None else made.time, options)
    assert made is not None
    owners = {spend.address for spend in made.inputs if spend.address is not None}
    outputs = [n for n, output in enumerate(made.outputs) if output.amount and (made.joint or output.address not in owners)]
    if not outputs:
        raise InputError(f"transaction {shown(tx, 80)} pays nobody but its own senders: name an output as TX:N")
    coins = tuple(Coin(tx, n) for n in outputs)
    source, destination = _direction(options, Direction.SOURCE)
    alone = len(outputs) == 1
    return Target(
        history.chain,
        chain_of(history.chain).native,
        "deposit" if alone else "transaction",
        made.outputs[outputs[0]].address if alone else None,
        coins if source else (),
        coins if destination else (),
        tx,
        outputs[0] if alone else None,
    )


def _in_transaction(history: History, tx: str, part: str, options: TraceOptions) -> Target:
    """``TX:N``: output N, or the N-th stored transfer of a transaction, counted from 0; or a transfer's own name."""
    source, destination = _direction(options, Direction.SOURCE)
    if isinstance(history, StoredUtxoHistory):
        made = history.transaction(tx)
        _asked_for(tx, None if made is None else made.time, options)
        assert made is not None
        count = len(made.outputs)
        if not part.isdecimal() or len(part) > 9 or int(part) >= count:
            raise InputError(f"transaction {shown(tx, 80)} has outputs 0 to {count - 1}; there is no {shown(part, 20)}")
        n, output = int(part), made.outputs[int(part)]
        if not output.amount:
            raise InputError(f"output {shown(tx, 80)}:{n} holds nothing, so there is nothing to trace")
        coins = (Coin(tx, n),)
        asset = chain_of(history.chain).native
        return Target(
            history.chain, asset, "deposit", output.address, coins if source else (), coins if destination else (), tx, n
        )
    rows = history.transaction(tx)
    _asked_for(tx, rows[0].time if rows else None, options)
    place = next((n for n, row in enumerate(rows) if row.ref == f"{tx}:{part}"), None)
    if place is None and part.isdecimal() and len(part) <= 9 and int(part) < len(rows):
        place = int(part)
    if place is None:
        raise InputError(f"transaction {shown(tx, 80)} has transfers 0 to {len(rows) - 1}; there is no {shown(part, 40)}")
    row = rows[place]
    if not _counts(row):
        raise InputError(f"transfer {shown(row.ref, 100)} moves no value ({_why_not(row)}), so there is nothing to trace")
    chosen = (row,)
    return Target(
        history.chain, row.asset, "deposit", row.receiver, chosen if source else (), chosen if destination else (), tx, place
    )


def _why_not(row: Transfer) -> str:
    if row.kind is Kind.FEE:
        return "it is a fee"
    if row.failed:
        return "its transaction failed"
    return "its amount is zero" if not row.amount else "sender and receiver are one"


def _counts(row: Transfer) -> bool:
    """Whether a transfer can be a deposit: it moved value, and is no fee."""
    return not row.failed and row.amount > 0 and row.kind is not Kind.FEE and row.sender != row.receiver


def _held(address: Address, options: TraceOptions, ledgers: Ledgers) -> dict[str, list[str]]:
    """Chains and assets of an address in the store, as far as asked for."""
    if options.chain is not None and chain_of(options.chain).family != address.family:
        raise InputError(
            f"{shown(address.canonical)} is an address of the {address.family} form, which {options.chain} does not use"
        )
    store = ledgers.store
    found = holds(store, address.canonical)
    chains = {chain: assets for chain, assets in found.items() if options.chain in (None, chain)}
    chains = {chain: [asset for asset in assets if options.asset in (None, asset)] for chain, assets in chains.items()}
    chains = {chain: assets for chain, assets in chains.items() if assets}
    if not chains:
        where = f"; it is held on {', '.join(found)}" if found else f" (it has {', '.join(store.chains())})"
        what = f" in {options.asset}" if options.asset else ""
        raise InputError(
            f"the store holds no movement of {shown(address.canonical)}{what}{where}: import its history first, "
            "or compare the address with where you have it from"
        )
    return chains


def _address(address: Address, options: TraceOptions, ledgers: Ledgers) -> list[Target]:
    source, destination = _direction(options, Direction.BOTH)
    found: list[Target] = []
    for chain, assets in _held(address, options, ledgers).items():
        history = ledgers.history(chain)
        for asset in assets:
            inflows = _inflows(history, address.canonical, asset, options) if source else ()
            outflows = _outflows(history, address.canonical, asset, options) if destination else ()
            if inflows or outflows:
                found.append(Target(chain, asset, "address", address.canonical, inflows, outflows))
    if not found:
        raise InputError(f"{shown(address.canonical)} moved nothing in the window asked for: widen --since, --until or --as-of")
    return found


def _in_window(time: int, options: TraceOptions) -> bool:
    return (options.since is None or time >= options.since) and (options.until is None or time <= options.until)


def _inflows(history: History, address: str, asset: str, options: TraceOptions) -> tuple[Transfer | Coin, ...]:
    """What came to an address from elsewhere, in the window."""
    if isinstance(history, StoredAccountHistory):
        return tuple(
            row
            for row in history.movements(address, asset)
            if row.receiver == address and _counts(row) and _in_window(row.time, options)
        )
    coins = []
    for coin in history.coins(address):
        made = made_by(history, coin)
        change = not made.joint and any(spend.address == address for spend in made.inputs)
        if made.outputs[coin.n].amount and not change and _in_window(made.time, options):
            coins.append(coin)
    return tuple(coins)


def _outflows(history: History, address: str, asset: str, options: TraceOptions) -> tuple[Transfer | Coin, ...]:
    """What an address sent elsewhere, in the window; on a UTXO chain the coins that came to it, which are followed."""
    if not isinstance(history, StoredAccountHistory):
        return _inflows(history, address, asset, options)
    return tuple(
        row
        for row in history.movements(address, asset)
        if row.sender == address and _counts(row) and _in_window(row.time, options)
    )


def _deposit_at(address: str, time: str, n: str | None, options: TraceOptions, ledgers: Ledgers) -> list[Target]:
    """``ADDRESS@TIME[#n]``: the n-th deposit in that second, or in that minute or on that day where no more is given."""
    first = to_unix(time.strip())
    last = to_unix(time.strip(), end_of_day=True)
    found = [
        (chain, asset, row)
        for chain, asset, row in deposits_of(address, options, ledgers)
        if first <= time_of(ledgers.history(chain), row) <= last
    ]
    when = clock(first) if first == last else f"{iso(first)} to {iso(last)}"
    if not found:
        raise InputError(
            f"{shown(address)} received nothing at {when}: `exposure trace {shown(address)} --list` shows its deposits"
        )
    if n is None and len(found) > 1:
        raise InputError(f"{shown(address)} received {len(found)} deposits at {when}: add #1 to #{len(found)} to say which")
    number = 1 if n is None else int(n)
    if not 1 <= number <= len(found):
        raise InputError(f"{shown(address)} received {len(found)} deposits at {when}; there is no #{number}")
    chain, _, row = found[number - 1]
    history = ledgers.history(chain)
    if isinstance(row, Coin):
        return [_in_transaction(history, row.tx, str(row.n), options)]
    rows: Sequence[Transfer] = history.transaction(row.tx)  # type: ignore[assignment]  # an account history's
    place = next(place for place, other in enumerate(rows) if other.ref == row.ref)
    return [_in_transaction(history, row.tx, str(place), options)]
