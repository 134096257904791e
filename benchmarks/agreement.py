"""Do a trace's figures agree with the whole ledger's, and do its intervals and brackets hold what they promise?

    python -m benchmarks.agreement [--size medium] [--seed 1] [--deposits 500] [--engine reference local] [--write]

On a synthetic economy (`exposure simulate`), for deposits chosen at random from both ledgers:

1. *figures*: what `exposure trace` says of a deposit, walking backward from it, is what the rule says run forward over the
   whole ledger: every part, by category, entity and hop, and what is unresolved by reason. Order rules and poison to the base
   unit, haircut to 1e-9 of the deposit (and the unit that printing rounds to).
2. *intervals*: with parts of the histories withheld, the interval contains the figure of the whole ledger.
3. *brackets*: the bracket contains whose money it really was, wherever labels are complete: where no mixer, no swap and no
   address that a listed party keeps secret is among the deposit's ancestors.

Everything is drawn from the seed, so every machine prints the same table. ``--write`` puts it into docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

from benchmarks import tables
from benchmarks.economies import CHAINS, REALLY, Deposit, Economy, Part, Parts, loaded, made
from benchmarks.withheld import SCENARIOS, kept_of, rows_of, store_of
from exposure.model.labels import Labels
from exposure.model.ledger import Coin
from exposure.model.results import Bound, Report, Section
from exposure.model.settings import Rule, Settings
from exposure.simulate.keys import Keys
from exposure.store.histories import StoredAccountHistory, StoredUtxoHistory
from exposure.store.store import Store
from exposure.tracing.cone import PotReader, account_cone
from exposure.tracing.utxo_cone import utxo_cone
from exposure.workflows.labels import snapshot
from exposure.workflows.trace import TraceOptions, trace

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "accuracy.md"
NOBODY = Part("", "", "", None)
ANCESTRY = 5_000
MIXER = "mixer"
INDEX = "local, index"
"""The local engine with a budget that is no smaller than the ledger: account chains are read off the trace index."""
ENGINES = {"reference": CHAINS, "local": CHAINS, INDEX: ("ethereum",)}
"""Engines, and the chains on which they differ from those before."""
SECRET = "FICTION TRADING OU/unlisted"
"""The address that no list has, as the simulation derives it."""


@dataclass
class Tally:
    """Comparisons made, by row of the table, and the first few that failed, in words."""

    compared: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    largest: dict[str, Decimal] = field(default_factory=dict)
    widths: dict[str, list[float]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def check(self, row: str, held: bool, what: Callable[[], str]) -> None:
        """Count one comparison."""
        self.compared[row] += 1
        if not held:
            self.failed[row] += 1
            if len(self.words) < 20:
                self.words.append(f"{row}: {what()}")


def said(section: Section) -> Parts:
    """The parts of a section of a report, as the truth of an economy writes them: epochs added up."""
    rows = [(Part("seed", row.category, row.entity, row.hops), row.amount) for row in section.exposures]
    for known in section.attributed:
        named = ("", "") if known.kind == "mint" else (known.category, known.entity)
        rows.append((Part(known.kind, *named, known.hops), known.amount))
    rows += [(Part("unresolved", "", row.reason, None), row.amount) for row in section.unresolved]
    return gathered(section.rule, rows)


def gathered(rule: str, rows: Iterable[tuple[Part, int | Decimal]]) -> Parts:
    """Parts in the form in which both ends must be the same.

    What is unresolved counts by reason alone, and under tiho as a sum: lots of unknown origin leave in the order in which they
    came. A flag of poison has its smallest hop (the report has one for each epoch, the truth one for all).
    """
    found: Parts = {}
    for part, amount in sorted(rows, key=lambda row: (row[0].kind, row[0].category, row[0].entity, row[0].hop or 0)):
        key = part
        if part.kind == "unresolved":
            reason = "" if rule == Rule.TIHO else part.entity.partition(":")[0]
            key = Part("unresolved", "", reason, None)
        if rule == Rule.POISON:
            if not any(other[:3] == key[:3] for other in found):
                found[key] = Decimal(amount)
        else:
            found[key] = found.get(key, Decimal(0)) + amount
    return found


def traced(store: Store, deposit: Deposit, engine: str, rules: Sequence[Rule] = tuple(Rule)) -> Report:
    """A trace of a deposit, all rules side by side, as the command makes it."""
    options = TraceOptions(chain=deposit.chain, rules=tuple(rules), engine="reference" if engine == "reference" else "local")
    if engine == INDEX:
        options = replace(options, max_transactions=10**9)
    report = trace(store, deposit.subject, options)
    assert all(section.subject.amount == deposit.amount for section in report.sections)
    return report


def compare_figures(report: Report, deposit: Deposit, economy: Economy, tally: Tally, engine: str) -> None:
    """Part by part, a trace against the whole ledger."""
    for section in report.sections:
        row = f"{deposit.chain}, {section.rule}, {engine}"
        found = said(section)
        wanted = gathered(section.rule, economy.truth[deposit.id, section.rule].items())
        slack = _slack(section.rule, deposit)
        for part in found.keys() | wanted.keys():
            off = abs(found.get(part, Decimal(0)) - wanted.get(part, Decimal(0)))
            tally.largest[row] = max(tally.largest.get(row, Decimal(0)), off)
            tally.check(row, off <= slack, lambda part=part, off=off: f"{deposit.id} {part}: {off} off")


def _slack(rule: str, deposit: Deposit) -> Decimal:
    """By how much a figure may differ: not at all, but haircut divides, and prints whole units that sum to the deposit."""
    return max(Decimal(1), Decimal("1e-9") * deposit.amount) if rule == Rule.HAIRCUT else Decimal(0)


def compare_bounds(report: Report, deposit: Deposit, economy: Economy, tally: Tally, scenario: str) -> None:
    """Whether the interval of a trace of less history contains the whole ledger's figure, category by category."""
    for section in report.sections:
        row = f"{scenario}, {section.rule}"
        figures = economy.by_category(deposit.id, section.rule)
        if section.rule == Rule.TIHO:
            figures = {"risk": sum(figures.values(), Decimal(0))}
        bounds = {bound.category: bound for bound in section.bounds}
        tally.widths.setdefault(row, []).append(_width(bounds, section.rule))
        for name in sorted(figures.keys() | {bound.category for bound in section.bounds if bound.lower is not None}):
            ends = _interval(bounds, name, section.rule)
            if ends is None:
                continue
            figure, slack = figures.get(name, Decimal(0)), _slack(section.rule, deposit)
            held = ends[0] - slack <= figure <= ends[1] + slack
            tally.check(row, held, lambda n=name, f=figure, ends=ends: f"{deposit.id} {n}: {f} outside {ends}")


