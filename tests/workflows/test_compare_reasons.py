"""Laws of the comparison: each kind of reason why an answer differs is told apart from the others, and named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner

from exposure.casefile import folder as case_folder
from exposure.cli import main
from exposure.model.comparison import Comparison
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.case import Form, write_case
from exposure.workflows.case.reading import open_case
from exposure.workflows.compare import compare, compare_case
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import import_lists
from exposure.workflows.trace_options import trace_options

FOE, MID, ME, SHOP, NEW = ("0x" + letter * 40 for letter in "abcde")
OTHERS = [f"0x{n:040x}" for n in range(1, 6)]
DAY = 86_400
START = to_unix("2024-01-01")
DEPOSIT = f"0x{3:064x}:0"
Row = tuple[int, str, str, int]
PLAIN: list[Row] = [(1, FOE, MID, 60), (2, SHOP, MID, 40), (3, MID, ME, 100)]


def _import(folder: Path, store: Store, name: str, rows: Sequence[Row], *, whole: bool = True) -> None:
    lines = ["tx,index,block,time,from,to,amount,asset"]
    for place, (n, sender, receiver, amount) in enumerate(rows):
        tx = f"0x{n:064x}" if n < 100 else f"0x{n * 1000 + place:064x}"
        block = n if n < 100 else n - 100
        lines.append(f"{tx},{place},{block},{START + DAY * block},{sender},{receiver},{amount},ethereum/native")
    (folder / name).write_text("\n".join(lines) + "\n")
    ingest([folder / name], ImportOptions(chain="ethereum", whole_ledger=whole), store=store)


def _edition(folder: Path, store: Store, day: int, rows: Sequence[str]) -> None:
    head = "address,entity,category,regime,listed_on,delisted_on,source"
    (folder / f"list{day}.csv").write_text("\n".join([head, *rows]) + "\n")
    options = ListOptions(published=START + day * DAY, name="gazette list", accept=True)
    import_lists(store, [folder / f"list{day}.csv"], options)


LISTED = f"{FOE},Foe Ltd,sanctioned,US,2024-01-05,,gazette"


def _between(store: Store, before: str, after: str | None, **options: object) -> Comparison:
    asked = trace_options(as_of=before, labels_as_of=before, **options)  # options by name
    report = compare(store, DEPOSIT, asked, None if after is None else to_unix(after, end_of_day=True))
    assert report.comparison is not None
    return report.comparison


def test_a_delisting_is_a_listing_item_with_its_day(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        _import(tmp_path, store, "a.csv", PLAIN)
        _edition(tmp_path, store, 10, [LISTED])
        _edition(tmp_path, store, 40, [LISTED.replace(",,gazette", ",2024-02-05,gazette")])
        (item,) = [one for one in _between(store, "2024-01-20", "2024-02-20").items if one.about == FOE]
    assert (item.kind, item.said, item.since) == ("listing", "was taken off the list of US", to_unix("2024-02-05"))


def test_a_listing_by_another_regime_is_named_with_its_day(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        _import(tmp_path, store, "a.csv", PLAIN)
        _edition(tmp_path, store, 10, [LISTED])
        _edition(tmp_path, store, 40, [LISTED, f"{FOE},Foe Ltd,sanctioned,JP,2024-02-05,,gazette"])
        (item,) = [one for one in _between(store, "2024-01-20", "2024-02-20").items if one.about == FOE]
    assert (item.kind, item.said, item.since) == ("listing", "is listed by JP", to_unix("2024-02-05"))


def test_an_address_that_a_later_edition_leaves_out_counts_as_taken_off_the_list(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        _import(tmp_path, store, "a.csv", PLAIN)
        _edition(tmp_path, store, 10, [LISTED])
        _edition(tmp_path, store, 40, [f"{NEW},Other Ltd,sanctioned,US,2024-01-05,,gazette"])
        (item,) = [one for one in _between(store, "2024-01-20", "2024-02-20").items if one.about == FOE]
    # Whoever was ever listed stays a seed: what moved then moved from a listed party.
    assert (item.kind, item.said, item.since) == ("listing", "was taken off the list of US", START + 40 * DAY)


def test_an_address_that_became_a_hub_is_a_hub_item_with_its_figure(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        busy: list[Row] = [(120, other, MID, 50) for other in OTHERS] + [(121, MID, other, 50) for other in OTHERS]
        _import(tmp_path, store, "a.csv", [*PLAIN, *busy])
        _edition(tmp_path, store, 1, [LISTED])
        found = _between(store, "2024-01-10", "2024-02-20", hub_counterparties=5)
    item = next(one for one in found.items if one.kind == "hub")
    assert (item.about, item.said) == (MID, "is a hub (8 counterparties)")
    figures = {one.category: (one.before, one.after) for one in found.figures}
    assert figures["sanctioned"] == (0.6, 0.0)
    assert figures["unresolved"] == (0.4, 1.0)


def test_beside_a_case_newer_transfers_fetched_history_and_coverage_are_told_apart(tmp_path: Path) -> None:
    with Store.create(tmp_path / "store") as store:
        _import(tmp_path, store, "a.csv", PLAIN[1:], whole=False)
        _edition(tmp_path, store, 1, [LISTED])
        write_case(store, ME, trace_options(), tmp_path / "case", Form())
        identity = case_folder.read(tmp_path / "case").id
        _import(tmp_path, store, "b.csv", [(1, FOE, MID, 60), (50, FOE, ME, 7)], whole=True)
        report = compare_case(store, open_case(tmp_path / "case"), trace_options())
    assert report.comparison is not None
    items = {one.kind: one for one in report.comparison.items if one.kind in ("history", "transfers")}
    assert "1 more transfer looked at lies up to block 3" in items["history"].said
    assert "1 more transfer looked at lies after block 3, the end of the case" in items["transfers"].said
    covered = {one.about for one in report.comparison.items if one.kind == "coverage" and "declared whole" in one.said}
    assert {ME, MID} <= covered
    assert case_folder.read(tmp_path / "case").id == identity
    # As a user types it, and reads it.
    told = CliRunner().invoke(
        main, ["trace", "--store", str(tmp_path / "store"), "--case", str(tmp_path / "case"), "--compare", "now"]
    )
    assert told.exit_code == 0, told.output
    said = " ".join(told.stdout.split())
    assert "CHANGED" in said
    assert "which the case does not hold" in said
