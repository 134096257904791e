"""Laws of what stands beside the figures: of which account it speaks, and that a missing worth is not nothing."""

from __future__ import annotations

from dataclasses import replace

from exposure.model.results import PriceUsed, Report
from exposure.model.sentences import Sentence
from exposure.model.verdicts import Fired
from exposure.reporting.html_table import report_html
from exposure.reporting.notes import account_notes, account_of, partly_priced
from exposure.reporting.screen import screen
from exposure.reporting.words import dollars

NOTE = Sentence("notes.no_paths")


def _both(report: Report, *notes: tuple[str, ...]) -> Report:
    first = report.sections[0]
    return replace(
        report,
        sections=(
            replace(first, notes=notes[0]),
            replace(first, direction="destination", notes=notes[1]),
            replace(first, direction="destination", rule="fifo", notes=notes[1]),
        ),
    )


def _fired(**more: object) -> Fired:
    made = Fired("a.rule", "hold", "exposure", "figure", ("mixer",), "source", "a sentence", "a reason", section=0)
    return replace(made, **more)


def test_a_note_of_one_of_several_accounts_names_it(report: Report) -> None:
    shared, own = "of both", "of one"
    found = list(account_notes(_both(report, (shared, own), (shared, NOTE))))
    assert found == [(None, shared), ("source of BTC", own), ("destination of BTC", NOTE)]
    assert list(account_notes(replace(report, sections=(replace(report.sections[0], notes=(own,)),)))) == [(None, own)]
    assert "Note      source of BTC: of one" in screen(_both(report, (shared, own), (shared,))).plain


def test_a_rule_of_one_of_several_accounts_names_it(report: Report) -> None:
    both = _both(report, (), ())
    assert account_of(_fired(), both) == "source of BTC"
    assert account_of(_fired(section=1), both) == "destination of BTC"
    # One account; several added up; the subject itself; and where the sentence says it.
    assert account_of(_fired(), report) is None
    for more in ({"section": None}, {"kind": "own"}, {"judged": False}):
        assert account_of(_fired(**more), both) is None


def test_a_worth_that_is_missing_is_explained_where_others_are_there(report: Report) -> None:
    (section,) = report.sections
    assert not partly_priced(report)
    yen = replace(section, prices=(*section.prices, PriceUsed("jpy", 150.0, 0, "x")))
    for worths, prices, expected in (
        ((None, 1.0), section.prices, True),
        ((1.0, None), section.prices, False),  # no yen at all: nothing is half there
        ((1.0, None), yen.prices, True),
        ((None, None), (), False),
    ):
        subject = replace(section.subject, usd=worths[0], jpy=worths[1])
        told = replace(report, sections=(replace(section, subject=subject, prices=prices),))
        assert partly_priced(told) is expected
        assert ("does not mean that it is worth nothing" in " ".join(screen(told).plain.split())) is expected


def test_in_a_notebook_what_is_unresolved_has_its_worth_too(report: Report) -> None:
    made = report_html(report)
    assert all(dollars(part.usd) in made for part in report.sections[0].unresolved)
