"""Why an address is what it is in a run, in words: every tag, the order in which they were weighed, the winner."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.attribution.resolve import Attribution, Candidate
from exposure.model.labels import Role
from exposure.model.tags import ListKind
from exposure.text import shown
from exposure.units import day

_ROLES = {
    Role.SEED: "seed: what leaves it is tainted",
    Role.BOUNDARY: "boundary: what leaves it is attributed to it, and carries no risk",
    Role.PASS_THROUGH: "passed through: what leaves it unmatched is unresolved",
    Role.NONE: "no role: an ordinary address",
}

_NAMES = {
    Role.SEED: "a seed",
    Role.BOUNDARY: "a boundary",
    Role.PASS_THROUGH: "what is passed through",
    Role.NONE: "a tag without role",
}
_KINDS = {
    ListKind.OFFICIAL: "official lists",
    ListKind.USER: "own tags",
    ListKind.CSV: "CSV lists",
    ListKind.TAGPACK: "TagPacks",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one subject resolves to, and one sentence for each thing that made it so, in the order in which it counted."""

    subject: str
    role: Role
    category: str
    entity: str
    sentences: tuple[str, ...]


def explain(attribution: Attribution, subject: str) -> Explanation:
    """Put an attribution into words.

    Parameters
    ----------
    attribution
        As `exposure.attribution.resolve.attribute` gives it.
    subject
        The address (coin, transaction, asset) it is about.
    """
    winner, *others = attribution.candidates
    sentences = [
        f"{_who(winner)} decides: {_ROLES[winner.role]}",
        *(f"{_who(other)} does not decide: {_against(winner, other)}" for other in others),
        *(
            f"{_who(one)} follows from other tags: {one.standing.tag.note}"
            for one in attribution.candidates
            if one.standing.derived
        ),
        *(f"{_who(candidate)} gives no role: {candidate.demoted}" for candidate in attribution.candidates if candidate.demoted),
        *(
            f"{_who(candidate)} is no longer in the newest edition of its list; whoever was ever designated stays a seed"
            for candidate in attribution.candidates
            if not candidate.standing.in_force
        ),
    ]
    return Explanation(subject, winner.role, attribution.category.value, winner.entity, tuple(sentences))


def _who(candidate: Candidate) -> str:
    said, tag = candidate.standing.statement, candidate.standing.tag
    name = shown(candidate.entity, 60) or "no entity"
    if said.list_kind is ListKind.USER and said.added_at is not None:
        origin = f"own tag {said.id} of {day(said.added_at)}"
    else:
        origin = shown(said.list_name, 60)
    return f"{origin} ({name}, {tag.category.value}, confidence {tag.confidence})"


def _against(winner: Candidate, other: Candidate) -> str:
    """The first rule of the order by which ``winner`` goes before ``other``."""
    one, two = winner.standing, other.standing
    if one.tag.category is two.tag.category and winner.entity == other.entity:
        return "it says the same"
    if winner.role is not other.role:
        return f"{_NAMES[winner.role]} goes before {_NAMES[other.role]}"
    if one.tag.confidence != two.tag.confidence:
        return f"the confidence {one.tag.confidence} is higher than {two.tag.confidence}"
    if one.statement.list_kind is not two.statement.list_kind:
        return f"{_KINDS[one.statement.list_kind]} go before {_KINDS[two.statement.list_kind]}"
    return "of two equals the one whose list and entity come first by name is taken"
