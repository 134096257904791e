"""Nothing half-written: kills, full disks, damage, two writers, readers beside a writer."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pyarrow as pa
import pytest
import store_ledgers as made

from exposure.errors import ExposureError, InputError, StoreError
from exposure.store import catalogue, ledgers, part_files, parts
from exposure.store.histories import StoredAccountHistory
from exposure.store.store import Store
from exposure.store.writer import Writer

HERE = Path(__file__).parent


def add(store: Store, source: str, seed: int, count: int = 60) -> None:
    with store.writer(source) as writer:
        writer.append("transfers", made.transfer_rows(made.random_transfers(seed, count)))
        writer.commit()


def everything(store: Store) -> list[object]:
    return list(ledgers.transfers(store, "ethereum"))


IMPORT = """
import sys
sys.path.insert(0, sys.argv[3])
import store_ledgers as made
from exposure.store import part_files, writer
from exposure.store.store import Store

moment = sys.argv[2]

def stop(*arguments, **options):
    print("there", flush=True)
    sys.stdin.read()

def stop_before(module, name):
    setattr(module, name, stop)

def stop_after(owner, name):
    real = getattr(owner, name)
    def wrapped(*arguments, **options):
        result = real(*arguments, **options)
        stop()
        return result
    setattr(owner, name, wrapped)

with Store.open(sys.argv[1]) as store, store.writer("doomed") as open_writer:
    rows = made.transfer_rows(made.random_transfers(99, 200))
    open_writer.append("transfers", rows)
    if moment == "appended":
        stop()
    elif moment == "sifted":
        stop_after(writer.dedup, "sift")
    elif moment == "writing a part":
        stop_before(part_files.os, "fsync")
    elif moment == "one part written":
        stop_after(part_files, "_write_part")
    elif moment == "before the swap":
        stop_before(writer.parts, "add_parts")
    elif moment == "inside the swap":
        stop_after(writer.parts, "add_parts")
    elif moment == "after the swap":
        stop_before(writer.versions, "sweep")
    open_writer.commit()
"""

MOMENTS = [
    "appended",
    "sifted",
    "writing a part",
    "one part written",
    "before the swap",
    "inside the swap",
    "after the swap",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_leaves_the_last_version(store: Store, moment: str) -> None:
    add(store, "first", 1)
    before = everything(store)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(IMPORT), str(store.path), moment, str(HERE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "there\n"
    with pytest.raises(StoreError, match=f"process {child.pid} since .* wait"), store.writer("second"):
        pass
    assert everything(store) == before
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    with Store.open(store.path) as again:
        assert again.version == (2 if moment == "after the swap" else 1)
        if moment != "after the swap":
            assert everything(again) == before
            assert again.counts()["transfers"] == len(before)
        add(again, "third", 99, 200)
        named = {part.file for part in parts.list_parts(again.connection, again.version)}
        assert {path.name for path in (store.path / "parts").iterdir()} == named
        assert not list((store.path / "staging").iterdir())
        assert len(everything(again)) == len(before) + len(made.random_transfers(99, 200))


def test_leaving_without_commit_leaves_nothing(store: Store) -> None:
    with store.writer("a") as writer:
        writer.append("transfers", made.transfer_rows(made.random_transfers(1, 10)))
    with pytest.raises(RuntimeError), store.writer("b") as writer:
        writer.append("transfers", made.transfer_rows(made.random_transfers(1, 10)))
        raise RuntimeError
    assert store.version == 0
    assert not list((store.path / "parts").iterdir())
    assert not list((store.path / "staging").iterdir())
    assert store.imports() == []


@pytest.mark.parametrize("breaking", [1, 2, 3, 4])
def test_a_full_disk_leaves_the_last_version(store: Store, monkeypatch: pytest.MonkeyPatch, breaking: int) -> None:
    add(store, "first", 1)
    before = everything(store)
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == breaking:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(part_files.os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            add(store, "second", 2)
    assert everything(store) == before
    add(store, "third", 2)
    assert len(everything(store)) > len(before)


def test_a_file_size_limit_is_a_sentence(store: Store) -> None:
    add(store, "first", 1)
    program = """
    import resource, signal, sys
    sys.path.insert(0, sys.argv[2])
    import store_ledgers as made
    from exposure.errors import StoreError
    from exposure.store.store import Store
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    rows = made.transfer_rows(made.random_transfers(5, 4000))
    with Store.open(sys.argv[1]) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            with store.writer("big") as writer:
                writer.append("transfers", rows)
                writer.commit()
        except StoreError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(store.path), str(HERE)], capture_output=True, text=True, check=True
    )
    assert "store" in done.stdout
    assert "Traceback" not in done.stderr
    with Store.open(store.path) as again:
        assert again.version == 1


