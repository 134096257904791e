"""Days as official lists write them: ISO, day first, month first, and Japanese eras."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from unicodedata import normalize

_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_ERAS |= {"M": 1867, "T": 1911, "S": 1925, "H": 1988, "R": 2018}
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?", re.DOTALL)
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?: .*)?", re.DOTALL)
_NAMED = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3})[a-z]*[- ](\d{4})")
_WESTERN = re.compile(r"(\d{4})\s*[年./]\s*(\d{1,2})\s*[月./]\s*(\d{1,2})\s*日?")
_JAPANESE = re.compile(r"(明治|大正|昭和|平成|令和|[MTSHR])\s*(元|\d{1,2})\s*[年./]\s*(\d{1,2})\s*[月./]\s*(\d{1,2})\s*日?")
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}


def _unix(year: int, month: int, day: int) -> int | None:
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None


def day_first(text: str) -> int | None:
    """A day in the order of Europe (21/11/2026, 21.11.2026, 21-Nov-2026) or ISO; None if the text is none."""
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return _unix(int(found[1]), int(found[2]), int(found[3]))
    if found := _SLASHED.fullmatch(text):
        return _unix(int(found[3]), int(found[2]), int(found[1]))
    found = _NAMED.fullmatch(text)
    month = _MONTHS.get(found[2].lower()) if found else None
    return _unix(int(found[3]), month, int(found[1])) if found and month else None


def month_first(text: str) -> int | None:
    """A day in the order of the United States (11/21/2026) or ISO; None if the text is none."""
    text = text.strip()
    if found := _SLASHED.fullmatch(text):
        return _unix(int(found[3]), int(found[1]), int(found[2]))
    return day_first(text)


def japanese_day(text: str) -> int | None:
    """The first day in a Japanese text: 令和4年7月5日, R4.7.5, 2022年7月5日, 2022.7.5 (any width of digits); else None."""
    text = normalize("NFKC", text)
    if found := _JAPANESE.search(text):
        year = _ERAS[found[1]] + (1 if found[2] == "元" else int(found[2]))
        return _unix(year, int(found[3]), int(found[4]))
    if found := _WESTERN.search(text):
        return _unix(int(found[1]), int(found[2]), int(found[3]))
    return day_first(text)
