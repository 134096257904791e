"""Reports made to order: one subject with just what a rule looks at."""

from __future__ import annotations

from dataclasses import replace

from exposure.model.policy import Policy, PolicyRule
from exposure.model.provenance import EditionUsed, LedgerEnd, Question, Run
from exposure.model.results import Bound, Designated, Exposure, Own, Report, Section, Subject, Totals, Unresolved

TOTAL = 100_000_000_000
USD, JPY = 1_000_000.0, 150_000_000.0


def subject(**changes: object) -> Subject:
    made = Subject("deposit", "bitcoin", "bitcoin/native", "BTC", 8, TOTAL, "A", "T", 0, "T:0", 1, 1, usd=USD, jpy=JPY)
    return replace(made, **changes)  # fields by name


def report_of(*sections: Section, age: int = 1) -> Report:
    return Report(
        question=Question("T:0", ("haircut",), "source", 5),
        as_of=(LedgerEnd("bitcoin", 1, 1),),
        sections=sections,
        run=Run("0", "reference", 1, "", 1, "", 1, 0.1, (EditionUsed("OFAC", "e", 1, age),)),
    )


def section(**parts: object) -> Section:
    lost = sum(row.amount for row in parts.get("unresolved", ())) / TOTAL  # rows of the caller
    totals = Totals(TOTAL, 0, 0, 0, 0.0, 1 - lost, lost, True)
    bounds = (Bound("sanctioned", 0, 0, 0.0, 0.0, 0, 0, 0.0, 0.0),)
    made = Section(subject(), "source", "haircut", totals, bounds=bounds)
    return replace(made, **parts)  # fields by name


def listing(regimes: tuple[str, ...], *, now: bool = True, then: bool = True) -> tuple[Designated, ...]:
    name = regimes[0] if regimes else "XX"
    return (Designated(name, "on_or_after" if then else "before", "listed" if now else "delisted", listed_on=1),)


def exposure(category: str, amount: int, kind: str, regimes: tuple[Designated, ...] = ()) -> Exposure:
    share = amount / TOTAL
    hops = 1 if kind == "direct" else 3
    return Exposure(category, f"E {category}", f"E {category}", kind, hops, 0, amount, share, USD * share, JPY * share,
                    regimes=regimes, lower=amount)  # fmt: skip


def size_at(rule: PolicyRule) -> int:
    """The smallest amount at which a rule fires by whichever limit comes first; one above dust where it has none."""
    limits = rule.limits
    shares = [limits.share] if limits.share is not None else []
    shares += [limits.usd / USD] if limits.usd is not None else []
    shares += [limits.jpy / JPY] if limits.jpy is not None else []
    return round(min(shares, default=0.001) * TOTAL)


def case(rule: PolicyRule, amount: int) -> Report:
    """A report in which one rule's own finding has this size, and nothing else is there."""
    category = rule.categories[0] if rule.categories else ""
    if rule.kind == "own":
        return report_of(section(own=(Own(category, "E", "A", regimes=listing(rule.regimes)),) if amount else ()))
    if rule.kind == "unresolved":
        reason = rule.reasons[0] if rule.reasons else "opening"
        return report_of(section(unresolved=(Unresolved(reason, "X", amount, amount / TOTAL, "s"),)))
    if rule.measure in ("figure", "interval_lower"):
        kind = "indirect" if rule.kind == "exposure" else rule.kind
        return report_of(section(exposures=(exposure(category, amount, kind, listing(rule.regimes)),)))
    bound = Bound(category, 0, 0, 0.0, 0.0, 0, 0, 0.0, 0.0)
    share = amount / TOTAL
    ends = {
        "interval_upper": replace(bound, upper=amount, upper_share=share),
        "bracket_lower": replace(
            bound, bracket_lower=amount, bracket_upper=amount, bracket_lower_share=share, bracket_upper_share=share
        ),
        "bracket_upper": replace(bound, bracket_upper=amount, bracket_upper_share=share),
    }
    return report_of(section(bounds=(ends[rule.measure],)))


def only(policy: Policy, rule: PolicyRule) -> Policy:
    """The policy with one of its rules alone."""
    return replace(policy, rules=(rule,))
