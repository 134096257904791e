"""Rows by category: the order in which they are shown, and the figures and words of a whole category."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exposure.measure.status import headline
from exposure.model.labels import Category
from exposure.model.results import Attributed, Exposure, Section, Unresolved
from exposure.reporting.words import (
    CATEGORY_STYLES,
    SEED_STYLE,
    TIMINGS,
    percent,
)


def style_of(category: str) -> str:
    """Red for sanctions and what is close to them, plain red for other seeds."""
    return CATEGORY_STYLES.get(category, SEED_STYLE)


def by_category(rows: Iterable[Exposure]) -> list[tuple[str, list[Exposure]]]:
    """Rows by category, gravest category first (the order of `Category`), largest row first."""
    grouped: dict[str, list[Exposure]] = {}
    for row in sorted(rows, key=lambda row: (-row.amount, row.hops)):
        grouped.setdefault(row.category, []).append(row)
    order = {str(category): place for place, category in enumerate(Category)}
    return sorted(grouped.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))


def category_amount(section: Section, category: str, rows: Sequence[Exposure]) -> int:
    """A category's figure. Flags of poison overlap: there it is the interval's lower end, else the largest row."""
    if section.rule != "poison":
        return sum(row.amount for row in rows)
    lower = [bound.lower for bound in section.bounds if bound.category == category and bound.lower is not None]
    return lower[0] if lower else max(row.amount for row in rows)


def category_share(section: Section, category: str, rows: Sequence[Exposure]) -> float:
    """`category_amount` as a share of the subject."""
    total = section.subject.amount
    return category_amount(section, category, rows) / total if total else 0.0


def category_split(section: Section, rows: Sequence[Exposure]) -> list[str]:
    """The headline split: how much was listed at the time, how much later. Words alone where all rows say the same."""
    split: dict[str, list[Exposure]] = {}
    for row in rows:
        split.setdefault(headline(row.regimes), []).append(row)
    if set(split) == {""}:
        return []
    named = [(words, words or "without a listing date") for words in (*TIMINGS.values(), "") if words in split]
    if len(named) == 1 or section.rule == "poison":
        return [words for _, words in named]
    return [f"{percent(share_of(section, split[key]))} {words}" for key, words in named]


def share_of(section: Section, parts: Sequence[Exposure | Attributed | Unresolved]) -> float:
    """Share of several parts together: from their exact amounts, so that all parts are exactly all."""
    total = section.subject.amount
    return sum(part.amount for part in parts) / total if total else 0.0


def worth_of(section: Section, parts: Sequence[Exposure | Attributed | Unresolved]) -> tuple[float | None, float | None]:
    """Dollars and yen of several parts together; None where a price is missing, or under poison, whose parts overlap."""
    if section.rule == "poison":
        return None, None
    return _sum([part.usd for part in parts]), _sum([part.jpy for part in parts])


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def same_as_unresolved(section: Section) -> bool:
    """Whether what lies between the ends of the intervals is what the account leaves unresolved, and no more."""
    one, other = ([(part.reason, part.name, part.amount) for part in some] for some in (section.difference, section.unresolved))
    return one == other


def unresolved_share(section: Section) -> float:
    """Share of the unresolved; under poison that of the largest unresolved flag."""
    if section.totals.unresolved_share is not None:
        return section.totals.unresolved_share
    return max((part.share for part in section.unresolved), default=0.0)


def by_subject(sections: Sequence[Section]) -> list[list[Section]]:
    """Sections of one subject, asset and direction together (they differ by rule), those with findings first."""
    groups: dict[tuple[object, ...], list[Section]] = {}
    for section in sections:
        groups.setdefault((section.subject, section.direction), []).append(section)
    return sorted(groups.values(), key=lambda group: not any(section.exposures or section.own for section in group))
