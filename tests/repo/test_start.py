"""Help costs next to nothing: no heavy part is imported before it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("pandas", "numba", "web3", "plotly", "duckdb", "pyarrow", "networkx", "numpy", "requests", "rich", "sqlite3", "jinja2")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["config", "show"]])
def test_the_start_imports_nothing_heavy(arguments, tmp_path):
    code = f"""
import sys
from exposure.cli import main
try:
    main({arguments!r})
except SystemExit as left:
    assert not left.code, left.code
loaded = [name for name in {HEAVY!r} if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_importing_the_library_imports_nothing_heavy(tmp_path):
    code = f"import exposure, sys; loaded = [name for name in {HEAVY!r} if name in sys.modules]; assert not loaded, loaded"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_trace_imports_neither_what_compiles_nor_what_fetches_nor_what_draws(tmp_path):
    lines = "tx,index,block,time,from,to,amount\n0xaa,0,1,1700000000,,0x" + "1" * 40 + ",5\n"
    (tmp_path / "ledger.csv").write_text(lines.replace("0xaa", "0x" + "a" * 64))
    code = """
import sys
from exposure.cli import main
try:
    main(sys.argv[1:])
except SystemExit as left:
    assert not left.code, left.code
unwanted = ("numba", "plotly", "web3", "requests", "jinja2", "exposure.workflows.fetch", "exposure.store.writer")
loaded = [name for name in unwanted if name in sys.modules]
assert sys.argv[1] != "trace" or not loaded, loaded
"""
    for words in (["import", "ledger.csv", "--chain", "ethereum"], ["trace", "0x" + "a" * 64 + ":0"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--store", "store"], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
