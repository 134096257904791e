"""Judging a report by a policy: which rules fire, on which rows, and what follows. Pure; a verdict never changes a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exposure.measure.verdict_words import Size, list_ages, own_sentence, sentence, together_sentence, unjudged_sentence
from exposure.model.policy import ACTIONS, Action, Limits, Policy, PolicyRule
from exposure.model.results import Bound, Designated, Exposure, Report, Section
from exposure.model.sentences import Sentence
from exposure.model.verdicts import Fired, FiredRow, Verdict
from exposure.units import share

STALE_DAYS = 7

_GRAVITY = {action: place for place, action in enumerate(ACTIONS)}


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule looks at in one section. ``share`` None: it could not be had, and ``why`` says so."""

    section: int
    share: float | None
    usd: float | None
    jpy: float | None
    rows: tuple[FiredRow, ...] = ()
    categories: tuple[str, ...] = ()
    why: str = ""

    @property
    def anything(self) -> bool:
        """Whether there is something at all."""
        return bool(self.share)


def at_least(action: Action, limit: str) -> bool:
    """Whether an action is as grave as a limit, or graver."""
    return _GRAVITY[action] >= ACTIONS.index(limit)


def judge(report: Report, policy: Policy) -> Verdict:
    """What a policy says of a report.

    The sections made by the policy's own rule are judged, each rule in each direction that it speaks of. A share is of one
    section; sums of money are also looked at over all sections of a direction, so that several assets do not slip under a
    limit one by one. What a rule asks for and the report could not give counts as the policy's ``unjudged`` action.
    """
    fired: list[Fired] = []
    dust = 0
    for rule in policy.rules:
        for direction in ("source", "destination"):
            if rule.directions and direction not in rule.directions:
                continue
            found = [
                one
                for number, section in enumerate(report.sections)
                if section.rule == policy.rule and section.direction == direction
                for one in _found(rule, section, number)
            ]
            light = [one for one in found if _is_dust(one, rule, policy)]
            dust += len(light)
            fired += _fired(report, rule, direction, [one for one in found if one not in light])
    once = list({(one.rule, one.judged, one.sentence): one for one in fired}.values())
    once.sort(key=lambda one: -_GRAVITY[one.action])
    notes = _notes(report, dust)
    heavy = [one for one in once if one.action != "allow"]
    if not heavy:
        return Verdict(policy.title, "allow", "", _nothing(report, policy), tuple(once), notes)
    first = heavy[0]
    return Verdict(policy.title, first.action, first.rule, first.sentence, tuple(once), notes)


def _fired(report: Report, rule: PolicyRule, direction: str, found: Sequence[Found]) -> list[Fired]:
    fired = []
    for one in found:
        section = report.sections[one.section]
        reached = _reached(rule.limits, one)
        if reached is None:
            fired.append(_of(rule, direction, one, unjudged_sentence(rule, section, _why_not(one)), judged=False))
        elif reached:
            fired.append(_of(rule, direction, one, _said(rule, section, one)))
    if fired or len(found) < 2:
        return fired
    together = Found(
        found[0].section,
        max((one.share or 0.0) for one in found),
        _sum([one.usd for one in found]),
        _sum([one.jpy for one in found]),
        tuple(row for one in found for row in one.rows),
    )
    if _reached(replace(rule.limits, share=2.0), together):
        section = report.sections[found[0].section]
        said = together_sentence(rule, section, Size(None, together.usd, together.jpy), len(found))
        fired.append(replace(_of(rule, direction, together, said), section=None, share=None))
    return fired


def _said(rule: PolicyRule, section: Section, one: Found) -> str:
    if rule.kind == "own":
        return own_sentence(rule, [section.own[row.place] for row in one.rows])
    return sentence(rule, section, Size(one.share, one.usd, one.jpy), one.categories)


