"""Who holds what of whom, and which parties are designated, as lists state it. Dates are unix seconds of 00:00 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tie(StrEnum):
    """What a holding is. Shares are added up; control counts where a regime's rule says so; a seat on a board never does."""

    OWNERSHIP = "ownership"
    CONTROL = "control"
    DIRECTORSHIP = "directorship"


@dataclass(frozen=True, slots=True)
class Holding:
    """One party's stake in another. ``owner`` and ``owned`` are ids of their list, or names where it has none.

    ``share`` is percent as an exact decimal text, empty where it is not known. ``since`` and ``until``: first and last day,
    None where there is none.
    """

    owner: str
    owned: str
    owner_name: str
    owned_name: str
    share: str = ""
    tie: Tie = Tie.OWNERSHIP
    since: int | None = None
    until: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class PartyDesignation:
    """A party that a regime lists, whether or not any address of it is known."""

    party: str
    name: str
    regime: str
    programme: str = ""
    listed_on: int | None = None
    delisted_on: int | None = None
