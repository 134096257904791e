"""What the page says, in English and Japanese: the pairs of ``phrases.toml`` beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "ja")


@cache
def _pairs() -> dict[str, Any]:
    return tomllib.loads(files("exposure.reporting.page").joinpath("phrases.toml").read_text(encoding="utf-8"))


class Phrases:
    """The phrases of one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **filled: object) -> str:
        """A phrase, filled in."""
        return str(_pairs()["words"][key][self.lang]).format(**filled)

    def category(self, name: str) -> str:
        """A category, or the kind of an attributed part."""
        return self._named("categories", name)

    def reason(self, name: str) -> str:
        """Why a part is unresolved."""
        return self._named("reasons", name)

    def settles(self, reason: str, said: str) -> str:
        """What would settle a part: what the trace said, in English; in Japanese the sentence of the reason."""
        return said if self.lang == "en" else self._named("settles", reason)

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

    def hops(self, count: int) -> str:
        """A number of hops, with the intermediaries."""
        if count < 2:
            return str(count)
        return f"{count} ({count - 1} between)" if self.lang == "en" else f"{count}（仲介 {count - 1}）"

    @property
    def method(self) -> tuple[str, ...]:
        """How the figures came about, and what they cannot say."""
        return tuple(_pairs()["method"][self.lang])

    def _named(self, group: str, name: str) -> str:
        pair = _pairs()[group].get(name)
        return name.replace("_", " ") if pair is None else str(pair[self.lang])
