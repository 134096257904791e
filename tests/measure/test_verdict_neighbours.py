"""Every condition of every rule in every shipped policy file has a pair: a case on which the rule fires, and a neighbour.

The rules are read from the files themselves. A neighbour differs from its case in the one condition alone: a unit below a
limit, another category, regime, reason, kind or measure, the other direction, the second before a date. A condition of a new
sort, or a rule without a pair, fails here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any, NamedTuple

import pytest
from verdict_reports import TOTAL, case, exposure, listing, only, report_of, section, size_at, subject

from exposure.measure.status import regimes
from exposure.measure.verdict import judge
from exposure.model.labels import DEFAULT_ROLES, Designation, Role
from exposure.model.policy import REASONS, Policy, PolicyRule
from exposure.model.results import Bound, Designated, Exposure, Own, Report, Section, Unresolved
from exposure.workflows.policies import SHIPPED, load_policy

FILES = {path.name.removesuffix(".toml"): path for path in files("exposure").joinpath("data", "policies").iterdir()}
TABLES = [(name, table) for name, path in sorted(FILES.items()) for table in tomllib.loads(path.read_text("utf-8"))["rules"]]
SAYS_NOTHING_OF_WHEN = {"name", "action", "reason", "reason_ja", "unjudged"}
SEEDS = sorted(category.value for category, role in DEFAULT_ROLES.items() if role is Role.SEED)
LISTED_ON, DELISTED_ON = 1_650_000_000, 1_700_000_000
BARE = Bound("sanctioned", 0, 0, 0.0, 0.0, 0, 0, 0.0, 0.0)


class Pair(NamedTuple):
    """A report on which a rule fires and one on which it does not, and what they differ in."""

    differ_in: str
    fires: Report
    neighbour: Report


def worth(usd: float, jpy: float, made: Section) -> Section:
    """A section whose whole subject is worth so much, its rows in proportion."""
    rows = tuple(
        replace(row, usd=None if row.usd is None else usd * row.share, jpy=None if row.jpy is None else jpy * row.share)
        for row in made.exposures
    )
    return replace(made, subject=replace(subject(), usd=usd, jpy=jpy), exposures=rows)


def of_size(rule: PolicyRule, amount: int) -> Section:
    """The section in which a rule's own finding has this size."""
    return case(rule, amount).sections[0]


def kind_of(rule: PolicyRule) -> str:
    return rule.kind if rule.kind in ("direct", "indirect") else "indirect"


def with_row(rule: PolicyRule, **changes: Any) -> Report:
    """The rule's case with its one row changed: an exposure, or the subject's own tag."""
    row: Exposure | Own
    if rule.kind == "own":
        row = replace(Own(rule.categories[0], "E", "A", regimes=listing(rule.regimes)), **changes)
        return report_of(section(own=(row,)))
    row = exposure(rule.categories[0], size_at(rule), kind_of(rule), listing(rule.regimes))
    return report_of(section(exposures=(replace(row, **changes),)))


def with_category(rule: PolicyRule, category: str) -> Report:
    if rule.measure in ("figure", "interval_lower"):
        return with_row(rule, category=category)
    (made,) = case(rule, size_at(rule)).sections
    # Of a category that no row speaks of a bound says what missing history leaves room for: here that is nothing.
    return report_of(replace(made, bounds=tuple(replace(bound, category=category) for bound in made.bounds) + (
        *(BARE for _ in range(category != "sanctioned")),
        *(replace(BARE, category=other) for other in rule.categories if other not in (category, "sanctioned")),
    )))  # fmt: skip


def pairs_of_categories(rule: PolicyRule) -> Iterator[Pair]:
    base = case(rule, size_at(rule))
    for other in SEEDS:
        if other in rule.categories:
            yield Pair(f"category {other}", with_category(rule, other), case(rule, 0))
        elif rule.measure != "interval_upper":
            yield Pair(f"category {other}", base, with_category(rule, other))
        else:  # what another category has as its own is no room for this one
            share = size_at(rule) / TOTAL
            filled = Bound(other, size_at(rule), size_at(rule), share, share, 0, TOTAL, 0.0, 1.0)
            yield Pair(f"category {other}", base, report_of(section(bounds=(BARE, filled))))


