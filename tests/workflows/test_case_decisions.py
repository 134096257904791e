"""Laws of what a case says of hubs and clusters: it follows from what the folder holds, or is said to be taken as given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from forged_cases import forged
from test_clusters_in_runs import ONE_OWNER, coin_address, coins, tx

from exposure.attribution.clusters import Method
from exposure.cli import main
from exposure.model.settings import Rule
from exposure.store.store import Store
from exposure.workflows.case import Form, write_case
from exposure.workflows.case.verify import verify
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.trace import TraceOptions
from exposure.workflows.trace_options import trace_options

HUB, MID, ME = ("0x" + letter * 40 for letter in "abc")
OTHERS = [f"0x{n:040x}" for n in range(1, 6)]
DUSTY = [f"0x{n:040x}" for n in range(20, 30)]


def _details(case: Path) -> dict[str, tuple[bool, str]]:
    return {check.name: (check.ok, check.detail) for check in verify(case).checks}


@pytest.fixture(scope="module")
def hub_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HUB got money of five and sent to six, MID got some of it, and dust of ten others; MID pays ME."""
    folder = tmp_path_factory.mktemp("hub")
    rows = [(1, other, HUB, 9 * 10**18) for other in OTHERS]
    rows += [(2, HUB, other, 10**18) for other in OTHERS]
    rows += [(3, HUB, MID, 4 * 10**18), *((4, dusty, MID, 1) for dusty in DUSTY), (5, MID, ME, 3 * 10**18)]
    lines = ["tx,index,block,time,from,to,amount,asset"]
    for n, (block, sender, receiver, amount) in enumerate(rows):
        lines.append(f"0x{n:064x},{n},{block},{1_700_000_000 + block},{sender},{receiver},{amount},ethereum/native")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    (folder / "prices.csv").write_text("asset,currency,time,price\nethereum/native,usd,2023-11-14,2000\n")
    with Store.create(folder / "store") as store:
        ingest([folder / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        ingest([folder / "prices.csv"], ImportOptions(), store=store)
        options = trace_options(hub_counterparties=5)
        write_case(store, f"0x{len(rows) - 1:064x}:0", options, folder / "case", Form())
    return folder / "case"


def test_who_is_a_hub_is_counted_again_where_the_rows_are_there(hub_case: Path) -> None:
    found = _details(hub_case)
    assert all(ok for ok, _ in found.values()), found
    # MID has eleven counterparties, of which ten are dust: that it is no hub depends on a limit, and that on a price.
    assert found["hubs"][1] == "1 hubs by what was counted; of 12 owners judged 11 are counted again"
    (given,) = (check.given for check in verify(hub_case).checks if check.name == "hubs")
    assert given == (f"{HUB} with 6 counterparties (a hub)",)


def _without_hub(said: dict[str, Any]) -> None:
    said["judged"] = [one for one in said["judged"] if one["owner"] != HUB]


def _smaller_hub(said: dict[str, Any]) -> None:
    for one in said["judged"]:
        one["counterparties"] = 2


def _more(said: dict[str, Any]) -> None:
    for one in said["judged"]:
        if one["owner"] == MID:
            one["counterparties"] = 3


def _no_dust(said: dict[str, Any]) -> None:
    said["dust"] = dict.fromkeys(said["dust"], "0")


@pytest.mark.parametrize("change", [_without_hub, _smaller_hub, _more, _no_dust])
def test_what_was_counted_cannot_be_changed_unseen(
    hub_case: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    said = json.loads((hub_case / "decisions.json").read_text())
    change(said)
    found = _details(forged(hub_case, tmp_path / "forged", {"decisions.json": json.dumps(said).encode()}))
    assert not all(ok for ok, _ in found.values())


@pytest.fixture(scope="module")
def cluster_case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    with coins(ONE_OWNER, {"S": ("ransomware", 80), "P": ("other", 50), "X": ("other", 50)}) as store:
        options = TraceOptions(clusters=Method.EVIDENCE, rules=(Rule.FIFO,))
        write_case(store, f"{tx('deposit')}:0", options, folder / "case", Form())
    return folder / "case"


def test_links_of_common_spending_follow_from_transactions_in_the_folder(cluster_case: Path) -> None:
    ok, said = _details(cluster_case)["clusters"]
    assert ok
    assert said.endswith("follow from transactions in the folder")
    assert not said.startswith("0 clusters")


def test_links_that_are_missing_or_made_up_are_found(cluster_case: Path, tmp_path: Path) -> None:
    said = json.loads((cluster_case / "decisions.json").read_text())
    other = json.loads((cluster_case / "labels.json").read_text())
    assert said["links"]
    less = {**said, "links": []}
    moved = {**said, "links": [{**one, "tx": tx("deposit")} for one in said["links"]]}
    more = {**said, "links": [*said["links"], {**said["links"][0], "other": "x"}]}
    for number, change in enumerate((less, moved, more)):
        place = forged(cluster_case, tmp_path / str(number), {"decisions.json": json.dumps(change).encode()})
        assert not _details(place)["clusters"][0]
    owners = {**other["owners"], "an address": next(iter(other["owners"].values()))}
    grown = json.dumps({**other, "owners": owners}).encode()
    assert not verify(forged(cluster_case, tmp_path / "grown", {"labels.json": grown})).ok


@pytest.mark.parametrize(("threshold", "what"), [(5, "a hub"), (1_000, "no hub")])
def test_on_a_utxo_chain_whoever_moved_more_than_the_folder_holds_is_named_as_given(
    tmp_path: Path, threshold: int, what: str
) -> None:
    """H is paid by five and pays five; the folder has the one payment that went on to the deposit."""
    txs: dict[str, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {}
    for n in range(5):
        txs[f"mint{n}"] = [], [(f"payer{n}", 9_000)]
        txs[f"in{n}"] = [(f"mint{n}", 0)], [("H", 9_000)]
        txs[f"out{n}"] = [(f"in{n}", 0)], [(f"paid{n}", 9_000)]
    with coins(txs, {}) as store:
        asked = trace_options(hub_counterparties=threshold, hops=3)
        write_case(store, f"{tx('out0')}:0", asked, tmp_path / "case", Form())
    found = verify(tmp_path / "case")
    assert found.ok
    (given,) = (check.given for check in found.checks if check.name == "hubs")
    assert given == (f"{coin_address('H')} with 10 counterparties ({what})",)
    told = CliRunner().invoke(main, ["verify", str(tmp_path / "case")]).stdout
    assert f"taken as given (1): {coin_address('H')} with 10 counterparties ({what})" in told
