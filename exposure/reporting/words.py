"""The words and number forms of the screen: short addresses, shares, hops, statuses. Pure; every outside text is made safe."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal

from rich.cells import cell_len

from exposure import units
from exposure.model.assets import chain
from exposure.model.results import Designated, Section
from exposure.model.sentences import catalogue
from exposure.text import counted, shown

CATEGORY_STYLES = {"sanctioned": "bold red", "sanction_linked": "bold red", "russia_linked": "bold red"}
SEED_STYLE = "red"
SERVICE_STYLE = "dim"
UNRESOLVED_STYLE = "yellow"

TIMINGS = {
    "on_or_after": "listed at the time",
    "unknown": "listed by then, address's own date unknown",
    "after_delisting": "delisted before",
    "before": "listed later",
}
"""Words for the status at the time of the seed's transfer, the gravest first."""


def short(address: str, cells: int = 15) -> str:
    """An address or hash as its first 8 (0x...: 8) and last 4 characters; one that is short enough stays whole.

    Both ends are shown: whoever poisons address books makes look-alikes of one end, rarely of both. Full forms are in the JSON.
    """
    safe = shown(address, 200)
    return safe if len(safe) <= cells else f"{safe[:8]}...{safe[-4:]}"


def short_hash(tx: str) -> str:
    """A transaction hash as its first 8 digits."""
    safe = shown(tx, 200)
    head = 10 if safe.startswith("0x") else 8
    return safe if len(safe) <= head + 3 else f"{safe[:head]}..."


def cut(text: object, cells: int) -> str:
    """Outside text, made safe, in at most ``cells`` columns of a terminal (a Han character takes two)."""
    safe = shown(text, max(cells, 4))
    if cell_len(safe) <= cells:
        return safe
    kept = ""
    width = 0
    for character in safe:
        width += cell_len(character)
        if width > cells - 3:
            break
        kept += character
    return kept + "..."


def percent(part: float | None) -> str:
    """``12.4 %``; a dash for a share that is not known."""
    return "-" if part is None else units.share(part)


def percent_range(lower: float | None, upper: float | None) -> str:
    """``12.4 - 18.1 %``; one number where both ends show alike, a dash where there is no such range."""
    if lower is None or upper is None:
        return "-"
    low, high = percent(lower), percent(upper)
    return high if low == high else f"{low.removesuffix(' %')} - {high}"


def coins(amount: int, decimals: int, symbol: str, cells: int = 80) -> str:
    """Base units as grouped coins for reading: three decimals, or three digits of a small amount. ``0.310 BTC``.

    Where ``cells`` are too few the symbol goes first, then the digits become a power of ten; they are never cut off.
    """
    name = cut(symbol, 8)
    value = Decimal(amount).scaleb(-decimals, Context(prec=60))
    if not decimals or not amount:
        number = f"{amount:,}"
    elif value >= 1:
        number = f"{value.quantize(Decimal('0.001'), ROUND_HALF_EVEN, Context(prec=60)):,f}"
    else:
        number = f"{Context(prec=3).plus(value):f}"
        whole, _, digits = number.partition(".")
        number = f"{whole}.{digits.rstrip('0').ljust(3, '0')}"
    if len(number) > 12 and value < 1:
        number = f"{value:.2e}"
    if cell_len(f"{number} {name}") <= cells:
        return f"{number} {name}"
    return number if len(number) <= cells else f"{value:.3e}"


def dollars(value: float | None) -> str:
    """``$142,300``; empty where no price is known."""
    return "" if value is None else units.money(value, "usd")


def yen(value: float | None) -> str:
    """``JPY 21.4M``; empty where no price is known."""
    return "" if value is None else units.money(value, "jpy")


def hops(count: int) -> str:
    """``3 hops (2 intermediaries)``."""
    if count <= 1:
        return f"{count} hop (direct)" if count else "0 hops"
    between = count - 1
    return f"{count} hops ({between} {'intermediary' if between == 1 else 'intermediaries'})"


def hop_range(counts: Iterable[int]) -> str:
    """``2 hops`` or ``2 to 4 hops``."""
    some = sorted(set(counts))
    if not some:
        return ""
    if len(some) == 1:
        return counted(some[0], "hop")
    return f"{some[0]} to {some[-1]} hops"


def category_words(category: str) -> str:
    """``terrorist_financing`` as ``terrorist financing``."""
    return cut(category.replace("_", " "), 20)


def party_words(category: str) -> str:
    """Those of a category, from whom value comes or to whom it goes: ``sanctioned parties``."""
    known = catalogue()["parties"].get(category)
    return category_words(category) if known is None else known["en"]


def statuses(regimes: tuple[Designated, ...]) -> list[str]:
    """One phrase for each status among the regimes: ``listed at the time: US 2022-04-05, EU 2022-07-21``."""
    phrases = []
    for key, words in TIMINGS.items():
        dated = [_dated(one) for one in regimes if one.at_time == key]
        if dated:
            phrases.append(f"{words}: {', '.join(dated)}")
    return phrases


def _dated(one: Designated) -> str:
    """``US 2022-04-05``, with a later delisting where there is one."""
    regime = shown(one.regime, 12)
    if one.at_time == "after_delisting" and one.delisted_on is not None:
        return f"{regime} {units.day(one.delisted_on)}"
    text = regime if one.listed_on is None else f"{regime} {units.day(one.listed_on)}"
    if one.address_listed_on is not None and one.address_listed_on != one.listed_on:
        text += f" (address {'by ' if one.on_or_before else ''}{units.day(one.address_listed_on)})"
    if one.now == "delisted":
        text += " (delisted" + (f" {units.day(one.delisted_on)})" if one.delisted_on is not None else " since)")
    return text


def regimes_now(regimes: tuple[Designated, ...]) -> str:
    """What each regime says now, for a cell: ``US listed 2022-04-05; UK delisted 2025-03-21``."""
    return "; ".join(f"{one.regime} {one.now} {_day(one)}".rstrip() for one in regimes)


def _day(one: Designated) -> str:
    when = one.delisted_on if one.now == "delisted" else one.listed_on
    return "" if when is None else units.day(when)


def days_old(days: int | None) -> str:
    """``1 day old``; ``age unknown``."""
    if days is None:
        return "age unknown"
    return f"{counted(days, 'day')} old"


def terms(rule: str, *, bounded: bool) -> tuple[str, ...]:
    """Names of the terms (group ``terms``) of an account by a rule, with interval and bracket or without."""
    return ("hop", rule, *(("interval", "bracket") if bounded else ()), "unresolved", "rounding")


def moved_word(section: Section) -> str:
    """What an address did with the value that its account is about.

    On a UTXO chain where value went is told of the coins that came to the address; an account sends transfers.
    """
    return "received" if section.direction == "source" or chain(section.subject.chain).ledger == "utxo" else "sent"