def _of(rule: PolicyRule, direction: str, one: Found, said: str, *, judged: bool = True) -> Fired:
    return Fired(
        rule=rule.name,
        action=rule.action if judged else _milder(rule.unjudged, rule.action),
        kind=rule.kind,
        measure=rule.measure,
        categories=one.categories or rule.categories,
        direction=direction,
        sentence=said,
        reason=rule.reason,
        reason_ja=rule.reason_ja,
        judged=judged,
        section=one.section,
        share=one.share,
        usd=one.usd,
        jpy=one.jpy,
        limit_share=rule.limits.share,
        limit_usd=rule.limits.usd,
        limit_jpy=rule.limits.jpy,
        rows=one.rows,
    )


def _milder(one: Action, other: Action) -> Action:
    return min(one, other, key=lambda action: _GRAVITY[action])


def _reached(limits: Limits, one: Found) -> bool | None:
    """Whether any limit is reached; None where that cannot be said."""
    if one.share is None:
        return None
    if not one.anything:
        return False
    if limits == Limits():
        return True
    if limits.share is not None and one.share >= limits.share:
        return True
    unknown = False
    for limit, worth in ((limits.usd, one.usd), (limits.jpy, one.jpy)):
        if limit is not None and worth is not None and worth >= limit:
            return True
        unknown = unknown or (limit is not None and worth is None)
    return None if unknown else False


def _why_not(one: Found) -> str:
    return one.why or Sentence("verdict.no_price")


def _is_dust(one: Found, rule: PolicyRule, policy: Policy) -> bool:
    """Whether a finding is known to be worth less than the policy's dust. An own tag has no amount and is never dust."""
    if rule.kind == "own" or not one.anything:
        return False
    small_usd = bool(policy.dust_usd) and one.usd is not None and one.usd < policy.dust_usd
    small_jpy = bool(policy.dust_jpy) and one.jpy is not None and one.jpy < policy.dust_jpy
    return small_usd or small_jpy


def _found(rule: PolicyRule, section: Section, number: int) -> Iterator[Found]:
    """What a rule looks at in a section: one sum of rows; of a bound one for each category, as their ends overlap."""
    if rule.kind == "own":
        rows = [
            FiredRow(number, "own", place, own.entity or own.address)
            for place, own in enumerate(section.own)
            if own.category in rule.categories and _listed(rule, own.regimes)
        ]
        if rows:
            categories = tuple(dict.fromkeys(section.own[row.place].category for row in rows))
            yield Found(number, 1.0, None, None, tuple(rows), categories)
    elif rule.kind == "unresolved":
        yield _unresolved(rule, section, number)
    elif rule.measure in ("figure", "interval_lower"):
        yield _exposed(rule, section, number)
    elif rule.measure == "interval_upper" or section.direction == "source":  # the bracket is of where value came from
        for category in rule.categories:
            yield _bounded(rule, section, number, category)


def _listed(rule: PolicyRule, regimes: Sequence[Designated]) -> bool:
    """Whether a row is listed by one of the rule's regimes, at the time that the rule asks for."""
    if not rule.regimes:
        return True
    for one in regimes:
        now = one.now == "listed"
        then = one.at_time in ("on_or_after", "unknown")
        if one.regime in rule.regimes and {"now": now, "at_the_time": then, "ever": now or then}[rule.listed]:
            return True
    return False


def _exposed(rule: PolicyRule, section: Section, number: int) -> Found:
    rows = [
        (place, row)
        for place, row in enumerate(section.exposures)
        if row.category in rule.categories and rule.kind in (row.kind, "exposure") and _listed(rule, row.regimes)
    ]
    named = tuple(FiredRow(number, "exposures", place, row.entity or row.seed) for place, row in rows)
    categories = tuple(dict.fromkeys(row.category for _, row in rows))
    total = section.subject.amount
    if rule.measure == "figure":
        amount = sum(row.amount for _, row in rows)
        return Found(
            number, amount / total if total else 0.0, _sum([row.usd for _, row in rows]), _sum([row.jpy for _, row in rows]),
            named, categories,
        )  # fmt: skip
    if any(row.lower is None for _, row in rows):
        why = next((bound.no_interval for bound in section.bounds if bound.no_interval), Sentence("no_bounds.by_row"))
        return Found(number, None, None, None, named, categories, why)
    least = sum(row.lower or 0 for _, row in rows)
    usd, jpy = (_sum([_part(row, getattr(row, money)) for _, row in rows]) for money in ("usd", "jpy"))
    return Found(number, least / total if total else 0.0, usd, jpy, named, categories)


