"""Laws of a comparison with clusters: a union made or come apart between two days is one item, with its transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from exposure.model.comparison import Change, Comparison
from exposure.model.labels import Category
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.reporting.page import page
from exposure.reporting.words import short
from exposure.store.store import Store
from exposure.units import day, to_unix
from exposure.workflows.compare import compare
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists
from exposure.workflows.trace_options import trace_options

START, DAY = to_unix("2024-01-01"), 86_400
BTC = 100_000_000


def _address(name: str) -> str:
    return "script:" + hashlib.sha256(name.encode()).hexdigest()[:40]


def _tx(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


FOE, MATE, OTHER = _address("foe"), _address("mate"), _address("other")
ONE, TWO = sorted((FOE, MATE))
TXS: Sequence[tuple[str, int, list[str], list[tuple[str, int]]]] = (
    ("mint", 1, [], [("foe", 5 * BTC), ("mate", 6 * BTC), ("mate", 10 * BTC), ("other", BTC)]),
    ("first", 2, ["mint:2"], [("mid", 10 * BTC)]),
    ("deposit", 3, ["first:0"], [("me", 10 * BTC)]),
    ("joined", 20, ["mint:0", "mint:1"], [("away", 11 * BTC)]),
)
"""MATE pays MID on day 2, MID pays ME on day 3; on day 20 FOE and MATE sign one transaction."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    outputs, inputs = ["tx,n,block,tx_index,time,address,amount"], ["tx,n,spent_tx,spent_n"]
    for name, on, spent, made in TXS:
        outputs += [f"{_tx(name)},{n},{on},0,{START + DAY * on},{_address(to)},{amount}" for n, (to, amount) in enumerate(made)]
        inputs += [f"{_tx(name)},{n},{_tx(one.split(':')[0])},{one.split(':')[1]}" for n, one in enumerate(spent)]
    (tmp_path / "outputs.csv").write_text("\n".join(outputs) + "\n")
    (tmp_path / "inputs.csv").write_text("\n".join(inputs) + "\n")
    made_ = Store.create(tmp_path / "store")
    files = [tmp_path / "outputs.csv", tmp_path / "inputs.csv"]
    ingest(files, ImportOptions(chain="bitcoin", whole_ledger=True), store=made_)
    (tmp_path / "list.csv").write_text(f"address,entity,category,source\n{FOE},Foe Ltd,ransomware,gazette\n")
    import_lists(made_, [tmp_path / "list.csv"], ListOptions(published=START))
    return made_


def _compared(store: Store, before: str, after: str) -> Comparison:
    options = trace_options(as_of=before, labels_as_of=before, clusters="evidence")
    report = compare(store, f"{_tx('deposit')}:0", options, to_unix(after, end_of_day=True))
    jsonschema.validate(json.loads(json.dumps(report_to_dict(report))), report_schema())
    japanese = page(report, lang="ja")
    for item in report.comparison.items if report.comparison else ():
        assert item.said not in japanese
    assert report.comparison is not None
    return report.comparison


def _of(found: Comparison, kind: str) -> list[Change]:
    return [item for item in found.items if item.kind == kind]


def _others(found: Comparison) -> list[Change]:
    """All but that the ledger was imported after the days asked about, which holds in every test here."""
    return [item for item in found.items if item.kind != "history"]


def _joint(store: Store, folder: Path, at: int) -> None:
    """The receiver's books say that several owners made the transaction."""
    (folder / "books.csv").write_text(f"subject,kind,category,source\n{_tx('joined')},joint,other,the receiver's books\n")
    import_lists(store, [folder / "books.csv"], ListOptions(published=at))


def test_a_union_that_was_made_is_one_item_with_its_transaction_day_and_effect(store: Store) -> None:
    found = _compared(store, "2024-01-10", "2024-01-30")
    (item,) = _of(found, "cluster")
    assert (item.about, item.share) == (ONE, 1.0)
    assert item.said == f"shares an owner with 1 more address now ({short(TWO)})"
    assert item.source == f"both signed inputs of {_tx('joined')}"
    assert item.since is not None
    assert day(item.since) == "2024-01-21"
    assert {figure.category: (figure.before, figure.after) for figure in found.figures}["ransomware"] == (0.0, 1.0)
    # MATE has no tag of its own: nobody is told that a list named it.
    assert not _of(found, "label")


def test_a_union_that_came_apart_is_one_item_with_the_transaction_that_no_longer_counts(store: Store, tmp_path: Path) -> None:
    _joint(store, tmp_path, START + 40 * DAY)
    found = _compared(store, "2024-01-30", "2024-02-20")
    (item,) = _of(found, "cluster")
    assert (item.about, item.share, item.since) == (ONE, -1.0, None)
    assert item.said == f"shares its owner with 1 fewer address now ({short(TWO)})"
    assert item.source == f"both signed inputs of {_tx('joined')}"
    assert not _of(found, "label")


def test_a_tag_that_comes_through_a_cluster_names_the_address_that_bears_it(store: Store) -> None:
    add_tag(store, OwnTag(OTHER, Category.SCAM, "Else", "me", "n"), now=START + 25 * DAY)
    add_tag(store, OwnTag(FOE, Category.STOLEN_FUNDS, "Thief", "me", "n"), now=START + 50 * DAY)
    with Store.open(store.path) as again:
        options = trace_options(as_of="2024-01-30", labels_as_of="2023-12-01", clusters="evidence")
        report = compare(again, f"{_tx('deposit')}:0", options, to_unix("2024-01-30", end_of_day=True))
    assert report.comparison is not None
    (item,) = [one for one in report.comparison.items if one.about == MATE]
    assert (item.kind, item.share, item.since) == ("label", 1.0, START)
    assert item.said == f"is tagged ransomware Foe Ltd, by the cluster that it shares with {short(FOE)}"
    assert item.source.startswith("CSV list, edition")


def test_a_union_of_both_days_is_no_change(store: Store) -> None:
    assert _others(_compared(store, "2024-01-30", "2024-01-31")) == []
