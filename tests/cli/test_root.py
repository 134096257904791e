"""The root command: every ending is an exit code and at most one sentence."""

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from exposure import cli, errors


def run(arguments, env=None, **more):
    return subprocess.run(
        [sys.executable, "-m", "exposure", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
        **more,
    )


@pytest.fixture
def failing(monkeypatch):
    """Invoke the root with a command that raises what it is given."""

    def invoke(raised, env=None):
        @click.command()
        def explode():
            if isinstance(raised, int):
                return raised
            raise raised

        monkeypatch.setattr(cli.Root, "get_command", lambda self, ctx, name: explode)
        return CliRunner().invoke(cli.main, ["explode"], env=env)

    return invoke


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (errors.InputError("no such address"), 2),
        (errors.SourceError("no such address"), 4),
        (errors.StoreError("no such address"), 1),
        (errors.AttributionError("no such address"), 1),
        (errors.EngineError("no such address"), 1),
    ],
)
def test_an_error_of_ours_is_one_sentence_and_its_code(failing, raised, code):
    result = failing(raised)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "error: no such address\n")


@pytest.mark.parametrize("code", [0, 3, 4])
def test_what_a_command_returns_is_the_exit_code(failing, code):
    assert failing(code).exit_code == code


def test_a_fault_names_its_kind_but_not_its_text(failing):
    result = failing(KeyError("secret-key-of-somebody"))
    assert result.exit_code == 1
    assert "KeyError" in result.stderr
    assert "EXPOSURE_DEBUG=1" in result.stderr
    assert "secret" not in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in failing(KeyError("x"), env={"EXPOSURE_DEBUG": "1"}).stderr


def test_interrupt_no_space_and_no_memory_are_sentences(failing):
    assert failing(KeyboardInterrupt()).exit_code == 130
    full = failing(OSError(28, "No space left on device", "/store/part"))
    assert (full.exit_code, full.stderr) == (1, "error: No space left on device: /store/part\n")
    assert failing(MemoryError()).stderr.startswith("error: out of memory")
    assert failing(BrokenPipeError()).stderr == ""


def test_wrong_usage_exits_2():
    for arguments in (["nonsense"], ["--nonsense"], ["config", "show", "--format", "yaml"]):
        assert CliRunner().invoke(cli.main, arguments).exit_code == 2


def test_config_show_says_where_each_value_came_from(tmp_path):
    result = run(["config", "show", "--format", "json"], env={"EXPOSURE_HOPS": "3"}, cwd=tmp_path)
    by_name = {line["name"]: line for line in json.loads(result.stdout)}
    assert by_name["hops"]["value"] == "3"
    assert by_name["hops"]["source"] == "EXPOSURE_HOPS"
    assert by_name["rule"]["source"] == "default"
    bad = run(["config", "show"], env={"EXPOSURE_HOPS": "x"}, cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (2, "")


def test_a_reader_that_leaves_early_sees_no_traceback():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "exposure", "config", "show"]
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (result.returncode, result.stderr) == (1, "")


def test_help_and_version():
    assert run(["--version"]).stdout.startswith("exposure, version 0.")
    help_text = run(["-h"]).stdout
    assert all(name in help_text for name in cli.COMMANDS)
    assert max(map(len, help_text.splitlines())) <= 100
