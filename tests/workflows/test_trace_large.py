"""Over the trace index a deposit has the figures that it has over its cone: parts, interval and what is missing."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exposure.engines.local.ancestry import Unfit
from exposure.model.labels import Category, Labels, Seed, Service
from exposure.model.results import Report, Section
from exposure.model.settings import Rule
from exposure.store.coverage import Coverage
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store
from exposure.tracing.hubs import account_hubs
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import TraceOptions, large_part, trace
from exposure.workflows.trace.index import opened
from exposure.workflows.trace.large import Large

START = 1_700_000_000
RULES = (Rule.HAIRCUT, Rule.FIFO, Rule.LIFO)
WHOLE = 10**9
WHOLE_SAID = ("hub", *(f"a{n}" for n in range(24)))
DEEP = 436
"""A transfer with a cone of more than two transactions."""


def evm(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


def tx(number: int) -> str:
    return "0x" + hashlib.sha256(f"tx{number}".encode()).hexdigest()


def rows() -> list[str]:
    """Everybody pays everybody: a hub, seeds, services, mints, spends of what was never received, twice the same in one."""
    draw, lines = random.Random(11), ["tx,index,block,time,from,to,amount,asset"]
    names = ["S", "M", "K", "P", *(f"a{n}" for n in range(24))]
    held = dict.fromkeys(names, 0)
    for n in range(500):
        sender, receiver = draw.choice([None, *names] if n < 40 else names), draw.choice(names)
        if draw.random() < 0.1:
            sender = "hub" if draw.random() < 0.5 else sender
            receiver = receiver if sender == "hub" else "hub"
        if sender == receiver:
            continue
        balance = held.get(sender or "", 0)
        amount = draw.randint(1, 10**20) if balance <= 0 or draw.random() < 0.03 else draw.choice([balance, balance // 2 + 1])
        if sender is not None:
            held[sender] = held.get(sender, 0) - amount
        held[receiver] = held.get(receiver, 0) + amount
        for index in range(2 if draw.random() < 0.05 else 1):
            when, who = START + 3600 * (n // 3), evm(sender) if sender else ""
            lines.append(f"{tx(n)},{index},{n // 3},{when},{who},{evm(receiver)},{amount},ethereum/native")
    return lines


def loaded(folder: Path, *, whole: bool) -> Store:
    file = folder / "ledger.csv"
    file.write_text("\n".join(rows()) + "\n")
    store = Store.create(folder / "store")
    ingest([file], ImportOptions(chain="ethereum", whole_ledger=whole), store=store)
    tags = {"S": Category.SANCTIONED, "M": Category.MIXER, "K": Category.EXCHANGE, "P": Category.SWAP}
    for name, category in tags.items():
        add_tag(store, OwnTag(evm(name), category, f"Entity {name}", "test", "made up"), now=START)
    return store


@pytest.fixture(scope="module", params=[True, False], ids=["whole ledger", "undeclared"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with loaded(tmp_path_factory.mktemp("large"), whole=request.param) as store:
        yield store


def figures(section: Section) -> dict[object, float]:
    """All figures of a section by what they are of."""
    found: dict[object, float] = {}
    for row in section.exposures:
        found["seed", row.seed, row.hops, row.epoch] = row.amount
        found["lower", row.seed, row.hops, row.epoch] = row.lower or 0
    found |= {(row.kind, row.name, row.hops): row.amount for row in section.attributed}
    found |= {("unresolved", row.reason, row.name): row.amount for row in section.unresolved}
    for bound in section.bounds:
        found["from", bound.category], found["to", bound.category] = bound.lower or 0, bound.upper or 0
    return found | {("lacks", row.names): row.share * section.subject.amount for row in section.lacks}


def is_over_index(report: Report) -> bool:
    return any("whole ledger" in note for section in report.sections for note in section.notes)


def assert_same(mine: Report, theirs: Report) -> None:
    """Order rules to the unit, haircut to 1e-9 of the deposit (and the unit that rounding may move)."""
    for ours, other in zip(mine.sections, theirs.sections, strict=True):
        found, expected = figures(ours), figures(other)
        slack = 1e-9 * ours.subject.amount + 2 if ours.rule == "haircut" else 0
        for what in {*found, *expected}:
            allowed = 1e-9 * ours.subject.amount if isinstance(what, tuple) and what[0] == "lacks" else slack
            assert abs(found.get(what, 0) - expected.get(what, 0)) <= allowed, (ours.rule, what, found, expected)


def traced(store: Store, number: int, engine: str, **more: object) -> Report:
    options: dict[str, Any] = {"rules": RULES, "hub_counterparties": 20, "max_transactions": WHOLE, **more}
    return trace(store, f"{tx(number)}:0", TraceOptions(engine=engine, **options))


@pytest.mark.parametrize("hops", [2, 5])
def test_figures_over_the_index_are_those_over_the_cone(store: Store, hops: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_part, "EVIDENCE", 2)
    over_index = 0
    for number in range(310, 500, 27):
        if tx(number) not in "".join(rows()):
            continue
        as_of = START + 3600 * 140 if number < 420 else None
        mine, theirs = (traced(store, number, engine, hops=hops, as_of=as_of) for engine in ("local", "reference"))
        if is_over_index(mine):  # else the local engine counts in its own units
            over_index += 1
            assert_same(mine, theirs)
        assert not mine.incomplete_answer
    assert over_index > 2


def test_who_falls_short_is_not_whole_whatever_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_part, "EVIDENCE", 2)
    with loaded(tmp_path, whole=False) as store:
        with store.writer("declared") as writer:
            writer.declare([Coverage("ethereum", evm(name)) for name in WHOLE_SAID])
            writer.commit()
        short = 0
        for number in (DEEP, 337, 364, 391, 472):
            mine, theirs = (traced(store, number, engine) for engine in ("local", "reference"))
            if not is_over_index(mine):
                continue
            assert_same(mine, theirs)
            lacking = {name for section in mine.sections for lack in section.lacks for name in lack.names}
            short += bool(lacking & set(map(evm, WHOLE_SAID)))
        assert short


def test_of_a_payer_that_is_not_read_there_are_figures_but_no_paths(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_part, "LONGEST", 1)
    report, seeds = traced(store, DEEP, "local"), {evm("S"), evm("M")}
    assert is_over_index(report)
    for section in report.sections:
        rows = [row for row in section.exposures if row.hops > 1]
        assert rows and not section.paths
        assert {used.address for row in rows for used in row.seeds} == seeds


def test_hubs_are_counted_by_owner(store: Store) -> None:
    history = StoredAccountHistory(store, "ethereum")
    asset, names = "ethereum/native", [evm(f"a{n}") for n in range(24)]
    labels = Labels(owners=dict.fromkeys(names[:9], names[0]), boundaries={names[0]: Service("X", "exchange")})
    found = set()
    with opened(store, "ethereum", history.as_of) as index:
        for threshold in range(8, 26):
            large = Large(index, history, labels, asset, threshold=threshold, dust=10**15)
            expected = account_hubs(history.counterparties, labels, asset, threshold=threshold, dust=10**15)
            for name in names[9:]:
                assert large.reason(name) == expected(name), threshold
                found.add(expected(name))
    assert None in found and len(found) > 3


@pytest.mark.parametrize("more", [{"rules": (Rule.TIHO,)}, {"max_transactions": 60}, {"engine": "reference"}])
def test_it_is_only_used_where_nothing_is_left_out(store: Store, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_part, "EVIDENCE", 2)
    assert is_over_index(traced(store, DEEP, "local"))
    assert not is_over_index(traced(store, DEEP, **{"engine": "local", **more}))


def test_a_spent_budget_names_what_would_leave_nothing_out(store: Store) -> None:
    (said,) = traced(store, DEEP, "reference", max_transactions=20).incomplete_answer
    budget = re.search("--engine local --max-transactions ([0-9]+) leaves nothing out", str(said))
    assert budget is not None and int(budget[1]) == len(rows()) - 1
    assert not traced(store, DEEP, "local", max_transactions=int(budget[1])).incomplete_answer
    (said,) = traced(store, DEEP, "reference", max_transactions=20, rules=(Rule.TIHO,)).incomplete_answer
    assert "--engine" not in str(said)


def test_a_theft_at_the_limit_is_met(store: Store) -> None:
    history = StoredAccountHistory(store, "ethereum")
    subject = history.transaction(tx(DEEP))[0]
    with opened(store, "ethereum", history.as_of) as index:
        payers = {
            row.tx: row.sender
            for row in history.movements(subject.sender or "", subject.asset)
            if row.receiver == subject.sender
        }
        theft = next(name for name, payer in payers.items() if payer)
        labels = Labels(tx_seeds={theft: Seed("thief", "stolen_funds")})
        large = Large(index, history, labels, subject.asset, threshold=1000, dust=0)
        for hops in (1, 2):  # its payer is further away than the limit, and its value is not
            with pytest.raises(Unfit):
                large.carried(subject, Rule.FIFO, hops)


def test_what_it_is_not_made_for_is_said_not_guessed(store: Store) -> None:
    history = StoredAccountHistory(store, "ethereum")
    subject = history.transaction(tx(DEEP))[0]
    seed = Seed("thief", "stolen_funds", dates=(START,))
    payers = {row.sender or "" for row in history.movements(subject.sender or "", subject.asset)}
    snapshots = [
        Labels(tx_seeds={subject.tx: seed}),
        Labels(asset_seeds={subject.asset: seed}),
        Labels(owners=dict.fromkeys(payers, "c")),
        Labels(seeds=dict.fromkeys(payers, seed), seeds_from_designation=True),
    ]
    with opened(store, "ethereum", history.as_of) as index:
        for labels in [Labels(), *snapshots]:
            with contextlib.nullcontext() if labels == Labels() else pytest.raises(Unfit):
                large = Large(index, history, labels, subject.asset, threshold=1000, dust=0)
                assert sum(lot.amount for lot in large.carried(subject, Rule.FIFO, 5).lots) == subject.amount