def test_a_catalogue_that_cannot_grow_is_no_damaged_one(store: Store) -> None:
    add(store, "first", 1)
    program = """
    import resource, sys
    from exposure.cli import main
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, 8_192))
    main()
    """
    tag = ["0x8576acc5c05d6ce88f4e49bf65bdf0c62f91353c", "--category", "scam", "--entity", "A", "--source", "B", "--note", "C"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), "tags", "add", "--store", str(store.path), *tag],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "the last version stays" in done.stderr
    assert "restore" not in done.stderr
    with Store.open(store.path) as again:
        assert again.version == 1


def test_a_reader_keeps_its_version_while_writers_commit(store: Store) -> None:
    add(store, "first", 0)
    reader = Store.open(store.path)
    before = everything(reader)
    history = StoredAccountHistory(reader, "ethereum")
    # More commits than a layout may have runs: what the reader sees is merged away meanwhile.
    for number in range(1, 11):
        add(store, f"import {number}", number, 6)
    assert reader.version == 1
    assert everything(reader) == before
    address = str(made.random_transfers(0, 60)[0].sender)
    assert history.movements(address, made.ETH)
    assert reader.refresh() == 11
    assert len(everything(reader)) > len(before)
    reader.close()
    add(store, "last", 99, 6)
    named = {part.file for part in parts.list_parts(store.connection, store.version)}
    assert {path.name for path in (store.path / "parts").iterdir()} == named


def test_there_is_one_writer(store: Store) -> None:
    with (
        store.writer("first"),
        pytest.raises(StoreError, match=rf"process {os.getpid()} .*import first.*wait"),
        store.writer("second"),
    ):
        pass


