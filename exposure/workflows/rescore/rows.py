"""From what sweeps found to a table: a row for each wallet, asset and category, vectorised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from exposure.engines.local.roles import Groups
from exposure.engines.local.state import Found
from exposure.measure.account import RISK
from exposure.model.labels import Category
from exposure.model.schemas import AMOUNT_DIGITS
from exposure.model.settings import CONSERVING, Rule

NO_HISTORY = "no history stored"
NOT_WHOLE = "no interval: its own history is not known to be whole"
ONE_INTERVAL = "tiho has one interval, for all risk together (category risk)"
TOO_MANY_DIGITS = f"it received more than {AMOUNT_DIGITS} digits hold: amounts past that are not shown"
BLOCK = 1 << 16
"""Wanted pots made into rows at a time."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One rule's figures of the wanted pots. ``strict``: the stricter sweep, None if nobody's history is whole."""

    rule: Rule
    hops: int
    groups: Groups
    figure: Found
    strict: Found | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pots asked for: place of each one's wallet and asset, and whether coverage declares its history whole."""

    wallets: pa.Array
    wallet: NDArray[np.int64]
    assets: pa.Array
    asset: NDArray[np.int32]
    whole: NDArray[np.bool_]
    own: pa.Array


def schema(hops: int) -> pa.Schema:
    """Columns of the result: amounts are exact decimals of base units, times unix seconds."""
    amount = pa.decimal128(AMOUNT_DIGITS, 0)
    texts = [(name, pa.string()) for name in ("wallet", "chain", "asset", "rule", "category")]
    amounts = [(name, amount) for name in ("amount", "direct", "indirect", *(f"hop_{hop}" for hop in range(hops + 1)))]
    return pa.schema(
        [
            *texts,
            *amounts[:1],
            ("share", pa.float64()),
            ("hops", pa.int32()),
            *amounts[1:],
            *((name, amount) for name in ("lower", "upper", "attributed", "unresolved", "total")),
            ("first_at", pa.int64()),
            ("last_at", pa.int64()),
            ("own", pa.string()),
            ("note", pa.string()),
            ("run", pa.string()),
        ]
    )


def tables(scored: Scored, wanted: Wanted, chain: str, run: str) -> Iterator[pa.Table]:
    """The rows of one chain and rule, in parts, in order of the wanted pots and then of the category.

    Every pot has a row for ``sanctioned``, found or not, and one for each other category that was found.
    """
    for start in range(0, len(wanted.wallet), BLOCK):
        some = slice(start, start + BLOCK)
        figure, strict = _part(scored.figure, some), None if scored.strict is None else _part(scored.strict, some)
        own = replace(wanted, wallet=wanted.wallet[some], asset=wanted.asset[some], whole=wanted.whole[some])
        yield _table(replace(scored, figure=figure, strict=strict), own, chain, run)


def _part(found: Found, some: slice) -> Found:
    columns = {field.name: getattr(found, field.name) for field in fields(found)}
    return Found(**{name: value if name == "tracked" else value[some] for name, value in columns.items()})


