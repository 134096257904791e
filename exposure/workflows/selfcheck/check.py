"""Comparing what an engine says of a worked case with what the case expects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from exposure.engines.registry import Engine, engine
from exposure.errors import EngineError
from exposure.measure.account import Account, Part, categories
from exposure.measure.account import source as parts_of
from exposure.model.ledger import Kind
from exposure.model.settings import Rule
from exposure.taint.reference.lots import Amount, Lot
from exposure.tracing.bracket import account_arcs, bracket_of, utxo_arcs
from exposure.workflows.selfcheck.cases import Case, read_cases
from exposure.workflows.selfcheck.expectations import Bracket, Expected, WantedAccount, WantedPart
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
        """Whether nothing differs."""
        return not self.differences


def check_file(path: Path, engine_name: str = "reference") -> Iterator[CaseResult]:
    """Run every case of a file under every rule it names, in order. The file is read whole before the first case runs."""
    chosen = engine(engine_name)
    cases = read_cases(path)
    return (result for case in cases for result in check_case(case, chosen))


def check_case(case: Case, chosen: Engine) -> Iterator[CaseResult]:
    """Run one case under every rule it names, then its bracket."""
    for name, expected in case.expected.items():
        comparison: _Comparison | None = None
        try:
            comparison = _Comparison(Ledger(case, Rule(name), chosen))
            comparison.all(expected)
        except EngineError as error:  # an engine that finds its own result wrong has not passed
            found = comparison or _NOTHING
            yield CaseResult(case.id, name, found.figures + 1, (*found.differences, str(error)))
            continue
        yield CaseResult(case.id, name, comparison.figures, tuple(comparison.differences))
    if case.bracket is not None:
        yield _check_bracket(case, case.bracket)


class _Tally:
    """Figures compared so far, and what differs."""

    def __init__(self) -> None:
        self.figures = 0
        self.differences: list[str] = []


_NOTHING = _Tally()


class _Comparison(_Tally):
    """The figures of one case and rule, compared one by one."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger = ledger
        self.limit = ledger.case.max_hops
        labels = ledger.case.labels
        self.category = {**categories(labels), "followed": "followed"}
        seeds = (*labels.seeds.values(), *labels.coin_seeds.values(), *labels.tx_seeds.values())
        self.dated = {seed.name for seed in seeds if seed.dates}

    def all(self, expected: Expected) -> None:
        """Compare everything that is stated."""
        for ref, wanted in expected.taint.items():
            self.table(f"taint of {ref}", wanted, self.taint(self.ledger.figure.received[ref]))
        for tx, by_name in expected.fees.items():
            self.table(f"fee of {tx}", by_name, self.fee(tx))
        for pot, rows in expected.held.items():
            self.held(pot, rows)
        if expected.collisions is not None:
            self.equal("collisions", Fraction(expected.collisions), self.ledger.figure.collisions)
        for wanted_account in expected.accounts:
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

    def fee(self, tx: str) -> dict[str, Amount]:
        """Tainted parts of a transaction's fees by seed name, summed over hops (poison: each fee is flagged by itself)."""
        run, case = self.ledger.figure, self.ledger.case
        paid = [run.received[row.ref] for row in case.transfers if row.tx == tx and row.kind is Kind.FEE]
        total: dict[str, Amount] = defaultdict(int)
        for lots in paid if case.kind == "account" else [run.fees.get(tx, ())]:
            for (name, _), value in self.taint(lots).items():
                total[name] += value
        return dict(total)

    def held(self, pot: tuple[str, str], rows: Sequence[WantedPart]) -> None:
        """What a pot holds at the end; only parts named are compared, each summed over hops; ``*`` is the rest of a kind."""
        found: dict[tuple[str, str], Amount] = defaultdict(int)
        for part, value in parts_of(self.ledger.figure.held.get(pot, ()), self.limit).items():
            key = part.kind, self.name(part)
            found[key] = value if self.ledger.rule is Rule.POISON else found[key] + value
        for row in sorted(rows, key=lambda row: row.name == "*"):
            keys = [key for key in found if key[0] == row.kind and row.name in ("*", key[1])]
            amount = sum(found.pop(key) for key in keys)
            self.equal(f"held at {'|'.join(pot)}: {row.kind} {row.name}", row.amount, amount)

    def account(self, wanted: WantedAccount) -> None:
        """A complete account: total, parts, own category, interval."""
        subject, direction = wanted.subject, wanted.direction
        refs = self.ledger.refs(subject, direction)
        label = f"{direction} of {subject.name}"
        if wanted.total is not None:
            self.equal(f"{label}: total", wanted.total, sum(self.ledger.case.amount(ref) for ref in refs))
        if wanted.parts is not None:
            self.parts(label, wanted.parts, self.ledger.account(refs, direction))
        if wanted.states_own:
            self.figures += 1
            found_own = self.ledger.own(subject)
            if found_own != wanted.own:
                self.differences.append(f"{label}: own is {found_own}, expected {wanted.own}")
        if wanted.interval:
            found = self.ledger.bounds(refs, direction, list(wanted.interval))
            for name, (lower, upper) in wanted.interval.items():
                low, high = found.get(name, (0, 0))
                self.equal(f"{label}: {name} at least", lower, low)
                self.equal(f"{label}: {name} at most", upper, high)

    def parts(self, label: str, wanted: Sequence[WantedPart], account: Account) -> None:
        """Exact names and hops first; then ``*`` for all names of a kind not matched yet, and no hop for the sum over hops."""
        left: dict[tuple[str, str, int | None], Amount] = defaultdict(int)
        for part, value in account.items():
            left[part.kind, self.name(part), part.hop] += value
        for kind, name, hop, value in sorted(wanted, key=lambda row: (row.name == "*", row.hop is None)):
            keys = [key for key in left if key[0] == kind and name in ("*", key[1]) and hop in (None, key[2])]
            self.equal(f"{label}: {kind} {name} hop {hop}", value, sum(left.pop(key) for key in keys))
        for (kind, name, hop), rest in left.items():
            self.equal(f"{label}: {kind} {name} hop {hop} (not expected)", Fraction(0), rest)

    def table(self, label: str, wanted: Mapping[Any, Fraction], found: Mapping[Any, Amount]) -> None:
        """Two tables, each entry; what is in one only counts as zero in the other."""
        for key in {**dict.fromkeys(wanted), **dict.fromkeys(found)}:
            shown = f"{key[0]} hop {key[1]}" if isinstance(key, tuple) else key
            self.equal(f"{label}: {shown}", wanted.get(key, Fraction(0)), found.get(key, 0))
        if not wanted and not found:
            self.figures += 1

    def equal(self, label: str, expected: Fraction, found: Amount) -> None:
        """One figure: exactly, or to 1e-9 of it under haircut."""
        self.figures += 1
        actual = Fraction(found)
        allowed = max(abs(expected), Fraction(expected == 0)) * HAIRCUT_ERROR if self.ledger.rule is Rule.HAIRCUT else 0
        if abs(actual - expected) > allowed:
            self.differences.append(f"{label} is {_shown(actual)}, expected {_shown(expected)}")


def _shown(value: Fraction) -> str:
    return str(value) if value.denominator < 10**6 else f"{float(value):.12g}"


def _check_bracket(case: Case, wanted: Bracket) -> CaseResult:
    """At least and at most over all conserving allocations, compared exactly."""
    subject = wanted.subject.name
    if case.kind == "utxo":
        arcs = utxo_arcs(case.txs, case.labels, subject, taint_fee=case.taint_fee)
    else:
        arcs = account_arcs(case.transfers, case.labels, subject, openings=case.openings)
    found = bracket_of(arcs, case.amount(subject), case.labels, list(wanted.values))
    differences = [
        f"{category}: at least and at most are {list(found[category])}, expected [{_shown(least)}, {_shown(most)}]"
        for category, (least, most) in wanted.values.items()
        if [Fraction(end) for end in found[category]] != [least, most]
    ]
    return CaseResult(case.id, "bracket", 2 * len(wanted.values), tuple(differences))
