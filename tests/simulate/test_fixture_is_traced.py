"""The shipped economy, imported and traced by the product, says what the truth in it says: two ways to every figure."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from exposure.model.results import Section
from exposure.model.settings import Rule
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows import ingest, tags
from exposure.workflows.trace import TraceOptions, trace

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "small"
EVERY = 10
"""One deposit of so many is traced, beside the two scripted ones."""

Key = tuple[str, ...]
Parts = dict[Key, Decimal]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store.create(tmp_path_factory.mktemp("traced") / "store")
    for chain, files in (
        ("bitcoin", ("bitcoin_outputs.csv.gz", "bitcoin_inputs.csv.gz")),
        ("ethereum", ("ethereum_transfers.csv.gz",)),
    ):
        options = ingest.ImportOptions(chain=chain, whole_ledger=True)
        summary = ingest.ingest([FIXTURE / name for name in files], options, store=made)
        assert all(table.stored and not table.rejected for table in summary.tables)
    lists = ("ofac_edition_1.xml", "ofac_edition_2.xml", "services_tagpack.yaml", "thefts_tagpack.yaml")
    tags.import_lists(made, [FIXTURE / name for name in lists])
    tags.import_lists(made, [FIXTURE / "own_tags.csv"], tags.ImportOptions(published=to_unix("2023-01-20")))
    made.close()
    with Store.open(made.path) as opened:
        yield opened


def told() -> dict[tuple[str, str], Parts]:
    """The truth of the folder by deposit and rule."""
    out: dict[tuple[str, str], Parts] = defaultdict(dict)
    with gzip.open(FIXTURE / "truth.csv.gz", "rt", encoding="ascii") as file:
        for row in csv.DictReader(file):
            if row["truth"] != "really":
                found = out[row["deposit"], row["truth"]]
                reason = row["entity"].partition(":")[0]
                key = _key(row["truth"], row["kind"], row["category"], row["entity"], row["hop"], reason)
                found[key] = Decimal(row["amount"]) + (0 if row["truth"] == Rule.POISON else found.get(key, 0))
    return out


def _key(rule: str, kind: str, category: str, entity: str, hop: str, reason: str) -> Key:
    if kind != "unresolved":
        return kind, category, entity, hop
    # Tiho takes unresolved lots in the order of their arrival: only their sum is the same from both ends.
    return ("unresolved",) if rule == Rule.TIHO else ("unresolved", reason)


def said(section: Section) -> Parts:
    """The parts of a section of a report, epochs added up."""
    found: Parts = {}
    rows = [("seed", row.category, row.entity, str(row.hops), "", row.amount) for row in section.exposures]
    for part in section.attributed:
        mint = part.kind == "mint"
        named = ("", "") if mint else (part.category, part.entity)
        rows.append((part.kind, *named, str(part.hops), "", part.amount))
    rows += [("unresolved", "", "", "", row.reason, row.amount) for row in section.unresolved]
    seen: set[Key] = set()
    for kind, category, entity, hop, reason, amount in sorted(rows):
        key = _key(section.rule, kind, category, entity, hop, reason)
        if section.rule == Rule.POISON:
            # A flag for each epoch there, one flag for all here: the smallest hop is the flag's.
            if key[:3] not in seen:
                found[key] = Decimal(amount)
            seen.add(key[:3])
        else:
            found[key] = found.get(key, Decimal(0)) + amount
    return found


def chosen() -> list[dict[str, str]]:
    """The deposits to trace."""
    with (FIXTURE / "deposits.csv").open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    return [row for place, row in enumerate(rows) if place % EVERY == 0 or row["id"].startswith("demo")]


@pytest.mark.parametrize("deposit", chosen(), ids=lambda row: row["id"])
def test_trace_finds_what_the_whole_ledger_says(store: Store, deposit: dict[str, str]) -> None:
    truth = told()
    report = trace(store, f"{deposit['tx']}:{deposit['index']}", TraceOptions(rules=tuple(Rule)))
    sections = [section for section in report.sections if section.subject.asset == deposit["asset"]]
    assert {section.rule for section in sections} == set(Rule)
    amount = int(deposit["amount"])
    for section in sections:
        assert section.subject.amount == amount
        found, wanted = said(section), truth[deposit["id"], section.rule]
        # Reports round to base units so that parts sum; the haircut's truth is written to twelve digits.
        rounding = max(Decimal(2), Decimal("1e-9") * amount)
        for key in found.keys() | wanted.keys():
            assert abs(found.get(key, Decimal(0)) - wanted.get(key, Decimal(0))) <= rounding, (section.rule, key)
