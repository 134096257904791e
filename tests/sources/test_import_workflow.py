"""Laws of an import as a whole: all or nothing, twice is once, and what was not read is said."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from block_makers import chain, framed
from bulk_files import NOON, TOKEN, A, B, tx, write
from click.testing import CliRunner

from exposure.cli import main
from exposure.errors import InputError, StoreError
from exposure.sources.bulk.block_runs import BlocksSeen, Gap
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.rejects import formula_safe

HEADER = "tx,tx_index,index,block,time,from,to,amount"
ETHEREUM = ImportOptions(chain="ethereum")


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "store") as opened:
        yield opened


def ledger(path, *numbers, amount="5"):
    return write(path, HEADER, *(f"{tx(n)},0,0,{n},{NOON + n},{A},{B},{amount}" for n in numbers))


def left_over(store):
    """What an import may not leave lying about."""
    return [path.name for path in store.path.rglob("*") if path.name.startswith(".import-") or path.name.endswith(".part")]


def test_importing_twice_changes_nothing(tmp_path, store):
    path = ledger(tmp_path / "x.csv", *range(1, 50))
    first = ingest([path], ETHEREUM, store=store)
    again = ingest([path], ETHEREUM, store=store)
    assert (first.tables[0].stored, first.tables[0].duplicate) == (49, 0)
    assert (again.tables[0].stored, again.tables[0].duplicate) == (0, 49)
    assert again.version == first.version
    assert store.counts()["transfers"] == 49
    assert left_over(store) == []


def test_rows_read_are_stored_duplicate_or_rejected(tmp_path, store):
    ledger(tmp_path / "a.csv", 1, 2, 3)
    ledger(tmp_path / "b.csv", 3, 4, amount="6")  # 3 conflicts with the row that is there
    bad = write(tmp_path / "c.csv", HEADER, "1,2", f"{tx(5)},0,0,5,{NOON},{A},{B},x")
    ingest([tmp_path / "a.csv"], ETHEREUM, store=store)
    summary = ingest([tmp_path / "a.csv", tmp_path / "b.csv", bad], ETHEREUM, store=store)
    (count,) = summary.tables
    assert (count.read, count.stored, count.duplicate, count.rejected) == (7, 1, 3, 3)
    assert summary.records == 7
    rows = list(csv.DictReader(io.StringIO(summary.rejects_file.read_text())))
    assert [row["line"] for row in rows] == ["2", "3", "0"]
    assert "conflict" in rows[2]["reason"]
    assert stat.S_IMODE(summary.rejects_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(summary.rejects_file.parent.stat().st_mode) == 0o700


def test_a_cell_of_the_rejects_is_never_a_formula(tmp_path, store):
    assert [formula_safe(cell) for cell in ("=1+1", "+1", "-1", "@x", "\tx", "plain", "")] == [
        "'=1+1",
        "'+1",
        "'-1",
        "'@x",
        "'\tx",
        "plain",
        "",
    ]
    path = write(tmp_path / "x.csv", "time,from,to,amount", f'"=HYPERLINK(""http://x"")",{A},{B},5', f"{NOON},{A},{B},=1")
    summary = ingest([path], ETHEREUM, store=store)
    for row in csv.reader(io.StringIO(summary.rejects_file.read_text())):
        assert not any(cell[:1] in "=+-@" and cell for cell in row)


def test_a_dry_run_shows_the_first_rows_and_stores_nothing(tmp_path, store):
    path = write(tmp_path / "x.csv", HEADER, *(f"{tx(n)},0,0,{n},{NOON},{A},{B},{n if n % 10 else 'x'}" for n in range(1, 31)))
    version = store.version
    summary = ingest([path], ImportOptions(chain="ethereum", dry_run=True), store=store)
    assert summary.dry_run
    assert [int(row["amount"]) for row in summary.preview["transfers"].to_pylist()] == [1, 2, 3, 4, 5]
    assert (summary.tables[0].read, summary.tables[0].stored, summary.tables[0].rejected) == (30, 27, 3)
    assert [row.line for row in summary.rejects] == [11, 21, 31]
    assert store.refresh() == version
    assert not (store.path / "rejects").exists()
    assert ingest([path], ImportOptions(chain="ethereum", dry_run=True), store=None).tables == summary.tables


@pytest.mark.parametrize("fault", ["unknown form", "bad column", "missing file", "no chain", "bomb later"])
def test_after_any_fault_the_store_is_as_it_was(tmp_path, store, fault):
    ingest([ledger(tmp_path / "x.csv", 1, 2)], ETHEREUM, store=store)
    version, counts = store.version, store.counts()
    good = ledger(tmp_path / "y.csv", *range(3, 60))
    rejected = write(tmp_path / "z.csv", HEADER, "bad")
    paths, options = [good, rejected], ETHEREUM
    if fault == "unknown form":
        paths.append(write(tmp_path / "u.csv", "colour", "1"))
    elif fault == "bad column":
        options = ImportOptions(chain="ethereum", columns=("nothing=time",))
    elif fault == "missing file":
        paths.append(tmp_path / "missing")
    elif fault == "no chain":
        options = ImportOptions()
    else:
        (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(os.urandom(300_000).hex().encode() + good.read_bytes())[:-99])
        paths.append(tmp_path / "cut.csv.gz")
        options = ImportOptions(chain="ethereum", form="own")
    with pytest.raises(InputError):
        ingest(paths, options, store=store)
    assert (store.refresh(), store.counts()) == (version, counts)
    assert left_over(store) == []
    assert not list(store.path.glob("rejects/*"))


def test_a_kill_in_the_middle_leaves_the_last_version(tmp_path, store):
    ingest([ledger(tmp_path / "x.csv", 1, 2)], ETHEREUM, store=store)
    version, counts = store.version, store.counts()
    big = ledger(tmp_path / "big.csv", *range(3, 60_000))
    marker = tmp_path / "reading"
    script = (
        "import sys, pathlib\n"
        "from exposure.store.store import Store\n"
        "from exposure.workflows.ingest import ImportOptions, ingest\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    started = lambda *told: pathlib.Path(sys.argv[3]).touch()\n"
        "    ingest([sys.argv[2]], ImportOptions(chain='ethereum'), store=store, progress=started)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(store.path), str(big), str(marker)])
    deadline = time.monotonic() + 60
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.returncode == -signal.SIGKILL
    assert (store.refresh(), store.counts()) == (version, counts)
    ingest([ledger(tmp_path / "y.csv", 3)], ETHEREUM, store=store)
    assert store.counts()["transfers"] == 3
    assert left_over(store) == []


def test_a_second_import_at_the_same_time_is_refused(tmp_path, store):
    path = ledger(tmp_path / "x.csv", 1)
    with store.writer("other"), pytest.raises(StoreError):
        ingest([path], ETHEREUM, store=store)


def test_missing_blocks_are_named(tmp_path, store):
    blocks = chain(800_000, 9)
    path = tmp_path / "x.dat"
    path.write_bytes(framed(*[one[0] for n, one in enumerate(blocks) if n not in (2, 5, 6)]))
    summary = ingest([path], ImportOptions(whole_ledger=True), store=store)
    assert summary.warnings == ("bitcoin: blocks 800002, 800005 to 800006 are missing (3 blocks in all)",)


def test_runs_of_blocks_are_the_same_in_any_order_and_batches():
    seen, other = BlocksSeen(), BlocksSeen()
    numbers = [5, 1, 9, 9, 2, 20, 8]
    seen.add(numbers)
    for number in reversed(numbers):
        other.add([number])
    for blocks in (seen, other):
        assert blocks.span() == (1, 20, 6)
        assert blocks.gaps(1) == [Gap(3, 4), Gap(6, 7), Gap(10, 19)]
        assert blocks.gaps(3) == [Gap(10, 19)]
    assert BlocksSeen().span() is None


def completeness(store):
    rows = store.connection.execute("select asset, complete, reason from coverage order by id").fetchall()
    return [(asset, bool(complete), reason) for asset, complete, reason in rows]


def test_a_whole_ledger_is_declared_and_rejected_rows_void_it(tmp_path, store):
    whole = ImportOptions(chain="ethereum", whole_ledger=True)
    assert not ingest([ledger(tmp_path / "x.csv", 1, 2)], whole, store=store).warnings
    assert completeness(store) == [("ethereum/native", True, "")]
    bad = write(tmp_path / "y.csv", HEADER, f"{tx(3)},0,0,3,{NOON},{A},{B},5", "bad")
    summary = ingest([bad], whole, store=store)
    assert summary.warnings == ("--whole-ledger does not hold: rows were rejected",)
    asset, complete, reason = completeness(store)[-1]
    assert (asset, complete) == ("ethereum/native", False)
    assert "1 row of the import was rejected" in reason


def test_an_import_of_prices_and_assets_touches_no_ledger(tmp_path, store):
    prices = write(tmp_path / "p.csv", "asset,date,currency,price", "ethereum,2020-09-13,usd,365")
    assets = write(tmp_path / "a.csv", "asset,symbol,decimals", f"ethereum/{TOKEN},SIM,6")
    summary = ingest([prices, assets], ImportOptions(), store=store)
    assert [(count.table, count.stored) for count in summary.tables] == [("prices", 1)]
    assert store.asset_info(f"ethereum/{TOKEN}").symbol == "SIM"
    assert store.chains() == []


def test_what_simulate_wrote_is_known_to_be_synthetic(tmp_path, store):
    write(tmp_path / "README.txt", "SYNTHETIC DATA. Nothing in here is real.")
    ingest([ledger(tmp_path / "x.csv", 1)], ETHEREUM, store=store)
    assert store.fact("synthetic")


def test_an_import_is_recorded_with_the_hash_of_its_files(tmp_path, store):
    path = ledger(tmp_path / "x.csv", 1)
    summary = ingest([path], ETHEREUM, store=store)
    (past,) = store.imports()
    assert past.id == summary.import_id


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, ["import", *map(str, arguments)], input=stdin)


def test_the_command_fits_a_hundred_columns_and_says_what_it_did(tmp_path):
    path = ledger(tmp_path / "x.csv", *range(1, 1235))
    result = run(path, "--chain", "ethereum", "--store", tmp_path / "s")
    assert result.exit_code == 0
    assert "transfers              1,234           1,234               0               0" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    preview = run(path, "--chain", "ethereum", "--dry-run").stdout
    assert max(map(len, preview.splitlines())) <= 100
    assert f"from     {A}" in preview
    assert "0.000000000000000005 ETH" in preview


def test_rejected_rows_make_exit_code_4_and_wrong_input_2(tmp_path):
    bad = write(tmp_path / "x.csv", HEADER, "bad", f"{tx(1)},0,0,1,{NOON},{A},{B},5")
    result = run(bad, "--chain", "ethereum", "--store", tmp_path / "s", "--format", "json")
    assert result.exit_code == 4
    document = json.loads(result.stdout)
    assert document["tables"]["transfers"] == {"read": 2, "stored": 1, "duplicate": 0, "rejected": 1}
    assert document["rejects"][0]["line"] == 2
    for arguments in ([tmp_path / "missing"], [bad], [bad, "--chain", "x"], [bad, "--map", "x"], []):
        result = run(*arguments, "--store", tmp_path / "s")
        assert result.exit_code == 2, arguments
        assert "Traceback" not in result.output


def test_standard_input_is_read(tmp_path):
    text = ledger(tmp_path / "x.csv", 1, 2).read_text()
    result = run("-", "--chain", "ethereum", "--store", tmp_path / "s", stdin=text)
    assert result.exit_code == 0
    assert "2 records from 1 file" in result.stdout


def test_control_characters_of_a_file_never_reach_the_screen(tmp_path):
    path = write(
        tmp_path / "x.csv", "time,from,to,amount,memo", f"{NOON},{A},{B},5,\x1b[31mred\u202e", f"{NOON},{A},\x1b[2J,5,x"
    )
    output = run(path, "--chain", "ethereum", "--dry-run").output
    assert "\x1b" not in output
    assert "\u202e" not in output


def test_the_forms_of_the_command_are_the_ones_there_are():
    from exposure.cli.import_ import import_
    from exposure.sources.bulk.forms import FORMS
    from exposure.workflows.ingest import FORM_NAMES

    choice = next(parameter.type for parameter in import_.params if parameter.name == "form")
    assert tuple(choice.choices) == FORM_NAMES == ("auto", *FORMS)
    assert all(name in run("--help").stdout for name in FORM_NAMES)
