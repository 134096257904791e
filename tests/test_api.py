"""Laws of the library: frames and graphs mean what files mean, and results keep exact amounts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

import exposure as ex
from exposure.errors import InputError

SEED, MID, ME, SHOP = (f"0x{digit * 40}" for digit in "1234")
FICTION = {"entity": "FICTION TRADING OU", "source": "test", "note": "made up"}
COIN = 10**18


def _ledger() -> pd.DataFrame:
    """The seed and a shop each pay the middle man, who pays me twice; everything is older than everything after it."""
    rows = [
        ("0xa0", 1, 100, None, SEED, 10 * COIN),
        ("0xa1", 2, 200, None, SHOP, 30 * COIN),
        ("0xa2", 3, 300, SEED, MID, 10 * COIN),
        ("0xa3", 4, 400, SHOP, MID, 30 * COIN),
        ("0xa4", 5, 500, MID, ME, 20 * COIN),
        ("0xa5", 6, 600, MID, ME, 20 * COIN + 1),
    ]
    made = pd.DataFrame(rows, columns=["tx", "block", "time", "from", "to", "amount"], dtype=object)
    made["tx"] = [f"0x{int(tx, 16):064x}" for tx in made["tx"]]
    made.loc[2, "amount"] += 1
    made.loc[0, "amount"] += 1
    return made.assign(index=0, asset="ethereum/native", status="ok")


@pytest.fixture(scope="module")
def store() -> Iterator[ex.Store]:
    with ex.from_frame(_ledger(), chain="ethereum", whole_ledger=True) as made:
        ex.add_tag(made, SEED, "sanctioned", **FICTION)
        ex.add_tag(made, SHOP, "exchange", entity="Shop", source="test", note="made up")
        yield made


def _movements(store: ex.Store) -> list[tuple[object, ...]]:
    from exposure.store.histories import StoredAccountHistory

    history = StoredAccountHistory(store, "ethereum")
    return [(one.tx, one.sender, one.receiver, one.amount, one.time) for one in history.movements(MID, "ethereum/native")]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, exposure; print([m for m in ('pandas','numpy','duckdb','pyarrow','networkx','web3') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_every_public_name_is_there_and_an_unknown_one_is_not() -> None:
    assert ex.__version__
    for name in ex.__all__:
        assert getattr(ex, name) is not None
    assert set(dir(ex)) == set(ex.__all__)
    with pytest.raises(AttributeError, match="teleport"):
        ex.teleport  # noqa: B018  # looking it up is the test


def test_a_frame_and_its_file_make_the_same_store(store: ex.Store, tmp_path: Path) -> None:
    _ledger().to_csv(tmp_path / "ledger.csv", index=False)
    with ex.Store.in_memory() as other:
        ex.ingest(other, tmp_path / "ledger.csv", chain="ethereum")
        assert _movements(other) == _movements(store)
        assert other.counts() == store.counts()


def test_amounts_of_a_frame_stay_exact_in_every_type_that_can_hold_them() -> None:
    exact = 10**30 + 7
    for value in (exact, Decimal(exact), str(exact)):
        frame = _ledger().head(3)
        frame["amount"] = pd.Series([value] * 3, dtype=object)
        with ex.from_frame(frame, chain="ethereum") as made:
            assert _movements(made)[0][3] == exact


def test_numpy_values_missing_values_and_timestamps_are_read() -> None:
    frame = _ledger().head(3)
    frame["amount"] = np.array([5, 6, 7], dtype="int64")
    frame["fee"] = pd.array([1, None, 3], dtype="Int64")
    frame["memo"] = [float("nan"), None, pd.NA]
    frame["time"] = pd.to_datetime(frame["time"].astype("int64"), unit="s", utc=True)
    with ex.from_frame(frame, chain="ethereum") as made:
        assert _movements(made) == [(frame["tx"][2], SEED, MID, 7, 300)]


def test_columns_can_be_mapped() -> None:
    frame = _ledger().head(3).rename(columns={"amount": "value", "from": "src"})
    frame["value"] = ["1.5", "2", "0.25"]
    with ex.from_frame(frame, chain="ethereum", columns={"value": "amount:ether", "src": "from"}) as made:
        assert _movements(made)[0][3] == COIN // 4


def test_a_bad_row_stores_nothing_unless_that_is_allowed(tmp_path: Path) -> None:
    frame = _ledger()
    frame.loc[3, "to"] = "0x12"
    with ex.Store.in_memory() as target:
        with pytest.raises(InputError, match=r"row 4: .*0x12"):
            ex.from_frame(frame, chain="ethereum", store=target)
        assert target.counts()["transfers"] == 0
        ex.from_frame(frame, chain="ethereum", store=target, allow_rejects=True)
        assert target.counts()["transfers"] == 5


def test_coins_come_in_two_frames() -> None:
    address = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"
    outputs = pd.DataFrame(
        [("a" * 64, 0, 1, 0, 100, address, 50), ("b" * 64, 0, 2, 0, 200, address, 49)],
        columns=["tx", "n", "block", "tx_index", "time", "address", "amount"],
    )
    inputs = pd.DataFrame([("b" * 64, 0, "a" * 64, 0)], columns=["tx", "n", "spent_tx", "spent_n"])
    with ex.from_frame(outputs, inputs=inputs, chain="bitcoin") as made:
        assert made.counts()["outputs"] == 2
        assert made.counts()["inputs"] == 1


def _graph() -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    for row in _ledger().itertuples(index=False):
        start = row[3] or "(minted)"
        graph.add_edge(start, row.to, tx=row.tx, block=row.block, time=row.time, amount=row.amount, index=0)
    graph.nodes[SEED].update(category="sanctioned", entity="FICTION TRADING OU")
    return graph


def test_a_graph_and_its_frame_make_the_same_store(store: ex.Store) -> None:
    with ex.from_graph(_graph(), chain="ethereum", asset="native") as made:
        assert _movements(made) == _movements(store)
        hits = ex.screen(made, [SEED, MID]).frame()
        assert list(hits["address"]) == [SEED]
        assert list(hits["entity"]) == ["FICTION TRADING OU"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda graph: graph.to_undirected(), "undirected"),
        (lambda graph: nx.DiGraph(), "no edges"),
        (lambda graph: nx.DiGraph([(SEED, MID)]), "no amount"),
        (lambda graph: nx.relabel_nodes(graph, {MID: "Mallory"}), "Mallory"),
    ],
)
def test_a_graph_that_is_no_ledger_is_refused(spoil: object, said: str) -> None:
    assert callable(spoil)
    with pytest.raises(InputError, match=said):
        ex.from_graph(spoil(_graph()), chain="ethereum", asset="native")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame(), "no rows"),
        (pd.DataFrame({"from": [SEED], "to": [ME]}), "amount"),
        (pd.DataFrame([[1, 2]], columns=["to", "to"]), "same name"),
    ],
)
def test_a_frame_that_is_no_ledger_is_refused(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ex.from_frame(frame, chain="ethereum")


def test_screening_says_who_is_listed_and_what_could_not_be_read(store: ex.Store) -> None:
    result = ex.screen(store, [ME, SEED.upper().replace("0X", "0x"), "not an address"])
    assert list(result.frame()["line"]) == [2]
    assert result.frame()["category"].tolist() == ["sanctioned"]
    assert [one.line for one in result.screening.rejected] == [3]
    assert "1 of 3" in repr(result)
    assert len(ex.screen(store, ME).frame()) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rule": "magic"}, "haircut, fifo"),
        ({"hops": 0}, "1 to 1,000"),
        ({"direction": "up"}, "source"),
        ({"chain": "dogechain"}, "unknown chain"),
        ({"since": "yesterday"}, "yesterday"),
        ({"seeds_from": "tomorrow"}, "designation"),
        ({"rule": []}, "name a rule"),
    ],
)
def test_a_mistyped_option_is_refused(store: ex.Store, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ex.trace(store, ME, **options)


def test_an_option_that_does_not_exist_is_a_type_error(store: ex.Store) -> None:
    with pytest.raises(TypeError, match="hop_limit"):
        ex.trace(store, ME, hop_limit=3)


def test_a_trace_finds_the_seed_behind_the_middle_man(store: ex.Store) -> None:
    result = ex.trace(store, ME, direction="source")
    (row,) = result.exposures
    assert (row.category, row.entity, row.kind, row.hops) == ("sanctioned", FICTION["entity"], "indirect", 2)
    assert row.amount == 10 * COIN + 1
    assert row.share == pytest.approx(0.25)
    frame = result.frame()
    assert sum(frame["amount"]) == 40 * COIN + 1
    assert set(frame["part"]) == {"seed", "service"}


def test_the_graph_of_a_trace_leads_from_the_seed_to_the_subject(store: ex.Store) -> None:
    result = ex.trace(store, ME, direction="source")
    graph = result.graph()
    assert nx.shortest_path(graph, SEED, ME) == [SEED, MID, ME]
    assert graph.nodes[SEED]["role"] == "seed"
    assert graph.nodes[ME]["role"] == "subject"
    (edge,) = graph.get_edge_data(SEED, MID).values()
    assert edge["amount"] == 10 * COIN + 1
    assert edge["carried"]["sanctioned"] == 10 * COIN + 1


def test_the_graph_of_a_trace_can_be_traced_again(store: ex.Store) -> None:
    before = ex.trace(store, ME, direction="source")
    with ex.from_graph(before.graph(), chain="ethereum", asset="native") as again:
        after = ex.trace(again, ME, direction="source")
    assert [(row.category, row.hops, row.amount) for row in after.exposures] == [
        (row.category, row.hops, row.amount) for row in before.exposures
    ]


def test_every_rule_and_both_directions_keep_to_the_schema(store: ex.Store) -> None:
    import jsonschema

    from exposure.reporting.json_report import report_schema

    result = ex.trace(store, MID, rule="all")
    assert {(section.rule, section.direction) for section in result.sections} == {
        (rule, way) for rule in ("haircut", "fifo", "lifo", "tiho", "poison") for way in ("source", "destination")
    }
    jsonschema.Draft202012Validator(report_schema()).validate(result.to_dict())
    assert "sanctioned" in str(result)
    assert "<table" in result._repr_html_()
    assert "sections" in repr(result)


def test_a_day_until_which_to_look_is_meant_to_its_end(store: ex.Store) -> None:
    whole = ex.trace(store, ME, direction="source", until="1970-01-01").sections[0].subject.transfers
    assert whole == 2
    assert ex.trace(store, ME, direction="source", until=500).sections[0].subject.transfers == 1


def test_a_figure_is_drawn_or_its_lack_said(store: ex.Store) -> None:
    result = ex.trace(store, ME, direction="source")
    with pytest.raises(InputError, match="no number 7"):
        result.figure(7)
    pytest.importorskip("plotly")
    assert result.figure() is not None


def test_no_path_carries_more_than_the_subject_even_under_poison() -> None:
    frame = pd.DataFrame(
        [(1, None, ME, 10), (2, None, MID, 90), (3, ME, MID, 10), (4, MID, SEED, 100)],
        columns=["time", "from", "to", "amount"],
        dtype=object,
    ).assign(block=[1, 2, 3, 4], index=0, tx=[f"0x{n:064x}" for n in (1, 2, 3, 4)])
    with ex.from_frame(frame, chain="ethereum", asset="native") as made:
        ex.add_tag(made, SEED, "sanctioned", **FICTION)
        result = ex.trace(made, f"0x{3:064x}:0", direction="destination", rule="all")
    paths = {section.rule: section.paths for section in result.sections}
    assert set(paths) == {"haircut", "fifo", "lifo", "tiho", "poison"}
    assert all(path.amount <= 10 and path.share <= 1 for some in paths.values() for path in some)
    assert paths["poison"]
