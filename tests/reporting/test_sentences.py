"""Laws of the sentences that the program writes: two languages for each, and they survive being copied and stored."""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from exposure.model.sentences import LANGUAGES, STORED, Sentence, catalogue, recognised, said
from exposure.sources.evm.node import _NO_INDEX, _NOT_BY_CALLS
from exposure.sources.evm.node_calls import NO_TRACES
from exposure.sources.tron.jsonrpc import NO_NATIVE
from exposure.sources.walk import FLOODED, UNCHECKED
from exposure.store.looks import Look
from exposure.text import counted, filled
from exposure.workflows.case.record import NOT_IN_CASE
from exposure.workflows.trace.words import SPENT_TOO_MUCH

FIELD = re.compile(r"\{(\w+)[^}]*\}")
PAIRS = [(group, name) for group, pairs in catalogue().items() for name in pairs]


@pytest.mark.parametrize(("group", "name"), PAIRS)
def test_both_languages_say_the_same_values(group: str, name: str) -> None:
    pair = catalogue()[group][name]
    assert set(LANGUAGES) <= set(pair) <= {*LANGUAGES, "one"}
    assert all(pair.values())
    if group not in ("money",):
        assert set(FIELD.findall(pair["ja"])) == set(FIELD.findall(pair["en"]))
    assert set(FIELD.findall(pair.get("one", ""))) <= set(FIELD.findall(pair["en"]))


@pytest.mark.parametrize("name", list(catalogue()[STORED]))
def test_a_stored_reason_is_known_again_by_its_english_form(name: str) -> None:
    template = catalogue()[STORED][name]["en"]
    text = filled(template, dict.fromkeys(FIELD.findall(template), "1,234"))
    found = recognised(text)
    assert found is not None
    assert found == text
    told, known = said(text, "ja")
    assert known
    assert told != text
    assert "{" not in told
    assert recognised(f"{text} and more") is None or recognised(f"{text} and more") == f"{text} and more"


def test_a_sentence_is_its_english_text_and_keeps_what_it_was_made_of() -> None:
    inner = recognised("nothing declares its history complete")
    assert inner is not None
    made = Sentence("no_bounds.own_history", why=str(inner))
    assert made == "the address's own history is not known to be whole (nothing declares its history complete)"
    assert made.said("ja") == "対象アドレス自身の履歴が完全であると確認できません（履歴が完全であるという宣言がありません）"
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert other == made
        assert other.said("ja") == made.said("ja")
    assert Sentence("verdict.dust", n=1) == "1 finding below the policy's dust limit fired nothing"
    assert Sentence("verdict.dust", n=2).startswith("2 findings")


def test_what_is_none_of_ours_stays_as_it_is() -> None:
    assert said("somebody wrote this", "ja") == ("somebody wrote this", False)
    assert said("", "ja") == ("", True)
    joined = "no inputs were given; 3 rows of the import were rejected"
    assert said(joined, "ja") == ("インプットが与えられていません；取り込みで 3 行を受け入れませんでした", True)


def test_values_from_outside_are_no_templates() -> None:
    hostile = "{0.__class__}{who}"
    assert hostile in Sentence("settles.hub", who=hostile)


NUMBER = re.compile(r"\{(\w+):|\{(n|hops)\}")
# Of what a store keeps, a text of one form only has numbers that are never 1.
SPOKEN = [(group, name) for group, name in PAIRS if group != STORED or "one" in catalogue()[group][name]]


@pytest.mark.parametrize(("group", "name"), SPOKEN)
def test_one_thing_is_spoken_of_as_one(group: str, name: str) -> None:
    """A number stands before a noun in the plural in no English text: else it says "1 transfers"."""
    pair = catalogue()[group][name]
    numbers = {first or second for first, second in NUMBER.findall(pair["en"])}
    text = filled(pair.get("one", pair["en"]), {name: 1 if name in numbers else "X" for name in FIELD.findall(pair["en"])})
    assert not re.search(r"(?<![\d.,-])1 (?!of\b|is\b|has\b|was\b)(?:more |smaller |such )*[a-z]*[a-rt-z]s\b", text), text
    assert not re.search(r"\b1 of (?:the )?1 \w+s\b", text), text


def test_numbers_are_followed_by_their_nouns() -> None:
    assert [counted(n, "hop") for n in (0, 1, 2, 1_204)] == ["0 hops", "1 hop", "2 hops", "1,204 hops"]
    assert counted(2, "history", "histories") == "2 histories"
    said_of_one = Sentence("notes.weak_order", n=1, all=1)
    assert said_of_one.startswith("1 of 1 transfer behind this account has no index in its source and is ordered")
    assert Sentence("notes.weak_order", n=2, all=1_300).startswith("2 of 1,300 transfers behind this account have no index")


def _reasons() -> Iterator[tuple[str, str]]:
    """What is written down as the reason of a gap: (file and line, text), numbers and names filled in with 7."""
    found = find_spec("exposure")
    assert found is not None
    assert found.origin is not None
    for file in sorted(Path(found.origin).parent.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            voids = call.func.attr == "setdefault" and getattr(call.func.value, "attr", "") == "voids"
            if call.func.attr != "void" and not voids:
                continue
            for one in call.args:
                if isinstance(one, ast.Constant) and isinstance(one.value, str) and " " in one.value:
                    yield f"{file.name}:{call.lineno}", one.value
                elif isinstance(one, ast.JoinedStr):
                    parts = [str(part.value) if isinstance(part, ast.Constant) else "7" for part in one.values]
                    if " " in "".join(parts):
                        yield f"{file.name}:{call.lineno}", "".join(parts)


REASONS = list(_reasons())


@pytest.mark.parametrize(("where", "text"), REASONS)
def test_every_reason_of_a_gap_can_be_said_in_japanese(where: str, text: str) -> None:
    assert said(text, "ja")[1], where


def test_reasons_kept_under_a_name_can_be_said_in_japanese() -> None:
    assert len(REASONS) > 15
    looks = [Look("bitcoin", "a", "bitcoin/native", "host", every, 50, 40, 40, 0, 0) for every in (9_000, None)]
    for text in (
        UNCHECKED, FLOODED, NO_NATIVE, NO_TRACES, NOT_IN_CASE, SPENT_TOO_MUCH, _NO_INDEX.format(count=1_200), _NOT_BY_CALLS,
        *(f"1,200 counterparties{look.seen}" for look in looks),
    ):  # fmt: skip
        assert said(text, "ja")[1], text
