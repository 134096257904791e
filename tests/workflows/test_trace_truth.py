"""On the synthetic economy a trace says of a deposit what each rule says on the whole ledger."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from exposure.model.settings import CONSERVING
from exposure.reporting.json_report import report_to_json
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import import_lists
from exposure.workflows.trace import TraceOptions, trace

SMALL = Path(__file__).resolve().parents[2] / "fixtures" / "small"
DEPOSITS = 10


def rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def economy() -> Iterator[Store]:
    store = Store.in_memory()
    coins = [SMALL / "bitcoin_outputs.csv.gz", SMALL / "bitcoin_inputs.csv.gz"]
    ingest(coins, ImportOptions(chain="bitcoin", whole_ledger=True), store=store)
    ingest([SMALL / "ethereum_transfers.csv.gz"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
    lists = [*sorted(SMALL.glob("ofac_edition_*.xml")), *sorted(SMALL.glob("*_tagpack.yaml")), SMALL / "own_tags.csv"]
    import_lists(store, lists)
    yield store
    store.close()


def test_a_trace_says_what_the_rule_says_on_the_whole_ledger(economy: Store) -> None:
    truth: dict[tuple[str, str], dict[tuple[str, int], Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for row in rows(SMALL / "truth.csv.gz"):
        if row["kind"] == "seed" and row["truth"] != "really":
            truth[row["deposit"], row["truth"]][row["category"], int(row["hop"])] += Fraction(row["amount"])
    deposits = rows(SMALL / "deposits.csv")
    exposed = {deposit for deposit, rule in truth if rule == "haircut"}
    chosen = [row for row in deposits if row["id"].startswith("demo")]
    chosen += [row for row in deposits if row["id"] in exposed][: DEPOSITS - len(chosen)]
    compared = 0
    for row in chosen:
        report = trace(economy, f"{row['tx']}:{row['index']}", TraceOptions(chain=row["chain"], rules=CONSERVING))
        assert report_to_json(report)
        for section in report.sections:
            found: dict[tuple[str, int], int] = defaultdict(int)
            for line in section.exposures:
                found[line.category, line.hops] += line.amount
            expected = truth[row["id"], section.rule]
            slack = 5 + section.subject.amount * 1e-9 if section.rule == "haircut" else 0
            for key in found.keys() | expected.keys():
                assert abs(found[key] - expected[key]) <= slack, (row["id"], section.rule, key)
                compared += 1
            for bound in section.bounds:
                figure = sum(line.amount for line in section.exposures if line.category == bound.category)
                if bound.bracket_upper is not None and bound.category != "risk":
                    assert figure <= bound.bracket_upper + slack
    assert compared > 40
