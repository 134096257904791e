"""Two editions compared subject by subject: what came, what went, what is said otherwise. Of one list, or of two regimes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exposure.model.tags import SubjectKind, Tag
from exposure.units import day

_Key = tuple[SubjectKind, str]
_COMPARED = ("entity", "category", "programmes", "measures", "listed_on", "delisted_on", "address_listed_on", "ticker")


@dataclass(frozen=True, slots=True)
class Change:
    """A subject that both editions name, and what they say otherwise: (field, in the first, in the second)."""

    subject: str
    entity: str
    fields: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tags of subjects that only the second edition names, that only the first names, and changes; each by subject."""

    added: tuple[Tag, ...]
    removed: tuple[Tag, ...]
    changed: tuple[Change, ...]
    same: int


def compare(first: Iterable[Tag], second: Iterable[Tag]) -> Comparison:
    """Compare what two editions say. A subject that one edition names several times is compared as a whole."""
    one, two = _grouped(first), _grouped(second)
    changed = []
    for key in sorted(one.keys() & two.keys()):
        fields = [(name, was, now) for name in _COMPARED if (was := _said(one[key], name)) != (now := _said(two[key], name))]
        if fields:
            changed.append(Change(key[1], two[key][0].entity, tuple(fields)))
    return Comparison(
        added=tuple(two[key][0] for key in sorted(two.keys() - one.keys())),
        removed=tuple(one[key][0] for key in sorted(one.keys() - two.keys())),
        changed=tuple(changed),
        same=len(one.keys() & two.keys()) - len(changed),
    )


def _grouped(tags: Iterable[Tag]) -> dict[_Key, list[Tag]]:
    groups: dict[_Key, list[Tag]] = {}
    for tag in tags:
        groups.setdefault((tag.kind, tag.subject), []).append(tag)
    return groups


def _said(tags: list[Tag], name: str) -> str:
    return "; ".join(sorted({text for tag in tags if (text := _text(getattr(tag, name)))}))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return day(value)
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
