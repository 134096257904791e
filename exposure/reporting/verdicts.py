"""Which of the rules that fired a reader has to see: the deciding one, and those that say something else."""

from __future__ import annotations

from functools import reduce

from exposure.model.sentences import Sentence
from exposure.model.verdicts import Dependence, Fired, TagUsed, Verdict
from exposure.reporting.words import cut, short

MAX_SETS = 4


def deciding(verdict: Verdict) -> Fired | None:
    """The rule that decides; None where nothing graver than ``allow`` fired."""
    return next((fired for fired in verdict.fired if fired.rule == verdict.rule), None)


def further(verdict: Verdict) -> list[Fired]:
    """The other rules that fired, but those that say something milder of the very rows that a graver one named."""
    first = deciding(verdict)
    said = [set(first.rows)] if first is not None else []
    found = []
    for fired in verdict.fired:
        if fired is first or fired.action == "allow":
            continue
        rows = set(fired.rows)
        if not fired.judged or not rows or not any(rows <= other for other in said):
            found.append(fired)
            said.append(rows)
    return found


def warns(note: str) -> bool:
    """Whether a note beside a verdict is one to look at first: old lists or none, not the plain ages."""
    return not isinstance(note, Sentence) or note.key not in ("verdict.list_ages", "verdict.dust")


def dependence_lines(found: Dependence) -> list[tuple[Sentence, bool]]:
    """On which tags a verdict stands, a sentence a line; the flag says whether it is a warning."""
    if not found.sets:
        return [(Sentence("tags.stands" if found.complete else "tags.stands_tried", n=found.tried), False)]
    lines = [(Sentence("tags.without", n=len(found.sets[0].tags)), False)]
    for one in found.sets[:MAX_SETS]:
        named = [_tag(tag) for tag in one.tags]
        lines.append((reduce(lambda first, other: Sentence("tags.and", one=first, other=other), named), False))
    if len(found.sets) > MAX_SETS:
        lines.append((Sentence("tags.more", n=len(found.sets) - MAX_SETS), False))
    if found.single:
        lines.append((Sentence("tags.single"), True))
    if found.doubtful:
        lines.append((Sentence("tags.doubtful"), True))
    return lines


def _tag(tag: TagUsed) -> Sentence:
    what = cut(tag.entity, 40) if tag.entity else Sentence(f"categories.{tag.category}")
    return Sentence("tags.tag", source=cut(tag.source, 40), subject=short(tag.subject), what=what, confidence=tag.confidence)
