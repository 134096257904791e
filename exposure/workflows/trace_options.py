"""What people write of a trace, its options and times, as the values that the workflow takes."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from exposure.attribution.clusters import Method
from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.model.policy import Policy
from exposure.model.settings import DEFAULT_HOPS, Direction, Rule
from exposure.text import shown
from exposure.units import iso, to_unix, zone
from exposure.workflows.trace.options import TraceOptions

Named = TypeVar("Named", Rule, Direction, Category, Method)

A_DAY = 86_400
MAX_PATHS = 200

Moment = int | str | date | datetime
"""A point in time: unix seconds, a text (``2024-03-18``, ``2024-03-18T09:12:00Z``), a date or a datetime (naive: UTC)."""


def trace_options(
    *,
    chain: str | None = None,
    asset: str | None = None,
    hops: int | None = DEFAULT_HOPS,
    rule: str | Rule | Sequence[str | Rule] = Rule.HAIRCUT,
    direction: str | Direction | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    as_of: Moment | None = None,
    labels_as_of: Moment | None = None,
    engine: str | None = None,
    offline: bool | None = None,
    max_transactions: int | None = None,
    hub_counterparties: int | None = None,
    dust_usd: float | None = None,
    seeds_from: str = "always",
    policy: str | Path | Sequence[str | Path] = (),
    clusters: str | Method = Method.NONE,
    expand: str | Sequence[str] = (),
    window: int | None = None,
    paths: int | None = None,
    tz: str = "UTC",
) -> TraceOptions:
    """The options of a trace from what people write; the command line and `exposure.api.trace` both read them here.

    ``hops`` None: no limit. ``rule``: a name, several, or ``all``. A day given for ``until``, ``as_of`` or ``labels_as_of``
    is meant to its last second. Times without a zone are in ``tz``. What is None keeps its default. ``policy``: names of
    shipped policies or paths of policy files, which judge the report. ``expand``: addresses to follow although they count as
    hubs. ``window``: days that stand beside an address's whole history. ``paths``: how many, those with the largest amounts.

    Raises
    ------
    InputError
        For a name that is not known, a time that cannot be read, or a number out of range.
    """
    if hops is not None and not 1 <= hops <= 1000:
        raise InputError(f"{hops} hops: give a whole number from 1 to 1,000, or no limit")
    if seeds_from not in ("always", "designation"):
        raise InputError(f"seeds_from is always or designation, not {shown(seeds_from, 40)}")
    start, end = moment(since, tz, end=False), moment(until, tz, end=True)
    if start is not None and end is not None and start > end:
        raise InputError("the window is empty: since lies after until")
    options = TraceOptions(
        chain=None if chain is None else _chain(chain),
        asset=None if asset is None else _asset(asset, chain),
        hops=hops,
        rules=_rules(rule),
        direction=None if direction is None else named(Direction, direction, "direction"),
        since=start,
        until=end,
        as_of=_past(moment(as_of, tz, end=True), "--as-of"),
        labels_as_of=_past(moment(labels_as_of, tz, end=True), "--labels-as-of"),
        seeds_from_designation=seeds_from == "designation",
        policies=_policies(policy),
        clusters=named(Method, clusters, "method of clustering"),
        expanded=_expanded(expand),
    )
    if window is not None and not 1 <= window <= 100_000:
        raise InputError(f"a window of {window} days: give a whole number from 1 to 100,000")
    if window is not None:
        options = replace(options, window_days=window)
    if paths is not None and not 1 <= paths <= MAX_PATHS:
        raise InputError(f"{paths} paths: give a whole number from 1 to {MAX_PATHS}")
    if paths is not None:
        options = replace(options, max_paths=paths)
    check_policies(options)
    if engine is not None:
        options = replace(options, engine=engine)
    if offline is not None:
        options = replace(options, offline=offline)
    if max_transactions is not None:
        options = replace(options, max_transactions=max_transactions)
    if hub_counterparties is not None:
        options = replace(options, hub_counterparties=hub_counterparties)
    return options if dust_usd is None else replace(options, dust_usd=dust_usd)


def _expanded(said: str | Sequence[str]) -> tuple[str, ...]:
    from exposure.model.addresses import parse

    return tuple(dict.fromkeys(parse(text.strip()).canonical for text in ([said] if isinstance(said, str) else said)))


def _policies(said: str | Path | Sequence[str | Path]) -> tuple[Policy, ...]:
    names = [said] if isinstance(said, str | Path) else list(said)
    if not names:
        return ()
    from exposure.workflows.policies import load_policy

    return tuple({policy.digest: policy for policy in map(load_policy, names)}.values())


def check_policies(options: TraceOptions) -> None:
    """Refuse policies that the figures asked for cannot answer, or that contradict each other."""
    for policy in options.policies:
        if policy.rule not in options.rules:
            raise InputError(
                f"the policy {policy.title} judges by {policy.rule}, and the rules asked for are {', '.join(options.rules)}: "
                f"add --rule {policy.rule}, or --rule all"
            )
    categories = [category for category, _ in options.roles]
    twice = sorted({category for category in categories if categories.count(category) > 1})
    if twice:
        raise InputError(f"the policies give {twice[0]} different roles: ask for one of them at a time")


def moment(said: Moment | None, tz: str = "UTC", *, end: bool = False) -> int | None:
    """Unix seconds of a time however it is written; of a day its first second, or with ``end`` its last.

    Raises
    ------
    InputError
        If the text is no time.
    """
    if said is None or isinstance(said, int):
        return said
    if isinstance(said, datetime):
        return int((said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp())
    return to_unix(said.isoformat() if isinstance(said, date) else said, zone(tz), end_of_day=end)


def _past(time: int | None, option: str) -> int | None:
    """A moment that has been, or today's end in any zone: of a later one nothing is known, and it is a slip of the pen."""
    if time is not None and time > clock.time() + A_DAY:
        raise InputError(f"{option} {iso(time)} lies in the future: leave it out for what is known now")
    return time


