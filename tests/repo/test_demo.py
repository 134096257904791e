"""The demo: what the README shows is what `make demo` prints."""

import re
import shlex
import shutil

import pytest
from click.testing import CliRunner
from repository import ROOT

from exposure import cli

FIXTURE = ROOT / "fixtures" / "small"


def commands():
    """The commands of the fixture's README, as `make demo` takes them: every import, then the first trace."""
    lines = re.findall(r"^ +(exposure (?:import|tags|trace) .*)$", (FIXTURE / "README.txt").read_text(), re.MULTILINE)
    loading = [line for line in lines if not line.startswith("exposure trace")]
    return [*loading, next(line for line in lines if line.startswith("exposure trace"))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What the commands print, one text each."""
    folder = tmp_path_factory.mktemp("demo") / "small"
    shutil.copytree(FIXTURE, folder)
    printed = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in commands():
            result = CliRunner().invoke(cli.main, shlex.split(line)[1:])
            assert result.exit_code == 0, f"{line}: {result.output}"
            printed.append(result.stdout)
    return printed


def answer(text):
    """The part of a screen that does not depend on the day or the machine: from the table to the paths."""
    return text[text.index("EXPOSURE ") : text.index("VERDICT ")].strip()


def test_the_readme_shows_what_the_demo_prints(demo):
    assert answer((ROOT / "README.md").read_text()) == answer(demo[-1])


def test_the_demo_shows_every_kind_of_part_and_fits_the_screen(demo):
    for word in (
        "indirect",
        "interval",
        "whatever the rule",
        "sanctioned",
        "mixer",
        "from services",
        "newly mined",
        "unresolved",
    ):
        assert word in demo[-1]
    assert demo[-1].count("-> deposit") >= 2
    assert max(len(line) for text in demo for line in text.splitlines()) <= 100


def test_the_demo_says_that_it_is_synthetic(demo):
    assert "SYNTHETIC" in demo[-1]
