"""What the page says, in English and Japanese: ``phrases.toml`` beside this file, and the sentences of the model."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from exposure import units
from exposure.model.sentences import LANGUAGES, Sentence, catalogue, said
from exposure.reporting.words import terms
from exposure.text import filled

__all__ = ["LANGUAGES", "Phrases"]


@cache
def _pairs() -> dict[str, Any]:
    own = tomllib.loads(files("exposure.reporting.page").joinpath("phrases.toml").read_text(encoding="utf-8"))
    return {**own, **{group: catalogue()[group] for group in ("categories", "parties", "rules", "reasons")}}


class Phrases:
    """The phrases of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        """A phrase, filled in."""
        return filled(str(_pairs()["words"][key][self.lang]), values)

    def said(self, text: str) -> str:
        """A sentence of the program; what is none stays as it is."""
        return said(text, self.lang)[0]

    def sources(self, names: Sequence[str]) -> str:
        """Who says so: names of lists, and one's own tags."""
        return self("comma").join(self.said(name) for name in names)

    def knows(self, text: str) -> bool:
        """Whether `said` has this language's words for a text."""
        return said(text, self.lang)[1]

    def category(self, name: str) -> str:
        """A category, or the kind of a part that has none."""
        return self._named("kinds" if name in _pairs()["kinds"] else "categories", name)

    def parties(self, name: str) -> str:
        """Those of a category from whom value comes, or to whom it goes."""
        return self._named("parties", name)

    def reason(self, name: str) -> str:
        """Why a part is unresolved."""
        return self._named("reasons", name)

    def timing(self, name: str) -> str:
        """Status when the value moved; of nothing where no date is known."""
        return self._named("timings", name or "none")

    def standing(self, name: str) -> str:
        """Status now."""
        return self._named("standings", name)

    def action(self, name: str) -> str:
        """What a policy asks for."""
        return self._named("actions", name)

    def rule(self, name: str) -> str:
        """A rule by which value moves."""
        return self._named("rules", name)

    def role(self, name: str) -> str:
        """What an address, or a category, counts as."""
        return self._named("roles", name)

    def counted(self, name: str, number: int) -> str:
        """How much of something a run looked at."""
        return self.said(Sentence(f"counted.{name}", n=number))

    def money(self, value: float | None, currency: str) -> str:
        """A sum of money: at a glance in English, in whole units in Japanese; empty where it is not known."""
        if value is None:
            return ""
        if self.lang == "en":
            return units.money(value, currency)
        unit = {"usd": "米ドル", "jpy": "円"}.get(currency, currency.upper())
        return f"{value:,.0f} {unit}" if value >= 1 or not value else f"1 {unit}未満"

    def worth(self, usd: float | None, jpy: float | None) -> str:
        """Money in both currencies, as far as known; the language's own first."""
        sums = [self.money(usd, "usd"), self.money(jpy, "jpy")]
        return " / ".join(filter(None, sums if self.lang == "en" else reversed(sums)))

    def worth_or_none(self, usd: float | None, jpy: float | None) -> str:
        """`worth`; a word where no price is known, as an empty cell would pass for nothing."""
        return self.worth(usd, jpy) or self("unpriced_worth")

    def terms(self, rule: str, *, bounded: bool) -> str:
        """The words of an account that a first reader does not know."""
        names = terms(rule, bounded=bounded)
        return self("sentence").join([*(self.said(Sentence(f"terms.{name}")) for name in names), ""]).strip()

    def hops(self, count: int) -> str:
        """A number of hops, with the intermediaries."""
        if count < 2:
            return str(count)
        return f"{count} ({count - 1} between)" if self.lang == "en" else f"{count}（仲介 {count - 1} 者）"

    @property
    def method(self) -> tuple[str, ...]:
        """How the figures came about, and what they cannot say."""
        return tuple(_pairs()["method"][self.lang])

    def _named(self, group: str, name: str) -> str:
        pair = _pairs()[group].get(name)
        return name.replace("_", " ") if pair is None else str(pair[self.lang])
