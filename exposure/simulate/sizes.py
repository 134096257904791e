"""How large an economy is and when it takes place: one frozen value a run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from exposure.errors import InputError
from exposure.simulate.provenance import Habit

DAY = 86_400
START = 1_672_531_200  # 2023-01-01T00:00:00Z


@dataclass(frozen=True, slots=True)
class Plan:
    """A run. A generation is a set of users with its own time; services, criminals and the institution live on.

    ``steps``: blocks of the UTXO chain in each generation. ``coin_events`` and ``account_events``: what people do in each.
    ``joint``: whether several people make transactions together (CoinJoins, payjoins). ``habit``: everybody's, where all
    users and launderers are to have the same; else each has his own.
    """

    size: str
    seed: int
    generations: int
    steps: int
    step_seconds: int
    users: int
    customers: int
    launderers: int
    coin_events: int
    account_events: int
    start: int = START
    joint: bool = False
    habit: Habit | None = None

    @property
    def seconds(self) -> int:
        """Length of the whole run."""
        return self.generations * self.steps * self.step_seconds

    def day(self, share: float) -> int:
        """00:00 UTC of the day at a share of the run's length, in unix seconds."""
        return (self.start + int(self.seconds * share)) // DAY * DAY


SMALL = Plan(
    size="small",
    seed=1,
    generations=1,
    steps=240,
    step_seconds=DAY,
    users=40,
    customers=10,
    launderers=5,
    coin_events=3,
    account_events=4,
)
MEDIUM = Plan(
    size="medium",
    seed=1,
    generations=4,
    steps=600,
    step_seconds=6 * 3600,
    users=4_000,
    customers=400,
    launderers=120,
    coin_events=22,
    account_events=32,
)
LARGE = Plan(
    size="large",
    seed=1,
    generations=306,
    steps=250,
    step_seconds=1_800,
    users=5_000,
    customers=400,
    launderers=150,
    coin_events=50,
    account_events=60,
)
SIZES = {plan.size: plan for plan in (SMALL, MEDIUM, LARGE)}


def plan(size: str, seed: int, *, joint: bool = False) -> Plan:
    """The plan of a named size.

    Raises
    ------
    InputError
        If the size is unknown or the seed is negative.
    """
    if size not in SIZES:
        raise InputError(f"unknown size {size!r}: use one of {', '.join(SIZES)}")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed {seed} is out of range: use a whole number from 0 to 2^63-1")
    return replace(SIZES[size], seed=seed, joint=joint)