def _table(scored: Scored, wanted: Wanted, chain: str, run: str) -> pa.Table:
    groups, found, rule = scored.groups, scored.figure, scored.rule
    rows, count = len(wanted.wallet), groups.number
    names = tuple(sorted({*groups.categories, Category.SANCTIONED.value}))
    scale = found.unit.astype(np.float64)
    by_hop = _by_hop(found, scored.hops, count)
    shaped = np.zeros((rows, scored.hops + 1, len(names)), by_hop.dtype)
    for own, name in enumerate(groups.categories):
        shaped[:, :, names.index(name)] = by_hop[:, :, own]
    if rule is Rule.TIHO:
        names = (*names, RISK)
        shaped = np.concatenate([shaped, shaped.sum(axis=2, keepdims=True)], axis=2)
    if rule is Rule.HAIRCUT:
        shaped = np.rint(shaped)
    amounts = shaped.sum(axis=1)
    total = limbs_to_float(found.limbs)
    lower, upper = _interval(scored, names, amounts * scale[:, None], total)
    show = amounts > 0
    show[:, names.index(Category.SANCTIONED.value)] = True
    if rule is Rule.TIHO:
        show[:, -1] = True
    at, place = np.nonzero(show)
    hop = shaped[at, :, place]
    unit = found.unit[at]
    unresolved = np.rint(found.unresolved * scale)
    if rule in CONSERVING:
        risk = by_hop[:, :, : len(groups.categories)].sum(axis=(1, 2)) * scale
        lost = _rest(total, scale, found)
        unresolved = np.minimum(unresolved + lost, total)
        known = np.maximum(np.rint(total - risk - unresolved), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total[at] > 0, np.minimum(amounts[at, place] * scale[at] / total[at], 1.0), 0.0)
    whole = wanted.whole[at] & (scored.strict is not None) & ((rule is not Rule.TIHO) | (place == len(names) - 1))
    none = pa.nulls(len(at), pa.decimal128(AMOUNT_DIGITS, 0))
    nearest = (hop > 0).argmax(axis=1)
    note = np.where(whole, "", ONE_INTERVAL if rule is Rule.TIHO else NOT_WHOLE).astype(object)
    note[~wanted.whole[at]] = NOT_WHOLE
    received = found.last >= found.first
    total_received = exact(found.limbs[at])
    note[pc.is_null(total_received).to_numpy(zero_copy_only=False)] = TOO_MANY_DIGITS
    columns = {
        "wallet": wanted.wallets.take(pa.array(wanted.wallet[at])),
        "chain": _same(chain, len(at)),
        "asset": wanted.assets.take(pa.array(wanted.asset[at])),
        "rule": _same(rule.value, len(at)),
        "category": pa.array(names).take(pa.array(place)),
        "amount": added(hop, unit),
        "share": pa.array(share),
        "hops": pa.array(nearest, pa.int32(), mask=~(hop > 0).any(axis=1)),
        "direct": added(hop[:, :2], unit),
        "indirect": added(hop[:, 2:], unit),
        **{f"hop_{n}": decimals(hop[:, n], unit) for n in range(scored.hops + 1)},
        "lower": decimals(lower[at, place], None, ~whole),
        "upper": decimals(upper[at, place], None, ~whole),
        "attributed": decimals(known[at], None) if rule in CONSERVING else none,
        "unresolved": decimals(unresolved[at], None),
        "total": total_received,
        "first_at": pa.array(found.first[at], mask=~received[at]),
        "last_at": pa.array(found.last[at], mask=~received[at]),
        "own": wanted.own.take(pa.array(wanted.wallet[at])),
        "note": pa.array(note, pa.string()),
        "run": _same(run, len(at)),
    }
    return pa.table(columns, schema=schema(scored.hops))


def without_history(wallets: pa.Array, own: pa.Array, hops: int, run: str) -> pa.Table:
    """Rows of wallets of which the store has no movement: nothing is known, which is no clean bill."""
    count = len(wallets)
    made = {field.name: pa.nulls(count, field.type) for field in schema(hops)}
    made |= {"wallet": wallets, "own": own, "note": _same(NO_HISTORY, count), "run": _same(run, count)}
    return pa.table(made, schema=schema(hops))


