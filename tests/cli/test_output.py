"""A result file appears whole or not at all, readable by its owner only."""

import os
import stat

import pytest

from exposure.cli.output import WIDTH, console, emit, progress
from exposure.errors import InputError


def test_a_file_is_written_whole_private_and_replaced(tmp_path):
    target = tmp_path / "result.json"
    for content in ("one\n", b"two"):
        emit(content, target)
        assert target.read_bytes() == (content if isinstance(content, bytes) else content.encode())
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_nothing_is_left_behind_where_writing_fails(tmp_path, monkeypatch):
    target = tmp_path / "result.json"
    emit("old", target)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"cannot write .*result.json: No space left"):
        emit("new", target)
    assert target.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_a_device_is_written_to_and_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    emit("through", pipe)
    assert os.read(reader, 100) == b"through\n"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_folder_or_a_missing_folder_is_refused(tmp_path):
    for target in (tmp_path, tmp_path / "no" / "such"):
        with pytest.raises(InputError, match="cannot write"):
            emit("x", target)


def test_stdout_takes_text_and_bytes(capfdbinary):
    emit("line")
    emit(b"\x00raw\n")
    emit("done\n", None)
    assert capfdbinary.readouterr().out == b"line\n\x00raw\ndone\n"


def test_without_a_terminal_there_is_no_colour_no_emoji_and_a_fixed_width(capsys):
    screen = console()
    assert screen.width == WIDTH
    screen.print("[bold red]12.4 %[/] :smile:")
    with progress("working") as advance:
        advance(1, 2)
    captured = capsys.readouterr()
    assert captured.out == "12.4 % :smile:\n"
    assert captured.err == ""
