"""What an account does not know: its unresolved rows, of what the interval's width is made, and which histories would tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from exposure.measure.account import Account, Part
from exposure.measure.rounding import share_of
from exposure.model.labels import Category, Labels
from exposure.model.results import Lack, Unresolved
from exposure.model.sentences import Sentence
from exposure.model.settings import CONSERVING, Rule, Settings
from exposure.taint.reference.lots import Amount
from exposure.workflows.trace.matter import Matter
from exposure.workflows.trace.words import settles
from exposure.workflows.trace.worth import Valuation


def unresolved(
    matter: Matter, whole: Mapping[Part, int], worths: Valuation, labels: Labels, settings: Settings
) -> tuple[Unresolved, ...]:
    """Unresolved parts by reason and place, added up over hops (under poison: the largest, as they overlap)."""
    found: dict[tuple[str, str], list[Part]] = defaultdict(list)
    for part, amount in whole.items():
        if part.kind == "unresolved" and amount:
            reason, _, name = part.name.partition(":")
            found[reason, name].append(part)
    rows = []
    for (reason, name), every in found.items():
        parts = every if settings.rule in CONSERVING else [max(every, key=lambda part: whole[part])]
        amount = sum(whole[part] for part in parts)
        hops = {part.hop for part in every}
        usd, jpy = worths.of(parts)
        rows.append(
            Unresolved(
                reason,
                name,
                amount,
                share_of(amount, matter.subject.amount),
                settles(reason, name, labels, settings.max_hops),
                next(iter(hops)) if len(hops) == 1 else None,
                usd,
                jpy,
            )
        )
    return _sorted(rows)


def difference(
    matter: Matter, whole: Mapping[Part, int], worths: Valuation, labels: Labels, settings: Settings
) -> tuple[Unresolved, ...]:
    """Of what the interval's width is made: what the stricter run (``whole``, ``worths``) leaves unresolved, and value of
    hidden origin (mixers).
    """
    rows = list(unresolved(matter, whole, worths, labels, settings))
    mixed: dict[str, list[Part]] = defaultdict(list)
    for part, amount in whole.items():
        if amount and part.kind == "seed" and matter.category_of[part.name] == Category.MIXER.value:
            mixed[matter.seeds[part.name].entity or part.name].append(part)
    for name, parts in mixed.items() if settings.rule is not Rule.TIHO else ():
        amount, (usd, jpy) = sum(whole[part] for part in parts), worths.of(parts)
        share = share_of(amount, matter.subject.amount)
        rows.append(Unresolved("mixer", name, amount, share, Sentence("settles.mixer"), None, usd, jpy))
    return _sorted(rows)


def _sorted(rows: list[Unresolved]) -> tuple[Unresolved, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.amount, row.reason, row.name)))


def lacks(matter: Matter, strict: Account) -> tuple[Lack, ...]:
    """What hangs on each history that is not whole, largest first; of an owner all its addresses that have a gap."""
    amounts: dict[str, Amount] = defaultdict(int)
    for part, amount in strict.items():
        reason, _, name = part.name.partition(":")
        if part.kind == "unresolved" and reason in ("incomplete", "shortfall") and amount:
            amounts[name] = amounts[name] + amount
    named: dict[str, dict[str, None]] = defaultdict(dict)
    for sub in matter.subledgers:
        for gap in sub.gaps:
            named[sub.labels.owner(gap.address)].setdefault(gap.address)
    rows = [Lack(tuple(named.get(name, (name,))), share_of(amount, matter.subject.amount)) for name, amount in amounts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.share, row.names)))
