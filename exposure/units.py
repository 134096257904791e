"""Amounts, shares, money, times: exact on the way in, never misleading on the way out.

Amounts are integers of the asset's base unit. What is printed is rounded to the nearest, but a part that exists is never
printed as zero and a whole that is not whole never as 100 %.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_DOWN, Decimal, InvalidOperation, localcontext
from zoneinfo import ZoneInfo

from exposure.errors import InputError
from exposure.text import shown

MAX_NUMBER_LENGTH = 200
"""Longest text of a number that is looked at, in characters; 38 digits, a point and an exponent fit many times."""

MAX_EXPONENT = 400
MAX_DECIMALS = 255
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,6})?")
_DAY = 86_400
_MAX_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that datetime knows


def decimal_of(text: str) -> Decimal:
    """The exact value of a decimal number as text, exponents such as ``1e-05`` included.

    Raises
    ------
    InputError
        For anything but ASCII digits, one point, a sign and an exponent (so also for NaN, infinity, thousands
        separators, underscores), for more than 200 characters and for exponents beyond 400.
    """
    if len(text) > MAX_NUMBER_LENGTH:
        raise InputError(f"{shown(text, 30)} is not a usable number: it has {len(text)} characters")
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        hint = "; write it without thousands separators" if "," in text or "_" in text or " " in text else ""
        raise InputError(f"{shown(text)!r} is not a decimal number{hint}")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise InputError(f"{shown(text)!r} is not a decimal number") from error
    if abs(value.as_tuple().exponent) > MAX_EXPONENT:  # type: ignore[arg-type]  # a finite value: the exponent is an int
        raise InputError(f"{shown(text)!r} is not a usable number: its exponent is beyond {MAX_EXPONENT}")
    return value


def to_base_units(text: str, decimals: int) -> int:
    """Exact amount in base units of a number of whole coins.

    Parameters
    ----------
    text
        The number as its source prints it: ``1.5``, ``1e-05``, ``0.00000000``.
    decimals
        Digits behind the point that the asset has, 0 to 255: 8 for Bitcoin, 18 for Ether.

    Raises
    ------
    InputError
        If it is no number, negative, or has a nonzero digit below the base unit. Nothing is ever rounded.
    """
    if not 0 <= decimals <= MAX_DECIMALS:
        raise InputError(f"an asset has 0 to {MAX_DECIMALS} decimals, not {decimals}")
    value = decimal_of(text)
    sign, digits, exponent = value.as_tuple()
    if sign and any(digits):
        raise InputError(f"{shown(text)} is negative; amounts are not")
    number = int("".join(map(str, digits)))
    shift = int(exponent) + decimals
    if shift >= 0:
        return number * int(10**shift)
    whole, rest = divmod(number, int(10**-shift))
    if rest:
        raise InputError(f"{shown(text)} has digits below the smallest unit of an asset with {decimals} decimals")
    return whole


def coins(amount: int, decimals: int, *, digits: int | None = None) -> str:
    """An amount of base units in whole coins, digits before the point grouped by commas.

    Without ``digits`` the text is exact, trailing zeros dropped (``1,234.5``). With ``digits`` at most that many stand
    behind the point, cut off towards zero, and a part that would vanish is shown as ``<0.001``: never as 0.
    """
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = str(rest).rjust(decimals, "0") if decimals else ""
    if digits is not None and len(fraction) > digits:
        fraction = fraction[:digits]
        if not whole and rest and not fraction.strip("0"):
            return f"{sign}<{Decimal(1).scaleb(-digits):f}"
    fraction = fraction.rstrip("0")
    return f"{sign}{whole:,}" + (f".{fraction}" if fraction else "")


def share(part: float, *, digits: int = 1) -> str:
    """A share between 0 and 1 as ``12.4 %``.

    A share above 0 never prints as 0 (``<0.1 %``) and one below 1 never as 100 (``>99.9 %``); exactly 0 is ``0 %`` and
    exactly 1 ``100 %``. Rounding errors a hair outside 0..1 (1e-9) are taken as 0 and 1; anything further is refused.
    """
    if not -1e-9 <= part <= 1 + 1e-9:
        raise InputError(f"a share lies between 0 and 1, not at {part}")
    if part <= 0:
        return "0 %"
    if part >= 1:
        return "100 %"
    least = 10**-digits
    text = f"{part * 100:.{digits}f}"
    if float(text) < least:
        return f"<{least:.{digits}f} %"
    if float(text) >= 100:
        return f">{100 - least:.{digits}f} %"
    return f"{text} %"


_SYMBOLS = {"usd": "$", "jpy": "JPY ", "eur": "EUR ", "gbp": "GBP "}


def money(value: float | Decimal, currency: str) -> str:
    """A sum of money at a glance: ``$142,300``, ``$17.65``, ``JPY 21.4M``, ``<$0.01``.

    Dollars and euros: cents below 1,000, whole units up to a million, then ``M``, ``B``, ``T`` with four significant
    digits; yen without sen and with three. A sum above 0 never prints as 0.
    """
    symbol = _SYMBOLS.get(currency.lower(), f"{shown(currency.upper(), 8)} ")
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise InputError(f"a sum of money is a finite number, not {value}")
    sign, number = ("-" if number < 0 else ""), abs(number)
    yen = currency.lower() == "jpy"
    smallest = Decimal(1) if yen else Decimal("0.01")
    if 0 < number < smallest:
        return f"{sign}<{symbol}{smallest}"
    if number >= 1_000_000:
        return sign + symbol + _short(number, 3 if yen else 4)
    places = Decimal(1) if yen or number >= 1000 else smallest
    rounded = number.quantize(places)
    return f"{sign}{symbol}{rounded:,}"


def _short(number: Decimal, significant: int) -> str:
    """A number from a million on with M, B or T and so many significant digits."""
    with localcontext() as context:
        context.prec = significant
        number = +number  # rounded first, so that 999,999,999 becomes 1B and not 1000M
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if number >= size:
            scaled = number / size
            digits = max(significant - len(str(int(scaled))), 0)
            text = f"{scaled:,.{digits}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + letter
    raise AssertionError("called for a number below a million")


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name such as ``Asia/Tokyo``; ``UTC`` always works.

    Raises
    ------
    InputError
        If the name is unknown, or the system has no time zone data.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown name; a path instead of a name; a folder of zones
        raise InputError(f"unknown time zone {shown(name)!r}: use an IANA name such as Asia/Tokyo, or UTC") from error


def iso(time: int) -> str:
    """Unix seconds as ``2024-03-18T09:12:05Z``."""
    return _moment(time).strftime("%Y-%m-%dT%H:%M:%SZ") if time >= 0 else _moment(time).isoformat().replace("+00:00", "Z")


def day(time: int) -> str:
    """Unix seconds as the day in UTC: ``2024-03-18``."""
    return _moment(time).strftime("%Y-%m-%d")


def clock(time: int, tz: tzinfo = UTC) -> str:
    """Unix seconds for people: ``2024-03-18 09:12 UTC``, or ``2024-03-18 18:12 JST (09:12 UTC)`` in another zone.

    The day is repeated where it differs: ``2024-03-19 01:12 JST (2024-03-18 16:12 UTC)``.
    """
    world = _moment(time)
    if tz is UTC:
        return world.strftime("%Y-%m-%d %H:%M UTC")
    here = world.astimezone(tz)
    same_day = here.date() == world.date()
    return f"{here:%Y-%m-%d %H:%M} {here.tzname()} ({world.strftime('%H:%M' if same_day else '%Y-%m-%d %H:%M')} UTC)"


def _moment(time: int) -> datetime:
    if not -_MAX_TIME <= time <= _MAX_TIME:
        raise InputError(f"{time} is not a time in unix seconds")
    try:
        return datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise InputError(f"{time} is not a time in unix seconds") from error


_FORMS = "2024-03-18, 2024-03-18T09:12:05Z, 2024-03-18 18:12+09:00, or unix seconds"


def to_unix(text: str, tz: tzinfo = UTC, *, end_of_day: bool = False) -> int:
    """Unix seconds of a day, a time or a number of seconds.

    Parameters
    ----------
    text
        ``2024-03-18``, ISO 8601 with or without seconds and zone, or unix seconds (9 to 11 digits).
    tz
        Zone of a text that names none.
    end_of_day
        Whether a bare day, or a time without seconds, means its last second instead of its first: for bounds that include it.

    Raises
    ------
    InputError
        If it is none of these; fractions of a second are cut off.
    """
    stripped = text.strip()
    if len(stripped) > 40:
        raise InputError(f"{shown(text, 30)!r} is not a time: use {_FORMS}")
    if re.fullmatch(r"[0-9]{9,11}", stripped):
        return int(stripped)
    if not stripped.isascii() or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", stripped):
        raise InputError(f"{shown(text)!r} is not a time: use {_FORMS}")
    try:
        moment = datetime.fromisoformat(stripped.removesuffix(" UTC"))
        if len(stripped) == 10 and end_of_day:
            moment = moment.replace(hour=23, minute=59, second=59)
        elif end_of_day and re.match(r"[-0-9]{10}[T ][0-9]{2}:[0-9]{2}(?![:0-9])", stripped):
            moment = moment.replace(second=59)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=tz)
        return int(moment.timestamp() // 1)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{shown(text)!r} is not a time: use {_FORMS}") from error


def start_of_day(time: int) -> int:
    """Unix seconds of 00:00 UTC of the day of ``time``."""
    return time - time % _DAY


def duration(seconds: float) -> str:
    """A length of time at a glance: ``0.3 s``, ``42 s``, ``3 min 5 s``, ``2 h 4 min``, ``3 days``."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < _DAY:
        return f"{whole // 3600} h {whole % 3600 // 60} min" if whole % 3600 // 60 else f"{whole // 3600} h"
    days = whole // _DAY
    return f"{days} day" if days == 1 else f"{days:,} days"


def exact_coins(amount: int, decimals: int) -> str:
    """An amount in whole coins as plain digits without grouping, exact: for files, not for eyes."""
    with localcontext() as context:
        context.prec = max(len(str(abs(amount))), 1)
        context.rounding = ROUND_DOWN
        return f"{Decimal(amount).scaleb(-decimals):f}"
