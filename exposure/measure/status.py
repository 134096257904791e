"""Listed then, listed now: what each regime says about a seed at the time of its transfer, and today."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

from exposure.model.labels import Designation, Seed
from exposure.model.results import Designated, Standing, Timing
from exposure.units import day

Headline = Literal["listed at the time", "listed later", "delisted before", "listed by then, address's own date unknown", ""]

_UNDATED = "the list states no date of designation"

# Of several designations under one regime (two parties, or one that was listed twice) the gravest word counts.
_GRAVITY: dict[Timing, int] = {"on_or_after": 0, "unknown": 1, "after_delisting": 2, "before": 3}


def timing(given: Designation, time: int) -> tuple[Timing, str]:
    """Status of one designation at a time, and the reason where it is ``unknown``.

    Parameters
    ----------
    given
        The designation.
    time
        Unix seconds of the seed's transfer. The day of designation itself counts as on or after, that of delisting as
        after it: both begin at 00:00 UTC.
    """
    if given.delisted_on is not None and time >= given.delisted_on:
        return "after_delisting", ""
    own = given.address_listed_on
    if own is not None and time >= own:
        return "on_or_after", ""
    if own is not None and not given.on_or_before:
        return "before", ""
    if given.listed_on is not None and time < given.listed_on:
        return "before", ""
    if own is None and given.listed_on is not None:
        return "on_or_after", ""
    if given.listed_on is None:
        return "unknown", _UNDATED if own is None else f"{_UNDATED}; the address was on the list by {day(own)}"
    # Narrowed by the above: the entity was listed by then, the address's own date is only "on or before".
    seen = "" if own is None else f" only that it was on the list by {day(own)}"
    return "unknown", f"the entity was listed on {day(given.listed_on)}; of the address it is known{seen}"


def standing(given: Designation, time: int) -> Standing:
    """Whether a designation holds at a time: ``listed``, ``delisted`` or ``not_listed`` (yet). An undated one holds."""
    if given.delisted_on is not None and time >= given.delisted_on:
        return "delisted"
    begins = given.address_listed_on if given.address_listed_on is not None else given.listed_on
    return "not_listed" if begins is not None and time < begins else "listed"


def regimes(designations: Sequence[Designation], time: int | None, now: int) -> tuple[Designated, ...]:
    """One row a regime: the status at the time of the seed's transfer and the status now.

    Parameters
    ----------
    designations
        A seed's, or those of the subject itself.
    time
        Unix seconds of the seed's transfer; None where there is none (the subject's own tag): then ``at_time`` is that of now.
    now
        Unix seconds of the day for which labels were asked.

    Returns
    -------
    tuple of Designated
        By regime. Where a regime designates twice, the gravest status counts: listed, unknown, delisted, before.
    """
    then = now if time is None else time
    rows: list[Designated] = []
    for regime, those in groupby(sorted(designations, key=lambda given: given.regime), key=lambda given: given.regime):
        given = min(those, key=lambda one: (_GRAVITY[timing(one, then)[0]], one.listed_on or 0, one.programme))
        at_time, reason = timing(given, then)
        rows.append(
            Designated(
                regime=regime,
                at_time=at_time,
                now=_now([one for one in designations if one.regime == regime], now),
                listed_on=given.listed_on,
                delisted_on=given.delisted_on,
                address_listed_on=given.address_listed_on,
                on_or_before=given.on_or_before,
                programme=given.programme,
                reason=reason,
            )
        )
    return tuple(rows)


def _now(designations: Iterable[Designation], now: int) -> Standing:
    found = {standing(given, now) for given in designations}
    order: tuple[Standing, ...] = ("listed", "delisted", "not_listed")
    return next(word for word in order if word in found)


def moment_in_epoch(seed: Seed, epoch: int | None) -> int:
    """A time within an epoch of a seed: every transfer of one epoch has the same status, so any will do.

    ``epoch`` None counts as 0, the time before the seed's first date.
    """
    if not seed.dates:
        return 0
    return seed.dates[epoch - 1] if epoch else seed.dates[0] - 1


def status_in_epoch(seed: Seed, epoch: int | None, now: int) -> tuple[Designated, ...]:
    """`regimes` of a seed for its transfers of one epoch: what an exposure row prints."""
    return regimes(seed.designations, moment_in_epoch(seed, epoch), now)


def headline(rows: Sequence[Designated]) -> Headline:
    """The words of a row over all regimes; empty where nobody designates.

    Listed at the time under one regime is listed at the time, whatever another says.
    """
    found = {row.at_time for row in rows}
    if not found:
        return ""
    if "on_or_after" in found:
        return "listed at the time"
    if "unknown" in found:
        return "listed by then, address's own date unknown"
    return "delisted before" if "after_delisting" in found else "listed later"
