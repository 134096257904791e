"""What ``exposure tags`` prints: tables of at most 100 columns, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from exposure.attribution.editions import Standing
from exposure.attribution.programmes import measures_of, subject_of
from exposure.cli.cluster_text import inherited
from exposure.cli.columns import WIDTH, table, wrapped
from exposure.measure.status import regimes
from exposure.model.provenance import EditionUsed
from exposure.model.results import Designated
from exposure.model.tags import Edition, EditionState, Statement, SubjectKind, Tag
from exposure.text import counted, shown
from exposure.units import day, iso
from exposure.workflows.tags import Imported, Shown

MAX_PROBLEMS = 10


def _dumped(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=True)


def _day(time: int | None) -> str:
    return "" if time is None else day(time)


def designated(row: Designated) -> str:
    """One regime's word in one line: ``US: listed 2019-09-13 (DPRK3); the address by 2025-11-19 or before``."""
    words = {"listed": "listed", "delisted": "delisted", "not_listed": "not yet listed"}
    parts = [f"{shown(row.regime, 12)}: {words[row.now]}"]
    if row.delisted_on is not None and row.now == "delisted":
        parts.append(day(row.delisted_on))
    listed = _day(row.listed_on) or "date not stated"
    parts.append(f"(listed {listed})" if row.now == "delisted" else listed)
    if row.programme:
        parts.append(f"({shown(row.programme, 60)})")
    text = " ".join(parts)
    if row.address_listed_on is not None:
        own = f"its own date is not known, it is on the list by {day(row.address_listed_on)}"
        text += f"; of the address {own}" if row.on_or_before else f"; the address itself {day(row.address_listed_on)}"
    return text


# -- import and editions


def imported_table(imported: Sequence[Imported]) -> str:
    """One line a file, and what could not be taken as it stands."""
    rows = [
        (
            one.file_name,
            one.edition.name,
            day(one.edition.published),
            one.edition.rows,
            one.edition.subjects + one.edition.entities,
            one.edition.unchecked,
            one.dropped,
            "known" if one.known else one.edition.state.value,
        )
        for one in imported
    ]
    header = ("file", "list", "edition of", "rows", "subjects", "unchecked", "rejected", "state")
    lines = table(header, rows, most=(16, 17, 10, 7, 8, 9, 8, 8))
    for one in imported:
        lines += _problems(one)
        if one.waits:
            lines += wrapped(f"{shown(one.file_name, 60)}: {held(one.edition)}")
    return "\n".join(lines)


def held(edition: Edition) -> str:
    """Why an edition is held, and what to do."""
    return f"the edition is held and does not count: {edition.reason}. Look at it, then `exposure tags accept {edition.id}`"


def _problems(one: Imported) -> Iterator[str]:
    if one.known or not one.problems:
        return
    yield from wrapped(f"{shown(one.file_name, 60)}: {len(one.problems):,} not taken as they stand")
    for problem in one.problems[:MAX_PROBLEMS]:
        fate = "rejected" if problem.dropped else "kept"
        where = problem.where.removeprefix(f"{one.file_name}, ")
        yield from wrapped(f"{shown(where, 40)}: {shown(problem.reason, 400)} ({fate})", indent=2, hanging=4)
    if len(one.problems) > MAX_PROBLEMS:
        yield f"  and {len(one.problems) - MAX_PROBLEMS:,} more; `--format json` has all"


def imported_json(imported: Sequence[Imported]) -> str:
    """The editions, with every problem."""
    return _dumped(
        [
            {
                "file": one.file_name,
                "known": one.known,
                "edition": asdict(one.edition),
                "problems": [asdict(p) for p in one.problems],
            }
            for one in imported
        ]
    )


def editions_table(editions: Sequence[Edition]) -> str:
    """One line an edition; the reason of held ones below."""
    if not editions:
        return "no list was ever imported; `exposure tags import FILE` brings one in"
    rows = [
        (
            edition.name,
            day(edition.published),
            edition.subjects + edition.entities,
            edition.sha256[:8],
            edition.id,
            edition.state,
        )
        for edition in editions
    ]
    lines = table(("list", "edition of", "subjects", "sha256", "id", "state"), rows, most=(22, 10, 8, 8, 32, 8))
    for edition in editions:
        if edition.state is EditionState.HELD:
            lines += wrapped(f"{shown(edition.name, 60)}, {day(edition.published)}: {held(edition)}")
    return "\n".join(lines)