def _rules(rule: str | Rule | Sequence[str | Rule]) -> tuple[Rule, ...]:
    names = [rule] if isinstance(rule, str) else list(rule)
    if names == ["all"]:
        return tuple(Rule)
    if not names:
        raise InputError(f"name a rule: {', '.join(Rule)} or all")
    return tuple(dict.fromkeys(named(Rule, name, "rule") for name in names))


def named(kind: type[Named], name: str, what: str) -> Named:
    """The rule, direction or category of a name.

    Raises
    ------
    InputError
        If there is none; the message lists them.
    """
    try:
        return kind(name.strip().lower())
    except ValueError:
        raise InputError(f"no {what} is called {shown(name, 40)!r}: use one of {', '.join(kind)}") from None


def _chain(name: str) -> str:
    from exposure.model.assets import chain

    return chain(name).name


def _asset(text: str, chain: str | None) -> str:
    """Asset id of ``CHAIN/CONTRACT``, ``CHAIN/native``, or with a chain given a contract, ``native`` or a known symbol."""
    from exposure.model.addresses import parse
    from exposure.model.assets import WELL_KNOWN, Asset
    from exposure.model.assets import chain as chain_of

    if "/" in text:
        asset = Asset.parse(text)
        return asset.id if asset.contract is None else Asset(asset.chain, parse(asset.contract).canonical).id
    named = [key for key, info in WELL_KNOWN.items() if info.symbol.lower() == text.strip().lower()]
    if chain is None:
        if len(named) == 1:
            return named[0]
        raise InputError(f"asset {shown(text, 60)!r}: say on which chain it is, as CHAIN/CONTRACT or with a chain beside it")
    known = chain_of(chain)
    if text.strip().lower() in ("native", known.symbol.lower()):
        return known.native
    on_chain = [key for key in named if key.startswith(f"{known.name}/")]
    return on_chain[0] if on_chain else Asset(known.name, parse(text).canonical).id
