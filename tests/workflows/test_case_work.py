"""Laws of working a case: every step is in its log, an address can be looked behind, and a kill leaves a whole case."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure.casefile import folder as case_folder
from exposure.cli import main
from exposure.errors import InputError
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.case.log import note
from exposure.workflows.case.reading import open_case, options_of
from exposure.workflows.case.verify import verify
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import import_lists

FOE, MID, ME, BUSY, SHOP = ("0x" + letter * 40 for letter in "abcde")
OTHERS = [f"0x{n:040x}" for n in range(1, 5)]
DAY = 86_400
START = to_unix("2024-01-01")
DEPOSIT = f"0x{9:064x}:0"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FOE pays BUSY 30, and so do four others, 15 each; BUSY pays MID 40 and four others 10 each; MID pays ME 40.

    With three counterparties as the limit BUSY is a hub; as an ordinary address it passes on a third of FOE's money.
    """
    folder = tmp_path_factory.mktemp("work")
    rows = [(1, FOE, BUSY, 30)]
    rows += [(2, other, BUSY, 15) for other in OTHERS]
    rows += [(3, BUSY, MID, 40)]
    rows += [(4, BUSY, other, 10) for other in OTHERS]
    rows += [(9, MID, ME, 40)]
    lines = ["tx,index,block,time,from,to,amount,asset"]
    seen: dict[int, int] = {}
    for block, sender, receiver, amount in rows:
        n = seen[block] = seen.get(block, -1) + 1
        tx = f"0x{block * 16 + n:064x}" if n else f"0x{block:064x}"
        lines.append(f"{tx},{n},{block},{START + DAY * block},{sender},{receiver},{amount},ethereum/native")
    (folder / "a.csv").write_text("\n".join(lines) + "\n")
    (folder / "list.csv").write_text(
        "address,entity,category,regime,listed_on,source\n" + f"{FOE},Foe Ltd,sanctioned,US,2024-01-05,gazette\n"
    )
    with Store.create(folder / "store") as store:
        ingest([folder / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        import_lists(store, [folder / "list.csv"], ListOptions(published=START + 10 * DAY))
    return folder


@pytest.fixture
def folder(loaded: Path, tmp_path: Path) -> Path:
    shutil.copytree(loaded / "store", tmp_path / "store")
    return tmp_path


def _run(folder: Path, *words: str, command: str = "trace") -> Result:
    environ = {"EXPOSURE_STORE": str(folder / "store"), "EXPOSURE_HUB_COUNTERPARTIES": "3"}
    return CliRunner(env=environ).invoke(main, [*command.split(), *words])


def _log(case: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (case / "log.jsonl").read_text().splitlines()]


def _figures(case: Path) -> dict[str, int]:
    section = json.loads((case / "report.json").read_text())["sections"][0]
    sums: dict[str, int] = {}
    for part in (*section["exposures"], *section["unresolved"], *section["attributed"]):
        name = part.get("reason") or part["category"] or part["kind"]
        sums[name] = sums.get(name, 0) + int(part["amount"])
    return sums


def test_an_address_is_looked_behind_though_it_is_a_hub_and_the_case_keeps_that(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert _run(folder, DEPOSIT, "--out", str(case)).exit_code == 0
    assert _figures(case) == {"hub": 40}
    further = _run(folder, "--case", str(case), "--expand", BUSY)
    assert further.exit_code == 0, further.output
    # By hand: of BUSY's 90 units 30 are FOE's, and MID got 40 of the 90. The others never received what they paid BUSY.
    assert _figures(case) == {"sanctioned": 13, "shortfall": 27}
    assert f"{BUSY} counts as a hub (6 counterparties)" in " ".join(further.stdout.split())
    step = next(line for line in _log(case) if line["step"] == "expand")
    assert step["address"] == BUSY
    assert str(step["was"]).startswith("hub: ")
    found = verify(case)
    assert found.ok, found
    assert options_of(open_case(case)).expanded == (BUSY,)
    assert _run(folder, "--case", str(case), "--hops", "6").exit_code == 0
    assert options_of(open_case(case)).expanded == (BUSY,)
    assert [line["step"] for line in _log(case)] == ["trace", "expand", "trace", "trace"]
    assert verify(case).ok


def test_without_the_setting_a_case_that_was_looked_behind_does_not_come_out(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert _run(folder, DEPOSIT, "--expand", BUSY, "--out", str(case)).exit_code == 0
    whole = case_folder.read(case)
    files = {name: content for name, content in whole.files.items() if name != case_folder.IDENTITY}
    for name in (case_folder.REPORT, case_folder.FACTS):
        files[name] = files[name].replace(whole.id.encode(), case_folder.NO_ID.encode())
    manifest = {key: value for key, value in whole.manifest.items() if key not in ("files", "form")}
    manifest["options"] = {**manifest["options"], "expanded": []}
    case_folder.write(tmp_path / "forged", files, manifest)
    assert not verify(tmp_path / "forged").ok


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--expand", FOE), "tagged as sanctioned Foe Ltd"),
        (("--expand", "0x12"), "not a valid EVM address"),
    ],
)
def test_parties_are_not_looked_behind(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = _run(folder, DEPOSIT, *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_an_address_that_is_no_hub_or_was_not_reached_changes_nothing_and_that_is_said(folder: Path) -> None:
    result = _run(folder, DEPOSIT, "--expand", MID, "--expand", SHOP, "--format", "json")
    assert result.exit_code == 0
    warnings = " ".join(json.loads(result.stdout)["warnings"])
    assert f"{MID} changed nothing: it is no hub" in warnings
    assert f"{SHOP} changed nothing: the trace did not come to it; what lies beyond 5 hops" in warnings


def test_tags_and_their_retraction_between_two_answers_stand_in_the_log_and_the_report(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert _run(folder, DEPOSIT, "--out", str(case)).exit_code == 0
    added = _run(
        folder,
        *(BUSY, "--category", "exchange", "--entity", "Busy KK", "--source", "its web page", "--note", "seen"),
        command="tags add",
    )
    assert added.exit_code == 0, added.output
    assert _run(folder, "--case", str(case)).exit_code == 0
    step = next(line for line in _log(case) if line["step"] == "tag")
    assert {key: step[key] for key in ("subject", "entity", "source", "note", "category")} == {
        "subject": BUSY,
        "entity": "Busy KK",
        "source": "its web page",
        "note": "seen",
        "category": "exchange",
    }
    assert "Busy KK" in (case / "report.html").read_text()
    assert _run(folder, "1", "--reason", "mistaken", command="tags retract").exit_code == 0
    assert _run(folder, "--case", str(case)).exit_code == 0
    step = next(line for line in _log(case) if line["step"] == "retract")
    assert (step["subject"], step["reason"]) == (BUSY, "mistaken")
    assert verify(case).ok


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (f"{MID}: his brother's", MID),
        (f"{MID.upper().replace('0X', '0x')}: his brother's", MID),
        (f"0x{9:064x}: the deposit", f"0x{9:064x}"),
        (f"{DEPOSIT}: the deposit", DEPOSIT),
        (f"0x{9:064x}:log:5: a token", f"0x{9:064x}:log:5"),
        ("Attention: the customer called", ""),
        ("https://example.org: a page", ""),
    ],
)
def test_a_note_is_about_an_address_or_transfer_only_where_it_names_one(text: str, about: str) -> None:
    line = note(text)
    assert line["about"] == about
    assert line["text"] == (text.partition(": ")[2] if about else text)


def test_notes_on_transfers_stand_in_log_and_report(folder: Path, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert _run(folder, DEPOSIT, "--out", str(case), "--note", f"{DEPOSIT}: <b>paid in cash</b>").exit_code == 0
    html = (case / "report.html").read_text()
    assert "&lt;b&gt;paid in cash&lt;/b&gt;" in html
    assert _log(case)[-1]["about"] == DEPOSIT
    assert verify(case).ok


def _killed_at(step: int, write: Callable[[], object], *, exchange: bool) -> bool:
    """Run a write in a process of its own that is gone at its n-th call to the system; whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def run(*words: object, **named: object) -> object:
                nonlocal left
                if not left:
                    os._exit(9)
                left -= 1
                return call(*words, **named)

            return run

        os.open, os.fsync, shutil.rmtree = counted(os.open), counted(os.fsync), counted(shutil.rmtree)  # in the child alone
        Path.rename, Path.mkdir = counted(Path.rename), counted(Path.mkdir)  # in the child alone
        if not exchange:
            case_folder._exchanged = lambda one, other: False
        try:
            write()
        except BaseException:  # noqa: BLE001  # whatever it is, the parent has to see it
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 0


@pytest.mark.parametrize("exchange", [True, False])
def test_whoever_is_killed_while_writing_leaves_the_case_before_or_the_new_one_whole(tmp_path: Path, exchange: bool) -> None:
    place = tmp_path / "case"
    before = case_folder.write(place, {"a.json": b"before", "b.json": b"more"}, {"n": 1})
    seen = set()
    for step in range(60):
        standing = open_case(place)
        done = _killed_at(
            step,
            lambda one=standing.id: case_folder.write(place, {"a.json": b"new"}, {"n": 2}, replacing=one),
            exchange=exchange,
        )
        after = open_case(place)
        assert not after.faults
        assert [path.name for path in tmp_path.iterdir()] == ["case"]
        seen.add(after.id)
        if done:
            break
    else:
        pytest.fail("the write never came to its end")
    assert before in seen
    assert len(seen) == 2


def test_two_that_go_on_with_one_case_do_not_overwrite_each_other(tmp_path: Path) -> None:
    place = tmp_path / "case"
    first = case_folder.write(place, {"a.json": b"1"}, {})
    case_folder.write(place, {"a.json": b"2"}, {}, replacing=first)
    with pytest.raises(InputError, match="changed by somebody else meanwhile"):
        case_folder.write(place, {"a.json": b"3"}, {}, replacing=first)
    assert open_case(place).files["a.json"] == b"2"
