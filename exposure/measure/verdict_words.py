"""The sentence of a verdict: what was found, by which measure, against which limit; figure, interval, bracket kept apart."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.model.policy import PolicyRule
from exposure.model.results import Section
from exposure.text import shown
from exposure.units import money, share

_KINDS = {"direct": "directly ", "indirect": "indirectly ", "exposure": ""}
_REASONS = {
    "beyond": "beyond the hop limit",
    "hub": "hubs",
    "conversion": "conversions",
    "incomplete": "incomplete history",
    "opening": "opening balances",
    "shortfall": "shortfalls",
    "floor": "below the floor",
    "budget": "the budget",
}


def sentence(
    rule: PolicyRule,
    section: Section,
    part: float | None,
    usd: float | None,
    jpy: float | None,
    categories: Sequence[str],
) -> str:
    """What a rule found, and its limit: ``Haircut finds 12.4 % (12.4 to 18.1 %) indirectly from sanctioned, limit 10 %``."""
    name = f"(rule {shown(rule.name, 60)})"
    if rule.kind == "own":
        tags = [own for own in section.own if own.category in rule.categories]
        who = ", ".join(dict.fromkeys(shown(own.entity or own.address, 60) for own in tags[:3]))
        return f"the subject's own address is tagged {_words(categories or rule.categories)} ({who}) {name}"
    limit = _limit(rule)
    size = share(part or 0.0)
    if rule.kind == "unresolved":
        where = f" ({', '.join(_REASONS[reason] for reason in rule.reasons)})" if rule.reasons else ""
        return f"{size} unresolved{where}{limit} {name}"
    who = f"{_KINDS[rule.kind]}{'from' if section.direction == 'source' else 'to'} {_words(categories or rule.categories)}"
    worth = f", {size_of(None, usd, jpy)}" if rule.limits.usd is not None or rule.limits.jpy is not None else ""
    rule_name = section.rule.capitalize()
    texts = {
        "figure": f"{rule_name} finds {size}{_around(rule, section, categories, part)} {who}{worth}{limit}",
        "interval_lower": f"{rule_name} finds at least {size} {who} whatever history is missing{worth}{limit}",
        "interval_upper": f"{rule_name} leaves room for up to {size} {who}{worth}{limit}",
        "bracket_lower": f"whatever the rule, at least {size} came {who}{worth}{limit}",
        "bracket_upper": f"whatever the rule, at most {size} came {who}{worth}{limit}",
    }
    return f"{texts[rule.measure]} {name}"


def unjudged_sentence(rule: PolicyRule, section: Section, why: str) -> str:
    """Why a rule could not be judged."""
    where = f"{section.subject.symbol} " if section.subject.kind == "address" else ""
    return f"the rule {shown(rule.name, 60)} could not be judged ({shown(where, 12)}{section.direction}): {shown(why, 200)}"


def size_of(part: float | None, usd: float | None, jpy: float | None) -> str:
    """A share and its worth, as far as known."""
    texts = [share(part)] if part is not None else []
    texts += [money(worth, currency) for worth, currency in ((usd, "usd"), (jpy, "jpy")) if worth is not None]
    return ", ".join(texts) or "worth unknown"


def _limit(rule: PolicyRule) -> str:
    limits = rule.limits
    texts = [f"{limits.share * 100:.6g} %"] if limits.share is not None else []
    texts += [money(most, currency) for most, currency in ((limits.usd, "usd"), (limits.jpy, "jpy")) if most is not None]
    return f", limit {' or '.join(texts)}" if texts else ""


def _around(rule: PolicyRule, section: Section, categories: Sequence[str], part: float | None) -> str:
    """Interval and bracket beside a figure, where it is that of one whole category."""
    bound = next((one for one in section.bounds if len(categories) == 1 and one.category == categories[0]), None)
    if bound is None or not _is_whole(section, categories[0], part):
        return ""
    said = []
    if bound.lower_share is not None and bound.upper_share is not None:
        said.append(_range(bound.lower_share, bound.upper_share))
    if bound.bracket_lower_share is not None and bound.bracket_upper_share is not None:
        said.append(f"whatever the rule, {_range(bound.bracket_lower_share, bound.bracket_upper_share)}")
    return f" ({'; '.join(said)})" if said else ""


def _is_whole(section: Section, category: str, part: float | None) -> bool:
    amount = sum(row.amount for row in section.exposures if row.category == category)
    return part is not None and abs(amount - part * section.subject.amount) < 1


def _range(lower: float, upper: float) -> str:
    low, high = share(lower), share(upper)
    return high if low == high else f"{low.removesuffix(' %')} to {high}"


def _words(categories: Sequence[str]) -> str:
    return ", ".join(category.replace("_", " ") for category in categories)
