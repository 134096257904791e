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
