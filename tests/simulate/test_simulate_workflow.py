"""`exposure simulate` writes a whole folder or none, the same one every time, and says that it is synthetic."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure.cli.simulate import simulate as command
from exposure.errors import InputError
from exposure.simulate import economy, lists, sizes
from exposure.workflows import simulate as workflow
from exposure.workflows.simulate import simulate

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "small"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path; packed ones unpacked, for the bytes of gzip are zlib's own choice."""
    return {
        str(path.relative_to(folder)): gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lines(path: Path) -> list[str]:
    """The lines of a text file, unpacked if need be."""
    octets = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return octets.decode("ascii").splitlines()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "small"
    simulate(folder, size="small", seed=1)
    return folder


def test_fixture_is_what_simulate_writes(small: Path) -> None:
    new, shipped = contents(small), contents(FIXTURE)
    assert sorted(new) == sorted(shipped)
    changed = [name for name in new if new[name] != shipped[name]]
    assert not changed, "write it anew: rm -r fixtures/small && exposure simulate fixtures/small"


def test_fixture_is_below_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in FIXTURE.rglob("*") if path.is_file()) < 1_000_000


def test_packed_files_hold_neither_time_nor_name(small: Path) -> None:
    for path in small.glob("*.gz"):
        head = path.read_bytes()[:10]
        assert head[3] == 0 and head[4:8] == b"\0\0\0\0"


def test_other_seed_gives_another_economy(small: Path, tmp_path: Path) -> None:
    simulate(tmp_path / "other", size="small", seed=2, truths="none")
    assert contents(tmp_path / "other")["bitcoin_outputs.csv.gz"] != contents(small)["bitcoin_outputs.csv.gz"]


def test_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        simulate(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        simulate(tmp_path / "mine.txt")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no folder"):
        simulate(tmp_path / "link")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "link"}


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    simulate(tmp_path / "new", truths="none")
    (tmp_path / "empty").mkdir()
    simulate(tmp_path / "empty", truths="none")
    assert contents(tmp_path / "empty") == contents(tmp_path / "new")


def test_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lists, "own_tags", fail)
    with pytest.raises(InputError, match="No space left on device; nothing is left"):
        simulate(tmp_path / "new", truths="none")
    assert list(tmp_path.iterdir()) == []


def test_unknown_size_and_seed_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="small, medium, large"):
        simulate(tmp_path / "new", size="huge")
    with pytest.raises(InputError, match="out of range"):
        simulate(tmp_path / "new", seed=-1)
    assert list(tmp_path.iterdir()) == []


def test_truth_may_be_asked_for_in_part(tmp_path: Path) -> None:
    assert "No truth" in simulate(tmp_path / "none", truths="none").truth
    assert not (tmp_path / "none" / "truth.csv.gz").exists()
    simulate(tmp_path / "really", truths="really")
    rows = list(csv.DictReader(lines(tmp_path / "really" / "truth.csv.gz")))
    assert {row["truth"] for row in rows} == {"really"}


def test_truth_by_rules_covers_the_beginning_of_a_long_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "RULE_ROWS", 1_500)
    monkeypatch.setattr(economy, "CHUNK_ROWS", 500)
    summary = simulate(tmp_path / "new", truths="rules")
    rows = list(csv.DictReader(lines(tmp_path / "new" / "truth.csv.gz")))
    really = {row["deposit"] for row in rows if row["truth"] == "really"}
    ruled = {row["deposit"] for row in rows if row["truth"] == "haircut"}
    assert ruled and ruled < really
    assert f"the first {len(ruled)} deposits" in summary.truth


def test_larger_sizes_are_parquet_with_exact_amounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    tiny = replace(
        sizes.MEDIUM, generations=2, steps=120, users=40, customers=20, launderers=6, coin_events=4, account_events=4
    )
    monkeypatch.setitem(sizes.SIZES, "medium", tiny)
    monkeypatch.setattr(economy, "CHUNK_ROWS", 300)
    summary = simulate(tmp_path / "new", size="medium", seed=3, truths="really")
    for name, count in summary.rows.items():
        if name.endswith(".parquet"):
            file = pq.ParquetFile(tmp_path / "new" / name)
            assert file.metadata.num_rows == count and file.metadata.num_row_groups > 1
            assert b"SYNTHETIC" in file.schema_arrow.metadata[b"note"]
    amounts = pq.read_table(tmp_path / "new" / "ethereum_transfers.parquet", columns=["amount"]).column("amount").to_pylist()
    assert max(amounts) > 2**64 and all(amount == int(amount) for amount in amounts)


def test_everything_shown_says_synthetic(small: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(command, [str(tmp_path / "new"), "--truth", "none"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("SYNTHETIC")
    assert max(map(len, shown.output.splitlines())) < 160
    as_json = CliRunner().invoke(command, [str(tmp_path / "json"), "--truth", "none", "--format", "json"])
    assert json.loads(as_json.output)["synthetic"] is True
    for name in ("README.txt", "own_tags.csv", "services_tagpack.yaml", "thefts_tagpack.yaml"):
        assert "SYNTHETIC" in (small / name).read_text().splitlines()[0]
    for name in ("ofac_edition_1.xml", "ofac_edition_2.xml"):
        assert "SYNTHETIC" in (small / name).read_text()[:300]


def test_readme_names_commands_for_files_that_are_there(small: Path) -> None:
    text = (small / "README.txt").read_text()
    commands = [line.split() for line in text.splitlines() if line.startswith("    exposure ")]
    assert sum(command[1] == "trace" for command in commands) == 2
    deposits = {f"{row['tx']}:{row['index']}" for row in csv.DictReader(lines(small / "deposits.csv"))}
    for words in commands:
        for word in words[2:]:
            if "." in word:
                assert (small / word).is_file(), word
        if words[1] == "trace":
            assert words[-1] in deposits
