"""Laws of --fail-on: a condition means what it says, and a mistyped one is refused."""

from __future__ import annotations

import pytest

from exposure.errors import InputError
from exposure.model.results import Report
from exposure.reporting.fail_on import condition, met


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("sanctioned", True),
        ("sanctioned:12.4%", True),
        ("sanctioned:12.5%", False),
        ("Sanctioned : 12", True),
        ("mixer:3", True),
        ("mixer:3.1", False),
        ("ransomware", False),
        ("russia-linked", False),
    ],
)
def test_a_condition_holds_at_or_above_its_share(report: Report, text: str, holds: bool) -> None:
    assert bool(met(report, [condition(text)])) is holds


def test_an_own_tag_meets_its_category_at_any_share(hostile_report: Report) -> None:
    said = met(hostile_report, [condition("sanctioned:100%")])
    assert any("the subject itself is tagged" in sentence for sentence in said)
    assert all("\x1b" not in sentence for sentence in said)


def test_no_condition_is_never_met(report: Report) -> None:
    assert met(report, []) == []


def test_only_the_first_rule_decides(report: Report, poison_report: Report) -> None:
    from dataclasses import replace

    both = replace(report, sections=(*report.sections, *poison_report.sections))
    assert not met(both, [condition("sanctioned:50")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sanktioned", "did you mean sanctioned"),
        ("exchange", "no category"),
        ("hold", "needs a policy"),
        ("mixer:101", "between 0 and 100"),
        ("mixer:-1", "between 0 and 100"),
        ("mixer:x", "--fail-on mixer:x: the share 'x' is not a decimal number"),
        ("mixer:nan", "--fail-on mixer:nan"),
        ("", "no category"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        condition(text)
