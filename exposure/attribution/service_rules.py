"""Seeds by what they are and where: "every exchange of Russia", said once, holds for each address that a tag places there.

A rule is a tag whose subject is a kind of service and a country (``exchange/RU``). It applies to every address that carries a
tag of that category whose country, or whose actor's, is that one: by itself it names nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from exposure.attribution.editions import Standing
from exposure.model.tags import MAX_TEXT, Entity, SubjectKind, Tag

_COUNTRY = re.compile(r"[A-Z]{2}")


def countries_of(tag: Tag, actors: Mapping[str, Entity]) -> frozenset[str]:
    """Two-letter codes of the countries that a tag, or the actor that it names, is of."""
    actor = actors.get(tag.actor)
    texts = [tag.country, *(actor.countries if actor is not None else ())]
    return frozenset(code for text in texts for code in _COUNTRY.findall(text.upper()) if len(text) == 2 or "," in text)


def with_services(found: Iterable[Standing], actors: Mapping[str, Entity]) -> list[Standing]:
    """Standings with those that the rules among them add: one for each rule and address to which it applies.

    Parameters
    ----------
    found
        All standings of the day asked for, rules (`SubjectKind.SERVICE`) among them.
    actors
        Actors that tags refer to: their countries count.

    Returns
    -------
    list of Standing
        What was given, and behind it what the rules add: the rule's category, regime, dates and ground under the name of the
        service, with the lower confidence of the two.
    """
    every = list(found)
    rules: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for standing in every:
        if standing.tag.kind is SubjectKind.SERVICE:
            category, _, country = standing.tag.subject.partition("/")
            rules[category, country].append(standing)
    if not rules:
        return every
    categories = {category for category, _ in rules}
    added: dict[tuple[int, str], Standing] = {}
    for standing in every:
        tag = standing.tag
        if tag.kind is SubjectKind.ADDRESS and tag.category.value in categories:
            for country in sorted(countries_of(tag, actors)):
                for rule in rules.get((tag.category.value, country), ()):
                    added.setdefault((id(rule), tag.subject), _applied(rule, tag, actors))
    return every + list(added.values())


def _applied(rule: Standing, service: Tag, actors: Mapping[str, Entity]) -> Standing:
    actor = actors.get(service.actor)
    said = f"by the rule for {rule.tag.subject}, on the tag of {service.source or 'its list'}"
    tag = replace(
        rule.tag,
        kind=SubjectKind.ADDRESS,
        subject=service.subject,
        family=service.family,
        entity=actor.name if actor is not None else service.entity,
        confidence=min(rule.tag.confidence, service.confidence),
        original=rule.tag.original,
        note=f"{said}; {rule.tag.note}"[:MAX_TEXT] if rule.tag.note else said,
        country=rule.tag.subject.partition("/")[2],
    )
    return replace(rule, statement=replace(rule.statement, tag=tag), derived=True)
