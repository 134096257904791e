"""Looking at lists: two editions compared, and what is wrong or odd in all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from exposure.attribution.comparison import Comparison, compare
from exposure.attribution.lint import MEANING, SEVERITIES, Finding, Kind, Linted, lint
from exposure.errors import InputError
from exposure.model.tags import Edition, ListKind
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.ownership import LIST as HOLDINGS
from exposure.workflows.ownership import namesakes


@dataclass(frozen=True, slots=True)
class Compared:
    """Two editions and what they say otherwise."""

    first: Edition
    second: Edition
    comparison: Comparison


def diff(store: Store, first: str, second: str | None = None) -> Compared:
    """Compare two editions.

    Parameters
    ----------
    first, second
        Ids of editions, or beginnings of ids that only one has. Without ``second``, ``first`` may also be the name of a
        list: its newest two editions, held ones too.

    Raises
    ------
    InputError
        If there is no such edition, or a list has only one.
    """
    every = stored.editions(store.connection)
    if second is None:
        history = [edition for edition in every if edition.name.lower() == first.strip().lower()]
        if not history and len({edition.name for edition in every if edition.id.startswith(first)}) == 1:
            history = [edition for edition in every if edition.id.startswith(first)]
        if len(history) < 2:
            names = ", ".join(sorted({edition.name for edition in every})) or "none"
            raise InputError(
                f"{shown(first)} is no list with two editions: name two ids (`exposure tags editions`), or one of {names}"
            )
        one, two = history[-2:]
    else:
        one, two = _edition(every, first), _edition(every, second)
    tags = [stored.edition_tags(store.connection, edition.id) for edition in (one, two)]
    return Compared(one, two, compare(*tags))


def _edition(every: list[Edition], text: str) -> Edition:
    found = [edition for edition in every if edition.id == text] or [
        edition for edition in every if edition.id.startswith(text)
    ]
    if len(found) != 1:
        what = "no edition" if not found else f"{len(found)} editions"
        raise InputError(f"{what} has the id {shown(text)}; `exposure tags editions` prints the ids")
    return found[0]


@dataclass(frozen=True, slots=True)
class Review:
    """What was found in which editions; ``tags`` counts the statements that were looked at."""

    findings: tuple[Finding, ...]
    editions: tuple[Edition, ...]
    tags: int


def review(store: Store, *, name: str | None = None, now: int | None = None) -> Review:
    """Lint the newest accepted edition of each list (or of one), and the user's own tags.

    Raises
    ------
    InputError
        If no list has this name.
    """
    connection = store.connection
    newest = {edition.name: edition for edition in stored.editions(connection, accepted=True)}
    chosen = [edition for edition in newest.values() if name is None or edition.name.lower() == name.strip().lower()]
    if name is not None and not chosen:
        raise InputError(f"no list is called {shown(name)}; there are {', '.join(newest) or 'none'}")
    lists = []
    for edition in chosen:
        tags, problems = stored.edition_tags(connection, edition.id), stored.problems(connection, edition.id)
        lists.append(Linted(edition.name, edition.kind, tags, problems, edition.tags - len(tags)))
    if name is None:
        own = [said.tag for said in stored.user_tags(connection) if said.retracted_at is None]
        lists.append(Linted(stored.USER_LIST, ListKind.USER, own))
    found = [*lint(lists, now=int(time.time()) if now is None else now), *_namesakes(store, lists)]
    found.sort(key=lambda one: SEVERITIES.index(one.severity))  # stable
    return Review(tuple(found), tuple(chosen), sum(len(one.tags) for one in lists))


def _namesakes(store: Store, lists: list[Linted]) -> Iterator[Finding]:
    """Entities that nobody can tell from others of their name among the holdings."""
    how = "give its id in the column reference (or owner_id and owned_id of the holdings)"
    for one in lists:
        tags, parties = namesakes(store, one.tags)
        for tag in tags:
            yield Finding(Kind.NAMESAKE, one.name, tag.subject, tag.entity, f"{MEANING[Kind.NAMESAKE]}: {how}")
    for name in dict.fromkeys(parties if lists else ()):
        yield Finding(Kind.NAMESAKE, HOLDINGS, name, name, f"it is listed, and {MEANING[Kind.NAMESAKE]}: {how}")
