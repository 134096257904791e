"""``--fail-on``: when a trace ends with exit code 3: at an action of a policy, or at a least share of a category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from exposure.errors import InputError
from exposure.measure.verdict import at_least
from exposure.model.labels import DEFAULT_ROLES, Category, Role
from exposure.model.results import Report, Section
from exposure.reporting.categories import by_category, category_share
from exposure.reporting.words import percent
from exposure.text import shown
from exposure.units import decimal_of

ACTIONS = ("review", "hold", "block")
_SEEDS = tuple(str(category) for category, role in DEFAULT_ROLES.items() if role is Role.SEED)


@dataclass(frozen=True, slots=True)
class Condition:
    """At or above ``share`` (0: anything at all) of ``category``."""

    category: Category
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict at or above an action: ``review``, ``hold`` or ``block``."""

    action: str


def fail_on(text: str, *, policy: bool) -> Condition | Judged:
    """Read an action, where there is a policy to give it, or what `condition` reads.

    Raises
    ------
    InputError
        As `condition`, and for an action with a share.
    """
    action, colon, _ = text.strip().lower().partition(":")
    if action not in ACTIONS or not policy:
        return condition(text)
    if colon:
        raise InputError(f"--fail-on {shown(text, 60)}: an action has no share; the policy has the limits")
    return Judged(action)


def condition(text: str) -> Condition:
    """Read ``CATEGORY``, ``CATEGORY:10%`` or ``CATEGORY:10`` (per cent).

    Raises
    ------
    InputError
        For an unknown category (with the nearest known one), a share outside 0 to 100 %, and an action without a policy.
    """
    name, colon, share = text.strip().partition(":")
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    if key in ACTIONS:
        raise InputError(
            f"--fail-on {key} needs a policy (--policy), which says what calls for it; or name a category: {_known()}"
        )
    if key not in _SEEDS:
        near = get_close_matches(key, _SEEDS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(f"--fail-on knows no category {shown(name, 40)!r}{hint}; use one of {_known()}")
    try:
        least = float(decimal_of(share.strip().removesuffix("%").strip())) if colon else 0.0
    except InputError as error:
        raise InputError(f"--fail-on {shown(text, 60)}: the share {error}; write it as {key}:10%") from error
    if not 0 <= least <= 100:
        raise InputError(f"--fail-on {shown(text, 60)}: a share lies between 0 and 100 %")
    return Condition(Category(key), least / 100)


def met(report: Report, conditions: Sequence[Condition | Judged]) -> list[str]:
    """A sentence for each condition that holds: a verdict, the figure of the first rule asked for, the subject's own tag."""
    if not conditions:
        return []
    headline = report.question.rules[0]
    sentences = []
    for one in conditions:
        if isinstance(one, Judged):
            sentences += [
                f"{verdict.action} by policy {verdict.policy}: {verdict.sentence}"
                for verdict in report.verdicts
                if at_least(verdict.action, one.action)
            ]
            continue
        for section in report.sections:
            if section.rule == headline:
                sentences += _met(section, one)
    return list(dict.fromkeys(sentences))


def _met(section: Section, one: Condition) -> list[str]:
    sentences = [
        f"{one.category}: the subject itself is tagged ({shown(own.entity or own.address, 80)})"
        for own in section.own
        if own.category == one.category
    ]
    for category, rows in by_category(section.exposures):
        share = category_share(section, category, rows)
        if category == one.category and share > 0 and share >= one.share:
            limit = f", limit {percent(one.share)}" if one.share else ""
            sentences.append(f"{one.category}: {percent(share)} by {section.rule}, {section.direction}{limit}")
    return sentences


def _known() -> str:
    return ", ".join(_SEEDS)
