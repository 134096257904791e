"""A case on a real ledger without hashes and block numbers: the wallets of the Ronin theft, with the thief as only seed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from exposure.model.labels import Category
from exposure.store.store import Store
from exposure.workflows.case import Form, write_case
from exposure.workflows.case.verify import verify
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag
from exposure.workflows.trace_options import trace_options

pytestmark = pytest.mark.data

THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
SECOND = "0xdd6458eb5090832eb88bffc7adf39b0f3cdd6683"


def test_a_case_at_two_hops_is_recomputed_and_its_page_says_what_the_report_says(check_data: Path, tmp_path: Path) -> None:
    """By hand: 0xa0e1c8... got all it ever had from the thief, and sent 5,238.1 ETH of it on: all of that, at hop 2."""
    columns = ("block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether")
    ledger = check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"
    with Store.in_memory() as store:
        ingest([ledger], ImportOptions(chain="ethereum", columns=columns), store=store)
        add_tag(store, OwnTag(THIEF, Category.SANCTIONED, "Lazarus Group", "list", "n"), now=0)
        made = write_case(store, SECOND, trace_options(rule="all", hops=2, policy="jp"), tmp_path / "case", Form(lang="ja"))
    first = made.report.sections[0]
    assert (first.direction, first.rule) == ("source", "haircut")
    assert first.subject.amount == int(Decimal("5238.1") * 10**18)
    assert [(row.kind, row.hops) for row in first.exposures] == [("indirect", 2)]
    assert first.exposures[0].share > 0.99
    html = (tmp_path / "case" / "report.html").read_text()
    assert f"{first.exposures[0].share * 100:.1f} %" in html or ">99.9 %" in html or "100 %" in html
    found = verify(tmp_path / "case", case_id=made.id)
    assert found.ok, found
