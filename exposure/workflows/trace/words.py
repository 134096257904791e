"""What would settle an unresolved part, in words."""

from __future__ import annotations

from exposure.model.labels import Labels
from exposure.model.sentences import Sentence
from exposure.text import shown

_WIDTH = 80
SPENT_TOO_MUCH = "it spends more than it is known to have received"


def settles(reason: str, name: str, labels: Labels, max_hops: int | None) -> Sentence:
    """The next step that would resolve a part, or a plain word that nothing in the store does."""
    who = shown(name, _WIDTH)
    if reason == "hub":
        why = labels.hubs.get(name, "")
        return Sentence("settles.hub_of", who=who, why=why) if why else Sentence("settles.hub", who=who)
    if reason == "conversion":
        service = labels.pass_through.get(name)
        if service is not None and service.entity:
            return Sentence("settles.conversion_of", who=who, service=service.entity)
        return Sentence("settles.conversion", who=who)
    if reason == "beyond":
        return Sentence("settles.beyond") if max_hops is None else Sentence("settles.beyond_from", hops=max_hops + 1)
    if reason in ("incomplete", "opening", "shortfall"):
        return Sentence(f"settles.{reason}", who=who)
    return Sentence(f"settles.{reason if reason in ('budget', 'floor') else 'nothing'}")