def editions_json(editions: Sequence[Edition]) -> str:
    """Everything about each edition."""
    return _dumped([asdict(edition) for edition in editions])


def accepted(edition: Edition) -> str:
    """That an edition counts from now on."""
    what = f"{shown(edition.name, 80)}, edition of {day(edition.published)}, {counted(edition.subjects, 'subject')}"
    return "\n".join(wrapped(f"accepted: {what}"))


# -- own tags


def added(said: Statement, new: bool) -> str:
    """That a tag stands, and its number."""
    what = f"{shown(said.tag.subject, 80)}: {said.tag.category}, {shown(said.tag.entity, 60)}, confidence {said.tag.confidence}"
    return "\n".join(wrapped(f"{'added' if new else 'stands already'}: own tag {said.id}: {what}"))


def retracted(said: Statement) -> str:
    """That a tag was taken back."""
    return "\n".join(
        wrapped(f"retracted: own tag {said.id}: {shown(said.tag.subject, 80)}: {said.tag.category}; it is kept, marked")
    )


# -- one subject


def shown_table(found: Shown) -> str:
    """All tags on a subject, what it resolves to, its status, and the lists that were asked."""
    lines = _head(found)
    if found.attribution is not None:
        lines += ["", "WHO SAYS WHAT"]
        for number, candidate in enumerate(found.attribution.candidates, 1):
            lines += _standing(number, candidate.standing, candidate.entity, candidate.country)
    lines += _retracted(found)
    return "\n".join(lines + _lists(found))


def explained(found: Shown) -> str:
    """Why a subject is what it is, sentence by sentence."""
    lines = _head(found)
    if found.explanation is not None:
        lines += ["", "WHY"]
        for number, sentence in enumerate(found.explanation.sentences, 1):
            lines += wrapped(f"{number:>2}  {sentence}", hanging=4)
        lines += wrapped(
            "Order: a seed before a boundary before what is passed through; then confidence; then official lists, own tags, "
            "CSV lists, TagPacks; then by name.",
            indent=4,
        )
    for one in found.clusters:
        lines += inherited(one)
    lines += _retracted(found)
    return "\n".join(lines + _lists(found))


def _head(found: Shown) -> list[str]:
    lines = wrapped(f"{shown(found.subject, 200)}   {found.kind}", hanging=2)
    if found.kind is SubjectKind.UNCHECKED:
        lines += wrapped("no address of a chain that is read: it is kept as it stands in the list, and no trace meets it")
    if found.explanation is None or found.attribution is None:
        return [*lines, f"no tag, as of {day(found.snapshot.as_of)}"]
    entity = f"  {shown(found.explanation.entity, 60)}" if found.explanation.entity else ""
    lines += wrapped(f"{found.explanation.category}{entity}   ({found.explanation.role.value.replace('_', ' ')})", hanging=2)
    for row in regimes(found.attribution.designations, None, found.snapshot.as_of):
        lines += wrapped(designated(row), indent=2, hanging=4)
    return lines


def _standing(number: int, standing: Standing, entity: str, country: str) -> list[str]:
    said, tag = standing.statement, standing.tag
    name = shown(entity or "no entity", 40)
    lines = wrapped(f"{number:>2}  {shown(said.list_name, 45)}: {tag.category}, {name}, confidence {tag.confidence}", hanging=4)
    if said.added_at is not None:
        facts = [f"own tag {said.id}, added {iso(said.added_at)}"]
    else:
        count = f"{len(said.editions)} edition{'s' if len(said.editions) != 1 else ''}"
        facts = [f"first seen in the edition of {_day(standing.first_seen)}, in {count} in all"]
        if not standing.in_force:
            facts.append("no longer in the newest one")
    if country:
        facts.append(f"country {shown(country, 30)}")
    if tag.ticker:
        facts.append(f"filed under {shown(tag.ticker, 12)}")
    if tag.reference:
        facts.append(f"reference {shown(tag.reference, 30)}")
    if tag.valid_from is not None or tag.valid_to is not None:
        facts.append(f"valid {_day(tag.valid_from) or '...'} to {_day(tag.valid_to) or '...'}")
    if tag.unvetted:
        facts.append("anybody can write into this source")
    lines += wrapped("; ".join(facts), indent=4)
    lines += _imposed(tag)
    for label, text in (("stands as", tag.original), ("source", tag.source), ("note", tag.note)):
        if text and text != tag.subject:
            lines += wrapped(f"{label}: {shown(text, 3 * WIDTH)}", indent=4, hanging=6)
    return lines


