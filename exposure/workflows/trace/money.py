"""Several assets of one subject added up in money: the only thing that adds up over assets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from exposure.model.results import Exposure, MoneyPart, MoneyTotal, Section, Unresolved

UNRESOLVED = "unresolved"


def money_totals(sections: Sequence[Section]) -> Iterator[MoneyTotal]:
    """One total for each direction and rule in which there are several sections (assets, chains, receivers)."""
    groups: dict[tuple[str, str], list[Section]] = defaultdict(list)
    for section in sections:
        groups[section.direction, section.rule].append(section)
    for (_, rule), some in groups.items():
        if len(some) < 2:
            continue
        unpriced = [one.subject.asset for one in some if one.subject.usd is None or one.subject.jpy is None]
        priced = [one for one in some if one.subject.usd is not None]
        yield MoneyTotal(
            direction=some[0].direction,
            rule=rule,
            sections=len(some),
            usd=_sum([one.subject.usd for one in some]),
            jpy=_sum([one.subject.jpy for one in some]),
            unpriced=tuple(dict.fromkeys(unpriced)),
            parts=tuple(_parts(some, sum(one.subject.usd or 0.0 for one in priced))),
        )


def _parts(sections: Sequence[Section], total: float) -> Iterator[MoneyPart]:
    """Each category of seeds over all sections, then what is unresolved. Under poison rows overlap: of each section the
    largest counts.
    """
    usd: dict[str, float] = defaultdict(float)
    jpy: dict[str, float] = defaultdict(float)
    for section in sections:
        rows: dict[str, list[Exposure | Unresolved]] = defaultdict(list)
        for row in section.exposures:
            rows[row.category].append(row)
        if section.unresolved:
            rows[UNRESOLVED] = list(section.unresolved)
        add = max if section.rule == "poison" else sum
        for category, those in rows.items():
            usd[category] += add([row.usd or 0.0 for row in those])
            jpy[category] += add([row.jpy or 0.0 for row in those])
    for category in sorted(usd, key=lambda name: (name == UNRESOLVED, -usd[name], name)):
        yield MoneyPart(category, usd[category], jpy[category], min(usd[category] / total, 1.0) if total else None)


def _sum(values: Sequence[float | None]) -> float | None:
    """What is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
