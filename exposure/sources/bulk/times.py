"""Times from what is written, as unix seconds in UTC. A time without a zone is taken as UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from exposure.text import shown

LATEST = 4_102_444_800
"""First second of 2100. What lies behind is a unit mistaken, not a time."""

_MAX_LENGTH = 64


def unix_seconds(text: str, form: str = "") -> int:
    """Seconds since 1970-01-01 00:00 UTC, fractions of a second dropped.

    Parameters
    ----------
    text
        What is written.
    form
        ``unix``, ``ms``, ``iso``, a strptime pattern, or empty: unix seconds if all are digits, else ISO 8601.

    Raises
    ------
    ValueError
        With the reason.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"{shown(text, 40)} is no time")
    if form in ("unix", "ms") or (form == "" and text.isascii() and text.isdigit()):
        seconds = _number(text, form) // (1000 if form == "ms" else 1)
    elif "%" in form:
        seconds = _of(_pattern(text, form))
    else:
        seconds = _of(_iso(text))
    if not 0 <= seconds < LATEST:
        hint = (
            ": these look like milliseconds, map the column with :ms"
            if LATEST <= seconds < LATEST * 1000 and text.isdigit() and form != "ms"
            else ""
        )
        raise ValueError(f"{shown(text, 40)} lies outside of 1970 to 2100{hint}")
    return seconds


def _number(text: str, form: str) -> int:
    whole, point, part = text.partition(".")  # 1650.0 comes from a float column; a fraction of a second is dropped
    if not (whole.isascii() and whole.isdigit() and (not point or part.isdigit())):
        raise ValueError(f"{shown(text, 40)} is no number of {'milliseconds' if form == 'ms' else 'seconds'}")
    return int(whole)


def _iso(text: str) -> datetime:
    plain = text.removesuffix(" UTC").removesuffix(" utc")
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"{shown(text, 40)} is no time in ISO 8601, such as 2022-03-29T21:41:18Z, nor unix seconds") from None


def _pattern(text: str, form: str) -> datetime:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        raise ValueError(f"{shown(text, 40)} does not match {shown(form, 40)}") from None


def _of(time: datetime) -> int:
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    try:
        return int((aware - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)
    except OverflowError:
        raise ValueError(f"{aware} lies outside of 1970 to 2100") from None