def _imposed(tag: Tag) -> list[str]:
    """Programmes with what they are about, what is imposed, and the ground of a Russia-linked tag."""
    lines: list[str] = []
    if tag.programmes:
        about = [(text, subject_of(tag.regime, text)) for text in tag.programmes]
        texts = (f"{shown(text, 60)}{f' ({_words(subject)})' if subject else ''}" for text, subject in about)
        lines += wrapped(f"programme: {'; '.join(texts)}", indent=4, hanging=6)
    if tag.regime and (imposed := measures_of(tag.regime, tag.measures)):
        usual = "" if tag.measures else " (what the regime's designations mean; the list does not say it of each)"
        lines += wrapped(f"measure: {shown('; '.join(imposed), 200)}{usual}", indent=4, hanging=6)
    if tag.ground:
        lines += wrapped(f"ground: {_words(tag.ground)}", indent=4)
    return lines


def _words(name: str) -> str:
    return "DPRK" if name == "dprk" else name.replace("_", " ")


def _retracted(found: Shown) -> list[str]:
    lines: list[str] = []
    for said in found.retracted:
        when = iso(said.retracted_at) if said.retracted_at is not None else ""
        what = f"own tag {said.id} ({said.tag.category}, {shown(said.tag.entity, 40)})"
        lines += wrapped(f"{what} was retracted {when}: {shown(said.retraction, 200)}")
    return ["", *lines] if lines else []


def _lists(found: Shown) -> list[str]:
    lines = ["", "LISTS", *lists(found.snapshot.editions, found.snapshot.official)]
    for warning in found.snapshot.warnings:
        lines += wrapped(f"warning: {warning}", indent=2, hanging=4)
    return lines


def lists(editions: Sequence[EditionUsed], official: frozenset[str]) -> list[str]:
    """Age of each official list; of the others their number and the newest."""
    lines: list[str] = []
    others = [edition for edition in editions if edition.name not in official]
    for edition in editions:
        if edition.name in official:
            lines += wrapped(f"{shown(edition.name, 60)}: edition of {_day(edition.published)}, {_age(edition)}", indent=2)
    if others:
        newest = max(others, key=lambda edition: edition.published or 0)
        one = shown(newest.name, 50)
        text = f"{one}: edition of" if len(others) == 1 else f"{len(others):,} other lists, the newest ({one}) of"
        lines += wrapped(f"{text} {_day(newest.published)}, {_age(newest)}", indent=2, hanging=4)
    return lines


def _age(edition: EditionUsed) -> str:
    days = edition.age_days or 0
    return "1 day old" if days == 1 else f"{days:,} days old"


def shown_json(found: Shown) -> str:
    """The same as JSON, with nothing shortened."""
    return _dumped(_content(found))


def explained_json(found: Shown) -> str:
    """The same, and the clusters."""
    return _dumped({**_content(found), "clusters": [asdict(one) for one in found.clusters]})


def _content(found: Shown) -> dict[str, object]:
    attribution, explanation = found.attribution, found.explanation
    return {
        "subject": found.subject,
        "kind": found.kind,
        "as_of": found.snapshot.as_of,
        "role": explanation.role if explanation else None,
        "category": explanation.category if explanation else None,
        "entity": explanation.entity if explanation else None,
        "regimes": [asdict(row) for row in regimes(attribution.designations, None, found.snapshot.as_of)]
        if attribution
        else [],
        "tags": [_tag(candidate.standing) for candidate in attribution.candidates] if attribution else [],
        "why": list(explanation.sentences) if explanation else [],
        "retracted": [_statement(said) for said in found.retracted],
        "editions": [asdict(edition) for edition in found.snapshot.editions],
        "warnings": list(found.snapshot.warnings),
    }


def _statement(said: Statement) -> dict[str, object]:
    return {
        "number": said.id if said.added_at is not None else None,
        "list": said.list_name,
        "editions": list(said.editions),
        "added_at": said.added_at,
        "retracted_at": said.retracted_at,
        "retraction": said.retraction,
        **asdict(said.tag),
        "imposed": list(measures_of(said.tag.regime, said.tag.measures)),
        "about": sorted({subject for text in said.tag.programmes if (subject := subject_of(said.tag.regime, text))}),
    }


def _tag(standing: Standing) -> dict[str, object]:
    return {"in_force": standing.in_force, "first_seen": standing.first_seen, **_statement(standing.statement)}