def limbs_to_float(limbs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of 32-bit limbs, lowest first, as doubles."""
    return np.asarray(limbs @ np.array([1.0, 2.0**32, 2.0**64, 2.0**96]), np.float64)


def exact(limbs: NDArray[np.int64]) -> pa.Array:
    """Sums of 32-bit limbs as exact decimals; empty where they pass the digits that an amount has."""
    parts = limbs.astype(np.uint64)
    for place in range(3):
        parts[:, place + 1] += parts[:, place] >> np.uint64(32)
        parts[:, place] &= np.uint64(0xFFFF_FFFF)
    passed = parts[:, 3] >> np.uint64(32) > 0
    return _decimal(parts[:, 0] | parts[:, 1] << np.uint64(32), parts[:, 2] | parts[:, 3] << np.uint64(32), passed)


def decimals(values: NDArray[Any], unit: NDArray[np.object_] | None, empty: NDArray[np.bool_] | None = None) -> pa.Array:
    """Whole amounts, times their unit, as decimals; ``empty``: where there is none."""
    if unit is not None and (unit != 1).any():
        big = [int(value) * own for value, own in zip(values.tolist(), unit.tolist(), strict=True)]
        low = np.array([value & (2**64 - 1) for value in big], np.uint64)
        high = np.array([value >> 64 for value in big], np.uint64)
    elif values.dtype == np.float64:
        whole = np.maximum(np.rint(values), 0.0)
        passed = whole >= 10.0**AMOUNT_DIGITS
        empty, whole = passed if empty is None else empty | passed, np.where(passed, 0.0, whole)
        top = np.floor(whole / 2.0**64)
        low, high = (whole - top * 2.0**64).astype(np.uint64), top.astype(np.uint64)
    else:
        low, high = values.astype(np.uint64), np.zeros(len(values), np.uint64)
    return _decimal(low, high, empty)


def added(values: NDArray[Any], unit: NDArray[np.object_]) -> pa.Array:
    """The sum of each row of whole amounts, exact: doubles above 2**53 would drop the last digits of a sum."""
    if values.dtype != np.float64:
        return decimals(values.sum(axis=1), unit)
    limbs, left = np.zeros((len(values), 4), np.int64), values
    for place in range(4):
        rest = np.floor(left / 2.0**32)
        limbs[:, place], left = (left - rest * 2.0**32).sum(axis=1).astype(np.int64), rest
    return exact(limbs)


def _decimal(low: NDArray[np.uint64], high: NDArray[np.uint64], empty: NDArray[np.bool_] | None = None) -> pa.Array:
    most = 10**AMOUNT_DIGITS - 1
    passed = (high > np.uint64(most >> 64)) | ((high == np.uint64(most >> 64)) & (low > np.uint64(most & (2**64 - 1))))
    if passed.any():  # a made-up token's, as a rule: no figure is better than a wrong one
        empty = passed if empty is None else empty | passed
    words = np.empty((len(low), 2), np.uint64)
    words[:, 0], words[:, 1] = low, high
    kind = pa.decimal128(AMOUNT_DIGITS, 0)
    valid = None if empty is None else pa.py_buffer(np.packbits(~empty, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(low), [valid, pa.py_buffer(words.tobytes())])


def _by_hop(found: Found, hops: int, groups: int) -> NDArray[Any]:
    """Parts as (pot, hop, group)."""
    return found.parts[:, : (hops + 1) * groups].reshape(len(found.parts), hops + 1, groups)


def _rest(total: NDArray[np.float64], scale: NDArray[np.float64], found: Found) -> NDArray[np.float64]:
    """What a coarser unit left out: unresolved."""
    counted = found.parts.sum(axis=1) * scale
    return np.where(scale > 1, np.maximum(total - counted, 0.0), 0.0)


def _interval(scored: Scored, names: tuple[str, ...], figure: NDArray[Any], total: NDArray[np.float64]) -> tuple[Any, Any]:
    """At least and at most, by pot and name; never narrower than the rounded figure."""
    lower, upper = np.zeros(figure.shape), np.zeros(figure.shape)
    strict, groups = scored.strict, scored.groups
    if strict is None:
        return lower, upper
    scale = strict.unit.astype(np.float64)
    least = _by_hop(strict, scored.hops, groups.number).sum(axis=1) * scale[:, None]
    lost = strict.unresolved * scale + _rest(total, scale, strict)
    mixer = Category.MIXER.value
    mixed = least[:, groups.categories.index(mixer)] if mixer in groups.categories else np.zeros(len(total))
    for place, name in enumerate(names):
        own = groups.categories.index(name) if name in groups.categories else None
        if name == RISK:
            lower[:, place] = least[:, : len(groups.categories)].sum(axis=1)
            upper[:, place] = lower[:, place] + lost
        elif scored.rule is Rule.POISON:
            lower[:, place] = 0.0 if own is None else least[:, own]
            upper[:, place] = np.maximum(lost, mixed) if own is None else strict.upper[:, own]
        else:
            lower[:, place] = 0.0 if own is None else least[:, own]
            upper[:, place] = lower[:, place] + lost + (0.0 if name == mixer else mixed)
    return np.minimum(np.floor(lower), figure), np.maximum(np.minimum(np.ceil(upper), total[:, None]), figure)


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text], pa.string()).take(pa.array(np.zeros(count, np.int64)))
