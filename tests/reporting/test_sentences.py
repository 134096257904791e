"""Laws of the sentences that the program writes: two languages for each, and they survive being copied and stored."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from exposure.model.sentences import LANGUAGES, STORED, Sentence, catalogue, recognised, said

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
    text = template.format(**dict.fromkeys(FIELD.findall(template), "1,234"))
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
    joined = "no inputs were given; 3 row(s) of the import were rejected"
    assert said(joined, "ja") == ("インプットが与えられていません；取り込みで 3 行を受け入れませんでした", True)


def test_values_from_outside_are_no_templates() -> None:
    hostile = "{0.__class__}{who}"
    assert hostile in Sentence("settles.hub", who=hostile)