def pairs_of_regimes(rule: PolicyRule) -> Iterator[Pair]:
    for regime in rule.regimes:
        named = with_row(rule, regimes=listing((regime,)))
        yield Pair(f"regime {regime}", named, with_row(rule, regimes=listing(("ZZ",))))
    yield Pair("no regime", with_row(rule, regimes=listing(rule.regimes)), with_row(rule, regimes=()))
    yield from pairs_of_dates(rule)


def pairs_of_dates(rule: PolicyRule) -> Iterator[Pair]:
    """Listed and delisted to the second; by ``listed`` it counts now, when the value moved, or both."""
    given = [Designation(rule.regimes[0], listed_on=LISTED_ON, delisted_on=DELISTED_ON)]

    def at(time: int | None, now: int) -> tuple[Designated, ...]:
        return regimes(given, time, now)

    if rule.kind == "own" or rule.listed == "now":
        listed, after = with_row(rule, regimes=at(None, DELISTED_ON - 1)), with_row(rule, regimes=at(None, DELISTED_ON))
        before = with_row(rule, regimes=at(None, LISTED_ON - 1))
        yield Pair("the day of delisting", listed, after)
        yield Pair("the day of listing", with_row(rule, regimes=at(None, LISTED_ON)), before)
        return
    now = DELISTED_ON
    then = with_row(rule, regimes=at(LISTED_ON, now))
    yield Pair("the day of listing", then, with_row(rule, regimes=at(LISTED_ON - 1, now)))
    yield Pair("the day of delisting", then, with_row(rule, regimes=at(DELISTED_ON, now)))


def pairs_of_kind(rule: PolicyRule) -> Iterator[Pair]:
    base, amount = case(rule, size_at(rule)), size_at(rule)
    if rule.kind in ("direct", "indirect"):
        other = "indirect" if rule.kind == "direct" else "direct"
        row = exposure(rule.categories[0], amount, other, listing(rule.regimes))
        yield Pair(f"{other} instead", base, report_of(section(exposures=(row,))))
    elif rule.kind == "own":
        row = exposure(rule.categories[0], TOTAL, "direct", listing(rule.regimes))
        yield Pair("direct instead", base, report_of(section(exposures=(row,))))
    elif rule.kind == "unresolved":
        row = exposure("sanctioned", amount, "direct", listing(("ZZ",)))
        yield Pair("resolved instead", base, report_of(section(exposures=(row,))))
    elif rule.measure == "figure":
        yield Pair("own instead", base, with_row(replace(rule, kind="own"), regimes=listing(("ZZ",))))
    yield Pair("nothing there", base, case(rule, 0))


def pairs_of_reasons(rule: PolicyRule) -> Iterator[Pair]:
    def lost(reason: str) -> Report:
        return report_of(section(unresolved=(Unresolved(reason, "X", size_at(rule), size_at(rule) / TOTAL, "s"),)))

    other = next(reason for reason in REASONS if reason not in rule.reasons)
    for reason in rule.reasons:
        yield Pair(f"reason {reason}", lost(reason), lost(other))


def pairs_of_measure(rule: PolicyRule) -> Iterator[Pair]:
    """The same amount under every other measure."""
    base, amount = case(rule, size_at(rule)), size_at(rule)
    share = amount / TOTAL
    if rule.measure == "interval_lower":
        yield Pair("not identified for sure", base, with_row(rule, lower=0))
        return
    # A category whose interval or bracket has its other end there, and nothing else.
    ends = {
        "interval_lower": replace(BARE, lower=amount, upper=amount, lower_share=share, upper_share=share),
        "interval_upper": replace(BARE, upper=amount, upper_share=share),
        "bracket_lower": replace(
            BARE, bracket_lower=amount, bracket_upper=amount, bracket_lower_share=share, bracket_upper_share=share
        ),
        "bracket_upper": replace(BARE, bracket_upper=amount, bracket_upper_share=share),
    }
    implied = {
        "interval_upper": {"interval_upper", "interval_lower"},
        "bracket_lower": {"bracket_lower"},
        "bracket_upper": {"bracket_upper", "bracket_lower"},
    }[rule.measure]
    for measure, bound in ends.items():
        if measure not in implied:
            yield Pair(f"{measure} instead", base, report_of(section(bounds=(bound,))))
    if rule.measure.startswith("bracket"):  # the bracket is of where value came from
        (made,) = base.sections
        yield Pair("the other direction", base, report_of(replace(made, direction="destination")))


