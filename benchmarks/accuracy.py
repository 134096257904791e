"""How far is each rule from whose money it really was?

    python -m benchmarks.accuracy [--size medium] [--seed 1] [--scenario NAME ...] [--write]

A synthetic economy keeps account of whose money every coin is; a rule infers it from amounts and order. They are compared for
every customer deposit: the part that came from risky sources, all of them together except mixers (whose own money is nobody's).

Scenarios differ in what people part with first when they pay, which is what no ledger shows, and in the ledger. All figures are
the rules' own, run forward over the whole ledger up to five hops, with the labels of all lists; so what is wrong in them is the
rule's convention, what lists do not know, what mixers and swaps hide, and what lies beyond five hops. Everything is drawn from
the seed. ``--write`` puts the tables into docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from benchmarks import tables
from exposure.model.settings import DEFAULT_HOPS, Rule, Settings
from exposure.simulate import economy, truth
from exposure.simulate.accounts import ETH
from exposure.simulate.labels import snapshot
from exposure.simulate.ledgers import account_ledger, coin_ledger
from exposure.simulate.provenance import Habit
from exposure.simulate.sizes import Plan, plan
from exposure.simulate.world import Deposit, begin

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
FLAGGED = Fraction(1, 100)
"""From this share of a deposit on it counts as flagged, and as really risky."""
MIXER = "mixer"


class Scenario(NamedTuple):
    """An economy, and which of its deposits count: those in an asset (None: all)."""

    name: str
    habit: Habit | None = None
    joint: bool = False
    ledger: str | None = None


SCENARIOS = (
    Scenario("habits as they come: all ledgers"),
    Scenario("habits as they come: bitcoin", ledger="bitcoin"),
    Scenario("habits as they come: ether", ledger="ether"),
    Scenario("habits as they come: token", ledger="token"),
    Scenario("everybody parts with anything", Habit.ANY),
    Scenario("everybody parts with dirty money first", Habit.DIRTY_FIRST),
    Scenario("everybody parts with clean money first", Habit.CLEAN_FIRST),
    Scenario("everybody parts with the largest sum first", Habit.LARGEST_FIRST),
    Scenario("with joint transactions: bitcoin", joint=True, ledger="bitcoin"),
)


class Judged(NamedTuple):
    """One deposit: the part that really was risky, the part that each rule finds, and the part that it leaves open.

    ``open``: what is unresolved, or from a mixer, whose origin is hidden by design.
    """

    ledger: str
    really: Fraction
    found: dict[Rule, Fraction]
    open: dict[Rule, Fraction]


def judged(made: Plan) -> list[Judged]:
    """Every customer deposit of an economy with what is true of it and what each rule says."""
    world = begin(made)
    chunks = list(economy.run(world))
    deposits = [deposit for chunk in chunks for deposit in chunk.deposits]
    outputs = [row for chunk in chunks for row in chunk.outputs]
    inputs = [row for chunk in chunks for row in chunk.inputs]
    transfers = [row for chunk in chunks for row in chunk.transfers]
    ledgers = truth.WholeLedgers(coin_ledger(outputs, inputs), list(account_ledger(transfers)), snapshot(world.cast))
    found: dict[tuple[str, Rule], Fraction] = {}
    left: dict[tuple[str, Rule], Fraction] = {}
    for rule in Rule:
        rows = truth.by_rule(deposits, ledgers, Settings(rule=rule, max_hops=DEFAULT_HOPS))
        for into, counts in ((found, is_risky), (left, is_open)):
            for deposit, amount in summed(rows, counts, overlap=rule is Rule.POISON).items():
                into[deposit, rule] = amount
    really = summed(truth.really(deposits, world.sources), is_risky)
    return [
        Judged(
            _ledger(deposit),
            really.get(deposit.id, Fraction(0)) / deposit.amount,
            {rule: found.get((deposit.id, rule), Fraction(0)) / deposit.amount for rule in Rule},
            {rule: left.get((deposit.id, rule), Fraction(0)) / deposit.amount for rule in Rule},
        )
        for deposit in deposits
    ]


def _ledger(deposit: Deposit) -> str:
    return "bitcoin" if deposit.chain == "bitcoin" else "ether" if deposit.asset == ETH else "token"


def is_risky(row: truth.TruthRow) -> bool:
    """Whether a part is from a seed other than a mixer."""
    return row.kind == "seed" and row.category != MIXER


def is_open(row: truth.TruthRow) -> bool:
    """Whether nobody knows where a part is from."""
    return row.kind == "unresolved" or (row.kind == "seed" and row.category == MIXER)


def summed(
    rows: Iterable[truth.TruthRow], counts: Callable[[truth.TruthRow], bool], *, overlap: bool = False
) -> dict[str, Fraction]:
    """By deposit, the amount of the parts that count. Under poison every row is of the whole deposit (``overlap``)."""
    found: dict[str, Fraction] = {}
    for row in rows:
        if counts(row):
            amount = Fraction(row.amount)
            found[row.deposit] = amount if overlap else found.get(row.deposit, Fraction(0)) + amount
    return found


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return sum(known) / len(known) if known else None


def measured(size: str, seed: int, scenarios: Iterable[Scenario]) -> Iterator[tuple[Scenario, list[Judged]]]:
    """Each scenario with its deposits; an economy that several share is made once."""
    made: dict[Plan, list[Judged]] = {}
    for scenario in scenarios:
        chosen = replace(plan(size, seed), habit=scenario.habit, joint=scenario.joint)
        if chosen not in made:
            made = {chosen: judged(chosen)}  # the one before is not asked for again: scenarios of one economy stand together
        yield scenario, [one for one in made[chosen] if scenario.ledger in (None, one.ledger)]


class Measure(NamedTuple):
    """A table: its title, which deposits it counts, and what it adds up of each, as a part of one."""

    title: str
    counts: Callable[[Judged], bool]
    read: Callable[[Judged, Rule], Fraction | bool]


MEASURES = {
    "errors": Measure(
        "Mean error, in points of a hundred of the deposit",
        lambda one: True,
        lambda one, rule: abs(one.found[rule] - one.really),
    ),
    "false alarms": Measure(
        "Flagged though nothing risky was in it, % of such deposits",
        lambda one: not one.really,
        lambda one, rule: one.found[rule] >= FLAGGED,
    ),
    "misses": Measure(
        "Not flagged though 1 % or more was risky, % of such deposits",
        lambda one: one.really >= FLAGGED,
        lambda one, rule: one.found[rule] < FLAGGED,
    ),
    "silent": Measure(
        "Missed in silence: less than 1 % found, and less than 1 % left open, % of such deposits",
        lambda one: one.really >= FLAGGED,
        lambda one, rule: one.found[rule] < FLAGGED and one.open[rule] < FLAGGED,
    ),
}


def grids(found: Sequence[tuple[Scenario, list[Judged]]]) -> dict[str, tables.Grid]:
    """A table for each measure: scenarios down, rules across."""
    made = {}
    for name, (title, counts, read) in MEASURES.items():
        grid = tables.Grid(title, ("scenario", "deposits", *(rule.value for rule in Rule)))
        for scenario, deposits in found:
            counted = [one for one in deposits if counts(one)]
            cells = [_mean(float(read(one, rule)) for one in counted) for rule in Rule]
            grid.add(scenario.name, f"{len(counted):,}", *("-" if cell is None else f"{cell * 100:.1f}" for cell in cells))
        made[name] = grid
    return made


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="medium", choices=("small", "medium"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", nargs="*", default=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("--write", action="store_true", help="put the tables into docs/accuracy.md")
    chosen = parser.parse_args()
    found = []
    for scenario, deposits in measured(chosen.size, chosen.seed, [one for one in SCENARIOS if one.name in chosen.scenario]):
        print(f"{scenario.name}: {len(deposits):,} deposits", file=sys.stderr)
        found.append((scenario, deposits))
    for name, grid in grids(found).items():
        tables.show(grid)
        if chosen.write:
            tables.write(name, tables.markdown(grid), DOCUMENT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
