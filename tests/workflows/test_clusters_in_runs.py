"""Clusters in a run: what members inherit, what stays apart, and that batch and trace agree on them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

import exposure as ex
from exposure.attribution.clusters import Method
from exposure.attribution.lists import read_list
from exposure.cli import main
from exposure.cli.cluster_text import as_addresses
from exposure.cli.tags_text import explained, explained_json
from exposure.errors import InputError
from exposure.workflows.case import Form, write_case
from exposure.workflows.case.verify import verify
from exposure.workflows.cluster_of import cluster_of
from exposure.workflows.tags import ImportOptions, import_lists, show
from exposure.workflows.trace import TraceOptions

START = 1_690_000_000


def coin_address(name):
    return "script:" + hashlib.sha256(name.encode()).hexdigest()[:40]


def tx(name):
    return hashlib.sha256(name.encode()).hexdigest()


def coins(txs, tags):
    """A store of transactions {name: ([coins spent], [(owner, amount)])}, a block each; tags {name: (category, confidence)}."""
    outputs, inputs = [], []
    for block, (name, (spent, made)) in enumerate(txs.items(), 1):
        for n, (to, amount) in enumerate(made):
            row = (tx(name), n, block, 0, START + 600 * block, coin_address(to), amount)
            outputs.append(dict(zip(("tx", "n", "block", "tx_index", "time", "address", "amount"), row, strict=True)))
        for n, (parent, m) in enumerate(spent):
            inputs.append({"tx": tx(name), "n": n, "spent_tx": tx(parent), "spent_n": m})
    store = ex.from_frame(pd.DataFrame(outputs), inputs=pd.DataFrame(inputs), chain="bitcoin", whole_ledger=True)
    for name, (category, confidence) in tags.items():
        ex.add_tag(
            store, coin_address(name), category, entity=f"E {name}", source="test", note="by hand", confidence=confidence
        )
    return store


# S and P sign together in "joined"; P's other coin goes on to M and from there to D.
ONE_OWNER = {
    "mint": ([], [("S", 50_000), ("P", 10_000), ("P", 40_000)]),
    "joined": ([("mint", 0), ("mint", 1)], [("X", 60_000)]),
    "first": ([("mint", 2)], [("M", 40_000)]),
    "deposit": ([("first", 0)], [("D", 40_000)]),
}


@pytest.mark.parametrize("method", ["evidence", "exploration"])
def test_a_member_is_what_its_cluster_is_tagged_as(method):
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        alone = ex.trace(store, f"{tx('deposit')}:0")
        joined = ex.trace(store, f"{tx('deposit')}:0", clusters=method)
        assert not alone.exposures
        (row,) = joined.exposures
        assert (row.category, row.amount, row.hops) == ("ransomware", 40_000, 2)
        assert [(one.address, one.confidence) for one in row.seeds] == [(coin_address("P"), 80 * 90 // 100)]
        own = ex.trace(store, coin_address("P"), clusters=method, direction="destination").sections[0].own
        assert [(one.category, one.confidence) for one in own] == [("ransomware", 72)]
        assert joined.report.question.clusters == method
        assert joined.report.run.label_digest != alone.report.run.label_digest


def test_a_service_that_is_hardly_sure_does_not_spread():
    for confidence, attributed in ((60, True), (55, False)):
        with coins(ONE_OWNER, {"S": ("exchange", confidence)}) as store:
            (section,) = ex.trace(store, f"{tx('deposit')}:0", clusters="evidence").sections
            assert any(row.kind == "service" for row in section.attributed) is attributed
            (found,) = cluster_of(store, coin_address("P"), Method.EVIDENCE)
            assert bool(found.apart) is not attributed
            (service,) = ex.trace(store, f"{tx('joined')}:0", clusters="evidence").sections
            assert any(row.entity == "E S" for row in service.attributed)  # the tagged address stays what it is


def test_moves_inside_a_cluster_take_no_hop_and_are_no_inflow():
    txs = {
        "mint": ([], [("S", 90_000), ("A", 1_000), ("B", 1_000), ("C", 1_000)]),
        "one": ([("mint", 1), ("mint", 2), ("mint", 3)], [("Z", 3_000)]),
        "paid": ([("mint", 0)], [("A", 90_000)]),
        "inside": ([("paid", 0)], [("B", 40_000), ("C", 50_000)]),
        "deposit": ([("inside", 0), ("inside", 1)], [("D", 90_000)]),
    }
    with coins(txs, {"S": ("mixer", 90)}) as store:
        hops = {m: ex.trace(store, f"{tx('deposit')}:0", clusters=m).exposures[0].hops for m in ("none", "evidence")}
        assert hops == {"none": 3, "evidence": 2}
        with pytest.raises(InputError, match="one owner"):
            ex.trace(store, tx("inside"), clusters="evidence")
        (section,) = ex.trace(store, coin_address("B"), direction="source", clusters="evidence").sections
        assert section.subject.amount == 1_000


def test_every_output_of_a_coinjoin_takes_a_hop_and_nobody_is_merged():
    txs = {
        "mint": ([], [("S", 31_000_000), ("A", 47_000_000), ("B", 55_000_000)]),
        "mix": (
            [("mint", 0), ("mint", 1), ("mint", 2)],
            [("X", 20_000_000), ("Y", 20_000_000), ("Z", 20_000_000), ("S", 10_990_000), ("A", 26_990_000), ("B", 34_990_000)],
        ),
    }
    with coins(txs, {"S": ("mixer", 90)}) as store:
        assert cluster_of(store, coin_address("S"), Method.EXPLORATION)[0].size == 1
        made = ex.trace(store, f"{tx('mix')}:5", clusters="evidence", hops=1)
        assert {row.hops for row in made.exposures} == {1}
        for method in ("none", "evidence"):
            (row,) = ex.rescore(store, [coin_address("B")], clusters=method).query("category == 'mixer'").itertuples()
            (section,) = ex.trace(store, coin_address("B"), direction="source", clusters=method).sections
            assert int(row.total) == section.subject.amount == 55_000_000 + 34_990_000
            assert [(int(row.amount), row.hops)] == [(one.amount, one.hops) for one in section.exposures]


def test_batch_and_trace_agree_on_clusters():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        for method in ("none", "evidence", "exploration"):
            for name in "DMX":
                rows = ex.rescore(store, [coin_address(name)], clusters=method)
                found = {row.category: int(row.amount) for row in rows.itertuples() if row.amount}
                traced = ex.trace(store, coin_address(name), direction="source", clusters=method)
                assert found == {row.category: row.amount for row in traced.exposures}


def test_what_was_found_is_kept_and_tags_make_it_anew():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        first = cluster_of(store, coin_address("P"), Method.EVIDENCE)
        files = sorted((store.path / "clusters").iterdir())
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE) == first
        assert sorted((store.path / "clusters").iterdir()) == files and len(files) == 1
        assert files[0].stat().st_mode & 0o77 == 0
        ex.add_tag(store, coin_address("P"), "scam", entity="Other", source="test", note="by hand")
        (found,) = cluster_of(store, coin_address("P"), Method.EVIDENCE)
        assert found.size == 1 and [link.reason for link in found.refused] == ["it would join two differently named entities"]


def test_the_way_from_an_address_to_a_tag_names_each_transaction():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        (found,) = cluster_of(store, coin_address("P"), Method.EVIDENCE)
        assert (found.category, found.confidence, found.size) == ("ransomware", 72, 2)
        assert [(link.tx, link.heuristic) for link in found.tagged[0].way] == [(tx("joined"), "co_spend")]


def evm(name):
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


def test_a_deposit_address_belongs_to_its_exchange():
    rows = [("", "X", 100), ("X", "D", 90), ("D", "E", 90), ("", "Y", 50), ("Y", "E", 40), ("Y", "X", 10)]
    frame = pd.DataFrame(
        [
            {
                "tx": f"0x{n:064x}",
                "index": 0,
                "block": n,
                "time": START + n,
                "from": evm(a) if a else "",
                "to": evm(b),
                "amount": v,
            }
            for n, (a, b, v) in enumerate(rows, 1)
        ]
    )
    with ex.from_frame(frame, chain="ethereum", asset="native", whole_ledger=True) as store:
        ex.add_tag(store, evm("E"), "exchange", entity="Exchange E", source="test", note="by hand", confidence=90)
        (section,) = ex.trace(store, f"0x{2:064x}:0", direction="destination", clusters="evidence").sections
        assert [(row.entity, row.hops) for row in section.attributed] == [("Exchange E", 1)]
        (found,) = cluster_of(store, evm("D"), Method.EVIDENCE)
        assert (found.role, found.confidence, found.links[0].tx) == ("boundary", 72, f"0x{3:064x}")
        assert cluster_of(store, evm("Y"), Method.EVIDENCE)[0].size == 1


def test_screening_finds_what_an_address_is_through_its_cluster():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        assert ex.screen(store, [coin_address("P")]).screening.hits == ()
        (hit,) = ex.screen(store, [coin_address("P"), coin_address("D")], clusters="evidence").screening.hits
        assert (hit.category, hit.entity, hit.confidence, hit.through) == ("ransomware", "E S", 72, coin_address("S"))
        (own,) = ex.screen(store, [coin_address("S")], clusters="evidence").screening.hits
        assert (own.confidence, own.through) == (80, "")


def test_explain_says_which_link_made_the_cluster_and_what_is_inherited():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        found = show(store, coin_address("P"), clusters=Method.EVIDENCE)
        assert found.attribution is None
        (one,) = found.clusters
        assert (one.size, one.role, one.confidence, one.percent) == (2, "seed", 72, 90)
        text = " ".join(explained(found).split())
        for part in (
            "no tag, as of",
            "CLUSTER on bitcoin (evidence",
            "ransomware E S (seed; confidence 72)",
            "inherited: 90 %",
            f"both signed inputs of {tx('joined')}",
        ):
            assert part in text
        assert json.loads(explained_json(found))["clusters"][0]["tagged"][0]["way"][0]["tx"] == tx("joined")
        assert not show(store, coin_address("P")).clusters, "only where it is asked for"
        assert not show(store, coin_address("M"), clusters=Method.EVIDENCE).clusters, "it shares an owner with nobody"


def test_a_cluster_as_of_a_day_has_only_what_was_in_the_ledger_by_then():
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        before = START + 600 + 1  # "joined" is in the second block
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE, as_of=before)[0].size == 1
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE, as_of=before + 600)[0].size == 2
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE, as_of=START) == [], "the ledger begins later"
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE)[0].size == 2


def test_a_transaction_that_a_list_calls_joint_links_nobody(tmp_path):
    listing = tmp_path / "payjoins.csv"
    listing.write_text(f"subject,kind,category,source\n{tx('joined')},joint,other,the receiver's books\n")
    with coins(ONE_OWNER, {"S": ("ransomware", 80)}) as store:
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE)[0].size == 2
        (imported,) = import_lists(store, [listing], ImportOptions(published=START))
        assert not imported.problems
        for method in (Method.EVIDENCE, Method.EXPLORATION):
            assert cluster_of(store, coin_address("P"), method)[0].size == 1
        found = show(store, tx("joined"))
        assert (found.kind, found.attribution.role) == ("joint", "none")
        listing.write_text(f"subject,kind,category,source\n{tx('first')},joint,other,the receiver's books\n")
        import_lists(store, [listing], ImportOptions(published=START + 86_400))
        assert cluster_of(store, coin_address("P"), Method.EVIDENCE)[0].size == 2, "the newest edition does not say it any more"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{tx('a')},joint,exchange,book", "category other"),
        (f"{tx('a')},joint,other,", "category other"),
        ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT,joint,other,book", "is no joint"),
    ],
)
def test_a_joint_transaction_needs_a_source_and_is_nobody_s(tmp_path, row, fault):
    listing = tmp_path / "payjoins.csv"
    listing.write_text(f"subject,kind,category,source\n{row}\n")
    parsed = read_list(listing).parsed
    assert not parsed.tags and fault in parsed.problems[0].reason


# R adds a coin to A's payment and is paid at the address that the coin was on; then R pays D.
PAYJOIN = {
    "mint": ([], [("S", 60_000), ("R", 20_000)]),
    "first": ([("mint", 0)], [("A", 60_000)]),
    "payjoin": ([("first", 0), ("mint", 1)], [("R", 50_000), ("B", 30_000)]),
    "deposit": ([("payjoin", 0)], [("D", 50_000)]),
}


def test_in_a_transaction_that_a_list_calls_joint_every_output_is_a_hop(tmp_path):
    listing = tmp_path / "payjoins.csv"
    listing.write_text(f"subject,kind,category,source\n{tx('payjoin')},joint,other,the receiver's books\n")
    with coins(PAYJOIN, {"S": ("ransomware", 80)}) as store:

        def seen(hops=5):
            rows = [
                (row.hops, row.amount)
                for engine in ("reference", "local")
                for row in ex.trace(store, f"{tx('deposit')}:0", engine=engine, hops=hops).exposures
            ]
            return rows, set(ex.rescore(store, [coin_address("D")], hops=hops)["category"])

        alone = seen()
        before = ex.trace(store, f"{tx('deposit')}:0").report.run.label_digest
        assert [hops for hops, _ in alone[0]] == [2, 2], "without the list what goes back to R's address is R's change"
        assert len(seen(hops=2)[0]) == 2 and "ransomware" in seen(hops=2)[1]
        import_lists(store, [listing], ImportOptions(published=START))
        joined = seen()
        assert [hops for hops, _ in joined[0]] == [3, 3]
        assert [amount for _, amount in joined[0]] == [amount for _, amount in alone[0]]
        assert "ransomware" in joined[1]
        assert not seen(hops=2)[0] and "ransomware" not in seen(hops=2)[1]
        assert ex.trace(store, f"{tx('deposit')}:0").report.run.label_digest != before
        write_case(store, f"{tx('deposit')}:0", TraceOptions(), tmp_path / "case", Form())
    assert verify(tmp_path / "case").ok


def test_a_whole_cluster_is_a_subject(tmp_path):
    with coins(ONE_OWNER, {"X": ("exchange", 80)}) as store:
        asked = ["tags", "cluster", coin_address("P"), "--store", str(store.path), "--format", "addresses"]
        printed = CliRunner().invoke(main, asked)
        assert printed.exit_code == 0 and set(printed.stdout.split()) == {coin_address("P"), coin_address("S")}
        members = tmp_path / "members.txt"
        members.write_text(printed.stdout)
        more = ["--store", str(store.path), "--clusters", "evidence", "--format", "json", "--direction", "source"]
        traced = CliRunner().invoke(main, ["trace", "--customer", str(members), *more])
        assert traced.exit_code == 0, traced.output
        (section,) = {row["subject"]["amount"] for row in json.loads(traced.stdout)["sections"]}
        assert int(section) == 100_000, "what came to any of them from others"
        many = replace(cluster_of(store, coin_address("P"), Method.EVIDENCE)[0], size=1_001)
        with pytest.raises(InputError, match="1,001 addresses"):
            as_addresses([many])
