"""The layers hold, modules stay small, and names say what a module is about."""

import pathlib
import subprocess
import sys
from collections import Counter

from repository import ROOT, modules

FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
LONGEST = 600


def test_the_layers_of_the_architecture_hold():
    tool = pathlib.Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(tool), "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_every_layer_of_the_contract_exists():
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for layer in contracts[0]["layers"]:
        for name in layer.split("|"):
            path = ROOT / name.strip().replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").is_file(), name


def test_no_module_outgrows_its_reader():
    long = {str(path): lines for path in modules() if (lines := len(path.read_text().splitlines())) > LONGEST}
    assert not long


def test_no_module_is_a_drawer_for_everything():
    assert not [path for path in modules() if FORBIDDEN & {path.stem, *path.relative_to(ROOT).parts}]


def test_every_module_says_what_it_is():
    silent = []
    for path in modules():
        text = path.read_text().lstrip()
        if text and path.relative_to(ROOT).parts[0] == "exposure" and not text.startswith(('"""', 'r"""')):
            silent.append(str(path))
    assert not silent


def test_base_names_of_test_files_are_unique():
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name, count in names.items() if count > 1]
