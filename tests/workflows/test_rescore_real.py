"""Rescoring real ledgers says what tracing them says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from exposure.model.labels import Category
from exposure.model.settings import Direction, Rule
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.rescore import RescoreOptions, rescore
from exposure.workflows.rescore.wallets import listed
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace import TraceOptions, trace

pytestmark = pytest.mark.data

THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"


@pytest.fixture(scope="module")
def lazarus(check_data: Path) -> Iterator[Store]:
    with Store.in_memory() as store:
        columns = ("block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether")
        path = check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"
        ingest([path], ImportOptions(chain="ethereum", columns=columns, whole_ledger=True), store=store)
        add_tag(store, OwnTag(THIEF, Category.SANCTIONED, "Lazarus Group", "list of 2022-04-14", "Ronin theft"), now=0)
        yield store


@pytest.mark.parametrize("rule", [Rule.HAIRCUT, Rule.FIFO, Rule.LIFO, Rule.TIHO])
def test_receivers_of_the_ronin_theft_are_scored_as_they_are_traced(lazarus: Store, rule: Rule) -> None:
    reached = trace(lazarus, THIEF, TraceOptions(direction=Direction.DESTINATION, hops=2)).sections[0].attributed
    wallets = sorted({row.name for row in reached if row.name.startswith("0x")})[:8]
    assert wallets
    rows: list[pa.Table] = []
    rescore(lazarus, listed(wallets), RescoreOptions(rules=(rule,)), into=rows.append)
    found = {(row["wallet"], row["category"]): row for row in pa.concat_tables(rows).to_pylist()}
    for wallet in wallets:
        (section,) = trace(lazarus, wallet, TraceOptions(rules=(rule,), direction=Direction.SOURCE)).sections
        sums: dict[str, int] = defaultdict(int)
        for row in section.exposures:
            sums[row.category] += row.amount
        mine = found[wallet, "sanctioned"]
        slack = max(section.subject.amount * 1e-9, 10**6)  # order rules count in a coarser unit here
        assert int(mine["total"]) == section.subject.amount
        assert abs(int(mine["amount"]) - sums["sanctioned"]) <= slack
        assert abs(int(mine["unresolved"]) - sum(row.amount for row in section.unresolved)) <= slack
