"""Law of ``--paths K``: the K paths with the largest amounts, on the screen, in JSON, on the page and in a case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import exposure as ex
from exposure.cli import main
from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import OwnTag, add_tag

FOE, MID, ME = ("0x" + letter * 40 for letter in "abc")
BETWEEN = [f"0x{n:040x}" for n in range(1, 21)]
DEPOSIT = f"0x{99:064x}:0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FOE pays MID by twenty ways of 1 to 20 each, and MID pays all of it to ME."""
    place = tmp_path_factory.mktemp("ways")
    rows = [(n, FOE, one, n) for n, one in enumerate(BETWEEN, 1)] + [(n + 30, one, MID, n) for n, one in enumerate(BETWEEN, 1)]
    rows.append((99, MID, ME, sum(range(1, 21))))
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [f"0x{n:064x},0,{n},{1_700_000_000 + n},{a},{b},{amount},ethereum/native" for n, a, b, amount in rows]
    (place / "a.csv").write_text("\n".join(lines) + "\n")
    with Store.create(place / "store") as store:
        ingest([place / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        add_tag(store, OwnTag(FOE, Category.MIXER, "Foe", "me", "n"), now=0)
    return place


def _run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["trace", "--store", str(folder / "store"), *words])


def _amounts(text: str) -> list[int]:
    return [int(path["amount"]) for path in json.loads(text)["sections"][0]["paths"]]


@pytest.mark.parametrize("rule", ["haircut", "fifo"])
def test_the_largest_paths_are_given_as_many_as_are_asked_for(folder: Path, rule: str) -> None:
    words = (DEPOSIT, "--rule", rule, "--format", "json")
    assert _amounts(_run(folder, *words).stdout) == list(range(20, 6, -1))
    assert _amounts(_run(folder, *words, "--paths", "2").stdout) == [20, 19]
    assert _amounts(_run(folder, *words, "--paths", "200").stdout) == list(range(20, 0, -1))


def test_screen_and_page_show_what_was_asked_for(folder: Path) -> None:
    words = (DEPOSIT, "--rule", "fifo")
    assert "largest 3 of 20" in _run(folder, *words).stdout
    shown = _run(folder, *words, "--paths", "17").stdout
    assert "largest 17 of 20" in shown
    assert len([line for line in shown.splitlines() if " ETH" in line and "Foe" in line and "->" in line]) == 17
    page = folder / "report.html"
    assert _run(folder, *words, "--paths", "17", "-o", str(page)).exit_code == 0
    assert "Path 17: " in page.read_text()


def test_a_case_goes_on_with_the_number_it_was_asked_for(folder: Path, tmp_path: Path) -> None:
    case = str(tmp_path / "case")
    assert _run(folder, DEPOSIT, "--paths", "1", "--out", case).exit_code == 0
    assert _run(folder, "--case", case, "--hops", "6").exit_code == 0
    assert _amounts((tmp_path / "case" / "report.json").read_text()) == [20]
    assert _run(folder, "--case", case, "--paths", "5").exit_code == 0
    assert _amounts((tmp_path / "case" / "report.json").read_text()) == [20, 19, 18, 17, 16]
    assert CliRunner().invoke(main, ["verify", case]).exit_code == 0


def test_what_is_no_number_of_paths_is_refused(folder: Path) -> None:
    for said, words in (
        ("many", "--paths takes a number of paths, not 'many'"),
        ("0", "from 1 to 200"),
        ("201", "from 1 to 200"),
    ):
        result = _run(folder, DEPOSIT, "--paths", said)
        assert (result.exit_code, words in result.stderr) == (2, True)
    with pytest.raises(InputError, match="from 1 to 200"):
        ex.trace(folder / "store", DEPOSIT, paths=0)
    assert len(ex.trace(folder / "store", DEPOSIT, paths=4).report.sections[0].paths) == 4
