"""The sentence of a verdict: what was found, by which measure, against which limit; figure, interval, bracket kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from exposure import units
from exposure.model.policy import PolicyRule
from exposure.model.provenance import EditionUsed
from exposure.model.results import Own, Section
from exposure.model.sentences import Sentence
from exposure.text import shown

MAX_LISTS = 6
MAX_OWN = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How much a rule found: a share of the section and its worth, each None where it is not known."""

    share: float | None = None
    usd: float | None = None
    jpy: float | None = None


def own_sentence(rule: PolicyRule, tags: Sequence[Own]) -> Sentence:
    """What the subject itself is tagged as: what its tags say, and not all that the rule would have looked for."""
    what = _words("categories", list(dict.fromkeys(own.category for own in tags)))
    who = tuple(dict.fromkeys(shown(own.entity or own.address, 60) for own in tags))[:MAX_OWN]
    return Sentence("verdict.own", what=what, who=who, rule=shown(rule.name, 60))


def sentence(rule: PolicyRule, section: Section, found: Size, categories: Sequence[str]) -> Sentence:
    """What a rule found, and its limit: ``haircut finds 12.4 % (interval 12.4 to 18.1 %) indirectly from sanctioned ...``."""
    name = shown(rule.name, 60)
    named = categories or rule.categories
    limit, size = _limit(rule), units.share(found.share or 0.0)
    if rule.kind == "unresolved":
        reasons = tuple(Sentence(f"reasons.{reason}") for reason in rule.reasons)
        where = Sentence("verdict.where", reasons=reasons) if reasons else ""
        return Sentence("verdict.unresolved", size=size, where=where, limit=limit, rule=name)
    in_money = rule.limits.usd is not None or rule.limits.jpy is not None
    parts: dict[str, object] = {
        "size": size,
        "who": Sentence(
            f"verdict.{rule.kind}_{'from' if section.direction == 'source' else 'to'}", what=_words("parties", named)
        ),
        "worth": Sentence("verdict.worth", size=size_of(Size(None, found.usd, found.jpy))) if in_money else "",
        "limit": limit,
        "rule": name,
    }
    if not rule.measure.startswith("bracket"):
        parts["by"] = Sentence(f"rules.{section.rule}")
    if rule.measure == "figure":
        parts["around"] = _around(section, categories, found.share)
    return Sentence(f"verdict.{rule.measure}", **parts)


def unjudged_sentence(rule: PolicyRule, section: Section, why: str) -> Sentence:
    """Why a rule could not be judged."""
    if section.subject.kind == "address":
        where = Sentence(f"verdict.{section.direction}_of", asset=shown(section.subject.symbol, 12))
    else:
        where = Sentence(f"verdict.{section.direction}")
    return Sentence("verdict.unjudged", rule=shown(rule.name, 60), where=where, why=why)


def together_sentence(rule: PolicyRule, section: Section, found: Size, accounts: int) -> Sentence:
    """What several accounts come to together."""
    by = Sentence(f"rules.{section.rule}")
    return Sentence("verdict.together", n=accounts, size=size_of(found), by=by, rule=shown(rule.name, 60))


def size_of(found: Size) -> tuple[str, ...] | Sentence:
    """A share and its worth, as far as known."""
    texts: list[str] = [] if found.share is None else [units.share(found.share)]
    texts += [money(worth, currency) for worth, currency in ((found.usd, "usd"), (found.jpy, "jpy")) if worth is not None]
    return tuple(texts) or Sentence("verdict.worth_unknown")


def money(worth: float, currency: str) -> Sentence:
    """A sum of money: at a glance in English, in whole units in Japanese."""
    short = units.money(worth, currency)
    return Sentence(f"money.{currency}", short=short, whole=f"{worth:,.0f}" if worth >= 1 or not worth else "1 未満の")


def list_ages(editions: Sequence[EditionUsed]) -> Sentence:
    """Each list with its day and age: an answer is as old as the lists behind it."""
    said: list[Sentence] = [
        Sentence("verdict.list_unknown", name=shown(one.name, 40))
        if one.age_days is None or one.published is None
        else Sentence("verdict.list_age", name=shown(one.name, 40), day=units.day(one.published), n=one.age_days)
        for one in editions[:MAX_LISTS]
    ]
    if len(editions) > MAX_LISTS:
        said.append(Sentence("verdict.more_lists", n=len(editions) - MAX_LISTS))
    return Sentence("verdict.list_ages", lists=tuple(said))


def _limit(rule: PolicyRule) -> Sentence | str:
    limits = rule.limits
    texts: list[str] = [f"{limits.share * 100:.6g} %"] if limits.share is not None else []
    texts += [money(most, currency) for most, currency in ((limits.usd, "usd"), (limits.jpy, "jpy")) if most is not None]
    if not texts:
        return ""
    return Sentence("verdict.limit", limits=reduce(lambda one, other: Sentence("verdict.or", one=one, other=other), texts))


def _around(section: Section, categories: Sequence[str], part: float | None) -> Sentence | str:
    """Interval and bracket beside a figure, where it is that of one whole category."""
    bound = next((one for one in section.bounds if len(categories) == 1 and one.category == categories[0]), None)
    if bound is None or not _is_whole(section, categories[0], part):
        return ""
    said = []
    if bound.lower_share is not None and bound.upper_share is not None:
        said.append(Sentence("verdict.interval", range=_range(bound.lower_share, bound.upper_share)))
    if bound.bracket_lower_share is not None and bound.bracket_upper_share is not None:
        low, high = units.share(bound.bracket_lower_share), units.share(bound.bracket_upper_share)
        said.append(Sentence("verdict.bracket", low=low, high=high))
    return Sentence("verdict.around", ranges=tuple(said)) if said else ""


def _is_whole(section: Section, category: str, part: float | None) -> bool:
    amount = sum(row.amount for row in section.exposures if row.category == category)
    return part is not None and abs(amount - part * section.subject.amount) < 1


def _range(lower: float, upper: float) -> Sentence | str:
    low, high = units.share(lower), units.share(upper)
    return high if low == high else Sentence("verdict.range", low=low.removesuffix(" %"), high=high)


def _words(group: str, categories: Sequence[str]) -> tuple[Sentence, ...]:
    return tuple(Sentence(f"{group}.{category}") for category in categories)