def _width(bounds: dict[str, Bound], rule: str) -> float:
    bound = bounds["risk" if rule == Rule.TIHO else "sanctioned"]
    assert bound.lower_share is not None and bound.upper_share is not None, bound
    return bound.upper_share - bound.lower_share


def _interval(bounds: dict[str, Bound], name: str, rule: str) -> tuple[int, int] | None:
    """Ends of an interval. Of a category that is not printed nothing was identified, and what is unresolved may be its own.

    That is what another category has above its own part. Under poison it is known only where that other one is not flagged.
    """
    bound = bounds.get(name) or bounds["sanctioned"]
    assert bound.lower is not None and bound.upper is not None, bound.no_interval
    if name in bounds:
        return bound.lower, bound.upper
    return None if rule == Rule.POISON and bound.lower else (0, bound.upper - bound.lower)


def compare_brackets(report: Report, deposit: Deposit, economy: Economy, tally: Tally, whole: bool) -> None:
    """Whether the bracket contains whose money it really was."""
    row = "labels complete" if whole else "a mixer, a swap or a secret address among the ancestors"
    section = next(section for section in report.sections if section.rule == Rule.HAIRCUT)
    brackets = {bound.category: bound for bound in section.bounds if bound.bracket_upper is not None}
    if not brackets:
        tally.check(f"{row}: no bracket", True, str)
        return
    really = economy.by_category(deposit.id, REALLY)
    for name in sorted(really.keys() | brackets.keys()):
        bound = brackets.get(name)
        ends = (0, 0) if bound is None else (bound.bracket_lower or 0, bound.bracket_upper or 0)
        amount = sum(really.values(), Decimal(0)) if name == "risk" else really.get(name, Decimal(0))
        held = ends[0] <= amount <= ends[1]
        tally.check(row, held, lambda n=name, a=amount, e=ends: f"{deposit.id} {n}: really {a}, bracket {e}")


def labels_complete(store: Store, deposit: Deposit, labels: Labels, secret: str) -> bool:
    """Whether nothing that hides or changes whose money it is lies among the ancestors of a deposit."""
    settings = Settings(max_hops=None, max_transactions=ANCESTRY)
    n = int(deposit.subject.rpartition(":")[2])
    senders: set[str]
    if deposit.chain == "bitcoin":
        cone = utxo_cone(StoredUtxoHistory(store, deposit.chain), [Coin(deposit.tx, n)], labels, settings)
        senders = {spend.address for tx in cone.txs for spend in tx.inputs if spend.address is not None}
    else:
        history = StoredAccountHistory(store, deposit.chain)
        found = account_cone(PotReader(history, labels), [history.transaction(deposit.tx)[n]], labels, settings)
        senders = {row.sender for row in found.transfers if row.ref in found.feeding and row.sender is not None}
    mixers = {address for address, seed in labels.seeds.items() if seed.category == MIXER}
    return not senders & (mixers | set(labels.pass_through) | {secret})


