"""Which of the rules that fired a reader has to see: the deciding one, and those that say something else."""

from __future__ import annotations

from exposure.model.verdicts import Fired, Verdict


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
