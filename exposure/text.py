"""How text from outside is shown: controls, direction marks and invisible characters as escapes, never as themselves.

Names of tokens, entities and files are written by whoever moves the money. Everything that reaches a screen, a log or an
error message goes through `shown` (and, where rich interprets markup, `markup_free`).
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping

DEFAULT_LIMIT = 120

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}

# Letters, marks, numbers, punctuation and symbols have a visible shape; every other category is escaped, among them
# Cc (controls), Cf (direction marks, zero width), Cs (lone surrogates), Co, Cn, Zl and Zp (line breaks).
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Of category letter or mark, yet drawn as nothing: Hangul fillers, the Khmer inherent vowels, the grapheme joiner, and
# the variation selectors, which can carry hidden text.
_BLANK = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0})

# A base character with a pile of marks covers the lines around it; more marks in a row than any script needs are escaped.
_MAX_MARKS = 4


class _Counting(string.Formatter):
    """A template's ``{n:row|rows}`` is its first form where the value is 1, and else its second."""

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value == 1 else many
        if isinstance(value, str) and format_spec == ",":  # a number that was read back from a text, grouped already
            return value
        return str(super().format_field(value, format_spec))


def filled(template: str, values: Mapping[str, object]) -> str:
    """A template of our own with its values, and words in the number that the values ask for: ``{n:,} {n:row|rows}``."""
    return _Counting().vformat(template, (), values)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: ``1 hop``, ``2 hops``, ``1,204 histories``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _hidden(character: str) -> bool:
    code = ord(character)
    if character == " ":
        return False
    category = unicodedata.category(character)
    if category == "Zs":  # no-break and other spaces pass for a plain one
        return True
    return category in _INVISIBLE or code in _BLANK or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE0FFF


def _escape(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown(text: object, limit: int = DEFAULT_LIMIT) -> str:
    """Text from outside in a form that is safe to print on one line.

    Parameters
    ----------
    text
        Anything; other values than strings go through ``str``.
    limit
        Greatest length of the result in characters, at least 4. A longer text is cut and ends in ``...``.

    Returns
    -------
    str
        The text with line breaks, control, direction, zero-width, private and unassigned characters, odd spaces, lone
        surrogates and the backslash itself as backslash escapes, so that two different texts never look the same
        because of a hidden character. Letters of every script stay as they are.
    """
    limit = max(limit, 4)
    source = text if isinstance(text, str) else str(text)
    parts: list[str] = []
    length = 0
    marks = 0
    cut = 0  # number of parts that fit if "..." has to follow
    for character in source:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        escaped = character == "\\" or marks > _MAX_MARKS or _hidden(character)
        part = _escape(character) if escaped else character
        if length + len(part) > limit:
            return "".join(parts[:cut]) + "..."
        parts.append(part)
        length += len(part)
        if length <= limit - 3:
            cut = len(parts)
    return "".join(parts)


def markup_free(text: object, limit: int = DEFAULT_LIMIT) -> str:
    """`shown`, with square brackets escaped too, so that rich prints them instead of reading a style or link."""
    # rich takes a bracket as text only behind a backslash; doubled backslashes of `shown` stand for one of its own.
    return shown(text, limit).replace("[", "\\[")
