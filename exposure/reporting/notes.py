"""What to know beside the figures, and of which account where a report has several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from exposure.model.results import Report, Section
from exposure.model.sentences import Sentence
from exposure.model.verdicts import Fired
from exposure.reporting.words import cut

Account = tuple[object, ...]


def _account(section: Section) -> Account:
    return section.subject, section.direction


def account_name(section: Section) -> Sentence:
    """``source of ETH``."""
    return Sentence(f"verdict.{section.direction}_of", asset=cut(section.subject.symbol, 12))


def account_of(fired: Fired, report: Report) -> Sentence | None:
    """Which account a rule speaks of; None where a report has one, and where the rule adds accounts up, speaks of the subject
    itself, or says so in its own sentence.
    """
    if fired.section is None or fired.kind == "own" or not fired.judged or len(set(map(_account, report.sections))) < 2:
        return None
    return account_name(report.sections[fired.section])


def account_notes(report: Report) -> Iterator[tuple[Sentence | None, str]]:
    """Every note of the accounts once, with the account that it speaks of if it does not hold for all."""
    every = set(map(_account, report.sections))
    holders: dict[str, dict[Account, Section]] = defaultdict(dict)
    for section in report.sections:
        for note in section.notes:
            holders[note].setdefault(_account(section), section)
    for note, found in holders.items():
        if len(found) == len(every):
            yield None, note
        else:
            yield from ((account_name(section), note) for section in found.values())


def partly_priced(report: Report) -> bool:
    """Whether some transfers of a subject have a price and others have none, in one currency."""
    return any(
        worth is None and any(price.currency == currency for price in section.prices)
        for section in report.sections
        for currency, worth in (("usd", section.subject.usd), ("jpy", section.subject.jpy))
    )
