"""``exposure tags``: what is printed, how wide, and with which exit code."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure.cli import main

sys.path.insert(0, str(Path(__file__).parent.parent / "attribution"))  # the fictional lists are shared
from fictional_lists import FICTION, PRETEND, Party, btc, edition, eth, write  # behind the path it needs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(folder: Path, *args: object) -> Result:
    command, *rest = map(str, args)
    return CliRunner().invoke(main, ["tags", command, "--store", str(folder), *rest])


def wide(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.splitlines()), default=0)


def test_import_says_what_was_taken_and_what_was_not(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "import", edition(tmp_path, "2022-06-01", [FICTION, PRETEND]))
    assert result.exit_code == 0, result.stderr
    assert "OFAC SDN" in result.stdout and "2022-06-01" in result.stdout and "accepted" in result.stdout
    assert "profile 102" in result.stdout and "(kept)" in result.stdout
    again = run(folder, "import", tmp_path / "sdn_2022-06-01.xml")
    assert again.exit_code == 0 and "known" in again.stdout
    assert max(wide(result.stdout), wide(again.stdout)) <= 100


def test_import_ends_with_4_where_rows_were_rejected_or_an_edition_is_held(folder: Path, tmp_path: Path) -> None:
    rejected = run(folder, "import", write(tmp_path, "a.csv", f"address,category\n{btc('a')},scam\n{btc('b')},shed\n"))
    assert rejected.exit_code == 4 and "line 3" in rejected.stdout and "(rejected)" in rejected.stdout
    run(folder, "import", edition(tmp_path, "2023-01-01", [FICTION, PRETEND]))
    held = run(folder, "import", edition(tmp_path, "2023-02-01", [FICTION]))
    assert held.exit_code == 4 and "exposure tags accept ofac-sdn-20230201-" in " ".join(held.stdout.split())
    number = held.stdout.partition("tags accept ")[2].split("`")[0]
    assert "held" in run(folder, "editions").stdout
    assert run(folder, "accept", number).exit_code == 0
    assert "held" not in run(folder, "editions").stdout
    assert run(folder, "import", edition(tmp_path, "2023-03-01", [PRETEND]), "--accept").exit_code == 0


def test_a_list_that_cannot_be_read_ends_with_1_and_a_sentence(folder: Path, tmp_path: Path) -> None:
    for text in ("", "<sdnList/>", "title: x\ntags: 3\n"):
        result = run(folder, "import", write(tmp_path, "bad", text))
        assert result.exit_code == 1 and result.stderr.startswith("error: bad") and "Traceback" not in result.stderr
    assert run(folder, "import", tmp_path / "absent").exit_code == 2, "a path that is none is wrong input"
    assert run(folder, "import", tmp_path / "bad", "--published", "yesterday").exit_code == 2
    assert run(folder, "editions").stdout.startswith("no list was ever imported")


def test_show_and_explain_print_who_says_what_and_why(folder: Path, tmp_path: Path) -> None:
    run(folder, "import", edition(tmp_path, "2022-06-01", [FICTION]))
    run(folder, "add", btc("fiction 1"), *["--category", "exchange", "--entity", "Mine", "--source", "me", "--note", "because"])
    shown = run(folder, "show", btc("fiction 1"))
    assert shown.exit_code == 0 and wide(shown.stdout) <= 100
    for text in (
        "FICTION TRADING OU",
        "listed 2022-04-05",
        "CYBER2; RUSSIA-EO14024",
        "filed under XBT",
        "on the list by",
        "own tag 1",
    ):
        assert text in " ".join(shown.stdout.split())
    explained = run(folder, "explain", btc("fiction 1"))
    assert "decides: seed" in explained.stdout and "a seed goes before a boundary" in " ".join(explained.stdout.split())
    assert "no tag, as of 2022-05-01" in run(folder, "explain", btc("fiction 1"), "--as-of", "2022-05-01").stdout
    content = json.loads(run(folder, "show", eth("fiction"), "--format", "json").stdout)
    assert (content["role"], content["regimes"][0]["regime"], content["tags"][0]["ticker"]) == ("seed", "US", "ETH")
    assert len(content["editions"][0]["sha256"]) == 64


def test_add_and_retract_by_number(folder: Path) -> None:
    given = ["--category", "scam", "--entity", "Fiction", "--source", "report", "--note", "paid"]
    added = run(folder, "add", btc("a"), *given)
    assert added.exit_code == 0 and "own tag 1" in added.stdout
    assert "stands already" in run(folder, "add", btc("a"), *given).stdout
    assert run(folder, "retract", 1, "--reason", "withdrawn").exit_code == 0
    assert "was retracted" in run(folder, "show", btc("a")).stdout
    assert run(folder, "retract", 1, "--reason", "withdrawn").exit_code == 2
    assert run(folder, "add", btc("a")[:-1], *given).exit_code == 2
    assert run(folder, "add", btc("a"), "--category", "scam").exit_code == 2
    assert "did you mean scam" in run(folder, "add", btc("a"), "--category", "skam", *given[2:]).stderr


def test_hostile_names_never_reach_the_terminal(folder: Path, tmp_path: Path) -> None:
    name = "\u202eUO gnidarT" + "\u200b" * 5 + "界" * 200
    path = edition(tmp_path, "2022-06-01", [Party(7, name, (("XBT", btc("h")),))])
    hostile = path.rename(tmp_path / "x\x1b[31m界.xml")
    outputs = [
        run(folder, "import", hostile),
        run(folder, "show", btc("h")),
        run(folder, "explain", btc("h")),
        run(folder, "editions"),
    ]
    for result in outputs:
        assert result.exit_code == 0
        assert not set(result.stdout) & {"\x1b", "\u202e", "\u200b"} and wide(result.stdout) <= 100


def test_a_store_that_is_not_there_is_said(folder: Path) -> None:
    for args in (("show", btc("a")), ("editions",), ("accept", "x")):
        result = run(folder, *args)
        assert result.exit_code == 1 and "no store in" in result.stderr
