"""The log of a case, a line for each step: questions, calls, addresses looked behind, tags, notes. Lines are only added."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import exposure
from exposure.casefile.strict_json import strict
from exposure.errors import InputError
from exposure.model import addresses as forms
from exposure.model.results import Report
from exposure.model.tags import ListKind, Statement
from exposure.text import shown
from exposure.units import iso

LOG = "log.jsonl"
MAX_NOTE = 4_000

Line = dict[str, Any]

_TRANSACTION = re.compile(r"(0x)?[0-9a-fA-F]{64}(:[0-9a-z:]{1,40})?")


@dataclass(frozen=True, slots=True)
class Before:
    """A case as it was before a step: its id, and the tags and hubs that its figures used."""

    id: str
    statements: tuple[Statement, ...]
    hubs: Mapping[str, str]
    expanded: tuple[str, ...]


def question(report: Report, options: Mapping[str, Any], before: Before | None) -> Line:
    """A question with its options and what was made of it."""
    return {
        "at": iso(report.run.created_at),
        "step": "trace",
        "subject": report.question.subject,
        "options": dict(options),
        "policies": [f"{policy.name} {policy.version}" for policy in report.run.policies],
        "verdicts": [f"{verdict.policy}: {verdict.action}" for verdict in report.verdicts],
        "version": exposure.__version__,
        "store_version": report.run.store_version,
        "labels": report.run.label_digest,
        "before": None if before is None else before.id,
    }


def between(report: Report, used: Iterable[Statement], before: Before | None, own: Iterable[Statement] = ()) -> Iterator[Line]:
    """What was done since the last question: tags, addresses looked at further, calls.

    ``used``: the tags behind the answer; ``own``: every tag of the user's own on the subjects of then and now, retracted ones
    too.
    """
    at = iso(report.run.created_at)
    if before is not None:
        yield from _tags(own, {one.id for one in _own(before.statements)}, {one.id for one in _own(used)})
    known = () if before is None else before.expanded
    for address in report.question.expanded:
        if address not in known:
            was = "" if before is None else before.hubs.get(address, "")
            yield {"at": at, "step": "expand", "address": address, "was": f"hub: {was}" if was else ""}
    fetched = report.run.fetched
    if fetched is not None:
        yield {
            "at": at,
            "step": "fetch",
            "histories": [
                {"chain": one.chain, "name": one.name, "share": one.share, "state": one.state, "calls": one.calls}
                for one in fetched.histories
            ],
            "asked": [{"host": one.host, "calls": one.calls, "names": list(one.names)} for one in fetched.asked],
            "left": fetched.left,
        }


def _own(statements: Iterable[Statement]) -> Iterator[Statement]:
    return (one for one in statements if one.list_kind is ListKind.USER)


def _tags(own: Iterable[Statement], then: set[int], now: set[int]) -> Iterator[Line]:
    """Tags of one's own that were added or retracted since, as far as they bear on the case."""
    for one in own:
        said = {"subject": one.tag.subject, "category": one.tag.category.value, "entity": one.tag.entity}
        if one.id in now - then and one.added_at is not None:
            more = {"source": one.tag.source, "note": one.tag.note, "confidence": one.tag.confidence}
            yield {"at": iso(one.added_at), "step": "tag", **said, **more}
        if one.id in then - now and one.retracted_at is not None:
            yield {"at": iso(one.retracted_at), "step": "retract", **said, "reason": one.retraction}


def note(text: str) -> Line:
    """``ABOUT: words`` is a note on an address, a transaction or a transfer; anything else one on the case.

    Raises
    ------
    InputError
        If it is empty or too long.
    """
    if not text.strip() or len(text) > MAX_NOTE:
        raise InputError(f"a note has 1 to {MAX_NOTE:,} characters, not {len(text):,}")
    about, colon, words = text.partition(": ")
    on = _about(about.strip()) if colon and words.strip() else ""
    return {
        "at": iso(int(time.time())),
        "step": "note",
        "about": on,
        "text": words.strip() if on else text.strip(),
    }


def _about(text: str) -> str:
    """The address, transaction or transfer that a text names; empty if it is none, as in ``Attention: ...``."""
    if _TRANSACTION.fullmatch(text):
        return text
    try:
        return forms.parse(text).canonical
    except InputError:
        return ""


def notes(log: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Time, subject (or empty) and words of each note."""
    return [
        (str(line.get("at", "")), str(line.get("about", "")), str(line.get("text", "")))
        for line in log
        if line.get("step") == "note"
    ]


def lines(content: bytes) -> list[Line]:
    """The log as it stands in a case.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        found = [strict(line) for line in content.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(f"{LOG} of the case cannot be read: {shown(error, 80)}") from error
    if not all(isinstance(line, dict) for line in found):
        raise InputError(f"{LOG} of the case is not a log")
    return found


def written(log: Iterable[Line]) -> bytes:
    """A log as the file of a case."""
    return "".join(json.dumps(line, ensure_ascii=True, sort_keys=True) + "\n" for line in log).encode()
