"""Sentences that the program itself writes, each a key and its values: their text is English, and each can be said in Japanese.

A note of a trace passes through results, JSON and stores as plain text, and a page in another language still has to say it.
So a sentence is a string (English) that remembers what it was made of. ``sentences.toml`` beside this file has both texts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from exposure.text import filled

LANGUAGES = ("en", "ja")
STORED = "stored"
"""The group of what a store keeps as text (reasons of gaps): read back, it is known again by its English form."""
MAX_STORED = 600

_FIELD = re.compile(r"\{(\w+)[^}]*\}")


class Sentence(str):
    """A sentence with its key (``group.name``) and values. Values may be sentences, or several as a tuple, themselves.

    The template groups numbers (``{n:,}``) and has words for one and for several (``{n:row|rows}``: `exposure.text.filled`);
    where ``n`` is 1, the text ``one`` of the catalogue, if there is such, says it in English.

    Raises
    ------
    KeyError
        For a key that the catalogue does not have, or a value that its template misses: a mistake of the program.
    """

    key: str
    values: Mapping[str, object]

    def __new__(cls, key: str, /, **values: object) -> Sentence:
        """The English text, with what it was made of."""
        made = super().__new__(cls, _filled(key, values, "en"))
        made.key, made.values = key, values
        return made

    def said(self, lang: str) -> str:
        """The sentence in a language."""
        return str(self) if lang == "en" else _filled(self.key, self.values, lang)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles keep key and values."""
        return _made, (self.key, dict(self.values))


def said(text: str, lang: str) -> tuple[str, bool]:
    """A text of the program in a language, and whether it is: what is no sentence of the catalogue stays as it is.

    A reason that comes from a store is known again by its English form; of several, joined by semicolons, each.
    """
    if isinstance(text, Sentence):
        return text.said(lang), True
    if lang == "en" or not text:
        return text, True
    whole = recognised(text)
    parts = [whole] if whole is not None else [recognised(part) for part in text.split("; ")]
    if all(part is not None for part in parts):
        return "；".join(part.said(lang) for part in parts if part is not None), True
    return text, False


def recognised(text: str) -> Sentence | None:
    """The sentence of the group `STORED` that a text is; None if it is none."""
    for name, form in _forms() if len(text) <= MAX_STORED else ():
        found = form.fullmatch(text)
        if found is not None:
            return Sentence(f"{STORED}.{name}", **found.groupdict(default=1))
    return None


@cache
def catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Every group with its pairs of texts."""
    return tomllib.loads(files("exposure.model").joinpath("sentences.toml").read_text(encoding="utf-8"))


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    pairs = catalogue()[STORED].items()
    made = [(name, _form(pair["en"])) for name, pair in pairs]
    # A text for one names no number; the empty group beside it stands for that.
    made += [(name, f"{_form(pair['one'])}(?P<n>(?!))?") for name, pair in pairs if "one" in pair]
    return tuple((name, re.compile(form)) for name, form in made)


def _form(template: str) -> str:
    parts = _FIELD.split(template)
    fields = [f"(?P<{field}>{'[0-9,]+' if field in ('n', 'block', 'more') else '.+?'})" for field in parts[1::2]]
    return "".join(a + b for a, b in zip(map(re.escape, parts[::2]), [*fields, ""], strict=True))


def _made(key: str, values: dict[str, object]) -> Sentence:
    return Sentence(key, **values)


def _filled(key: str, values: Mapping[str, object], lang: str) -> str:
    group, _, name = key.partition(".")
    pair = catalogue()[group][name]
    template = pair["one"] if lang == "en" and values.get("n") == 1 and "one" in pair else pair[lang]
    return filled(template, {name: _in(value, lang) for name, value in values.items()})


def _in(value: object, lang: str) -> object:
    if isinstance(value, tuple):
        return (", " if lang == "en" else "、").join(str(_in(part, lang)) for part in value)
    if isinstance(value, str):
        return said(value, lang)[0] if lang != "en" else str(value)
    return value