def _part(row: Exposure, worth: float | None) -> float | None:
    return None if worth is None else worth * (row.lower or 0) / max(row.amount, 1)


def _unresolved(rule: PolicyRule, section: Section, number: int) -> Found:
    rows = [(place, row) for place, row in enumerate(section.unresolved) if not rule.reasons or row.reason in rule.reasons]
    total = section.subject.amount
    share = sum(row.amount for _, row in rows) / total if total else 0.0
    named = tuple(FiredRow(number, "unresolved", place, row.name or row.reason) for place, row in rows)
    usd, jpy = _worth(section, share)
    return Found(number, share, usd, jpy, named)


def _bounded(rule: PolicyRule, section: Section, number: int, category: str) -> Found:
    place, bound = next(((n, one) for n, one in enumerate(section.bounds) if one.category == category), (None, None))
    share, why = _end_of(rule.measure, section, bound)
    row = () if place is None else (FiredRow(number, "bounds", place, category),)
    usd, jpy = _worth(section, share or 0.0)
    return Found(number, share, usd, jpy, row, (category,), why)


def _end_of(measure: str, section: Section, bound: Bound | None) -> tuple[float | None, str]:
    """One end of a category's bounds; of a category that no row speaks of, what holds for every such one."""
    others = section.bounds
    if measure == "interval_upper":
        if bound is not None:
            return bound.upper_share, bound.no_interval
        room = [one.upper - one.lower for one in others if one.upper is not None and one.lower is not None]
        if not room:
            return None, next((one.no_interval for one in others), Sentence("no_bounds.no_interval"))
        return max(room) / section.subject.amount if section.subject.amount else 0.0, ""
    lower = measure == "bracket_lower"
    if bound is not None:
        return (bound.bracket_lower_share if lower else bound.bracket_upper_share), bound.no_bracket
    if any(one.bracket_upper is not None for one in others):
        return 0.0, ""
    return None, next((one.no_bracket for one in others), Sentence("no_bounds.no_bracket"))


def _worth(section: Section, share: float) -> tuple[float | None, float | None]:
    one = section.subject
    return None if one.usd is None else one.usd * share, None if one.jpy is None else one.jpy * share


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum, or None if a part is not known: a part of a sum would pass for less than there is."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _nothing(report: Report, policy: Policy) -> Sentence:
    lost = [
        one.totals.unresolved_share
        for one in report.sections
        if one.rule == policy.rule and one.totals.unresolved_share is not None
    ]
    return Sentence("verdict.nothing", share=share(max(lost, default=0.0)))


def _notes(report: Report, dust: int) -> tuple[str, ...]:
    """What a reader has to know beside a verdict; the age of every list always."""
    editions = report.run.editions
    notes = [Sentence("verdict.dust", n=dust)] if dust else []
    if not editions:
        return (*notes, Sentence("verdict.no_list"))
    notes.append(list_ages(editions))
    old = [one.age_days for one in editions if one.age_days is not None and one.age_days > STALE_DAYS]
    if old:
        notes.append(Sentence("verdict.old_lists", n=len(old), days=STALE_DAYS, most=max(old)))
    undated = sum(1 for one in editions if one.age_days is None)
    if undated:
        notes.append(Sentence("verdict.undated_lists", n=undated))
    return tuple(notes)
