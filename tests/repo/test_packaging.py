"""The package says what it is and what it needs, and the pins say with what it was tested."""

import importlib
import re
import tomllib

from packaging.requirements import Requirement
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]


def test_pins_are_names_and_versions_only():
    for line in PINS:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; python_version .*)?", line), line
    names = [line.split("==")[0] for line in PINS]
    assert sorted(names) == names


def test_every_dependency_is_pinned_within_what_is_allowed():
    pinned = dict(line.split(" ;")[0].split("==") for line in PINS)
    extras = [entry for name in PROJECT["optional-dependencies"].values() for entry in name]
    for entry in PROJECT["dependencies"] + extras:
        needed = Requirement(entry)
        if needed.name != PROJECT["name"]:
            assert needed.specifier.contains(pinned[needed.name.lower().replace("_", "-")]), entry


def test_metadata_is_complete():
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert (ROOT / PROJECT["readme"]).read_text().startswith("# exposure")
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_console_script_leads_to_the_root_command():
    module, _, name = PROJECT["scripts"]["exposure"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_the_parts_the_user_named_are_in_the_base():
    base = {Requirement(entry).name for entry in PROJECT["dependencies"]}
    assert {"networkx", "web3", "requests", "pandas", "click"} <= base
