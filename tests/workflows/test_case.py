"""Laws of a case folder: it is recomputed from itself alone, a changed byte is named, and a stranger's is handled with care."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from exposure.casefile import folder as case_folder
from exposure.casefile.labels import tags_schema
from exposure.casefile.rows import read, written
from exposure.cli import main
from exposure.errors import InputError
from exposure.model.schemas import OUTPUTS, arrow_schema
from exposure.store.store import Store
from exposure.workflows.case import Form, open_case, options_of, write_case
from exposure.workflows.case.verify import verify
from exposure.workflows.trace_options import trace_options

DEPOSIT = "ea15bd3966079bcb514e0cbcd8621daf2f65756144d885d5db0ca05284140c57:1"
ACCOUNT = "0xd16cce87b8e3299bd1938db02f832be0366af574"


@pytest.fixture(scope="module")
def folder(small: Path) -> Path:
    return small


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def case(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case of a Bitcoin deposit under every rule, judged."""
    out = tmp_path_factory.mktemp("case") / "one"
    write_case(store, DEPOSIT, trace_options(rule="all", policy="jp"), out, Form(notes=("a note on the case",)))
    return out


def _run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["trace", "--store", str(folder / "store"), *arguments])


def test_a_case_is_recomputed_by_both_engines_from_its_folder_alone(case: Path) -> None:
    found = verify(case)
    assert found.ok, found
    assert found.uncompared == ()
    assert [check.name for check in found.checks] == [
        *("question", "names", "evidence", "labels", "sources", "engine reference", "transfers", "hubs", "clusters"),
        *("report", "manifest", "log", "facts.html", "report.html", "engine local"),
    ]


@pytest.mark.parametrize(
    ("subject", "options"),
    [
        (ACCOUNT, {"rule": "all", "policy": ["strict", "us-ofac"]}),
        (ACCOUNT, {"hub_counterparties": 3, "as_of": "2023-08-05"}),
        (DEPOSIT, {"hops": None, "labels_as_of": "2023-03-01"}),
        (DEPOSIT, {"direction": "destination", "rule": "tiho", "engine": "local"}),
        (DEPOSIT, {"max_transactions": 6}),
        (DEPOSIT, {"seeds_from": "designation"}),
    ],
)
def test_whatever_was_asked_comes_out_the_same(store: Store, tmp_path: Path, subject: str, options: dict[str, object]) -> None:
    asked = trace_options(**options)  # options by name
    made = write_case(store, subject, asked, tmp_path / "case", Form())
    found = verify(tmp_path / "case", case_id=made.id)
    assert found.ok, found
    assert options_of(open_case(tmp_path / "case")) == asked


def test_one_hundred_of_one_hundred_single_byte_changes_are_named(case: Path) -> None:
    names = sorted(path.name for path in case.iterdir())
    dice = random.Random(7)
    for turn in range(100):
        name = names[turn % len(names)]
        file = case / name
        octets = bytearray(file.read_bytes())
        place = dice.randrange(len(octets))
        octets[place] ^= 1 << dice.randrange(8)
        before = file.read_bytes()
        file.write_bytes(bytes(octets))
        try:
            faults = case_folder.read(case).faults
        finally:
            file.write_bytes(before)
        assert faults, (name, place)
        assert all(fault.split()[0] == name for fault in faults), (name, place, faults)
    assert case_folder.read(case).faults == ()


def test_the_printed_id_is_hashed_too(case: Path) -> None:
    identity = case_folder.read(case).id
    html = (case / "report.html").read_text()
    assert html.count(identity) == 1
    other = identity.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    (case / "report.html").write_text(html.replace(identity, other))
    try:
        assert [fault.split()[0] for fault in case_folder.read(case).faults] == ["report.html"]
    finally:
        (case / "report.html").write_text(html)


