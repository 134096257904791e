"""What of the figures hangs on one item of a comparison: by how much its rows differ between two answers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from exposure.model.results import Report, Section


class Effect(NamedTuple):
    """A difference in shares of the subject, and the account (of the first answer) where it is largest."""

    share: float | None = None
    section: int = 0


def account(section: Section) -> tuple[object, ...]:
    """What two answers have in common of an account."""
    one = section.subject
    return one.chain, one.asset, one.address, one.ref, section.direction, section.rule


def effect_of(
    before: Report,
    after: Report,
    *,
    seeds: Collection[str] = (),
    owners: Collection[str] = (),
    used: Collection[str] | None = None,
) -> Effect:
    """The difference in the rows of some seeds (by name; ``used``: only rows whose value left one of these addresses, since a
    party's other addresses have its name too); where there is no such row, in what is attributed to some owners as services,
    then in what is unresolved because of them. Of the first rule asked for.
    """

    def of_seeds(section: Section) -> int:
        rows = (row for row in section.exposures if row.seed in seeds)
        return sum(row.amount for row in rows if used is None or any(one.address in used for one in row.seeds))

    def of_services(section: Section) -> int:
        return sum(row.amount for row in section.attributed if row.kind == "service" and row.name in owners)

    def lost(section: Section) -> int:
        return sum(row.amount for row in section.unresolved if row.reason in ("hub", "conversion") and row.name in owners)

    for amount in (of_seeds, of_services, lost):
        found = _largest(amount, before, after)
        if found.share is not None:
            return found
    return Effect()


def _largest(amount: Callable[[Section], int], before: Report, after: Report) -> Effect:
    others = {account(section): section for section in after.sections}
    best = Effect()
    for number, section in enumerate(before.sections):
        other = others.get(account(section))
        if other is None or section.rule != before.sections[0].rule:
            continue
        sums = [amount(one) / (one.subject.amount or 1) for one in (section, other)]
        if any(sums) and (best.share is None or abs(sums[1] - sums[0]) > abs(best.share)):
            best = Effect(sums[1] - sums[0], number)
    return best
