"""Over the trace index a deposit has the figures that it has over its cone: parts, interval and what is missing."""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exposure.engines.local.ancestry import Unfit
from exposure.model.labels import Category, Labels, Seed, Service
from exposure.model.results import Report, Section
from exposure.model.settings import Direction, Rule
from exposure.store import looks
from exposure.store.catalogue import connect, transaction
from exposure.store.coverage import Coverage
from exposure.store.histories import StoredAccountHistory
from exposure.store.looks import Look
from exposure.store.store import Store
from exposure.tracing.hubs import account_hubs
from exposure.workflows.case.record import Recording
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import TraceOptions, indexed, large_part, question, trace
from exposure.workflows.trace.index import opened
from exposure.workflows.trace.large import Large
from exposure.workflows.trace.run import answer

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


def figures(section: Section) -> dict[tuple[Any, ...], float]:
    """All figures of a section by what they are of."""
    found: dict[tuple[Any, ...], float] = {}
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
        listed = {bound.category for bound in ours.bounds} & {bound.category for bound in other.bounds}
        assert "sanctioned" in listed  # the bracket, which hangs on the budget, lists more: of nothing found, all that is open
        for what in {*found, *expected}:
            if what[0] in ("from", "to") and what[1] not in listed:
                continue
            allowed = 1e-9 * ours.subject.amount if what[0] == "lacks" else slack
            assert abs(found.get(what, 0) - expected.get(what, 0)) <= allowed, (ours.rule, what, found, expected)


