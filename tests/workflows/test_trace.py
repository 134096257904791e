"""Tracing from a store: figures worked by hand, subjects in every form, and clear words for what cannot be done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.model.results import Section
from exposure.model.settings import Direction, Rule
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import TraceOptions, deposits, trace

DAY = 86_400
START = 1_700_000_000 - 1_700_000_000 % DAY


def evm(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


def tx(number: int) -> str:
    return "0x" + hashlib.sha256(f"tx{number}".encode()).hexdigest()


def coin_address(name: str) -> str:
    return "script:" + hashlib.sha256(name.encode()).hexdigest()[:40]


Row = tuple[int, str, str, int]
Load = Callable[..., Store]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """A store of some transfers (number, from, to, amount), a block and an hour each; tags by name. Equal ones are shared."""
    stores: dict[str, Store] = {}

    def make(rows: list[Row], tags: dict[str, str], *, whole: bool = True) -> Store:
        key = repr((rows, tags, whole))
        if key not in stores:
            stores[key] = _loaded(tmp_path_factory.mktemp("ledger") / "ledger.csv", rows, tags, whole=whole)
        return stores[key]

    yield make
    for store in stores.values():
        store.close()


def _loaded(file: Path, rows: list[Row], tags: dict[str, str], *, whole: bool) -> Store:
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [
        f"{tx(n)},0,{n},{START + 3600 * n},{evm(a) if a else ''},{evm(b) if b else ''},{amount},ethereum/native"
        for n, a, b, amount in rows
    ]
    file.write_text("\n".join(lines) + "\n")
    store = Store.in_memory()
    ingest([file], ImportOptions(chain="ethereum", whole_ledger=whole), store=store)
    for name, category in tags.items():
        add_tag(store, OwnTag(evm(name), Category(category), f"Entity {name}", "test", "worked by hand"), now=START)
    return store


TWO_WAYS = [
    (1, "", "S", 100),
    (2, "", "K", 60),
    (3, "S", "A", 60),
    (4, "K", "A", 60),
    (5, "S", "B", 40),
    (6, "A", "C", 60),
    (7, "B", "C", 40),
    (8, "C", "D", 50),
]
TAGS = {"S": "sanctioned", "K": "exchange"}


def sections(store: Store, subject: str, **options: object) -> tuple[Section, ...]:
    return trace(store, subject, TraceOptions(**options)).sections


def figure(section: Section, category: str = "sanctioned") -> int:
    return sum(row.amount for row in section.exposures if row.category == category)


def test_a_deposit_of_two_ways_has_the_figures_worked_by_hand(load: Load) -> None:
    # A holds 60 of S and 60 of K; C gets 60 of A and 40 of B's, which is all S; D gets 50 of C's 100.
    store = load(TWO_WAYS, TAGS)
    found = {section.rule: section for section in sections(store, f"{tx(8)}:0", rules=tuple(Rule))}
    # haircut 50 x (30 + 40)/100; fifo: A's first 60 are S's, D's are the first 50 of those;
    # lifo: the newest 40 of C are B's, then 10 of A's 60, which were K's; tiho: taint first; poison: all.
    assert {rule: figure(section) for rule, section in found.items()} == {
        "haircut": 35,
        "fifo": 50,
        "lifo": 40,
        "tiho": 50,
        "poison": 50,
    }
    for rule, section in found.items():
        assert section.totals.sum_checked == (rule != "poison")
        assert all(row.hops == 3 and row.kind == "indirect" for row in section.exposures)
        assert section.exposures[0].seeds[0].address == evm("S")
    haircut = found["haircut"]
    assert [(row.entity, row.amount, row.hops) for row in haircut.attributed] == [("Entity K", 15, 3)]
    assert (haircut.exposures[0].first_at, haircut.exposures[0].last_at) == (START + 3 * 3600, START + 5 * 3600)


def test_interval_and_bracket_of_that_deposit(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    bound = next(bound for bound in sections(store, f"{tx(8)}:0")[0].bounds if bound.category == "sanctioned")
    # Whole history: the interval is the figure. Whatever the rule: S alone can fill the deposit; at most 60 can be K's.
    assert (bound.lower, bound.upper) == (35, 35)
    assert (bound.bracket_lower, bound.bracket_upper) == (0, 50)
    store = load([*TWO_WAYS[:7], (8, "C", "D", 90)], TAGS)
    bound = next(bound for bound in sections(store, f"{tx(8)}:0")[0].bounds if bound.category == "sanctioned")
    assert (bound.bracket_lower, bound.bracket_upper) == (30, 90)


def test_paths_are_the_two_ways_largest_first(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    paths = sections(store, f"{tx(8)}:0")[0].paths
    assert [(path.amount, path.hops, [step.receiver for step in path.steps]) for path in paths] == [
        (20, 3, [evm("B"), evm("C"), evm("D")]),
        (15, 3, [evm("A"), evm("C"), evm("D")]),
    ]
    assert all(path.steps[0].sender == evm("S") for path in paths)
    assert [step.hop for step in paths[0].steps] == [1, 2, 3]


def test_undeclared_history_opens_the_interval_and_nothing_else(load: Load) -> None:
    store = load(TWO_WAYS, TAGS, whole=False)
    section = sections(store, f"{tx(8)}:0")[0]
    bound = next(bound for bound in section.bounds if bound.category == "sanctioned")
    assert figure(section) == 35
    assert (bound.lower, bound.upper) == (0, 50)
    assert {gap.address for gap in section.coverage} == {evm("A"), evm("B"), evm("C")}
    address = sections(store, evm("D"), direction=Direction.SOURCE)[0]
    assert all(bound.lower is None and "own history" in bound.no_interval for bound in address.bounds)


def test_the_hop_limit_leaves_the_rest_unresolved(load: Load) -> None:
    section = sections(load(TWO_WAYS, TAGS), f"{tx(8)}:0", hops=2)[0]
    assert not section.exposures
    assert [(row.reason, row.amount) for row in section.unresolved] == [("beyond", 50)]
    assert "--hops 3" in section.unresolved[0].settles


def test_every_form_of_a_subject_gives_the_same_account(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    time = START + 8 * 3600
    forms = [f"{tx(8)}:0", tx(8), tx(8)[2:].upper(), f"{evm('D')}@{time}", f"{evm('D').upper().replace('0X', '0x')}@{time}#1"]
    accounts = [sections(store, form) for form in forms]
    assert all(account == accounts[0] for account in accounts)
    listed = deposits(store, evm("D"))
    assert [(row.amount, row.time) for row in listed] == [(50, time)]
    assert sections(store, listed[0].subject) == accounts[0]


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (evm("nobody"), "holds no movement"),
        (tx(99), "holds no transaction"),
        (f"{tx(99)}:0", "holds no transaction"),
        (f"{tx(8)}:7", "there is no 7"),
        (f"{tx(8)}:-1", "there is no -1"),
        (f"{tx(8)}:" + "9" * 200, "there is no 999"),
        (f"{evm('D')}@2023-01-01", "received nothing"),
        (f"{evm('D')}@yesterday", "yesterday"),
        (f"{evm('C')}@2023-11-14", "add #1 to #2"),
        (f"{evm('C')}@2023-11-14#3", "there is no #3"),
        ("0x098B716B8Aaf21512996dC57EB0615e2383E2f97", "checksum|case"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"),
        ("", "give an address"),
        ("a" * 5_000, "characters"),
        ("1" * 200 + ":" * 90, "is not"),
        ("; drop table transfers", "is not"),
    ],
)
def test_what_is_no_subject_is_refused_in_words(load: Load, subject: str, said: str) -> None:
    store = load(TWO_WAYS, TAGS)
    with pytest.raises(InputError, match=said):
        trace(store, subject)


def test_an_address_of_another_chain_is_refused(load: Load) -> None:
    with pytest.raises(InputError, match="bitcoin form, which ethereum does not use"):
        trace(load(TWO_WAYS, TAGS), "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", TraceOptions(chain="ethereum"))


def test_an_empty_store_says_so() -> None:
    with Store.in_memory() as store, pytest.raises(InputError, match="is empty: import a ledger first"):
        trace(store, evm("A"))


def test_an_unknown_engine_is_refused(load: Load) -> None:
    with pytest.raises(InputError, match="engine"):
        trace(load(TWO_WAYS, TAGS), evm("D"), TraceOptions(engine="abacus"))


def test_an_address_is_traced_both_ways_and_each_sums_up(load: Load) -> None:
    store = load([*TWO_WAYS, (9, "D", "K", 20), (10, "D", "S", 10)], TAGS)
    source, destination = sections(store, evm("D"))
    assert (source.direction, source.subject.amount, figure(source)) == ("source", 50, 35)
    assert (destination.direction, destination.subject.amount, figure(destination)) == ("destination", 30, 10)
    assert [(row.kind, row.entity, row.amount) for row in destination.attributed] == [("service", "Entity K", 20)]
    assert destination.exposures[0].kind == "direct"
    assert [[step.receiver for step in path.steps] for path in destination.paths] == [[evm("S")]]


def test_value_that_is_followed_is_found_where_it_lies(load: Load) -> None:
    (section,) = sections(load(TWO_WAYS, TAGS), f"{tx(5)}:0", direction=Direction.DESTINATION, hops=None)
    # B's 40 are 40 of C's 100, of which 50 go to D: 20 lie with C at hop 2 and 20 with D at hop 3.
    assert {(row.kind, row.name, row.hops, row.amount) for row in section.attributed} == {
        ("held", evm("C"), 2, 20),
        ("held", evm("D"), 3, 20),
    }


def test_the_window_selects_the_subjects_transfers_not_their_history(load: Load) -> None:
    store = load([*TWO_WAYS, (30, "B", "D", 0), (31, "K", "D", 7)], TAGS)
    late = sections(store, evm("D"), direction=Direction.SOURCE, since=START + 20 * 3600)[0]
    assert (late.subject.amount, late.subject.transfers, figure(late)) == (7, 1, 0)
    early = sections(store, evm("D"), direction=Direction.SOURCE, until=START + 20 * 3600)[0]
    assert (early.subject.amount, figure(early)) == (50, 35)


def test_labels_as_of_a_day_before_a_tag_do_not_know_it(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    before = trace(store, f"{tx(8)}:0", TraceOptions(labels_as_of=START - 1))
    assert not before.sections[0].exposures
    assert before.run.label_digest != trace(store, f"{tx(8)}:0").run.label_digest


def test_the_ledger_as_of_a_time_ends_there(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    assert sections(store, evm("C"), direction=Direction.SOURCE, as_of=START + 6 * 3600)[0].subject.amount == 60
    with pytest.raises(InputError, match="as-of|no transfer"):
        trace(store, f"{tx(8)}:0", TraceOptions(as_of=START + 7 * 3600))


def test_a_transaction_outside_the_times_asked_for_is_refused(load: Load, coins: Store) -> None:
    ledger = load(TWO_WAYS, TAGS)
    for name in (tx(8), f"{tx(8)}:0"):
        with pytest.raises(InputError, match="outside the window asked for: widen --since or --until"):
            trace(ledger, name, TraceOptions(since=START + 9 * 3600))
    for name in (coin(5), f"{coin(5)}:0"):
        with pytest.raises(InputError, match="lies after the time asked for"):
            trace(coins, name, TraceOptions(as_of=START + 3))
        with pytest.raises(InputError, match="outside the window asked for"):
            trace(coins, name, TraceOptions(until=START + 4))
        assert trace(coins, name, TraceOptions(since=START + 5, until=START + 5)).sections[0].subject.amount == 12


def busy(senders: int, receivers: int) -> list[Row]:
    """H gets 10 from each of its payers (the first is S), pays each receiver 1 and D 5."""
    rows: list[Row] = [(n, "S" if n == 1 else f"payer{n}", "H", 10) for n in range(1, senders + 1)]
    rows += [(50 + n, "H", f"receiver{n}", 1) for n in range(receivers)]
    return [*rows, (99, "H", "D", 5)]


def test_a_hub_is_an_origin_of_its_own(load: Load) -> None:
    rows = busy(6, 5)
    assert figure(sections(load(rows, TAGS), f"{tx(99)}:0", hub_counterparties=12)[0]) > 0
    section = sections(load(rows, TAGS), f"{tx(99)}:0", hub_counterparties=11)[0]
    assert [(row.reason, row.name, row.amount) for row in section.unresolved] == [("hub", evm("H"), 5)]
    assert "12 counterparties" in section.unresolved[0].settles


def test_a_collector_is_no_hub(load: Load) -> None:
    section = sections(load(busy(12, 0), TAGS), f"{tx(99)}:0", hub_counterparties=3)[0]
    assert not [row for row in section.unresolved if row.reason == "hub"]
    assert figure(section) > 0


def test_a_spent_budget_is_said_and_its_part_is_unresolved(load: Load) -> None:
    report = trace(load(TWO_WAYS, TAGS), f"{tx(8)}:0", TraceOptions(rules=(Rule.TIHO,), max_transactions=3))
    (section,) = report.sections
    assert report.incomplete_answer
    assert "budget" in {row.reason for row in section.unresolved}
    assert section.totals.sum_checked
    assert all(bound.no_bracket for bound in section.bounds)


@pytest.mark.parametrize("engine", ["reference", "local"])
def test_a_burn_that_the_budget_leaves_out_is_unresolved_as_a_whole(load: Load, engine: str) -> None:
    store = load([(1, "", "S", 9), (2, "S", "A", 9), (3, "A", "", 9)], TAGS)
    report = trace(store, f"{tx(3)}:0", TraceOptions(rules=(Rule.TIHO,), max_transactions=1, engine=engine))
    assert [(row.reason, row.amount) for row in report.sections[0].unresolved] == [("budget", 9)]


def test_what_an_engine_that_counts_coarser_cuts_off_is_unresolved_where_value_went(load: Load) -> None:
    store = load([(1, "", "A", 10**30 + 7), (2, "A", "B", 10**30 + 7), (3, "B", "S", 10**29 + 3)], TAGS)
    options = TraceOptions(rules=(Rule.FIFO,), direction=Direction.DESTINATION, engine="local")
    section = trace(store, f"{tx(2)}:0", options).sections[0]
    assert {row.reason for row in section.unresolved} == {"scaling"}
    assert 0 < section.unresolved[0].amount < 10**14
    assert section.totals.sum_checked and section.exposures[0].seed


def test_the_subjects_own_tag_is_a_flag_beside_the_account(load: Load) -> None:
    section = sections(load(TWO_WAYS, {**TAGS, "D": "mixer"}), f"{tx(8)}:0")[0]
    assert [(own.category, own.entity) for own in section.own] == [("mixer", "Entity D")]
    assert figure(section) == 35


def test_a_zero_value_transfer_taints_nothing(load: Load) -> None:
    store = load([(1, "", "A", 9), (2, "S", "A", 0), (3, "A", "D", 9)], TAGS)
    section = sections(store, f"{tx(3)}:0")[0]
    assert not section.exposures
    assert not section.unresolved
    with pytest.raises(InputError, match="amount is zero"):
        trace(store, f"{tx(2)}:0")


def bring_coins(folder: Path, store: Store, *, whole: bool) -> None:
    """S and K pay A 10 each; A pays B 12 and keeps 7 (fee 1); B's coin pays C."""
    names = {number: hashlib.sha256(f"coin{number}".encode()).hexdigest() for number in range(9)}
    outputs = [
        (0, 0, "S", 10),
        (1, 0, "K", 10),
        (2, 0, "A", 10),
        (3, 0, "A", 10),
        (4, 0, "B", 12),
        (4, 1, "A", 7),
        (5, 0, "C", 12),
    ]
    inputs = [(2, 0, 0, 0), (3, 0, 1, 0), (4, 0, 2, 0), (4, 1, 3, 0), (5, 0, 4, 0)]
    (folder / "outputs.csv").write_text(
        "tx,n,block,tx_index,time,address,amount\n"
        + "".join(f"{names[t]},{n},{t},1,{START + t},{coin_address(a)},{amount}\n" for t, n, a, amount in outputs)
    )
    (folder / "inputs.csv").write_text(
        "tx,n,spent_tx,spent_n\n" + "".join(f"{names[t]},{n},{names[p]},{m}\n" for t, n, p, m in inputs)
    )
    files = [folder / "outputs.csv", folder / "inputs.csv"]
    ingest(files, ImportOptions(chain="bitcoin", whole_ledger=whole), store=store)
    for name, category in TAGS.items():
        add_tag(store, OwnTag(coin_address(name), Category(category), name, "test", "worked by hand"), now=START)


