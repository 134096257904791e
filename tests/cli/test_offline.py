"""``--offline`` guarantees that nobody is asked: no command opens a socket, whatever sources are set up."""

import socket

import click
import pytest
from click.testing import CliRunner

from exposure import cli

BITCOIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ETHEREUM = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
TX = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"

COMMANDS = {
    "trace": [[BITCOIN], [BITCOIN, "--fetch"], [f"{TX}:0", "--source", "core", "--fetch"], [BITCOIN, "--list"]],
    "screen": [[BITCOIN]],
    "rescore": [["wallets.csv"]],
    "fetch": [[BITCOIN], ["--dry-run", BITCOIN], ["--for", TX], ["--prices", BITCOIN], ["--chain", "ethereum", ETHEREUM]],
    "verify": [["case"]],
    "case key": [["case.key"]],
    "import": [["wallets.csv"], ["--dry-run", "wallets.csv"]],
    "tags accept": [["1"]],
    "tags add": [[BITCOIN, "--category", "mixer", "--entity", "X", "--source", "a note"]],
    "tags cluster": [[BITCOIN]],
    "tags diff": [["ofac"]],
    "tags editions": [[]],
    "tags explain": [[BITCOIN]],
    "tags hubs": [[]],
    "tags import": [["wallets.csv"]],
    "tags lint": [[]],
    "tags oracle": [["--chain", "ethereum", ETHEREUM]],
    "tags owners": [["wallets.csv"]],
    "tags retract": [["1"]],
    "tags show": [["ofac"]],
    "tags update": [[], ["ofac"]],
    "simulate": [["economy", "--size", "nonsense"]],
    "selfcheck": [["wallets.csv"]],
    "config show": [[]],
}
"""What would ask somebody if anything does, for every command that there is."""


def every_command():
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        yield from [f"{name} {inner}" for inner in command.commands] if isinstance(command, click.Group) else [name]


def test_every_command_is_tried():
    assert set(every_command()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_opens_a_socket_offline(name, tmp_path, monkeypatch):
    opened = []

    def refused(*arguments, **named):
        opened.append(arguments)
        raise OSError("a host was asked")

    for function in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, function, refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wallets.csv").write_text(f"address\n{BITCOIN}\n", encoding="ascii")
    hosts = {
        "EXPOSURE_ESPLORA_URL": "http://127.0.0.1:9/api",
        "EXPOSURE_BITCOIN_RPC_URL": "http://127.0.0.1:9",
        "EXPOSURE_EVM_RPC_URL": "http://127.0.0.1:9",
        "EXPOSURE_ORACLE_URL": "http://127.0.0.1:9",
        "EXPOSURE_ETHERSCAN_KEY": "0123456789abcdef",
    }
    for words in COMMANDS[name]:
        environ = hosts | {"EXPOSURE_OFFLINE": "1", "EXPOSURE_STORE": str(tmp_path / "store")}
        done = CliRunner(env=environ).invoke(cli.main, [*name.split(), *words])
        assert done.exit_code in (0, 1, 2, 4), done.output
        assert "Traceback" not in done.output
        assert not opened, (name, words)


def test_the_same_commands_would_ask_without_it(tmp_path, monkeypatch):
    """The table means something: these do open sockets where they may."""
    opened = []

    def refused(*arguments, **named):
        opened.append(arguments)
        raise OSError("a host was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    environ = {"EXPOSURE_STORE": str(tmp_path / "store"), "EXPOSURE_ESPLORA_URL": "http://127.0.0.1:9/api"}
    for words in (["fetch", BITCOIN, "--max-calls", "1"], ["trace", BITCOIN, "--fetch", "--max-calls", "1"]):
        CliRunner(env=environ).invoke(cli.main, words)
        assert opened, words
        opened.clear()
