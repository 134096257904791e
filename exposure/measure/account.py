"""A complete account of a subject: where its value came from or went, in parts that sum to it, and the interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import localcontext
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeAlias, TypeVar

from exposure.errors import EngineError
from exposure.model.labels import Category, Labels, Seed
from exposure.model.ledger import Kind, Transfer, UtxoTx
from exposure.model.settings import Rule
from exposure.taint.reference.lots import CONSERVED, FOLLOWED, Amount, Lot, Origin, Run, is_beyond
from exposure.taint.reference.origins import owner_origin, seed_origin
from exposure.taint.reference.pots import DIGITS

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _in_long_decimals(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add up in the precision of the haircut: the usual 28 digits would cut a unit off a sum above 10^28."""

    @wraps(function)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext() as context:
            context.prec = DIGITS
            return function(*args, **kwargs)

    return wrapped


class Part(NamedTuple):
    """One line of an account.

    ``kind``: seed, service, mint, unresolved (source); seed, service, held, fee, burn, unresolved (destination).
    ``hop`` is None for what lies beyond the limit.
    """

    kind: str
    name: str
    epoch: int | None
    hop: int | None


Account: TypeAlias = dict[Part, Amount]
Bounds: TypeAlias = dict[str, tuple[Amount, Amount]]


def part_of(origin: Origin, hop: int, max_hops: int | None) -> Part:
    """The line of an account that a lot belongs to. Past the limit every origin is unresolved."""
    if is_beyond(hop, max_hops) or origin.name == "beyond":
        return Part("unresolved", "beyond", None, None)
    return Part(origin.kind, origin.name, origin.epoch, hop)


@_in_long_decimals
def source(lots: Iterable[Lot], max_hops: int | None) -> Account:
    """Where value came from: lots, added up by origin and hop."""
    account: Account = defaultdict(int)
    for origin, hop, amount in lots:
        if amount:
            account[part_of(origin, hop, max_hops)] += amount
    return dict(account)


@_in_long_decimals
def added(accounts: Iterable[Account]) -> Account:
    """The account of several subjects together."""
    total: Account = defaultdict(int)
    for account in accounts:
        for part, amount in account.items():
            total[part] += amount
    return dict(total)


@_in_long_decimals
def check(account: Account, total: int, *, what: str) -> None:
    """Refuse an account whose parts do not sum to its total.

    Raises
    ------
    EngineError
        If the sum is off: by anything under an order rule, by more than rounding under haircut.
    """
    found: Amount = sum(account.values())
    if abs(found - total) > (0 if isinstance(found, int) else total * CONSERVED):
        raise EngineError(f"the account of {what} sums to {found}, not to {total}: please report this fault")


@_in_long_decimals
def destination_of_transfer(run: Run, transfers: Sequence[Transfer], labels: Labels, max_hops: int | None) -> Account:
    """Where the followed value of a run over an account chain went (``run`` was made with ``follow``)."""
    account: Account = defaultdict(int)
    for transfer in transfers:
        if transfer.receiver is None:
            end = Part("fee" if transfer.kind is Kind.FEE else "burn", "", None, None)
        else:
            reached = _end(labels, labels.owner(transfer.receiver), transfer.time)
            if reached is None:
                continue
            end = reached
        _ended(account, run.received[transfer.ref], end, max_hops)
    for (owner, _), lots in run.held.items():
        _ended(account, lots, Part("held", owner, None, None), max_hops)
    for (owner, _), lots in run.lost.items():
        _ended(account, lots, Part("unresolved", f"incomplete:{owner}", None, None), max_hops)
    return dict(account)


@_in_long_decimals
def destination_of_coin(
    run: Run, txs: Sequence[UtxoTx], labels: Labels, max_hops: int | None, *, taint_fee: bool = False
) -> Account:
    """Where the followed value of a run over a UTXO chain went (``run`` was made with ``follow``)."""
    account: Account = defaultdict(int)
    passed_on = _fees_in_coinbases(txs) if taint_fee else set()
    times = {tx.tx: tx.time for tx in txs}
    for tx in txs:
        if tx.tx not in passed_on:
            _ended(account, run.fees[tx.tx], Part("fee", "", None, None), max_hops)
        for n, output in enumerate(tx.outputs):
            coin, owner = f"{tx.tx}:{n}", labels.owner(output.address)
            reached = _end(labels, owner, tx.time)
            if reached is not None:
                _ended(account, run.received[coin], reached, max_hops)
            elif (coin, "") in run.held:
                _ended(account, run.held[coin, ""], Part("held", owner, None, None), max_hops)
        for spend in tx.inputs:
            coin = str(spend.coin)
            if spend.address is None or coin not in run.received:
                continue
            owner = labels.owner(spend.address)
            reached = _end(labels, owner, tx.time)
            if reached is not None and _end(labels, owner, times[spend.coin.tx]) is None:
                _ended(account, run.received[coin], reached, max_hops)  # it became a seed while the coin lay there
    for (tx_hash, _), lots in run.lost.items():
        _ended(account, lots, Part("unresolved", f"incomplete:{tx_hash}", None, None), max_hops)
    return dict(account)