def test_files_that_are_missing_or_too_many_are_named_and_nothing_is_recomputed(case: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(case, copy)
    (copy / "tags.parquet").unlink()
    (copy / "more.txt").write_text("x")
    found = verify(copy)
    assert {fault.split()[0] for fault in found.faults} == {"tags.parquet", "more.txt"}
    assert found.checks == ()
    assert not found.ok


def test_another_id_than_the_one_that_was_told_is_refused(case: Path) -> None:
    assert verify(case, case_id=case_folder.read(case).id.upper()).ok
    wrong = verify(case, case_id="0" * 64)
    assert not wrong.ok
    assert wrong.faults[0].startswith("manifest.json")


@pytest.mark.parametrize("wrong", ["3f9ac1d0", "0" * 63, "0" * 65, "g" * 64, "", "\u0660" * 64])
def test_an_id_that_is_none_is_wrong_input_and_not_a_changed_case(case: Path, wrong: str) -> None:
    told = CliRunner().invoke(main, ["verify", str(case), "--id", wrong])
    assert told.exit_code == 2
    assert "64 hex digits" in told.stderr
    assert told.stdout == ""


def _forged(case: Path, tmp_path: Path, name: str, content: bytes) -> Path:
    """A copy in which one file was changed and every hash made anew."""
    whole = case_folder.read(case)
    files = {key: value for key, value in whole.files.items() if key != case_folder.IDENTITY} | {name: content}
    files[case_folder.REPORT] = files[case_folder.REPORT].replace(whole.id.encode(), case_folder.NO_ID.encode())
    manifest = {key: value for key, value in whole.manifest.items() if key not in ("files", "form")}
    case_folder.write(tmp_path / "forged", files, manifest)
    return tmp_path / "forged"


def test_evidence_or_figures_that_were_changed_together_with_the_hashes_do_not_come_out(case: Path, tmp_path: Path) -> None:
    files = case_folder.read(case).files
    outputs = read(files["outputs.parquet"], arrow_schema(OUTPUTS), "outputs.parquet")
    more = pa.array([amount + 1 for amount in outputs["amount"].to_pylist()], outputs["amount"].type)
    place = outputs.schema.get_field_index("amount")
    forged = outputs.set_column(place, outputs.schema.field(place), more)
    report = files["report.json"].replace(b'"share": 0.11', b'"share": 0.01', 1)
    assert report != files["report.json"]
    labels = files["labels.json"].replace(b'"category": "sanctioned"', b'"category": "scam"')
    for name, content in (("outputs.parquet", written(forged)), ("report.json", report), ("labels.json", labels)):
        found = verify(_forged(case, tmp_path / name, name, content))
        assert found.faults == (), name
        assert not found.ok, name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("outputs.parquet", b"PAR1 no parquet PAR1"),
        ("outputs.parquet", written(pa.table({"x": [1]}))),
        ("tags.parquet", b""),
        ("labels.json", b"[" * 100_000),
        ("labels.json", b'{"seeds": {"a": {"name": 1}}}'),
        ("editions.json", b"{}"),
        ("report.json", b"nothing"),
        ("policy-1.toml", b"name = 1"),
        ("coverage.parquet", written(pa.table({"chain": ["x"]}))),
    ],
)
def test_a_strangers_folder_ends_in_a_sentence(case: Path, tmp_path: Path, name: str, content: bytes) -> None:
    forged = _forged(case, tmp_path, name, content)
    with pytest.raises(InputError, match=r"of the case|policy|labels"):
        verify(forged)


def test_a_table_that_would_fill_the_memory_once_unpacked_is_refused_before(tmp_path: Path) -> None:
    """A hundred thousand times one word of 60,000 letters in each column: little in the file, gigabytes once unpacked."""
    import io
    import resource

    import pyarrow.parquet as pq

    word = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 60_000]))
    sink = io.BytesIO()
    pq.write_table(pa.table(dict.fromkeys(tags_schema().names, word)), sink, store_schema=False)
    assert len(sink.getvalue()) < 5_000_000
    assert pq.ParquetFile(io.BytesIO(sink.getvalue())).schema_arrow.equals(tags_schema())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="too large once unpacked"):
        read(sink.getvalue(), tags_schema(), "tags.parquet")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kilobytes


def _number(value: int, size: int = 0) -> bytes:
    """An integer as Parquet's footer has it, in at least so many bytes."""
    groups, left = [], value << 1
    while left or len(groups) < max(size, 1):
        groups.append(left & 0x7F)
        left >>= 7
    return bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:])


def test_a_table_that_lies_about_its_sizes_is_given_up_at_its_first_large_column() -> None:
    import io

    import pyarrow.parquet as pq

    names = tags_schema().names
    sink = io.BytesIO()
    pq.write_table(
        pa.table(dict.fromkeys(names, pa.array(["x" * 8_000_000 + str(n) for n in range(2)]))),
        sink,
        compression="zstd",
        use_dictionary=False,
        store_schema=False,
        write_statistics=False,
    )
    content = sink.getvalue()
    group = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    said = content[footer:]
    for size in {group.total_byte_size, *(group.column(n).total_uncompressed_size for n in range(len(names)))}:
        said = said.replace(_number(size), _number(1_000, len(_number(size))))
    content = content[:footer] + said
    assert pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0).total_byte_size == 1_000
    assert len(content) < 200_000
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        with pytest.raises(InputError, match="too large once unpacked"):
            read(content, tags_schema(), "tags.parquet")
    finally:
        pa.set_memory_pool(before)
    assert 16_000_000 < pool.max_memory() < 150_000_000  # one column of some thirty


