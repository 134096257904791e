"""One's own institution: found by itself, a boundary both ways, one owner; its customers' names go nowhere."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from test_clusters_in_runs import START, coin_address, coins, evm, tx

import exposure as ex
from exposure.errors import AttributionError, InputError

CUSTOMER = "CUST-4711"


def own(store, tmp_path, rows, header="address,category,entity,confidence,customer"):
    file = tmp_path / "deposits.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    (imported,) = ex.import_lists(store, file)
    return imported


def row_of(address, customer=""):
    return f"{address},own_institution,Own Bank,100,{customer}"


TXS = {
    "mint": ([], [("S", 90_000), ("K", 50_000)]),
    "pay": ([("mint", 0)], [("D", 60_000), ("Else", 20_000), ("S", 10_000)]),
    "sweep": ([("pay", 0)], [("H", 60_000)]),
    "out": ([("sweep", 0)], [("C", 60_000)]),
    "back": ([("out", 0)], [("D2", 60_000)]),
}


@pytest.fixture
def bank(tmp_path):
    with coins(TXS, {"S": ("sanctioned", 100)}) as store:
        own(
            store,
            tmp_path,
            [row_of(coin_address(name), f"{CUSTOMER}-{name}") for name in ("D", "D2")] + [row_of(coin_address("H"))],
        )
        yield store


def test_a_transaction_is_traced_for_the_deposit_that_it_makes(bank):
    (section,) = ex.trace(bank, tx("pay")).sections
    assert (section.subject.address, section.subject.n, section.subject.amount) == (coin_address("D"), 0, 60_000)
    assert section.subject.kind == "deposit"
    assert [(row.category, row.amount, row.hops) for row in section.exposures] == [("sanctioned", 60_000, 1)]
    assert section.own[0].category == "own_institution"


def test_what_left_the_institution_is_attributed_to_it(bank):
    (section,) = ex.trace(bank, tx("back")).sections
    assert not section.exposures
    assert [(row.entity, row.amount, row.hops) for row in section.attributed] == [("Own Bank", 60_000, 2)]


def test_what_reaches_the_institution_ends_there(bank):
    (section,) = ex.trace(bank, coin_address("C"), direction="destination").sections
    assert [(row.entity, row.hops) for row in section.attributed] == [("Own Bank", 1)]


def test_moves_among_its_addresses_are_no_inflow(bank):
    sections = ex.trace(bank, coin_address("D2"), direction="source").sections
    assert sum(section.subject.amount for section in sections) == 60_000
    with pytest.raises(InputError, match="one owner"):
        ex.trace(bank, coin_address("H"), direction="source")


def test_customers_are_not_in_a_report_its_record_or_the_store_s_file_names(bank):
    said = json.dumps(ex.trace(bank, tx("pay")).to_dict()) + str(ex.trace(bank, tx("pay")))
    assert CUSTOMER not in said
    assert not [path for path in bank.path.rglob("*") if CUSTOMER in path.name]


def test_an_own_address_that_is_listed_does_not_make_the_institution_a_seed(bank):
    ex.add_tag(bank, coin_address("D2"), "scam", entity="Somebody", source="test", note="by hand")
    (section,) = ex.trace(bank, tx("pay")).sections
    assert section.own[0].category == "own_institution"
    assert ex.trace(bank, coin_address("D2")).sections[0].own[0].category == "scam"


def test_on_account_chains_too(tmp_path):
    rows = [("", "S", 100, 0), ("S", "X", 30, 0), ("S", "D", 70, 1)]
    frame = pd.DataFrame(
        [
            {
                "tx": f"0x{max(n, 1):064x}" if a == "" else f"0x{9:064x}",
                "index": index,
                "block": 1 if a == "" else 2,
                "time": START + (a != ""),
                "from": evm(a) if a else "",
                "to": evm(b),
                "amount": v,
            }
            for n, (a, b, v, index) in enumerate(rows)
        ]
    )
    with ex.from_frame(frame, chain="ethereum", asset="native", whole_ledger=True) as store:
        own(store, tmp_path, [row_of(evm("D"), CUSTOMER)])
        assert [one.subject.address for one in ex.trace(store, f"0x{9:064x}").sections] == [evm("D")]


def test_an_address_and_its_memo_are_one_subject(tmp_path):
    with coins(TXS, {}) as store:
        header = "address,memo,category,entity,confidence,customer"
        address = "rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH"
        rows = [f"{address},{memo},own_institution,Own Bank,100,{CUSTOMER}-{memo}" for memo in (17, 18)]
        imported = own(store, tmp_path, rows, header)
        assert imported.edition.subjects == 2
        assert [hit.category for hit in ex.screen(store, [f"{address}#17", f"{address}#19"]).screening.hits] == [
            "own_institution"
        ]
        with pytest.raises(AttributionError, match="no tag"):
            own(store, tmp_path, [f"{coin_address('D')},17,own_institution,Own Bank,100,x"], header)


def test_batch_and_trace_agree_on_what_comes_from_outside(bank):
    for name in ("D", "D2", "C"):
        rows = ex.rescore(bank, [coin_address(name)])
        sections = ex.trace(bank, coin_address(name), direction="source").sections
        assert int(rows["total"].iloc[0]) == sections[0].subject.amount
        found = {row.category: int(row.amount) for row in rows.itertuples() if row.amount}
        assert found == {row.category: row.amount for row in sections[0].exposures}


def test_what_a_cluster_adds_to_the_institution_has_less_confidence(tmp_path):
    txs = {
        "mint": ([], [("H", 50_000), ("Extra", 10_000), ("K", 5_000)]),
        "sweep": ([("mint", 0), ("mint", 1)], [("H", 60_000)]),
        "pay": ([("mint", 2)], [("Extra", 5_000)]),
    }
    with coins(txs, {}) as store:
        own(store, tmp_path, [row_of(coin_address(name)) for name in ("H", "D")])
        (alone,) = ex.trace(store, coin_address("Extra"), direction="source").sections[:1]
        assert alone.own == ()
        for name, confidence in (("Extra", 90), ("H", 100)):
            (section,) = ex.trace(store, coin_address(name), direction="source", clusters="evidence").sections[:1]
            assert [(one.category, one.confidence) for one in section.own] == [("own_institution", confidence)]


def test_a_transfer_inside_the_institution_has_no_account(tmp_path):
    same = {"block": 1, "time": START, "amount": 5, "asset": "ethereum/native"}
    moves = [("in", 0, "", "A"), ("move", 0, evm("A"), "B"), ("move", 1, evm("A"), "C")]
    rows = [same | {"tx": tx(name), "index": n, "from": source, "to": evm(to)} for name, n, source, to in moves]
    with ex.from_frame(pd.DataFrame(rows), chain="ethereum", whole_ledger=True) as store:
        own(store, tmp_path, [row_of(evm(name)) for name in ("A", "B")])
        with pytest.raises(InputError, match="only among addresses of one owner, so there is nothing to trace"):
            ex.trace(store, f"{tx('move')}:0")
        assert [section.subject.address for section in ex.trace(store, tx("move")).sections] == [evm("C")]
