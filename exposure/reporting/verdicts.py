"""Which of the rules that fired a reader has to see: the deciding one, and those that say something else."""

from __future__ import annotations

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


def dependence_lines(found: Dependence) -> list[tuple[str, bool]]:
    """On which tags a verdict stands, a sentence a line; the flag says whether it is a warning."""
    if not found.sets:
        some = f"no set of up to three of the {found.tried} tags behind it"
        left = "" if found.complete else " that were tried (not all were)"
        return [(f"stands without any single tag: {some}{left} makes it milder", False)]
    size = len(found.sets[0].tags)
    lines = [(f"would be milder without {'this tag' if size == 1 else f'these {size} tags together'}:", False)]
    for one in found.sets[:MAX_SETS]:
        lines.append((" and ".join(_tag(tag) for tag in one.tags), False))
    if len(found.sets) > MAX_SETS:
        lines.append((f"or any of {len(found.sets) - MAX_SETS} more such sets (--format json)", False))
    if found.single:
        lines.append(("the verdict hangs on a single tag: look at its source before acting", True))
    if found.doubtful:
        lines.append(("one of these tags is of low confidence, or from where anybody can write", True))
    return lines


def _tag(tag: TagUsed) -> str:
    return f"{cut(tag.source, 40)}: {short(tag.subject)} is {cut(tag.entity or tag.category, 40)} (confidence {tag.confidence})"
