"""Comparing what an engine says of a worked case with what the case expects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from exposure.engines.registry import Engine, engine
from exposure.measure.account import Account, Part, categories
from exposure.measure.account import source as parts_of
from exposure.model.labels import Seed
from exposure.model.settings import Rule
from exposure.taint.reference.lots import Amount, Lot
from exposure.tracing.bracket import account_arcs, bracket_of, utxo_arcs
from exposure.workflows.selfcheck.cases import Case, Json, amount, read_cases
from exposure.workflows.selfcheck.subjects import Ledger

HAIRCUT_ERROR = Fraction(1, 10**9)


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case under one rule (or its bracket): how many figures were compared, and which differ."""

    case: str
    rule: str
    figures: int
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether something was compared and nothing differs."""
        return not self.differences


def check_file(path: Path, engine_name: str = "reference") -> Iterator[CaseResult]:
    """Run every case of a file under every rule it names, in order."""
    chosen = engine(engine_name)
    for case in read_cases(path):
        yield from check_case(case, chosen)


def check_case(case: Case, chosen: Engine) -> Iterator[CaseResult]:
    """Run one case under every rule it names, then its bracket."""
    for name, expected in case.expected.items():
        rule = Rule(name)
        comparison = _Comparison(Ledger(case, rule, chosen))
        comparison.all(expected)
        yield CaseResult(case.id, name, comparison.figures, tuple(comparison.differences))
    if case.bracket is not None:
        yield _check_bracket(case, case.bracket)


class _Comparison:
    """The figures of one case and rule, compared one by one."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.limit = ledger.case.max_hops
        self.category = {**categories(ledger.case.labels), "followed": "followed"}
        self.dated = {seed.name for seed in _seeds(ledger.case) if seed.dates}
        self.figures = 0
        self.differences: list[str] = []

    def all(self, expected: Json) -> None:
        """Compare everything that is stated."""
        for ref, by_name in expected.get("taint", {}).items():
            wanted = {(name, int(hop)): value for name, hops in by_name.items() for hop, value in hops.items()}
            self.table(f"taint of {ref}", wanted, self.taint(self.ledger.figure.received[ref]))
        for tx, by_name in expected.get("fees", {}).items():
            self.table(f"fee of {tx}", by_name, self.by_name(self.ledger.figure.fees.get(tx, ())))
        for pot, rows in expected.get("held", {}).items():
            self.held(pot, rows)
        if "collisions" in expected:
            self.equal("collisions", expected["collisions"], self.ledger.figure.collisions)
        for wanted_account in expected.get("accounts", ()):
            self.account(wanted_account)

    def name(self, part: Part) -> str:
        """What a part is called in the file: category, with the epoch where its seed has dates."""
        if part.kind != "seed":
            return part.name
        category = self.category[part.name]
        return f"{category}@{part.epoch}" if part.name in self.dated else category

    def taint(self, lots: Sequence[Lot]) -> dict[tuple[str, int], Amount]:
        """Tainted parts by seed name and hop. Under poison: the whole value for each flag, at its smallest hop."""
        found: dict[tuple[str, int], Amount] = defaultdict(int)
        poison = self.ledger.rule is Rule.POISON
        smallest: dict[str, int] = {}
        for lot in lots:
            for part, value in parts_of([lot], self.limit).items():
                if part.kind != "seed" or part.hop is None:
                    continue
                name = self.name(part)
                if poison:
                    smallest[name] = min(smallest.get(name, part.hop), part.hop)
                    found[name, part.hop] = value
                else:
                    found[name, part.hop] += value
        return {key: value for key, value in found.items() if not poison or smallest[key[0]] == key[1]}

    def by_name(self, lots: Sequence[Lot]) -> dict[str, Amount]:
        """Tainted parts by seed name, summed over hops."""
        total: dict[str, Amount] = defaultdict(int)
        for (name, _), value in self.taint(lots).items():
            total[name] += value
        return dict(total)

    def held(self, pot: str, rows: Sequence[Sequence[object]]) -> None:
        """What a pot holds at the end; only the parts named are compared, summed over hops."""
        address, _, asset = pot.rpartition("|")
        key = self.ledger.case.labels.owner(address), asset
        lots = self.ledger.figure.held.get(key, ())
        found: dict[tuple[str, str], Amount] = defaultdict(int)
        for part, value in parts_of(lots, self.limit).items():
            found[part.kind, self.name(part)] += value
        for kind, name, _, value in rows:
            self.equal(f"held at {pot}: {kind} {name}", value, found.get((str(kind), str(name)), 0))

    def account(self, wanted: Json) -> None:
        """A complete account: total, parts, own category, interval."""
        subject, direction = wanted["subject"], wanted["direction"]
        refs = self.ledger.refs(subject, direction)
        label = f"{direction} of {next(iter(subject.values()))}"
        if "total" in wanted:
            self.equal(f"{label}: total", wanted["total"], sum(self.ledger.amount(ref) for ref in refs))
        if "parts" in wanted:
            self.parts(label, wanted["parts"], self.ledger.account(refs, direction))
        if "own" in wanted:
            seed = self.ledger.case.labels.seeds.get(subject.get("address", ""))
            self.figures += 1
            if (seed.category if seed else None) != wanted["own"]:
                self.differences.append(f"{label}: own is {seed.category if seed else None}, expected {wanted['own']}")
        if "interval" in wanted:
            found = self.ledger.bounds(refs, direction, list(wanted["interval"]))
            for name, (lower, upper) in wanted["interval"].items():
                low, high = found.get(name, (0, 0))
                self.equal(f"{label}: {name} at least", lower, low)
                self.equal(f"{label}: {name} at most", upper, high)

    def parts(self, label: str, wanted: Sequence[Sequence[object]], account: Account) -> None:
        """Exact names and hops first; then ``*`` for all names of a kind not matched yet, and no hop for the sum over hops."""
        left: dict[tuple[str, str, int | None], Amount] = defaultdict(int)
        for part, value in account.items():
            left[part.kind, self.name(part), part.hop] += value
        loose = [row for row in wanted if row[1] == "*" or row[2] is None]
        for row in [row for row in wanted if row not in loose] + sorted(loose, key=lambda row: row[1] == "*"):
            kind, name, hop, value = row
            keys = [k for k in left if k[0] == kind and name in ("*", k[1]) and hop in (None, k[2])]
            self.equal(f"{label}: {kind} {name} hop {hop}", value, sum(left.pop(key) for key in keys))
        for (kind, name, hop), value in left.items():
            self.equal(f"{label}: {kind} {name} hop {hop} (not expected)", 0, value)

    def table(self, label: str, wanted: Mapping[Any, Any], found: Mapping[Any, Amount]) -> None:
        """Two tables, each entry; what is in one only counts as zero in the other."""
        for key in {**dict.fromkeys(wanted), **dict.fromkeys(found)}:
            self.equal(f"{label}: {key}", wanted.get(key, 0), found.get(key, 0))
        if not wanted and not found:
            self.figures += 1

    def equal(self, label: str, wanted: Any, found: Amount) -> None:
        """One figure: exactly, or to 1e-9 of it under haircut."""
        self.figures += 1
        expected, actual = amount(wanted), Fraction(found)
        allowed = abs(expected) * HAIRCUT_ERROR if self.ledger.rule is Rule.HAIRCUT else 0
        if expected == 0 and self.ledger.rule is Rule.HAIRCUT:
            allowed = HAIRCUT_ERROR
        if abs(actual - expected) > allowed:
            self.differences.append(f"{label} is {_shown(actual)}, expected {_shown(expected)}")


def _shown(value: Fraction) -> str:
    return str(value) if value.denominator < 10**6 else f"{float(value):.12g}"


def _seeds(case: Case) -> Iterator[Seed]:
    labels = case.labels
    yield from (*labels.seeds.values(), *labels.coin_seeds.values(), *labels.tx_seeds.values())


def _check_bracket(case: Case, wanted: Json) -> CaseResult:
    """At least and at most over all conserving allocations, compared exactly."""
    subject = str(next(iter(wanted["subject"].values())))
    if case.kind == "utxo":
        arcs = utxo_arcs(case.txs, case.labels, subject, taint_fee=case.taint_fee)
    else:
        arcs = account_arcs(case.transfers, case.labels, subject, openings=case.openings)
    total = Ledger(case, Rule.FIFO, engine("reference")).amount(subject)
    found = bracket_of(arcs, total, case.labels, list(wanted["values"]))
    differences = [
        f"{category}: at least and at most are {list(found[category])}, expected {values}"
        for category, values in wanted["values"].items()
        if list(found[category]) != list(values)
    ]
    return CaseResult(case.id, "bracket", 2 * len(wanted["values"]), tuple(differences))
