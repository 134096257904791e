"""What a worked case expects: figures by rule, and the bracket. Every name in it must stand in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from exposure.model.ledger import Kind, Transfer, UtxoTx
from exposure.model.settings import Rule
from exposure.workflows.selfcheck.fields import Json, figure, name, number, pot, rows, table, text

SOURCE_KINDS = ("seed", "service", "mint", "unresolved")
DESTINATION_KINDS = ("seed", "service", "held", "fee", "burn", "unresolved")


class WantedPart(NamedTuple):
    """One line of an expected account; ``hop`` None: the sum over hops, ``name`` ``*``: all names not matched yet."""

    kind: str
    name: str
    hop: int | None
    amount: Fraction


class Subject(NamedTuple):
    """What an account is of. ``kind``: transfer, output, transaction or address."""

    kind: str
    name: str
    asset: str | None


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """An expected account; None where a figure is not stated. ``own`` is compared if ``states_own``."""

    subject: Subject
    direction: str
    total: Fraction | None
    parts: tuple[WantedPart, ...] | None
    states_own: bool
    own: str | None
    interval: Mapping[str, tuple[Fraction, Fraction]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of one rule."""

    taint: Mapping[str, Mapping[tuple[str, int], Fraction]]
    fees: Mapping[str, Mapping[str, Fraction]]
    held: Mapping[tuple[str, str], tuple[WantedPart, ...]]
    collisions: int | None
    accounts: tuple[WantedAccount, ...]


@dataclass(frozen=True, slots=True)
class Bracket:
    """Expected at least and at most, by category."""

    subject: Subject
    values: Mapping[str, tuple[Fraction, Fraction]]


class _Names(NamedTuple):
    refs: frozenset[str]
    txs: frozenset[str]
    account: bool


def _names(transfers: Sequence[Transfer], txs: Sequence[UtxoTx]) -> _Names:
    if txs:
        refs = frozenset(f"{tx.tx}:{n}" for tx in txs for n in range(len(tx.outputs)))
        return _Names(refs, frozenset(tx.tx for tx in txs), False)
    moved = frozenset(transfer.ref for transfer in transfers if transfer.kind is not Kind.FEE)
    return _Names(moved, frozenset(transfer.tx for transfer in transfers), True)


def expectations(given: Json, transfers: Sequence[Transfer], txs: Sequence[UtxoTx]) -> dict[str, Expected]:
    """The expected figures by rule.

    Raises
    ------
    ValueError
        If a rule, transfer, output or transaction is unknown, or a figure is none.
    """
    names = _names(transfers, txs)
    found = {}
    for rule, figures in given.items():
        if rule not in {known.value for known in Rule}:
            raise ValueError(f"unknown rule {rule!r}: use {', '.join(Rule)}")
        found[rule] = _expected(table(figures, f"what {rule} expects"), names)
    return found


def read_bracket(given: Any, transfers: Sequence[Transfer], txs: Sequence[UtxoTx]) -> Bracket | None:
    """The expected bracket, or None where there is none. Raises as `expectations`."""
    if given is None:
        return None
    entry = table(given, "`bracket`")
    subject = _subject(entry["subject"], _names(transfers, txs))
    if subject.kind not in ("transfer", "output"):
        raise ValueError("the subject of a bracket is one transfer or output")
    return Bracket(subject, _bounds(entry["values"], "values of the bracket"))


def _expected(given: Json, names: _Names) -> Expected:
    unknown = sorted(set(given) - {"taint", "fees", "held", "collisions", "accounts"})
    if unknown:
        raise ValueError(f"unknown figures {', '.join(map(repr, unknown))}: taint, fees, held, collisions, accounts are known")
    taint = {}
    for ref, by_name in table(given.get("taint", {}), "`taint`").items():
        if ref not in names.refs:
            raise ValueError(f"`taint` refers to {ref!r}, which the ledger has not got")
        taint[ref] = {
            (seed, _hop(hop, f"hop of {ref}")): figure(value, f"taint of {ref}")
            for seed, hops in table(by_name, f"taint of {ref}").items()
            for hop, value in table(hops, f"taint of {ref}").items()
        }
    fees = {}
    for tx, by_seed in table(given.get("fees", {}), "`fees`").items():
        if tx not in names.txs:
            raise ValueError(f"`fees` refers to transaction {tx!r}, which the ledger has not got")
        fees[tx] = {seed: figure(value, f"fee of {tx}") for seed, value in table(by_seed, f"fee of {tx}").items()}
    held = {}
    for key, parts in table(given.get("held", {}), "`held`").items():
        if not names.account:
            raise ValueError("`held` is of account ledgers")
        held[pot(key, "held")] = tuple(_part(part, SOURCE_KINDS) for part in rows(parts, f"held at {key}"))
    return Expected(
        taint,
        fees,
        held,
        number(given["collisions"], "collisions") if "collisions" in given else None,
        tuple(_account(table(entry, "an account"), names) for entry in rows(given.get("accounts", []), "`accounts`")),
    )


def _hop(value: str, what: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ValueError(f"{what} is {value!r}, not a whole number")
    return int(value)


def _account(given: Json, names: _Names) -> WantedAccount:
    direction = text(given["direction"], "direction")
    if direction not in ("source", "destination"):
        raise ValueError(f"direction is {direction!r}, neither source nor destination")
    kinds = SOURCE_KINDS if direction == "source" else DESTINATION_KINDS
    own = given.get("own")
    return WantedAccount(
        _subject(given["subject"], names),
        direction,
        figure(given["total"], "total") if "total" in given else None,
        tuple(_part(part, kinds) for part in rows(given["parts"], "parts")) if "parts" in given else None,
        "own" in given,
        None if own is None else text(own, "own"),
        _bounds(given.get("interval", {}), "interval"),
    )


def _subject(value: Any, names: _Names) -> Subject:
    given = table(value, "subject")
    known = ("transfer", "transaction", "address") if names.account else ("output", "transaction", "address")
    kinds = [kind for kind in ("transfer", "output", "transaction", "address") if kind in given]
    if len(kinds) != 1 or kinds[0] not in known:
        raise ValueError(f"a subject of this ledger is one of {', '.join(known)}, not {' and '.join(kinds) or 'nothing'}")
    kind = kinds[0]
    subject = Subject(kind, name(given[kind], "subject"), text(given["asset"], "asset") if "asset" in given else None)
    there = {"transfer": names.refs, "output": names.refs, "transaction": names.txs}.get(kind)
    if there is not None and subject.name not in there:
        raise ValueError(f"the subject {subject.name!r} is not in the ledger")
    return subject


def _part(value: Any, kinds: Sequence[str]) -> WantedPart:
    given = rows(value, "a part")
    if len(given) != 4 or given[0] not in kinds:
        raise ValueError(f"a part is [kind, name, hop, amount] with a kind of {', '.join(kinds)}")
    kind, part, hop, amount = given
    what = f"part {kind}"
    return WantedPart(kind, text(part, what), None if hop is None else number(hop, what), figure(amount, what))


def _bounds(value: Any, what: str) -> dict[str, tuple[Fraction, Fraction]]:
    found = {}
    for category, pair in table(value, what).items():
        ends = rows(pair, what)
        if len(ends) != 2:
            raise ValueError(f"{what}: {category} is no pair of at least and at most")
        found[category] = figure(ends[0], what), figure(ends[1], what)
    return found
