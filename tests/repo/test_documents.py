"""Documents are tested: every command is described, every command shown can be typed, every column has its meaning."""

import re
import shlex
import textwrap

import click
import pytest
from repository import commands, texts

from exposure import cli, config
from exposure.engines.registry import ENGINES
from exposure.model import schemas

DOCUMENTS = {path: content for path, content in texts() if path == "README.md" or path.startswith("docs/")}
ALL = "\n".join(DOCUMENTS.values())
COMMANDS = list(commands())


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS if len(words) > 1], ids=" ".join)
def test_every_command_is_documented(words):
    assert re.search(rf"\b{re.escape(' '.join(words))}\b", ALL), f"{' '.join(words)} is in no document"


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS])
def test_every_command_explains_itself(words, command):
    assert command.help
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{' '.join(words)}: {parameter.opts} has no help"
    if not isinstance(command, click.Group):
        assert "exposure " in f"{command.epilog} {command.help}", f"{' '.join(words)} --help has no example"


def test_the_listed_commands_are_the_ones_there_are():
    for name, entry in cli.COMMANDS.items():
        command = cli.main.get_command(click.Context(cli.main), name)
        assert command is not None
        assert entry.help.endswith((".", "?"))


def shown_commands():
    """(document, line) of each command line of ours in a fenced block, continued lines joined."""
    for path, content in DOCUMENTS.items():
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", content, re.DOTALL | re.MULTILINE):
            for line in textwrap.dedent(block).replace("\\\n", " ").splitlines():
                if line.removeprefix("$ ").startswith("exposure "):
                    yield path, line.removeprefix("$ ")


@pytest.mark.parametrize(("path", "line"), list(shown_commands()))
def test_every_command_shown_can_be_typed(path, line):
    words = shlex.split(line.split(" | ")[0].split(" > ")[0], comments=True)[1:]
    context, command = click.Context(cli.main, info_name="exposure"), cli.main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{path} shows {line!r}: no such command"
        command, words = found, words[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    command.make_parser(context).parse_args(words)


def test_every_setting_is_documented_with_its_default():
    for setting in config.SETTINGS:
        default = "`~/.local/share/exposure/store`" if setting.name == "store" else config.masked(setting, setting.default)
        row = f"| `{setting.name}` | `EXPOSURE_{setting.name.upper()}` | {default} | {setting.doc} |"
        assert row in DOCUMENTS["README.md"], f"README.md lacks the row {row}"


def test_every_table_and_column_is_documented():
    page = DOCUMENTS["docs/data-model.md"]
    for table in schemas.TABLES.values():
        part = re.search(rf"^## `{table.name}`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
        assert part, f"docs/data-model.md has no section on {table.name}"
        for column in table.columns:
            row = f"| `{column.name}` | {column.type} | {'yes' if column.nullable else ''} | {column.doc} |"
            assert row in part.group(1), f"docs/data-model.md lacks the row {row}"
        for rule in table.rules:
            assert rule in part.group(1), rule


def test_configured_engines_are_the_ones_there_are():
    assert set(config.ENGINES) == set(ENGINES)