def figures_and_brackets(
    economy: Economy, deposits: Sequence[Deposit], engines: Sequence[str], seed: int
) -> tuple[Tally, Tally]:
    """The whole ledger, asked backward."""
    figures, brackets = Tally(), Tally()
    with tempfile.TemporaryDirectory() as folder, loaded(economy, Path(folder) / "store") as store:
        labels = snapshot(store, as_of=None).labels
        secret = Keys(seed).bitcoin(SECRET)
        for deposit in deposits:
            for place, engine in enumerate(one for one in engines if deposit.chain in ENGINES[one]):
                report = traced(store, deposit, engine)
                compare_figures(report, deposit, economy, figures, engine)
                if not place:
                    compare_brackets(report, deposit, economy, brackets, labels_complete(store, deposit, labels, secret))
    return figures, brackets


def intervals(
    economy: Economy,
    deposits: Sequence[Deposit],
    scenarios: Iterable[str],
    seed: int,
    *,
    told: Callable[[str], None] = lambda _: None,
) -> Tally:
    """The ledger with parts withheld, asked backward."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, loaded(economy, Path(folder) / "whole") as store:
        ledger = rows_of(store)
    for number, name in enumerate(scenarios):
        told(name)
        left = SCENARIOS[name](ledger, kept_of(deposits), random.Random(f"{seed} {name}"))
        with (
            tempfile.TemporaryDirectory() as folder,
            store_of(left, ledger, economy, Path(folder) / f"store{number}") as store,
        ):
            for deposit in deposits:
                # All engines take part, and a trace costs too much to be made by each of them here.
                engine = list(ENGINES)[sum(deposit.id.encode()) % len(ENGINES)]
                compare_bounds(traced(store, deposit, engine), deposit, economy, tally, name)
    return tally


def figures_grid(tally: Tally, engines: Sequence[str], count: int) -> tables.Grid:
    """By rule and ledger: parts compared and differences."""
    grid = tables.Grid(
        f"Figures of {count} deposits", ("rule", "ledger", "engine", "parts compared", "different", "largest difference")
    )
    for rule in Rule:
        for chain in CHAINS:
            for engine in (one for one in engines if chain in ENGINES[one]):
                row = f"{chain}, {rule}, {engine}"
                off = tally.largest.get(row, Decimal(0))
                unit = "0" if not off else f"{off:,.1f} {'satoshi' if chain == 'bitcoin' else 'wei'}"
                grid.add(rule.value, chain, engine, f"{tally.compared[row]:,}", f"{tally.failed[row]:,}", unit)
    return grid


def intervals_grid(tally: Tally, scenarios: Iterable[str], count: int) -> tables.Grid:
    """By scenario: how often the figure was looked for, how often it was outside, how wide the intervals were."""
    columns = ("withheld", "intervals", "outside", *(f"{rule}" for rule in Rule))
    grid = tables.Grid(f"Intervals of {count} deposits; by rule, the mean width in % of the deposit", columns)
    for name in scenarios:
        rows = [f"{name}, {rule}" for rule in Rule]
        widths = [sum(found) / len(found) if (found := tally.widths.get(row)) else 0.0 for row in rows]
        grid.add(
            name,
            f"{sum(tally.compared[row] for row in rows):,}",
            f"{sum(tally.failed[row] for row in rows):,}",
            *(f"{width * 100:.1f}" for width in widths),
        )
    return grid


def brackets_grid(tally: Tally, count: int) -> tables.Grid:
    """By what is among the ancestors: how often the truth was looked for in a bracket, and how often it was outside."""
    grid = tables.Grid(f"Brackets of {count} deposits", ("deposits", "brackets", "truth outside"))
    for row in sorted(tally.compared):
        grid.add(row, f"{tally.compared[row]:,}", "-" if "no bracket" in row else f"{tally.failed[row]:,}")
    return grid


def main() -> int:
    """Measure and print; exit code 1 if anything disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="medium", choices=("small", "medium"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deposits", type=int, default=500)
    parser.add_argument("--engine", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--scenario", nargs="*", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/accuracy.md")
    chosen = parser.parse_args()
    began = time.monotonic()

    def told(what: str) -> None:
        print(f"{time.monotonic() - began:7.0f} s  {what}", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        told("writing the economy and what each rule says of it")
        economy = made(Path(folder) / "economy", size=chosen.size, seed=chosen.seed)
        deposits = economy.chosen(chosen.deposits, chosen.seed)
        told("the whole ledger")
        figures, brackets = figures_and_brackets(economy, deposits, chosen.engine, chosen.seed)
        withheld = intervals(economy, deposits, chosen.scenario, chosen.seed, told=told)
    told("done")
    grids = {
        "figures": figures_grid(figures, chosen.engine, len(deposits)),
        "intervals": intervals_grid(withheld, chosen.scenario, len(deposits)),
        "brackets": brackets_grid(brackets, len(deposits)),
    }
    for name, grid in grids.items():
        tables.show(grid)
        if chosen.write:
            tables.write(name, tables.markdown(grid), DOCUMENT)
    complete = "labels complete"
    wrong = [*figures.words, *withheld.words, *(word for word in brackets.words if word.startswith(complete))]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
