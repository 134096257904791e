"""Fixtures that tests of uses share."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure.cli import main

SMALL = Path(__file__).resolve().parent.parent.parent / "fixtures" / "small"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic ledgers and lists, loaded into ``store`` as their README says; to be read only."""
    place = tmp_path_factory.mktemp("cases") / "small"
    shutil.copytree(SMALL, place)
    lines = [line.strip() for line in (SMALL / "README.txt").read_text().splitlines()]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for line in lines:
            if line.startswith(("exposure import", "exposure tags")):
                assert CliRunner().invoke(main, shlex.split(line)[1:]).exit_code == 0
    return place