def test_links_folders_and_odd_names_are_not_followed(case: Path, tmp_path: Path) -> None:
    for number, plant in enumerate(("link", "folder", "name", "pipe")):
        copy = tmp_path / str(number)
        shutil.copytree(case, copy)
        if plant == "link":
            (copy / "tags.parquet").unlink()
            (copy / "tags.parquet").symlink_to("/etc/passwd")
        elif plant == "folder":
            (copy / "more.d").mkdir()
        elif plant == "name":
            (copy / "..\u202e.txt").write_text("x")
        else:
            import os

            os.mkfifo(copy / "pipe.txt")
        with pytest.raises(InputError, match="no case has"):
            verify(copy)


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b'{"form": "exposure.case/1", "files": {"../../etc/passwd": {}}}', b"[" * 9999]
)
def test_a_manifest_that_is_none_is_named(case: Path, tmp_path: Path, manifest: bytes) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(case, copy)
    (copy / "manifest.json").write_bytes(manifest)
    found = verify(copy)
    assert found.faults[0].startswith("manifest.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no case folder"):
        verify(tmp_path / "empty")


def test_a_case_goes_on_with_its_options_and_log_and_notes(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "case"
    first = _run(folder, DEPOSIT, "--hops", "3", "--policy", "jp", "--tz", "Asia/Tokyo", "--lang", "ja", "--out", str(out))
    assert first.exit_code == 0, first.output
    before = case_folder.read(out).id
    assert before in first.stderr
    about = f"{ACCOUNT}: asked the customer"
    second = _run(folder, "--case", str(out), "--hops", "6", "--note", "seen by two people", "--note", about)
    assert second.exit_code == 0, second.output
    whole = open_case(out)
    assert whole.id != before
    assert options_of(whole).hops == 6
    assert [policy.name for policy in options_of(whole).policies] == ["jp"]
    log = [json.loads(line) for line in whole.files["log.jsonl"].splitlines()]
    assert [line["step"] for line in log] == ["trace", "trace", "note", "note"]
    assert [line["options"]["hops"] for line in log[:2]] == [3, 6]
    assert [line["before"] for line in log[:2]] == [None, before]
    assert (log[3]["about"], log[3]["text"]) == (ACCOUNT, "asked the customer")
    html = whole.files["report.html"].decode()
    assert '<html lang="ja">' in html
    assert "seen by two people" in html
    assert "JST" in html
    assert verify(out).ok


def test_a_folder_that_is_taken_is_left_alone(folder: Path, case: Path, tmp_path: Path) -> None:
    before = case_folder.read(case).id
    refused = _run(folder, DEPOSIT, "--out", str(case))
    assert refused.exit_code == 2
    assert "--case" in refused.stderr
    assert case_folder.read(case).id == before
    for arguments, said in (
        ((DEPOSIT, "--out", "x.html"), "-o x.html"),
        ((DEPOSIT, "--case", str(case)), "leave it out"),
        (("--out", "a", "--case", "b"), "one of them"),
        ((DEPOSIT, "--note", "n"), "belongs to a case"),
        ((), "Missing argument"),
        (("--case", str(tmp_path / "none")), "cannot read the case"),
    ):
        result = _run(folder, *arguments)
        assert result.exit_code == 2, arguments
        assert said in result.stderr, result.stderr


def test_the_command_says_what_it_found(case: Path, tmp_path: Path) -> None:
    good = CliRunner().invoke(main, ["verify", str(case)])
    assert good.exit_code == 0
    assert "VERIFIED" in good.stdout
    assert "--id" in good.stdout
    copy = tmp_path / "copy"
    shutil.copytree(case, copy)
    (copy / "transfers.csv").write_text("x")
    bad = CliRunner().invoke(main, ["verify", str(copy), "--format", "json"])
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)["faults"] == ["transfers.csv is not the file that the manifest names"]


def test_a_case_holds_no_row_that_its_figures_do_not_need(case: Path) -> None:
    outputs = read(case_folder.read(case).files["outputs.parquet"], arrow_schema(OUTPUTS), "outputs.parquet")
    assert 10 < outputs.num_rows < 200  # of 1,839 in the ledger
    assert replace(Form(), lang="ja").lang == "ja"
