"""What a sanctions programme is about (Russia, cyber, narcotics, ...) and what a regime imposes: read from a data file."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

SUBJECTS = (
    ("russia", "belarus", "dprk", "iran", "terrorism", "cyber", "narcotics", "organised_crime", "human_rights")
    + ("proliferation", "elections", "other_countries")
)  # fmt: skip
"""What programmes are about. One that none of them fits has no subject."""


_PREFIX = re.compile(r"^(?:AU|CA|CH|EU|GB|IL|JP|SECO|UA|UN|US)-(?=[A-Z0-9])")
"""What OpenSanctions puts before its names of programmes."""


class Regime(NamedTuple):
    """Who designates, what a designation means where the list does not say, and the page that states it."""

    code: str
    authority: str
    measure: str
    source: str


class _Rule(NamedTuple):
    regime: str
    subject: str
    begins: tuple[str, ...]
    holds: tuple[str, ...]


@lru_cache(maxsize=1)
def _file() -> tuple[dict[str, Regime], tuple[_Rule, ...]]:
    content = tomllib.loads(files("exposure.attribution").joinpath("programmes.toml").read_text(encoding="utf-8"))
    regimes = {row["code"]: Regime(row["code"], row["authority"], row["measure"], row["source"]) for row in content["regime"]}
    rules = (
        _Rule(
            row["regime"],
            row["subject"],
            tuple(text.upper() for text in row.get("begins", ())),
            tuple(text.upper() for text in row.get("holds", ())),
        )
        for row in content["programmes"]
    )
    return regimes, tuple(rules)


def regimes() -> dict[str, Regime]:
    """Every regime of the data file, by its code."""
    return dict(_file()[0])


@lru_cache(maxsize=4096)
def subject_of(regime: str, programme: str) -> str:
    """What a programme is about, one of `SUBJECTS`; empty if the data file does not know it.

    Parameters
    ----------
    regime
        Code of the regime, such as US.
    programme
        As the list has it, or as OpenSanctions names it (``EU-RUS``, ``AU-DPRK``, ``SECO-UKRAINE``, ``UN-SC1718``).
    """
    text = _PREFIX.sub("", programme.upper())
    best, length = "", 0
    for rule in _file()[1]:
        if rule.regime not in ("*", regime):
            continue
        for known in (*(one for one in rule.begins if text.startswith(one)), *(one for one in rule.holds if one in text)):
            if len(known) > length:
                best, length = rule.subject, len(known)
    return best


def measures_of(regime: str, stated: tuple[str, ...]) -> tuple[str, ...]:
    """What is imposed: what the list states for the party, else what a designation under the regime means."""
    known = _file()[0].get(regime)
    return stated or ((known.measure,) if known is not None else ())
