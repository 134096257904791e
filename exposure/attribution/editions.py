"""What comparing the editions of a list says: since when an address stands there, and when it was taken off.

Official lists date parties, not addresses. An address of the first edition that was seen stands there "on or before" its day;
one that joins a party listed earlier has the day of the edition that brought it; one that vanishes was delisted on the day
of the first edition without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from exposure.model.labels import Designation
from exposure.model.tags import Edition, ListKind, ParsedList, Statement, Tag
from exposure.units import day

MAX_SHRINKAGE = 0.02
"""Share of its subjects that a list may lose from one edition to the next before somebody has to look."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One statement as it stands on the day asked for.

    ``in_force`` is False for what the newest edition does not say any more; such a statement is kept only where it
    designates, because whoever was ever designated stays a seed. ``first_seen`` is the day of the first edition with it
    (the day it was added, for the user's own). ``derived``: no list says it; it follows from a rule or from holdings, and the
    tag's note says how.
    """

    statement: Statement
    in_force: bool
    designations: tuple[Designation, ...]
    first_seen: int | None = None
    derived: bool = False
    tag: Tag = field(init=False, repr=False, compare=False)  # the statement's, kept beside it: it is asked for all the time

    def __post_init__(self) -> None:
        """Keep the tag at hand."""
        object.__setattr__(self, "tag", self.statement.tag)


def reason_to_hold(parsed: ParsedList, published: int, newest: Edition | None) -> str:
    """Why an edition has to be looked at before it counts; empty if it need not be.

    Parameters
    ----------
    parsed
        What the new edition says.
    published
        Its day.
    newest
        The newest accepted edition of the list, None for the first one.
    """
    if newest is None:
        return ""
    if published < newest.published:
        return f"it is of {day(published)}, older than the newest accepted edition, of {day(newest.published)}"
    counts = (
        ("subjects", newest.subjects + newest.entities, parsed.subjects + len(parsed.entities)),
        # An address that can be read no more is lost, though its text still stands there.
        ("addresses", newest.subjects - newest.unchecked, parsed.subjects - parsed.unchecked),
        # Of a list whose addresses stand in free text the entries count too: half a list may hold all its addresses.
        ("entries", newest.rows, parsed.rows),
    )
    for what, before, now in counts[: 3 if newest.form == parsed.form else 2]:
        if now < before * (1 - MAX_SHRINKAGE):
            lost = 100 * (before - now) / before
            return f"it names {now:,} {what} where the edition of {day(newest.published)} names {before:,}: {lost:.1f} % fewer"
    return ""


def standings(statements: Iterable[Statement], editions: Sequence[Edition]) -> list[Standing]:
    """How each statement stands, given the accepted editions of its list up to the day asked for.

    Parameters
    ----------
    statements
        As the store has them for that day. Corrected versions of one statement (another spelling of a name, another
        programme) count as one, with the content of the newest.
    editions
        Accepted editions up to that day, each list from the oldest to the newest.

    Returns
    -------
    list of Standing
        By list, subject and entity: the order depends on nothing else. A statement that vanished from its list and
        designates nobody is left out.
    """
    history: dict[str, list[Edition]] = defaultdict(list)
    for edition in editions:
        history[edition.name].append(edition)
    found: list[Standing] = []
    alike: dict[tuple[str, tuple[str, ...]], list[Statement]] = defaultdict(list)
    for said in statements:
        if said.added_at is None:
            alike[said.list_name, said.tag.identity].append(said)
        else:
            found.append(Standing(said, True, tuple(_stated(said.tag, None)), said.added_at))
    for (name, _), same in alike.items():
        found.extend(_over(same, history[name]))
    return sorted(found, key=_order)


def _order(standing: Standing) -> tuple[str, str, str, str, int]:
    said = standing.statement
    return said.list_name, said.tag.subject, said.tag.entity, said.tag.category, said.id


def _over(same: list[Statement], history: list[Edition]) -> Iterator[Standing]:
    places = {edition.id: place for place, edition in enumerate(history)}
    by_place = {places[edition]: said for said in same for edition in said.editions}
    present = sorted(by_place)
    newest = by_place[present[-1]]
    in_force = present[-1] == len(history) - 1
    tag = newest.tag
    if tag.listed_on is None and tag.regime:
        # The short form of a list may leave out the date that its long form states.
        dated = [by_place[place].tag.listed_on for place in reversed(present)]
        newest = replace(newest, tag=replace(tag, listed_on=next((day for day in dated if day is not None), None)))
        tag = newest.tag
    if tag.regime and newest.list_kind is ListKind.OFFICIAL:
        designations = tuple(_observed(tag, present, history))
    else:
        gone = None if in_force else history[present[-1] + 1].published
        designations = tuple(_stated(tag, gone))
    if in_force or designations:
        yield Standing(newest, in_force, designations, history[present[0]].published)


def _stated(tag: Tag, gone: int | None) -> Iterator[Designation]:
    """The designation as a row of the user's states it; ``gone``: the day of the first edition without the row."""
    if tag.regime:
        ended = tag.delisted_on if tag.delisted_on is not None else gone
        yield Designation(tag.regime, "; ".join(tag.programmes), tag.listed_on, ended, tag.address_listed_on)


def _observed(tag: Tag, present: list[int], history: list[Edition]) -> Iterator[Designation]:
    """One designation for each unbroken run of editions with the address: a delisted party can come back."""
    runs: list[list[int]] = []
    for place in present:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    programme = "; ".join(tag.programmes)
    for number, (first, last) in enumerate(runs):
        ended = tag.delisted_on
        if last + 1 < len(history):
            ended = history[last + 1].published
        if number:
            yield Designation(tag.regime, programme, history[first].published, ended)
            continue
        own, on_or_before = _own_date(tag, first, history)
        yield Designation(tag.regime, programme, tag.listed_on, ended, own, on_or_before)


def _own_date(tag: Tag, first: int, history: list[Edition]) -> tuple[int | None, bool]:
    """The address's own date and whether it is only "on or before"; None where it is the entity's."""
    if tag.address_listed_on is not None:
        return tag.address_listed_on, False
    seen = history[first].published
    if tag.listed_on is not None and tag.listed_on >= seen:
        return None, False
    if first == 0:
        return seen, True
    # A party listed after the edition before came with this address or got it soon after: nobody who has only these
    # two editions can tell. A party listed earlier stood there without it: the address is of this edition.
    joined_later = tag.listed_on is not None and tag.listed_on <= history[first - 1].published
    return seen, not joined_later
