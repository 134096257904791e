"""Laws of the comparison: every item that made two answers differ is named with its edition, its day and its effect."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from exposure.casefile import folder as case_folder
from exposure.cli import main
from exposure.model.comparison import Change, Comparison
from exposure.model.labels import Category
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.compare import compare
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists, retract
from exposure.workflows.trace_options import trace_options

FOE, MID, ME, SHOP, HUB = ("0x" + letter * 40 for letter in "abcde")
TX = "0x" + "7" * 64
DAY = 86_400
START = to_unix("2024-01-01")


def _ledger(file: Path, rows: list[tuple[int, str, str, int]]) -> Path:
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [f"0x{n:064x},0,{n},{START + DAY * n},{a},{b},{amount},ethereum/native" for n, a, b, amount in rows]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """FOE pays MID on day 1, SHOP pays MID on day 2, MID pays ME on day 3; the list is of day 10, the own tag of day 20."""
    with Store.create(tmp_path / "store") as store:
        rows = [(1, FOE, MID, 60), (2, SHOP, MID, 40), (3, MID, ME, 100), (30, MID, ME, 5)]
        ingest([_ledger(tmp_path / "a.csv", rows)], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        list_file = tmp_path / "list.csv"
        list_file.write_text(
            "address,entity,category,regime,listed_on,source\n" + f"{FOE},Foe Ltd,sanctioned,US,2024-01-05,gazette\n"
        )
        import_lists(store, [list_file], ListOptions(published=START + 10 * DAY))
        add_tag(store, OwnTag(SHOP, Category.EXCHANGE, "Shop", "me", "n"), now=START + 20 * DAY)
    return tmp_path


def _compared(folder: Path, before: str, after: str | None, subject: str = f"0x{3:064x}:0") -> Comparison:
    with Store.open(folder / "store") as store:
        options = trace_options(as_of=before, labels_as_of=before, policy="jp")
        report = compare(store, subject, options, None if after is None else to_unix(after, end_of_day=True))
    jsonschema.validate(json.loads(json.dumps(report_to_dict(report))), report_schema())
    assert report.comparison is not None
    return report.comparison


def _about(found: Comparison, about: str) -> list[Change]:
    return [item for item in found.items if item.about == about]


def test_a_label_of_a_later_edition_is_named_with_its_edition_day_and_effect(folder: Path) -> None:
    found = _compared(folder, "2024-01-06", "2024-01-15")
    (item,) = _about(found, FOE)
    assert (item.kind, item.since, item.share) == ("label", START + 10 * DAY, 0.6)
    assert "Foe Ltd" in item.said
    assert item.source.startswith("CSV list, edition csv-list-")
    figures = {figure.category: (figure.before, figure.after) for figure in found.figures}
    assert figures["sanctioned"] == (0.0, 0.6)
    assert found.verdicts == ("jp 1.1: review, then hold",)


def test_own_tags_added_and_retracted_are_named(folder: Path) -> None:
    (added,) = _about(_compared(folder, "2024-01-15", "2024-01-25"), SHOP)
    assert (added.kind, added.since, added.source) == ("label", START + 20 * DAY, "own tags")
    with Store.open(folder / "store") as store:
        retract(store, 1, "wrong", now=START + 40 * DAY)
    (gone,) = _about(_compared(folder, "2024-01-25", "2024-02-15"), SHOP)
    assert "no longer tagged exchange Shop" in gone.said


def test_new_transfers_and_history_that_came_later_are_told_apart(folder: Path) -> None:
    found = _compared(folder, "2024-01-15", "2024-02-15", ME)
    assert "after block 3, up to block 30" in next(item.said for item in found.items if item.kind == "transfers")
    later = next(item for item in found.items if item.kind == "history")
    assert "a.csv" in later.said
    assert later.since is not None
    assert later.since > to_unix("2024-06-01")


def test_two_equal_answers_differ_in_nothing(folder: Path) -> None:
    with Store.open(folder / "store") as store:
        report = compare(store, f"0x{3:064x}:0", trace_options(), None)
    assert report.comparison is not None
    assert (report.comparison.figures, report.comparison.items) == ((), ())


def _run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["trace", "--store", str(folder / "store"), *arguments])


def test_why_was_this_not_flagged_on_that_day_is_one_command(folder: Path) -> None:
    day = "2024-01-06"
    result = _run(folder, f"0x{3:064x}:0", "--as-of", day, "--labels-as-of", day, "--compare", "now")
    assert result.exit_code == 0, result.output
    assert "CHANGED" in result.stdout
    assert "+60.0 % of the subject" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    refused = _run(folder, f"0x{3:064x}:0", "--compare", "yesterday")
    assert refused.exit_code == 2


def test_a_case_is_compared_with_what_the_store_says_now(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "case"
    assert _run(folder, f"0x{3:064x}:0", "--labels-as-of", "2024-01-06", "--out", str(out)).exit_code == 0
    identity = case_folder.read(out).id
    with Store.open(folder / "store") as store:
        ingest([_ledger(folder / "b.csv", [(0, SHOP, FOE, 7)])], ImportOptions(chain="ethereum"), store=store)
    result = _run(folder, "--case", str(out), "--compare", "now", "--hops", "4", "--format", "json")
    assert result.exit_code == 0, result.output
    items = {(item["kind"], item["about"]) for item in json.loads(result.stdout)["comparison"]["items"]}
    assert {("label", FOE), ("label", SHOP), ("settings", "hops"), ("settings", "labels_as_of")} <= items
    assert case_folder.read(out).id == identity