def test_files_are_private(store: Store) -> None:
    add(store, "first", 1)
    everything(store)
    for path in [store.path, *store.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_temporary_store_is_gone_when_closed() -> None:
    store = Store.in_memory()
    add(store, "first", 1)
    assert everything(store)
    store.close()
    store.close()
    assert not store.path.exists()


@pytest.mark.parametrize("damage", ["garbage", "cut", "flipped", "gone"])
def test_a_damaged_part_is_a_sentence(store: Store, damage: str) -> None:
    add(store, "first", 1, 400)
    for path in (store.path / "parts").iterdir():
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "garbage":
            path.write_bytes(os.urandom(len(content)))
        elif damage == "cut":
            path.write_bytes(content[: len(content) // 2])
        else:
            path.write_bytes(content[:200] + bytes(byte ^ 0xFF for byte in content[200:-2000]) + content[-2000:])
    with pytest.raises(StoreError, match="restore"):
        everything(store)
    history = StoredAccountHistory(store, "ethereum")
    with pytest.raises(StoreError, match="restore"):
        history.movements(str(made.random_transfers(1, 400)[0].sender), made.ETH)


def test_a_damaged_catalogue_is_a_sentence(store: Store) -> None:
    add(store, "first", 1)
    store.close()
    path = store.path / catalogue.FILE_NAME
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(store.path)
    path.write_bytes(b"")
    with pytest.raises(StoreError, match="not a catalogue"):
        Store.open(store.path)


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    foreign = sqlite3.connect(folder / catalogue.FILE_NAME)
    foreign.execute("create table t (x)")
    foreign.commit()
    foreign.close()
    before = (folder / catalogue.FILE_NAME).read_bytes()
    with pytest.raises(StoreError, match="not a catalogue"):
        Store.open(folder)
    assert (folder / catalogue.FILE_NAME).read_bytes() == before


def test_a_store_of_a_newer_program_is_refused(store: Store) -> None:
    store.close()
    connection = sqlite3.connect(store.path / catalogue.FILE_NAME)
    connection.execute("pragma user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store.open(store.path)


def test_a_store_is_made_only_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="not empty"):
        Store.create(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    with pytest.raises(StoreError, match="no store"):
        Store.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / f"{catalogue.FILE_NAME}.new").write_bytes(b"left by a kill")
    with Store.open_or_create(tmp_path / "half") as store:
        assert store.version == 0


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    with Store.create(tmp_path / 'it\'s [1]* a ?%20 "store" é') as store:
        add(store, "first", 1)
        add(store, "second", 2)
        assert len(everything(store)) == len(made.random_transfers(1, 60)) + len(made.random_transfers(2, 60))


BAD: list[tuple[str, object, str]] = [
    ("amount", -1, "amount is negative"),
    ("block", -5, "block is negative"),
    ("kind", "gift", "kind is none of"),
    ("status", "maybe", "status is none of"),
    ("tx", "x" * 2000, "longer than 1024 bytes"),
    ("tx", None, "tx is missing"),
]


@pytest.mark.parametrize(("column", "value", "sentence"), BAD)
def test_a_row_that_breaks_a_rule_is_named(store: Store, column: str, value: object, sentence: str) -> None:
    rows = made.transfer_rows(made.random_transfers(1, 4))
    place = rows.schema.get_field_index(column)
    changed = pa.array([value, *rows[column].to_pylist()[1:]], rows.schema.field(column).type)
    with store.writer("a") as writer:
        with pytest.raises(InputError, match=sentence):
            writer.append("transfers", rows.set_column(place, rows.schema.field(column).with_nullable(True), changed))
        with pytest.raises(InputError, match="does not fit"):
            wide = pa.array(["9" * 40] * rows.num_rows)
            writer.append("transfers", rows.set_column(rows.schema.get_field_index("amount"), "amount", wide))
        with pytest.raises(InputError, match="holds floats"):
            floats = pa.array([1.0] * rows.num_rows)
            writer.append("transfers", rows.set_column(rows.schema.get_field_index("amount"), "amount", floats))
        with pytest.raises(InputError, match="has no column surprise"):
            writer.append("transfers", rows.append_column("surprise", rows["tx"]))
        with pytest.raises(InputError, match="lack the column time"):
            writer.append("transfers", rows.drop_columns(["time"]))
        with pytest.raises(InputError, match="no table"):
            writer.append("coins; drop table parts", rows)
        writer.append("transfers", rows)
        assert writer.commit().stored == {"transfers": rows.num_rows}


def test_waiting_for_a_short_write_ends_in_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "BUSY_SECONDS", 0.1)
    one, two = catalogue.connect(store.path, write=True), catalogue.connect(store.path, write=True)
    start = time.monotonic()
    with catalogue.transaction(one), pytest.raises(StoreError, match="try again"), catalogue.transaction(two):
        pass
    assert time.monotonic() - start < 5
    one.close()
    two.close()


def test_readers_cannot_change_the_catalogue(store: Store) -> None:
    with pytest.raises(ExposureError, match="cannot be written"):
        store.connection.execute("delete from versions")


def test_a_writer_cannot_commit_twice(store: Store) -> None:
    with store.writer("a") as writer:
        assert isinstance(writer, Writer)
        writer.append("transfers", made.transfer_rows(made.random_transfers(1, 4)))
        writer.commit()
        with pytest.raises(InputError, match="committed already"):
            writer.commit()
