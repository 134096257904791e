"""A stranger's case folder is handled with care: whatever is planted in it ends in a sentence, and costs little."""

from __future__ import annotations

import os
import random
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from forged_cases import forged

from exposure.casefile import folder as case_folder
from exposure.cli import main
from exposure.errors import ExposureError, InputError
from exposure.workflows.case.verify import verify

LEDGER = "tx,index,block,time,from,to,amount,asset\n" + "".join(
    f"0x{n:02x},0,{n},{1_700_000_000 + n},0x{str(n) * 40},0x{str(n + 1) * 40},5,ethereum/native\n" for n in range(1, 4)
)
GIB = 2**30


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a.csv").write_text(LEDGER)
    runner = CliRunner(env={"EXPOSURE_STORE": str(folder / "store")})
    assert runner.invoke(main, ["import", str(folder / "a.csv"), "--chain", "ethereum"]).exit_code == 0
    made = runner.invoke(main, ["trace", "0x03:0", "--policy", "jp", "--out", str(folder / "case")])
    assert made.exit_code == 0, made.output
    pages = {case_folder.REPORT: None, case_folder.FACTS: None}  # five megabytes that no test here needs
    return forged(folder / "case", folder / "small", pages)


def _device(folder: Path) -> None:
    try:
        os.mknod(folder / "zero.json", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root can make a device file")


def _not_utf8(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff\xfe.txt")).touch()


def _many(folder: Path) -> None:
    for n in range(200):
        (folder / f"more{n}.txt").touch()


def _link_to_folder(folder: Path) -> None:
    (folder / "up.json").symlink_to("..")


def _hidden(folder: Path) -> None:
    (folder / ".hidden.json").touch()


@pytest.mark.parametrize("plant", [_device, _not_utf8, _many, _link_to_folder, _hidden])
def test_what_no_case_has_is_refused_before_it_is_opened(case: Path, tmp_path: Path, plant: Callable[[Path], None]) -> None:
    shutil.copytree(case, tmp_path / "case")
    plant(tmp_path / "case")
    with pytest.raises(InputError, match=r"no case has|a case has at most"):
        verify(tmp_path / "case")
    told = CliRunner().invoke(main, ["verify", str(tmp_path / "case")])
    assert told.exit_code == 2
    assert "Traceback" not in told.output
    assert told.output.isascii()


@pytest.mark.parametrize(
    ("name", "size"), [("manifest.json", GIB), ("report.json", GIB), ("tags.parquet", GIB + 1), ("case-id.txt", GIB)]
)
def test_files_of_gigabytes_are_not_read(case: Path, tmp_path: Path, name: str, size: int) -> None:
    """They are holes, so the test's disk does not mind; memory would."""
    shutil.copytree(case, tmp_path / "case")
    os.truncate(tmp_path / "case" / name, size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="is larger than"):
        verify(tmp_path / "case")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_files_that_together_are_larger_than_a_case_are_not_read(case: Path, tmp_path: Path) -> None:
    shutil.copytree(case, tmp_path / "case")
    for n in range(5):
        (tmp_path / "case" / f"more{n}.parquet").touch()
        os.truncate(tmp_path / "case" / f"more{n}.parquet", GIB)
    with pytest.raises(InputError, match="a case has at most"):
        verify(tmp_path / "case")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a/b.json", "..", "con\u202ejs.txt", "x" * 200 + ".json", ""]
)
def test_a_manifest_names_no_file_outside_its_folder(case: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(case, tmp_path / "case")
    import json

    said = json.loads((case / "manifest.json").read_text())
    said["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    (tmp_path / "case" / "manifest.json").write_text(json.dumps(said))
    found = verify(tmp_path / "case")
    assert not found.ok
    assert all(fault.startswith("manifest.json") for fault in found.faults)
    assert found.checks == ()


DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000


@pytest.mark.parametrize(
    "name", ["report.json", "labels.json", "editions.json", "decisions.json", "sources.json", "policy-1.toml", "log.jsonl"]
)
def test_deep_json_ends_in_a_sentence(case: Path, tmp_path: Path, name: str) -> None:
    toml = b"x = " + b"[" * 50_000 + b"]" * 50_000
    place = forged(case, tmp_path / "case", {name: toml if name.endswith(".toml") else DEEP})
    if name == "log.jsonl":  # it is read after the figures
        assert not verify(place).ok
        return
    with pytest.raises(InputError):
        verify(place)


def test_numbers_without_end_and_odd_values_end_in_a_sentence(case: Path, tmp_path: Path) -> None:
    odd: list[object] = [10**400, [], "9" * 5_000]
    keys = ["options", "label_time", "ends"]
    for number, (key, value) in enumerate((key, value) for key in keys for value in odd):
        place = forged(case, tmp_path / str(number), {}, {key: value})
        try:
            found = verify(place)
        except ExposureError:
            continue
        assert found.faults == ()
        assert found.checks


def test_files_that_were_bent_anywhere_end_in_a_sentence_or_do_not_come_out(case: Path, tmp_path: Path) -> None:
    whole = case_folder.read(case)
    names = sorted(name for name in whole.files if name.endswith((".parquet", ".json", ".toml")))
    dice = random.Random(11)
    for turn in range(13):
        name = names[turn % len(names)]
        octets = bytearray(whole.files[name])
        for _ in range(dice.choice((1, 1, 3))):
            octets[dice.randrange(len(octets))] ^= 1 << dice.randrange(8)
        place = forged(case, tmp_path / str(turn), {name: bytes(octets)})
        try:
            assert verify(place).faults == ()
        except ExposureError as error:
            assert len(str(error)) < 1_000