@pytest.fixture(autouse=True)
def any_budget_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledgers here are small, so their budgets are too: none of them is a wish to look at less."""
    monkeypatch.setattr(question, "DEFAULT_MAX_TRANSACTIONS", 1)


def traced(store: Store, number: int, engine: str = "reference", **more: object) -> Report:
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
    owners = {**dict.fromkeys(names[:9], names[0]), **dict.fromkeys(names[9:12], names[9])}
    labels = Labels(owners=owners, boundaries={names[0]: Service("X", "exchange")})
    found = set()
    with opened(store, "ethereum", history.as_of) as index:
        for threshold in range(8, 26):
            large = Large(index, history, labels, asset, threshold=threshold, dust=10**15)
            expected = account_hubs(history.counterparties, labels, asset, threshold=threshold, dust=10**15)
            for name in (names[9], *names[12:]):
                assert large.reason(name) == expected(name), threshold
                found.add(expected(name))
    assert None in found and len(found) > 3


@pytest.mark.parametrize("engine", ["reference", "local"])
def test_where_the_budget_is_spent_the_figures_are_those_of_a_budget_that_suffices(store: Store, engine: str) -> None:
    for hops in (2, 5):
        mine, theirs = traced(store, DEEP, engine, hops=hops, max_transactions=3), traced(store, DEEP, hops=hops)
        assert is_over_index(mine) and not is_over_index(theirs)
        assert_same(mine, theirs)
        assert not mine.incomplete_answer
    assert not is_over_index(traced(store, DEEP, engine, max_transactions=400))


def test_a_way_that_is_too_long_for_the_index_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exposure.engines.local.ancestry.MOST_STEPS", 2)
    (said,) = traced(store, DEEP, hops=None, max_transactions=20).incomplete_answer
    assert "a way of more than 250 hops" in said


def test_weak_rows_are_said_of_what_was_read_for_paths_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_part, "EVIDENCE", 2)
    file = tmp_path / "ledger.csv"
    cut = [line.split(",") for line in rows()]
    file.write_text("\n".join(",".join((row[0], *row[2:])) for row in cut) + "\n")  # no index
    with Store.create(tmp_path / "store") as store:
        ingest([file], ImportOptions(chain="ethereum"), store=store)
        for engine, key in (("local", "notes.weak_order_read"), ("reference", "notes.weak_order")):
            said = [getattr(note, "key", "") for note in traced(store, DEEP, engine, rules=(Rule.FIFO,)).sections[0].notes]
            assert [name for name in said if "weak_order" in name] == [key]


def test_rules_that_the_index_does_not_serve_keep_to_the_budget_and_say_so(store: Store) -> None:
    budget = traced(store, DEEP, rules=(Rule.TIHO,), max_transactions=20)
    local = traced(store, DEEP, "local", rules=(Rule.TIHO,), max_transactions=20)
    report = traced(store, DEEP, rules=tuple(Rule), max_transactions=20)
    for alone in (budget, local):
        mixed = traced(store, DEEP, alone.question.engine, rules=(*RULES, Rule.TIHO), max_transactions=20)
        assert figures(mixed.sections[-1]) == figures(alone.sections[0])
    whole = {section.rule for section in report.sections if any("whole ledger" in note for note in section.notes)}
    assert whole == {rule.value for rule in RULES}
    for one in (budget, report):
        (said,) = one.incomplete_answer
        assert "budget of 20 transactions was spent" in said and "haircut, fifo and lifo are read off" in said
    over_index = report.sections[: len(RULES)]
    assert not any(row.reason == "budget" for section in over_index for row in section.unresolved)
    assert any(row.reason == "budget" for section in budget.sections for row in section.unresolved)


def test_where_value_went_keeps_to_the_budget_and_one_transfer_is_followed_whatever_it_takes(store: Store) -> None:
    report = traced(store, 310, max_transactions=40, direction=Direction.DESTINATION)
    (said,) = report.incomplete_answer  # nothing of transfers that were not followed: there is only one
    assert said.startswith("the budget of 40 transactions was spent") and "index" not in said
    assert not is_over_index(report)


def test_an_answer_that_keeps_its_evidence_keeps_to_the_budget_and_says_how_to_leave_nothing_out(store: Store) -> None:
    options = TraceOptions(hub_counterparties=20, max_transactions=20)
    report = answer(store, f"{tx(DEEP)}:0", options, Recording())
    assert not is_over_index(report)
    assert "without a case or a comparison" in report.incomplete_answer[0]


def test_where_no_index_can_be_made_the_budget_stands_and_the_reason_is_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(store.path / "index", ignore_errors=True)
    with monkeypatch.context() as patched:
        patched.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=50_000))
        report = traced(store, DEEP, max_transactions=20)
    assert not is_over_index(report) and not (store.path / "index").exists()
    assert "could not be made: it takes 0.0 GB" in report.incomplete_answer[0]
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda *_: False)
        assert "may not be written to" in traced(store, DEEP, max_transactions=20).incomplete_answer[0]
    assert is_over_index(traced(store, DEEP, max_transactions=20))
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda *_: False)
        assert is_over_index(traced(store, DEEP, max_transactions=20))  # what is there is read


def test_a_hub_that_was_only_looked_at_is_one_over_the_index_too(tmp_path: Path) -> None:
    with loaded(tmp_path, whole=False) as store:
        subject = StoredAccountHistory(store, "ethereum").transaction(tx(DEEP))[0]
        payers = {row.sender for row in StoredAccountHistory(store, "ethereum").movements(subject.sender or "", subject.asset)}
        (payer, *_) = sorted(name for name in payers - {evm(name) for name in "SMKP"} - {subject.sender, None, evm("hub")})
        look = Look("ethereum", payer or "", subject.asset, "a.host", None, 50, 50, 40, 10, 1)
        with connect(store.path, write=True) as connection, transaction(connection):
            looks.save(connection, [look])
        mine, theirs = traced(store, DEEP, max_transactions=3), traced(store, DEEP)
        assert_same(mine, theirs)
        assert is_over_index(mine)
        for report in (mine, theirs):
            assert payer in {row.name for row in report.sections[0].unresolved if row.reason == "hub"}


def test_many_owners_are_judged_over_the_index_as_by_the_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    history = StoredAccountHistory(store, "ethereum")
    with opened(store, "ethereum", history.as_of) as index:
        found = 0
        for name in [*(f"a{n}" for n in range(24)), "hub", "S", "nobody"]:
            for above in (0, 10**15, 10**19, 10**40):
                payers, paid = index.counterparties(evm(name), "ethereum/native", above)
                expected = history.counterparties(evm(name), "ethereum/native", above)
                assert (set(payers), paid) == (set(expected[0]), expected[1])
                found += len(paid)
    assert found
    plain = traced(store, DEEP, max_transactions=20, rules=(Rule.TIHO,))
    monkeypatch.setattr(indexed, "FEW", 1)
    monkeypatch.setattr(StoredAccountHistory, "counterparties", lambda *_: pytest.fail("the store was asked"))
    assert figures(traced(store, DEEP, max_transactions=20, rules=(Rule.TIHO,)).sections[0]) == figures(plain.sections[0])


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


def test_a_smaller_budget_than_the_default_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "DEFAULT_MAX_TRANSACTIONS", 21)
    asked = traced(store, DEEP, max_transactions=20)
    assert not is_over_index(asked) and "from 21 on" in asked.incomplete_answer[0]
    assert all("budget" in {row.reason for row in section.unresolved} for section in asked.sections)
    assert is_over_index(traced(store, DEEP, max_transactions=21))
