"""Cases with clusters, holdings and one's own institution verify, and tell nobody who the customers are."""

from __future__ import annotations

import pytest
from test_clusters_in_runs import ONE_OWNER, coin_address, coins, tx

import exposure as ex
from exposure.attribution.clusters import Method
from exposure.workflows.case import Form, write_case
from exposure.workflows.case.verify import verify
from exposure.workflows.trace import TraceOptions


@pytest.mark.parametrize("method", list(Method))
def test_a_case_verifies_with_whatever_clusters(tmp_path, method):
    with coins(ONE_OWNER, {"S": ("ransomware", 80), "P": ("other", 50), "X": ("other", 50)}) as store:
        write_case(store, f"{tx('deposit')}:0", TraceOptions(clusters=method), tmp_path / "case", Form())
    assert [check.detail for check in verify(tmp_path / "case").checks if not check.ok] == []


def test_a_case_holds_what_followed_from_holdings(tmp_path):
    with coins(ONE_OWNER, {"M": ("exchange", 90)}) as store:
        file = tmp_path / "stakes.csv"
        file.write_text("owner,owned,share,regime,listed_on,delisted_on\nParent,E M,60,US,2022-02-24,2022-03-24\n")
        ex.import_lists(store, file)
        write_case(store, f"{tx('deposit')}:0", TraceOptions(), tmp_path / "case", Form())
    assert verify(tmp_path / "case").ok


def test_a_case_names_no_customer_and_no_address_of_another_one(tmp_path):
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        file = tmp_path / "own.csv"
        rows = [f"{coin_address(name)},own_institution,Own Bank,100,CUST-{name}" for name in ("D", "other", "third")]
        file.write_text("\n".join(["address,category,entity,confidence,customer", *rows]) + "\n")
        ex.import_lists(store, file)
        write_case(store, f"{tx('deposit')}:0", TraceOptions(), tmp_path / "case", Form())
    assert verify(tmp_path / "case").ok
    said = b"".join(path.read_bytes() for path in (tmp_path / "case").rglob("*") if path.is_file())
    assert b"CUST-" not in said and coin_address("third").encode() not in said