def pairs_of_share(rule: PolicyRule) -> Iterator[Pair]:
    """Worth too little for the limits in money, so that the share alone decides; and one unit less."""
    assert rule.limits.share is not None
    amount = round(rule.limits.share * TOTAL)
    reached, below = (report_of(worth(900.0, 90_000.0, of_size(rule, size))) for size in (amount, amount - 1))
    yield Pair("one unit below the share", reached, below)


def pairs_of_money(rule: PolicyRule, currency: str) -> Iterator[Pair]:
    """Too small a part for the share, so that the sum alone decides; and a millionth less."""
    limit = getattr(rule.limits, currency)
    whole = limit * 1_000_000  # a millionth of the subject
    prices = (whole, 0.0) if currency == "usd" else (0.0, whole)
    reached, below = (report_of(_priced(rule, prices, size)) for size in (TOTAL // 1_000_000, TOTAL // 1_000_000 - 1))
    yield Pair(f"below the sum in {currency}", reached, below)


def _priced(rule: PolicyRule, prices: tuple[float, float], size: int) -> Section:
    made = worth(*prices, of_size(rule, size))
    # The other currency is not known; zero would be dust.
    usd, jpy = (price or None for price in prices)
    rows = tuple(replace(row, usd=row.usd or None, jpy=row.jpy or None) for row in made.exposures)
    return replace(made, subject=replace(made.subject, usd=usd, jpy=jpy), exposures=rows)


def pairs_of(rule: PolicyRule, condition: str) -> list[Pair]:
    """The pairs for one condition that a rule states."""
    made = {
        "kind": pairs_of_kind,
        "categories": pairs_of_categories,
        "regimes": pairs_of_regimes,
        "listed": pairs_of_dates,
        "reasons": pairs_of_reasons,
        "measure": pairs_of_measure,
        "share": pairs_of_share,
    }
    if condition in ("usd", "jpy"):
        return list(pairs_of_money(rule, condition))
    assert condition in made, f"a condition without pairs: {condition}; write a function that makes them"
    return list(made[condition](rule))


def fires(report: Report, policy: Policy, rule: PolicyRule) -> bool:
    return any(fired.judged for fired in judge(report, only(policy, rule)).fired)


def test_every_policy_file_is_a_shipped_policy_and_every_rule_is_here() -> None:
    assert sorted(FILES) == sorted(SHIPPED)
    for name in SHIPPED:
        assert [rule.name for rule in load_policy(name).rules] == [table["name"] for of, table in TABLES if of == name]


@pytest.mark.parametrize(("name", "table"), TABLES, ids=[table["name"] for _, table in TABLES])
def test_every_condition_of_a_rule_has_a_case_and_a_neighbour(name: str, table: dict[str, Any]) -> None:
    policy = load_policy(name)
    rule = next(rule for rule in policy.rules if rule.name == table["name"])
    stated = sorted(set(table) - SAYS_NOTHING_OF_WHEN)
    assert "kind" in stated
    for condition in stated:
        pairs = pairs_of(rule, condition)
        assert pairs, f"{rule.name} has no pair for its condition {condition}"
        for pair in pairs:
            assert fires(pair.fires, policy, rule), (rule.name, condition, pair.differ_in)
            assert not fires(pair.neighbour, policy, rule), (rule.name, condition, pair.differ_in)


@pytest.mark.parametrize("name", SHIPPED)
def test_dust_fires_nothing_and_one_cent_more_does(name: str) -> None:
    policy = load_policy(name)
    rule = next(rule for rule in policy.rules if rule.kind == "direct")
    whole = policy.dust_usd * 1_000
    for size, expected in ((TOTAL // 1_000, True), (TOTAL // 1_000 - 1, False)):
        report = report_of(_priced(rule, (whole, 0.0), size))
        assert fires(report, policy, rule) is expected
        assert any("dust" in note for note in judge(report, policy).notes) is not expected


@pytest.mark.parametrize("name", SHIPPED)
def test_rules_without_a_direction_speak_of_both(name: str) -> None:
    policy = load_policy(name)
    for rule in policy.rules:
        assert not rule.directions, "a policy that names a direction needs pairs for it here"
        (made,) = case(rule, size_at(rule)).sections
        gone = report_of(replace(made, direction="destination"))
        assert fires(gone, policy, rule) is not rule.measure.startswith("bracket"), rule.name
