"""Laws of reading policies: what is misspelt is refused with a sentence, and shipped ones say why and from where."""

from __future__ import annotations

import pytest

from exposure.errors import InputError
from exposure.measure.policy_text import policy_from
from exposure.model.labels import Category, Role
from exposure.model.policy import role_of
from exposure.workflows.policies import SHIPPED, load_policy, shipped_text

GOOD = """name = "mine"
version = "1.2"
[roles]
gambling = "seed"
[dust]
usd = 5
[[rules]]
name = "mine.one"
kind = "indirect"
categories = ["sanctioned", "gambling"]
regimes = ["JP"]
share = "10 %"
usd = 1000
action = "hold"
reason = "because"
"""


def test_a_policy_is_read_as_written() -> None:
    policy = policy_from(GOOD.encode(), "mine.toml")
    (rule,) = policy.rules
    assert (policy.title, policy.dust_usd, policy.roles) == ("mine 1.2", 5.0, (("gambling", "seed"),))
    assert (rule.limits.share, rule.limits.usd, rule.limits.jpy) == (0.1, 1000.0, None)
    assert (rule.categories, rule.regimes, rule.action, rule.unjudged) == (
        ("sanctioned", "gambling"),
        ("JP",),
        "hold",
        "review",
    )
    assert role_of(policy.roles)[Category.GAMBLING] is Role.SEED
    assert role_of(policy.roles)[Category.EXCHANGE] is Role.BOUNDARY
    assert policy.digest != policy_from(GOOD.replace("1.2", "1.3").encode(), "x").digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("share =", "shaer =", "did you mean share"),
        ("version =", "verison =", "did you mean version"),
        ("usd = 5", "eur = 5", "known are usd, jpy"),
        ('"hold"', '"freeze"', "one of allow, review, hold, block"),
        ('"hold"', '"holt"', "did you mean hold"),
        ('"indirect"', '"inderect"', "did you mean indirect"),
        ('"sanctioned", ', '"sanctionned", ', "did you mean sanctioned"),
        ('"10 %"', '"10"', "10%"),
        ('"10 %"', "0.1", "10%"),
        ('"10 %"', '"0%"', "above 0"),
        ('"10 %"', '"101%"', "up to 100"),
        ("usd = 1000", 'usd = "1000"', "plain number"),
        ("usd = 1000", "usd = nan", "plain number"),
        ('["JP"]', '["Japan"]', "no regime"),
        ('["JP"]', '"JP"', "takes a list"),
        ('reason = "because"', "", "a sentence that says why"),
        ('categories = ["sanctioned", "gambling"]', "", "needs `categories`"),
        ('gambling = "seed"', "", "gambling is no category in which exposure starts"),
        ('gambling = "seed"', 'gambling = "sede"', "did you mean seed"),
        ('gambling = "seed"', 'gambling = "seed"\nsanctioned = "boundary"', "stays a seed"),
        ('"indirect"', '"own"', "no limit"),
        ('"indirect"', '"unresolved"', "only reasons"),
        ('action = "hold"', 'action = "hold"\nreasons = ["hub"]', "unresolved"),
        ('action = "hold"', 'action = "hold"\nmeasure = "bracket_lower"', "kind exposure"),
        ('name = "mine.one"', "", "name is missing"),
        ("[[rules]]", "[rules]", "between 1 and"),
        ("[[rules]]", "[[rules", "not TOML"),
        ('version = "1.2"', 'version = "1.2"\nrule = "poison"', "one of haircut, fifo, lifo, tiho"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(InputError, match="policy bad.toml") as refused:
        policy_from(GOOD.replace(old, new, 1).encode(), "bad.toml")
    assert said in str(refused.value)


def test_two_rules_of_one_name_are_refused() -> None:
    rule = GOOD[GOOD.index("[[rules]]") :]
    with pytest.raises(InputError, match="two rules called mine.one"):
        policy_from((GOOD + rule).encode(), "x")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a" * 300_000, b"x = " + b"[" * 5000, b""])
def test_what_is_no_policy_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="the policy x"):
        policy_from(content, "x")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_say_why_and_from_where(name: str) -> None:
    text = shipped_text(name).decode()
    assert "Source" in text
    assert "starting point" in text
    policy = load_policy(name)
    assert policy.name == name
    assert all(rule.name.startswith(f"{name}.") and rule.reason for rule in policy.rules)
    assert len({fired.kind for fired in policy.rules}) >= 4


def test_a_policy_that_is_not_there_is_said_to_be_none() -> None:
    for name in ("japan", "no/such.toml", "x\x00y", "."):
        with pytest.raises(InputError):
            load_policy(name)