def _fees_in_coinbases(txs: Sequence[UtxoTx]) -> set[str]:
    """Transactions whose fee the coinbase of their block takes up."""
    found: set[str] = set()
    waiting: dict[int, list[str]] = defaultdict(list)
    for tx in txs:
        if tx.coinbase:
            found.update(waiting.pop(tx.place.block, ()))
        else:
            waiting[tx.place.block].append(tx.tx)
    return found


def _end(labels: Labels, owner: str, time: int) -> Part | None:
    """The line under which value that reaches an owner ends; None if it is an ordinary address."""
    origin = owner_origin(labels, owner, time)
    if origin is None:
        return None
    seed = labels.seeds.get(owner)
    if origin.kind == "seed" and seed is not None:
        origin = seed_origin(seed, time)
    return Part(origin.kind, origin.name, origin.epoch, None)


def _ended(account: Account, lots: Iterable[Lot], end: Part, max_hops: int | None) -> None:
    for origin, hop, amount in lots:
        if origin == FOLLOWED and amount:
            part = Part("unresolved", "beyond", None, None) if is_beyond(hop, max_hops) else end._replace(hop=hop)
            account[part] = account.get(part, 0) + amount


def categories(labels: Labels) -> dict[str, str]:
    """Category of each seed by its name."""
    every: tuple[Mapping[Any, Seed], ...] = (labels.seeds, labels.coin_seeds, labels.tx_seeds, labels.asset_seeds)
    return {seed.name: seed.category for seeds in every for seed in seeds.values()}


RISK = "risk"
"""Key of the one interval that tiho allows: all seeds together."""


@_in_long_decimals
def interval(strict: Account, rule: Rule, category_of: Mapping[str, str], wanted: Iterable[str] = ()) -> Bounds:
    """What the rule gives at least and at most, per category, under every completion of the missing history.

    Parameters
    ----------
    strict
        The account under the stricter run, in which all that leaves an incomplete pot is unresolved.
    wanted
        Categories to report besides those that occur.
    """
    lower: dict[str, Amount] = defaultdict(int)
    unresolved: Amount = 0
    for part, amount in strict.items():
        if part.kind == "seed":
            name = RISK if rule is Rule.TIHO else category_of[part.name]
            lower[name] += amount
        elif part.kind == "unresolved":
            unresolved = unresolved + amount
    names = {RISK} if rule is Rule.TIHO else set(lower) | set(wanted)
    mixed = lower.get(Category.MIXER.value, 0)
    # Where value from a mixer came from is hidden by design: it may be any category's.
    return {
        name: (lower.get(name, 0), lower.get(name, 0) + unresolved + (mixed if name not in (Category.MIXER.value, RISK) else 0))
        for name in sorted(names)
    }


def poison_interval(
    strict: Iterable[tuple[int, Sequence[Lot]]],
    max_hops: int | None,
    category_of: Mapping[str, str],
    wanted: Iterable[str] = (),
) -> Bounds:
    """Under poison: the summed value of the subject's transfers that carry the flag, and of those that may.

    ``strict``: amount and flags of each transfer of the subject under the stricter run.
    """
    flagged = []
    for amount, lots in strict:
        parts = source(lots, max_hops) if amount else {}
        found = {category_of[part.name] for part in parts if part.kind == "seed"}
        flagged.append((amount, found, any(part.kind == "unresolved" for part in parts)))
    names = {name for _, found, _ in flagged for name in found} | set(wanted)
    return {
        name: (
            sum(amount for amount, found, _ in flagged if name in found),
            sum(amount for amount, found, unknown in flagged if name in found or unknown or Category.MIXER.value in found),
        )
        for name in sorted(names)
    }
