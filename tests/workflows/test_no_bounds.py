"""Law of what is missing: where there is no interval or no bracket, the sentence beside it names the cause that is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exposure.model.labels import Category
from exposure.model.results import Bound
from exposure.model.sentences import Sentence
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import large_part, question, trace
from exposure.workflows.trace_options import trace_options

START = to_unix("2024-01-01")
FOE, A, B, C, ME, AWAY = ("0x" + letter * 40 for letter in "abcdef")
ROWS = ((FOE, A, 60), (C, A, 40), (A, B, 100), (B, ME, 70), (B, ME, 30), (ME, AWAY, 90), (AWAY, FOE, 80))
"""FOE and C pay A, A pays B, B pays ME twice, ME pays AWAY, AWAY pays FOE."""
DEPOSIT = f"0x{5:064x}:0"


def _store(folder: Path, *, whole: bool = True) -> Store:
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [f"0x{n:064x},0,{n},{START + n},{a},{b},{amount},ethereum/native" for n, (a, b, amount) in enumerate(ROWS, 1)]
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    store = Store.create(folder / "store")
    ingest([folder / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=whole), store=store)
    add_tag(store, OwnTag(FOE, Category.SANCTIONED, "Foe", "me", "n"), now=START)
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return _store(tmp_path)


def _bound(store: Store, subject: str, category: str = "sanctioned", **options: Any) -> Bound:
    report = trace(store, subject, trace_options(**options))
    found = next(bound for bound in report.sections[0].bounds if bound.category == category)
    for reason in (found.no_interval, found.no_bracket):
        if reason:
            assert isinstance(reason, Sentence)
            assert not reason.said("ja").isascii()
    return found


def test_a_deposit_of_whole_history_has_both(store: Store) -> None:
    found = _bound(store, DEPOSIT)
    assert (found.no_interval, found.no_bracket) == ("", "")
    assert found.bracket_upper is not None


def test_several_deposits_together_have_no_bracket(store: Store) -> None:
    assert _bound(store, ME, direction="source").no_bracket == "the bracket is of one deposit; trace one of them"


def test_the_other_direction_has_no_bracket(store: Store) -> None:
    found = _bound(store, f"0x{6:064x}:0", direction="destination")
    assert (found.no_interval, found.no_bracket) == ("", "the bracket is of where value came from")


def test_a_large_ancestry_is_the_cause_where_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question, "BRACKET_TRANSACTIONS", 2)
    assert _bound(store, DEPOSIT).no_bracket == "the ancestry without hop limit has more than 2 transactions"


def test_a_small_budget_is_the_cause_where_it_is(store: Store) -> None:
    said = _bound(store, DEPOSIT, max_transactions=3).no_bracket
    assert said == "the ancestry without hop limit has more than 3 transactions, all that --max-transactions allows"


def test_a_long_history_is_the_cause_where_it_is(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ancestry is small: only the history of B is longer than what is read beside the trace index."""
    monkeypatch.setattr(large_part, "EVIDENCE", 1)
    monkeypatch.setattr(large_part, "LONGEST", 2)
    said = _bound(store, DEPOSIT, engine="local", max_transactions=10**9).no_bracket
    assert said == f"of 1 address behind it ({B}) the history is longer than 2 movements, and was not read for this"


def test_poison_has_no_bracket(store: Store) -> None:
    found = _bound(store, DEPOSIT, rule="poison")
    assert (found.no_interval, found.no_bracket) == ("", "poison conserves nothing, so it has no bracket")


def test_poison_has_no_interval_of_where_value_went(store: Store) -> None:
    found = _bound(store, f"0x{6:064x}:0", direction="destination", rule="poison")
    assert found.no_interval.startswith("poison says of where value went only what it may have touched")
    assert "tiho" not in found.no_interval


def test_tiho_has_one_interval(store: Store) -> None:
    assert _bound(store, DEPOSIT, rule="tiho").no_interval == "tiho has one interval, for all risk together"
    assert _bound(store, DEPOSIT, "risk", rule="tiho").no_interval == ""


def test_an_address_of_unknown_history_has_no_interval(tmp_path: Path) -> None:
    with _store(tmp_path, whole=False) as unknown:
        why = "(nothing declares its history complete)"
        said = _bound(unknown, ME).no_interval
        assert said == f"the address's own history is not known to be whole {why}"
        said = _bound(unknown, f"{ME} {AWAY}").no_interval
        assert said == f"the history of {ME} is not known to be whole {why}"
        assert _bound(unknown, DEPOSIT).no_interval == ""  # a deposit needs no history of its receiver