@pytest.fixture(scope="module")
def coins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The coins of `bring_coins`, declared to be the whole ledger."""
    with Store.in_memory() as store:
        bring_coins(tmp_path_factory.mktemp("coins"), store, whole=True)
        yield store


def coin(number: int) -> str:
    return hashlib.sha256(f"coin{number}".encode()).hexdigest()


def test_a_transaction_of_coins_stands_for_its_outputs_except_change(coins: Store) -> None:
    (section,) = sections(coins, coin(4))
    assert (section.subject.kind, section.subject.n, section.subject.amount) == ("deposit", 0, 12)
    assert (figure(section), section.exposures[0].hops) == (6, 2)
    found = {section.rule: figure(section) for section in sections(coins, f"{coin(4)}:0", rules=(Rule.FIFO, Rule.LIFO))}
    assert found == {"fifo": 10, "lifo": 2}


def test_change_is_no_inflow_of_an_address(coins: Store) -> None:
    source, _ = sections(coins, coin_address("A"))
    assert (source.subject.amount, source.subject.transfers, figure(source)) == (20, 2, 10)


def test_where_an_addresss_coins_went_is_counted_from_its_own_spending(coins: Store) -> None:
    _, destination = sections(coins, coin_address("A"))
    assert (destination.subject.amount, destination.subject.transfers) == (20, 2)
    # A's 20 paid B 12, which B passed on to C, left 7 at A itself, and the fee of 1.
    ends = {(row.kind, row.name, row.hops): row.amount for row in destination.attributed}
    assert ends == {("held", coin_address("C"), 2): 12, ("held", coin_address("A"), 0): 7, ("fee", "", 1): 1}


def test_a_coin_that_may_be_spent_is_held_for_the_figure_and_open_for_the_interval(tmp_path: Path) -> None:
    with Store.in_memory() as store:
        bring_coins(tmp_path, store, whole=False)
        (section,) = sections(store, f"{coin(4)}:0", direction=Direction.DESTINATION)
        (bound,) = (bound for bound in section.bounds if bound.category == "sanctioned")
        assert (bound.lower, bound.upper) == (0, 12)
        assert [(row.kind, row.name, row.amount) for row in section.attributed] == [("held", coin_address("C"), 12)]
        assert [(lack.names, lack.share) for lack in section.lacks] == [((coin_address("C"),), 1.0)]
        assert [gap.address for gap in section.coverage] == [coin_address("C")]


def test_a_coin_that_a_whole_history_does_not_spend_is_held(coins: Store) -> None:
    (section,) = sections(coins, f"{coin(4)}:0", direction=Direction.DESTINATION)
    (bound,) = (bound for bound in section.bounds if bound.category == "sanctioned")
    assert (bound.lower, bound.upper, section.lacks, section.coverage) == (0, 0, (), ())


def test_a_tagged_address_does_not_end_its_own_value(coins: Store) -> None:
    _, destination = sections(coins, coin_address("S"))
    # S's coin of 10 paid A, whose half of the 12, 7 and 1 that A spent it became.
    ends = {(row.kind, row.name, row.hops): row.amount for row in destination.attributed}
    assert sum(ends.values()) == 10
    assert set(ends) == {("held", coin_address("C"), 3), ("held", coin_address("A"), 1), ("fee", "", 2)}
    assert not destination.exposures


def test_the_bracket_of_a_coin_is_what_its_inputs_allow(coins: Store) -> None:
    bound = next(bound for bound in sections(coins, f"{coin(5)}:0")[0].bounds if bound.category == "sanctioned")
    # 20 went in, 10 of them from S; 8 went elsewhere: of B's 12 at least 2 and at most 10 are S's.
    assert (bound.bracket_lower, bound.bracket_upper) == (2, 10)


def test_the_same_question_has_the_same_answer(load: Load) -> None:
    store = load(TWO_WAYS, TAGS)
    first, second = trace(store, evm("D")), trace(store, evm("D"))
    assert first.sections == second.sections
    assert first.run.settings_digest == second.run.settings_digest
    assert first.run.settings_digest != trace(store, evm("D"), TraceOptions(hops=4)).run.settings_digest
