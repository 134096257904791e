"""Rescoring says of every wallet what a trace of that address says; and of every file it writes, all or nothing."""

from __future__ import annotations

import csv
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exposure as ex
from exposure.cli import main
from exposure.model.labels import Category
from exposure.model.settings import Direction, Rule
from exposure.sources.address_lists import Column
from exposure.store import coverage
from exposure.store.coverage import Coverage
from exposure.store.numbered import numbered
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.rescore import RescoreOptions, rescore
from exposure.workflows.rescore import rows as rows_module
from exposure.workflows.rescore import run as run_module
from exposure.workflows.rescore.missing import condensed
from exposure.workflows.rescore.rows import schema
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import OwnTag, add_tag, import_lists
from exposure.workflows.trace import TraceOptions, trace

FIXTURE = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "small"
DEFAULTS = RescoreOptions()
COMMAND = [sys.executable, "-m", "exposure", "rescore"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store of the bundled economy, with its lists."""
    folder = tmp_path_factory.mktemp("rescore") / "store"
    with Store.create(folder) as store:
        ledgers = [FIXTURE / "bitcoin_outputs.csv.gz", FIXTURE / "bitcoin_inputs.csv.gz"]
        ingest(ledgers, ImportOptions(chain="bitcoin", whole_ledger=True), store=store)
        ingest([FIXTURE / "ethereum_transfers.csv.gz"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        import_lists(store, [FIXTURE / "ofac_edition_1.xml"], ListOptions())
        import_lists(store, [FIXTURE / "services_tagpack.yaml", FIXTURE / "thefts_tagpack.yaml"], ListOptions())
    return folder


@pytest.fixture(scope="module")
def wallets():
    with (FIXTURE / "deposits.csv").open() as file:
        return list(dict.fromkeys(row["address"] for row in csv.DictReader(file)))


def listed(wallets):
    return [Column(np.arange(1, len(wallets) + 1), pa.array(wallets, pa.string()), [])]


def scored(store, wallets, options=DEFAULTS):
    """All rows; and what else there is to say."""
    rows = [schema(options.hops).empty_table()]
    result = rescore(store, None if wallets is None else listed(wallets), options, into=rows.append)
    return pa.concat_tables(rows), result


@pytest.mark.parametrize("rule", Rule)
def test_a_wallet_is_scored_as_its_address_is_traced(folder, wallets, rule):
    compared = 0
    with Store.open(folder) as store:
        chosen = wallets[:6] + [wallet for wallet in wallets if not wallet.startswith("0x")][:4]
        found = scored(store, chosen, RescoreOptions(rules=(rule,)))[0].to_pylist()
        for wallet in chosen:
            report = trace(store, wallet, TraceOptions(rules=(rule,), direction=Direction.SOURCE))
            for section in report.sections:
                mine = {
                    row["category"]: row for row in found if (row["wallet"], row["asset"]) == (wallet, section.subject.asset)
                }
                compared += compare(mine, section, rule)
    assert compared > 12


def compare(mine, section, rule):
    total = section.subject.amount
    slack = 5 + (0 if rule in (Rule.FIFO, Rule.LIFO, Rule.TIHO) else total * 1e-9)
    if rule is Rule.POISON:
        theirs = {name: set() for name in mine}
        for row in section.exposures:
            theirs.setdefault(row.category, set()).add(row.seed)
        assert {name for name, row in mine.items() if row["amount"]} == {name for name, seeds in theirs.items() if seeds}
    else:
        sums = {}
        for row in section.exposures:
            sums[row.category] = sums.get(row.category, 0) + row.amount
        for name in {*sums, *mine} - {"risk"}:
            assert abs(int(mine[name]["amount"]) - sums.get(name, 0)) <= slack, name
        unresolved = sum(row.amount for row in section.unresolved)
    for row in mine.values():
        assert int(row["total"]) == total
        if rule is not Rule.POISON:
            assert abs(int(row["unresolved"]) - unresolved) <= slack
            assert sum(int(row[f"hop_{hop}"]) for hop in range(6)) == int(row["amount"])
    bounds = {bound.category: bound for bound in section.bounds}
    for name, row in mine.items():
        bound = bounds.get(name)
        if bound is not None:
            assert (row["lower"] is None) == (bound.lower is None), name
            if bound.lower is not None:
                assert abs(int(row["lower"]) - bound.lower) <= slack, name
                if rule is Rule.POISON:  # a near origin of a group hides one past the limit
                    assert int(row["amount"]) <= int(row["upper"]) <= bound.upper + slack, name
                else:
                    assert abs(int(row["upper"]) - bound.upper) <= slack, name
    return len(mine)


def test_scoring_twice_gives_the_same_rows_from_the_same_index(folder, wallets):
    with Store.open(folder) as store:
        first = scored(store, wallets)[0]
        indexes = {path: path.stat().st_mtime_ns for path in (folder / "index").glob("*/manifest.json")}
        assert indexes
        assert scored(store, wallets)[0] == first
        assert indexes == {path: path.stat().st_mtime_ns for path in (folder / "index").glob("*/manifest.json")}


def test_a_damaged_index_is_made_anew(folder, wallets, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(folder, copy)
    with Store.open(copy) as store:
        first = scored(store, wallets[:3])[0]
        column = next((copy / "index").glob("*-ethereum/low.bin"))
        column.write_bytes(column.read_bytes()[:-8])
        assert scored(store, wallets[:3])[0] == first


def test_wallets_without_history_and_bad_lines_are_told_apart(folder):
    unknown = "0x" + "12" * 20
    with Store.open(folder) as store:
        rows, found = scored(store, [unknown, "=1+1", "0x12"])
    assert [row["note"] for row in rows.to_pylist()] == ["no history stored"]
    assert [row.line for row in found.rejected] == [2, 3]
    assert all(row.fault for row in found.rejected)


def run(folder, *words, **extra):
    return subprocess.run([*COMMAND, *words, "--store", str(folder)], capture_output=True, text=True, timeout=120, **extra)


def typed(folder, *words):
    """Exit code of a command in this process."""
    with pytest.raises(SystemExit) as left:
        main(["rescore", *words, "--store", str(folder)])
    return left.value.code


def test_every_form_of_file_says_the_same(folder, wallets, tmp_path):
    source = tmp_path / "wallets.jsonl"
    source.write_text("".join(json.dumps({"wallet": wallet}) + "\n" for wallet in [*wallets[:4], "=cmd()"]))
    code = typed(folder, str(source), "-o", str(tmp_path / "out.parquet"), "--rejects", str(tmp_path / "rejects.csv"))
    assert code == 4
    assert "'=cmd()" in (tmp_path / "rejects.csv").read_text()
    rows = pq.read_table(tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").stat().st_mode & 0o777 == 0o600
    pq.write_table(pa.table({"address": wallets[:4]}), tmp_path / "wallets.parquet")
    code = typed(folder, str(tmp_path / "wallets.parquet"), "-o", str(tmp_path / "out.csv"))
    assert code == 0
    with (tmp_path / "out.csv").open() as file:
        texts = list(csv.DictReader(file))
    assert [row["amount"] for row in texts] == [str(row["amount"]) for row in rows.to_pylist()]


def test_fail_on_and_wrong_words_have_their_exit_codes(folder, wallets, tmp_path, capsys):
    source = tmp_path / "wallets.csv"
    source.write_text("\n".join(["address", *wallets]))
    assert typed(folder, str(source), "--fail-on", "sanctioned", "-o", str(tmp_path / "a.csv")) == 3
    for words in (
        ["--rule", "guess"],
        ["--engine", "reference"],
        ["--engine", "abacus"],
        ["--hops", "unlimited"],
        ["-o", "x.doc"],
        ["-o", "/nowhere/x.csv"],
    ):
        code = typed(folder, str(source), *words)
        assert code == 2, words
        assert "error: " in capsys.readouterr().err


def test_a_full_disk_leaves_nothing_half_written(folder, wallets, tmp_path):
    copy, source, out = tmp_path / "store", tmp_path / "wallets.csv", tmp_path / "out.csv"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("index"))
    source.write_text("\n".join(["address", *wallets]))

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (33_000, 33_000))

    found = run(copy, str(source), "-o", str(out), preexec_fn=small_disk)
    assert (found.returncode, "disk" in found.stderr or "large" in found.stderr) == (1, True), found.stderr
    assert "Traceback" not in found.stderr
    assert not out.exists()
    assert not [path for path in (copy / "index").iterdir() if path.is_dir()]
    assert run(copy, str(source), "-o", str(out)).returncode == 0


def test_a_kill_leaves_no_result_and_the_next_run_goes_well(folder, wallets, tmp_path):
    copy, source, out = tmp_path / "store", tmp_path / "wallets.csv", tmp_path / "out.csv"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("index"))
    source.write_text("\n".join(["address", *wallets]))
    running = subprocess.Popen([*COMMAND, str(source), "-o", str(out), "--store", str(copy)], stderr=subprocess.DEVNULL)
    for _ in range(2000):
        if list((copy / "index").glob("*.part")) or running.poll() is not None:
            break
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert not out.exists()
    assert run(copy, str(source), "-o", str(out)).returncode == 0
    assert not list((copy / "index").glob("*.part"))


def test_a_child_that_stands_before_its_parent_in_a_block_is_numbered_after_it(tmp_path):
    names = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX", "1HLoD9E4SDFFPDiYfNYnkBLQ85Y51J3Zb1"]
    outputs, inputs = tmp_path / "outputs.csv", tmp_path / "inputs.csv"
    outputs.write_text(
        "tx,n,block,tx_index,time,address,amount\n"
        f"{'c' * 64},0,1,0,1300000000,{names[0]},50\n"
        f"{'b' * 64},0,2,0,1300000600,{names[1]},50\n"
        f"{'a' * 64},0,2,0,1300000600,{names[2]},50\n"
    )
    inputs.write_text(f"tx,n,spent_tx,spent_n\n{'b' * 64},0,{'c' * 64},0\n{'a' * 64},0,{'b' * 64},0\n")
    with Store.create(tmp_path / "store") as store:
        ingest([outputs, inputs], ImportOptions(chain="bitcoin"), store=store)
        add_tag(store, OwnTag(names[0], Category.SANCTIONED, "Fiction LLC", "a list", "a reason"), now=0)
        (row,) = scored(store, [names[2]])[0].to_pylist()
    assert (row["amount"], row["hops"], row["unresolved"]) == (50, 2, 0)


def test_a_frame_of_wallets_gives_a_frame_of_rows(folder, wallets):
    frame = ex.rescore(folder, pd.DataFrame({"wallet": wallets[:3]}), rule="fifo", hops=3)
    assert set(frame["wallet"]) == set(wallets[:3])
    assert "hop_3" in frame and "hop_4" not in frame
    with pytest.raises(ex.InputError, match="wallet 1"):
        ex.rescore(folder, ["0x12"])


def test_two_runs_at_once_make_one_index(folder, wallets, tmp_path):
    copy, source = tmp_path / "store", tmp_path / "wallets.csv"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("index"))
    source.write_text("\n".join(["address", *wallets[:3]]))
    outs = [tmp_path / f"{n}.csv" for n in range(2)]
    words = [*COMMAND, str(source), "--store", str(copy), "--chain", "ethereum", "-o"]
    both = [subprocess.Popen([*words, str(out)], stderr=subprocess.DEVNULL) for out in outs]
    assert [running.wait(timeout=120) for running in both] == [0, 0]
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert [path.name.partition("-")[2] for path in (copy / "index").iterdir() if path.is_dir()] == ["ethereum"]


def the_same(name, left, right):
    """Whether a column of two tables says the same; haircut counts in doubles, whose last digits may differ."""
    if not (pa.types.is_decimal(left[name].type) or pa.types.is_floating(left[name].type)):
        return left[name] == right[name]
    ours, theirs = ([np.nan if value is None else float(value) for value in table[name].to_pylist()] for table in (left, right))
    loose = np.where(np.array(left["rule"].to_pylist()) == "haircut", 1e-12, 0)
    totals = np.array([max(float(value), 1.0) for value in left["total"].to_pylist()])
    return np.allclose(np.subtract(ours, theirs) / totals, 0, atol=loose, equal_nan=True)


def test_every_address_is_scored_as_a_list_of_all_of_them_in_however_many_passes(folder, tmp_path, monkeypatch):
    options = RescoreOptions(chain="ethereum", rules=(Rule.HAIRCUT, Rule.FIFO))
    with Store.open(folder) as store:
        with numbered(store, "ethereum") as ledger:
            names = ledger.addresses(np.arange(ledger.pots)).unique().to_pylist()
        listed_rows, _ = scored(store, names, options)
        monkeypatch.setattr(run_module, "MEMORY", 0)
        monkeypatch.setattr(run_module, "BLOCK", max(len(names) // 3, 1))
        rows, result = scored(store, None, options)
    order = [(name, "ascending") for name in ("wallet", "asset", "rule", "category")]
    assert [name for name in rows.schema.names if not the_same(name, rows.sort_by(order), listed_rows.sort_by(order))] == []
    assert (result.count, result.wallets, result.rejected) == (rows.num_rows, len(names), ())
    assert typed(folder, "--all", "--chain", "ethereum", "--rule", "haircut", "-o", str(tmp_path / "all.parquet")) == 0
    assert pq.read_table(tmp_path / "all.parquet").num_rows == rows["rule"].to_pylist().count("haircut")
    assert typed(folder, "--all", "wallets.csv") == typed(folder) == 2


def test_a_disk_that_fills_up_while_rows_are_written_leaves_no_result(folder, wallets, tmp_path):
    source, out = tmp_path / "wallets.csv", tmp_path / "out.csv"
    source.write_text("\n".join(["address", *wallets]))
    out.write_text("what was there")
    with Store.open(folder) as store:
        scored(store, wallets[:1])  # the index is there already

    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (33_000, 33_000))

    for form in ("csv", "parquet"):
        found = run(folder, str(source), "-o", str(out), "--format", form, "--rule", "all", preexec_fn=small_disk)
        assert found.returncode == 2 and "cannot write" in found.stderr and "Traceback" not in found.stderr, found.stderr
        assert out.read_text() == "what was there"
        assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_kill_while_rows_are_written_leaves_the_result_that_was_there(folder, wallets, tmp_path):
    source, out = tmp_path / "wallets.csv", tmp_path / "out.csv"
    source.write_text("\n".join(["address", *wallets]))
    out.write_text("what was there")
    slow = (
        "import time; from exposure.workflows.rescore.output import RowsFile\n"
        "real = RowsFile.write\n"
        "def write(self, rows):\n"
        "    real(self, rows); self._sink.flush(); print('there', flush=True); time.sleep(60)\n"
        "RowsFile.write = write\n"
        "from exposure.cli import main; main()"
    )
    words = ["rescore", str(source), "-o", str(out), "--store", str(folder)]
    running = subprocess.Popen([sys.executable, "-c", slow, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert running.stdout.readline() == b"there\n"
    running.kill()
    running.wait()
    running.stdout.close()
    assert out.read_text() == "what was there"


BLOCKS = st.integers(-1, 6).map(lambda block: None if block < 0 else block)
DECLARED = st.builds(
    Coverage,
    st.just("ethereum"),
    st.sampled_from("*ab"),
    st.sampled_from("*xy"),
    BLOCKS,
    BLOCKS,
    st.booleans(),
    opening=st.sampled_from([None, 7]),
)


@given(st.lists(DECLARED))
def test_fewer_declarations_say_the_same_of_every_pot(rows):
    def gap(declared, address, asset):
        bear = [row for row in declared if row.address in (address, "*") and row.asset in (asset, "*")]
        return coverage.gap(bear, address, asset, 4)

    for address in "ab*":
        for asset in "xy":
            assert gap(rows, address, asset) == gap(condensed(rows), address, asset)


@pytest.mark.parametrize("rule", ["haircut", "fifo", "poison"])
def test_a_grown_ledger_goes_on_from_a_state_and_ends_the_same(tmp_path, capsys, rule):
    rows = pd.read_csv(FIXTURE / "ethereum_transfers.csv.gz", dtype=str)
    middle = rows["block"].astype(int).sort_values().iloc[len(rows) // 2]
    early = rows[rows["block"].astype(int) <= middle]
    early.to_csv(tmp_path / "early.csv", index=False)
    rows[rows["block"].astype(int) > middle].to_csv(tmp_path / "late.csv", index=False)
    asked = pd.unique(pd.concat([early["from"], early["to"]]).dropna())
    (tmp_path / "wallets.csv").write_text("address\n" + "\n".join(asked) + "\n")
    base = ["--store", str(tmp_path / "store")]

    def scored(arguments):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0

    command = ["rescore", str(tmp_path / "wallets.csv"), *base, "--rule", rule]
    with Store.create(tmp_path / "store") as store:
        ingest([tmp_path / "early.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        lists = ("ofac_edition_1.xml", "services_tagpack.yaml", "thefts_tagpack.yaml")  # thefts go by numbers of the index
        import_lists(store, [FIXTURE / name for name in lists], ListOptions())
    scored([*command, "--state", str(tmp_path / "state"), "-o", str(tmp_path / "before.csv")])
    assert "from the beginning (there is none)" in capsys.readouterr().err
    with Store.open(tmp_path / "store") as store:
        ingest([tmp_path / "late.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
    scored([*command, "--state", str(tmp_path / "state"), "-o", str(tmp_path / "on.csv")])
    assert f"ethereum-{rule}-0: goes on from row" in capsys.readouterr().err
    scored([*command, "-o", str(tmp_path / "whole.csv")])
    assert (tmp_path / "on.csv").read_text() == (tmp_path / "whole.csv").read_text()
    assert (tmp_path / "on.csv").read_text() != (tmp_path / "before.csv").read_text()


def test_a_folder_that_cannot_keep_states_is_said_before_the_work(folder, wallets, tmp_path):
    (tmp_path / "file").write_text("")
    seen = []
    with Store.open(folder) as store, pytest.raises(ex.InputError, match="cannot keep states in"):
        rescore(store, listed(wallets), into=seen.append, state=tmp_path / "file" / "state")
    assert seen == []


def test_a_run_that_fails_says_one_sentence_and_leaves_no_file(folder, wallets, tmp_path):
    for form in ("parquet", "csv", "jsonl"):
        found = run(folder, str(tmp_path / "nowhere.csv"), "-o", str(tmp_path / f"out.{form}"))
        assert found.returncode == 2 and found.stderr.startswith("error: ") and found.stderr.count("\n") == 1, found.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_total_past_the_digits_of_an_amount_is_empty_not_wrong():
    most = 10**38 - 1
    totals = [most, most + 1, 2**127, 2**128 + 5, 7 * most]
    limbs = np.array(
        [[total >> 32 * place & 0xFFFF_FFFF if place < 3 else total >> 96 for place in range(4)] for total in totals]
    )
    assert rows_module.exact(limbs).to_pylist() == [Decimal(most), None, None, None, None]
    made = rows_module.decimals(np.array([1e37, 1e39]), None).to_pylist()
    assert made[0] is not None
    assert made[1] is None
