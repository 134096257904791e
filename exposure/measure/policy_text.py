"""A policy's TOML text as a `Policy`. Whatever is not understood is refused: a misspelt limit must not be no limit."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple, TypeVar, cast

from exposure.errors import InputError
from exposure.model.labels import Category, Role
from exposure.model.policy import (
    ACTIONS,
    KINDS,
    LISTED,
    MEASURES,
    REASONS,
    REGIMES,
    Action,
    Limits,
    Policy,
    PolicyRule,
    role_of,
)
from exposure.model.settings import CONSERVING
from exposure.text import shown
from exposure.units import decimal_of

MAX_BYTES = 256 * 1024
MAX_RULES = 500

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_POLICY_KEYS = ("name", "version", "title", "rule", "unjudged", "regimes", "dust", "roles", "rules")
_OTHER_NAMES = {"GB": "UK", "GBR": "UK", "OFSI": "UK", "USA": "US", "OFAC": "US", "JPN": "JP", "MOF": "JP"}
_RULE_KEYS = (
    "name",
    "kind",
    "action",
    "reason",
    "reason_ja",
    "categories",
    "regimes",
    "listed",
    "reasons",
    "directions",
    "measure",
    "share",
    "usd",
    "jpy",
    "unjudged",
)
_DIRECTIONS = ("source", "destination")
_BOUNDS = ("interval_upper", "bracket_lower", "bracket_upper")

T = TypeVar("T", bound=str)


def policy_from(content: bytes, where: str) -> Policy:
    """Read a policy.

    Parameters
    ----------
    content
        The file.
    where
        What to call it in messages.

    Raises
    ------
    InputError
        If it is no TOML, has an unknown key (with the nearest known one), or a value that makes no sense.
    """
    if len(content) > MAX_BYTES:
        raise InputError(f"the policy {where} is larger than {MAX_BYTES // 1024} KiB; a policy is not")
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))  # some editors put a byte order mark first
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"the policy {where} is not TOML: {shown(error)}") from error
    at = f"the policy {where}"
    _known(table, _POLICY_KEYS, at)
    roles = _roles(table.get("roles", {}), at)
    unjudged = _one_of(ACTIONS, table.get("unjudged", "review"), f"{at}, unjudged")
    entries = table.get("rules", [])
    if not isinstance(entries, list) or not entries or len(entries) > MAX_RULES:
        raise InputError(f"{at} needs between 1 and {MAX_RULES} rules, each a [[rules]] table")
    seeds = {category.value for category, role in role_of(roles).items() if role is Role.SEED}
    declared = tuple(_regime(word, at, ()) for word in _list(table.get("regimes", []), f"{at}, regimes"))
    known = _Known(unjudged, seeds, (*REGIMES, *declared))
    rules = tuple(_rule(entry, f"{at}, rule {place}", known) for place, entry in enumerate(entries, 1))
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{at} has two rules called {shown(twice[0])}: a verdict names the rule, so each needs its own name")
    dust = _table(table.get("dust", {}), f"{at}, dust")
    _known(dust, ("usd", "jpy"), f"{at}, dust")
    return Policy(
        name=_name(table.get("name"), f"{at}, name"),
        version=_name(table.get("version"), f"{at}, version"),
        rules=rules,
        rule=_one_of([rule.value for rule in CONSERVING], table.get("rule", "haircut"), f"{at}, rule"),
        dust_usd=_money(dust.get("usd", 0), f"{at}, dust usd"),
        dust_jpy=_money(dust.get("jpy", 0), f"{at}, dust jpy"),
        roles=roles,
        digest=hashlib.sha256(content).hexdigest(),
        text=content.decode("utf-8-sig"),
    )


class _Known(NamedTuple):
    """What a policy says before its rules: its word for what cannot be judged, seed categories, regimes."""

    unjudged: Action
    seeds: set[str]
    regimes: tuple[str, ...]


def _rule(entry: object, at: str, known: _Known) -> PolicyRule:
    table = _table(entry, at)
    name = _name(table.get("name"), f"{at}, name")
    at = f"{at} ({name})"
    _known(table, _RULE_KEYS, at)
    kind = _one_of(KINDS, table.get("kind"), f"{at}, kind")
    measure = _one_of(MEASURES, table.get("measure", "figure"), f"{at}, measure")
    every = [category.value for category in Category]
    rule = PolicyRule(
        name=name,
        kind=kind,
        action=_one_of(ACTIONS, table.get("action"), f"{at}, action"),
        reason=_text(table.get("reason"), f"{at}, reason"),
        categories=_several(every, table.get("categories", []), f"{at}, categories"),
        regimes=tuple(_regime(word, at, known.regimes) for word in _list(table.get("regimes", []), f"{at}, regimes")),
        listed=_one_of(LISTED, table.get("listed", "ever"), f"{at}, listed"),
        reasons=_several(REASONS, table.get("reasons", []), f"{at}, reasons"),
        directions=_several(_DIRECTIONS, table.get("directions", []), f"{at}, directions"),
        measure=measure,
        limits=Limits(
            share=_share(table["share"], at) if "share" in table else None,
            usd=_money(table["usd"], f"{at}, usd") if "usd" in table else None,
            jpy=_money(table["jpy"], f"{at}, jpy") if "jpy" in table else None,
        ),
        unjudged=_one_of(ACTIONS, table.get("unjudged", known.unjudged), f"{at}, unjudged"),
        reason_ja=_text(table["reason_ja"], f"{at}, reason_ja") if "reason_ja" in table else "",
    )
    _sensible(rule, at, known.seeds)
    return rule


def _sensible(rule: PolicyRule, at: str, seeds: set[str]) -> None:
    """Refuse combinations that could never fire, or whose figure does not exist."""
    if rule.kind == "unresolved":
        if rule.categories or rule.regimes or rule.measure != "figure":
            raise InputError(f"{at}: what is unresolved has no category, regime or measure, only reasons")
        return
    if rule.reasons:
        raise InputError(f"{at}: `reasons` belong to rules of kind unresolved")
    if not rule.categories:
        raise InputError(f'{at} needs `categories`, such as ["sanctioned"]')
    if rule.kind == "own":
        if rule.limits != Limits() or rule.measure != "figure":
            raise InputError(f"{at}: an own tag is a flag without an amount, so it has no limit and no measure")
        return
    for category in rule.categories:
        if category not in seeds:
            raise InputError(
                f'{at}: {category} is no category in which exposure starts; give it that role ([roles] {category} = "seed")'
            )
    if rule.measure in _BOUNDS and (rule.kind != "exposure" or rule.regimes):
        raise InputError(f"{at}: {rule.measure} is of a whole category, so it goes with kind exposure and without regimes")


def _known(table: Mapping[str, object], keys: Sequence[str], at: str) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key.lower()[:60], keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(keys)}"
            raise InputError(f"{at} has an unknown key {shown(key, 60)!r}; {hint}")


def _roles(value: object, at: str) -> tuple[tuple[str, str], ...]:
    table = _table(value, f"{at}, roles")
    _known(table, [category.value for category in Category], f"{at}, roles")
    found = [
        (category, _one_of([role.value for role in Role], role, f"{at}, roles, {category}")) for category, role in table.items()
    ]
    if dict(found).get("sanctioned", "seed") != "seed":
        raise InputError(f"{at}, roles: sanctioned stays a seed; a listed service is never a boundary")
    return tuple(sorted(found))


def _table(value: object, at: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InputError(f"{at} is not a table")
    return value


def _list(value: object, at: str) -> list[object]:
    if not isinstance(value, list):
        raise InputError(f'{at} is {shown(value, 40)}; it takes a list, such as ["..."]')
    return value


def _one_of(allowed: Sequence[T], value: object, at: str) -> T:
    if value not in allowed:
        given = "missing" if value is None else shown(value, 40)
        near = get_close_matches(str(value).lower()[:60], allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it takes one of {', '.join(allowed)}"
        raise InputError(f"{at} is {given}; {hint}")
    return cast(T, value)


def _several(allowed: Sequence[str], value: object, at: str) -> tuple[str, ...]:
    return tuple(_one_of(allowed, word, at) for word in _list(value, at))


def _regime(value: object, at: str, known: Sequence[str]) -> str:
    """A regime: of those ``known``, as a misspelt one would never fire; any, where none are given."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2,6}", value):
        near = _OTHER_NAMES.get(str(value).upper()[:60], "")
        hint = f"did you mean {near}?" if near else "write it as the lists do: JP, US, EU, UK, UN"
        raise InputError(f"{at}: {shown(value, 40)} is no regime; {hint}")
    if known and value not in known:
        near = _OTHER_NAMES.get(value, "")
        hint = (
            f"did you mean {near}?"
            if near
            else f'known are {", ".join(known)}; one of your own tags is declared above the rules: regimes = ["{value}"]'
        )
        raise InputError(f"{at}: no list has the regime {value}, so the rule would never fire; {hint}")
    return value


def _name(value: object, at: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InputError(
            f"{at} is {'missing' if value is None else shown(value, 40)}; it takes letters, digits, dots and dashes"
        )
    return value


def _text(value: object, at: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > 1000:
        raise InputError(f"{at} is {'missing' if value is None else shown(value, 40)}; it takes a sentence that says why")
    return value.strip()


def _share(value: object, at: str) -> float:
    text = value.strip() if isinstance(value, str) else ""
    try:
        number = float(decimal_of(text.removesuffix("%").strip())) if text.endswith("%") else -1.0
    except InputError:
        number = -1.0
    if not 0 < number <= 100:
        raise InputError(f'{at}: the share {shown(value, 40)} is to be written as "10%", above 0 and up to 100 %')
    return number / 100


def _money(value: object, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise InputError(f"{at} is {shown(value, 40)}; it takes a sum of money as a plain number")
    return float(value)
