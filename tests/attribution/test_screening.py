"""Screening: own tags only, every line accounted for, loud about missing lists."""

import csv
import gzip
import io
import json
import random
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from fictional_lists import FICTION, PRETEND, at, btc, edition, eth, trx, write

from exposure.cli import main
from exposure.errors import InputError
from exposure.model.addresses import evm_address, p2pkh_address, tron_address
from exposure.model.sentences import Sentence
from exposure.sources.address_lists import Listed, read_addresses
from exposure.store.store import Store
from exposure.workflows.screen import screen
from exposure.workflows.tags import ImportOptions, import_lists

NOW = at("2022-06-02")
CLEAN = btc("nobody")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "store")
    import_lists(made, [edition(tmp_path, "2022-06-01", [FICTION, PRETEND])], now=NOW)
    services = write(tmp_path, "services.csv", f"address,entity,category,confidence\n{btc('x')},Exchange A,exchange,80\n")
    import_lists(made, [services], ImportOptions(published=at("2022-06-01")), now=NOW)
    return made


def run(store: Store, *args: object) -> Result:
    return CliRunner().invoke(main, ["screen", "--store", str(store.path), *map(str, args)])


def test_a_hit_says_who_by_which_list_since_when_in_every_form_of_the_address(store: Store) -> None:
    upper = eth("fiction").upper().replace("0X", "0x")
    found = screen(store, [CLEAN, btc("fiction 1"), upper, trx("fiction tron")], as_of=NOW)
    assert [(hit.line, hit.address) for hit in found.hits] == [
        (2, btc("fiction 1")),
        (3, eth("fiction")),
        (4, trx("fiction tron")),
    ]
    hit = found.hits[0]
    assert (hit.category, hit.entity, hit.standing, hit.risk, hit.sources) == (
        ("sanctioned", "FICTION TRADING OU", "listed", True, ("OFAC SDN",))
    )
    assert (found.screened, found.risks, found.rejected) == (4, 3, ())


def test_every_line_is_screened_hit_or_rejected(store: Store) -> None:
    texts = [CLEAN, btc("x"), "nonsense", "", btc("fiction 1")[:-1], btc("fiction 1")]
    found = screen(store, texts, as_of=NOW)
    assert [hit.line for hit in found.hits] == [2, 6]
    assert [wrong.line for wrong in found.rejected] == [3, 4, 5]
    assert found.risks == 1, "an exchange is a tag, but no risk"


def test_an_unchecked_text_of_a_list_is_found_as_it_stands(store: Store) -> None:
    (hit,) = screen(store, ["not a monero address at all"]).hits
    assert (hit.checked, hit.entity) == (False, "PRETEND Ivan Ivanovich")


def test_a_day_before_the_list_knows_nothing_of_it(store: Store) -> None:
    found = screen(store, [btc("fiction 1")], as_of=at("2022-05-01"))
    assert not found.hits and "no official list counts" in found.warnings[0]


def test_without_any_list_it_says_so_loudly(tmp_path: Path) -> None:
    with Store.create(tmp_path / "empty") as empty:
        assert screen(empty, [CLEAN]).warnings == (Sentence("lists.none"),)
        result = run(empty, CLEAN)
    assert result.exit_code == 0 and "warning: no list was ever imported" in result.stderr
    assert "no clean bill" in " ".join(result.stdout.split())


def read(path: Path, column: str | None = None) -> list[Listed]:
    return [row for batch in read_addresses(path, column=column) for row in batch]


def test_addresses_are_read_from_text_csv_and_parquet_with_their_lines(tmp_path: Path) -> None:
    one, two = btc("1"), eth("2")
    assert read(write(tmp_path, "a.txt", f"# mine\n{one}\n\n  {two}\n")) == [Listed(2, one), Listed(4, two)]
    table = f'name,Wallet,note\n"a, b",{one},x\nc,{two},y\nshort\n'
    rows = read(write(tmp_path, "b.csv", table))
    assert rows[:2] == [Listed(2, one), Listed(3, two)] and "1 cells" in rows[2].fault
    assert read(tmp_path / "b.csv", "note") == [
        Listed(2, "x"),
        Listed(3, "y"),
        rows[2]._replace(fault=rows[2].fault.replace("2", "3")),
    ]
    (tmp_path / "c.gz").write_bytes(gzip.compress(f"{one}\n".encode()))
    assert read(tmp_path / "c.gz") == [Listed(1, one)]
    pq.write_table(pa.table({"id": [1, 2], "address": [one, None]}), tmp_path / "d.parquet")
    assert read(tmp_path / "d.parquet") == [Listed(1, one), Listed(2, "", "is empty")]


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", f"name,where\nx,{CLEAN}\n")
    with pytest.raises(InputError, match="which column holds the addresses.*name, where"):
        read(path)
    with pytest.raises(InputError, match="has no column 'adress'"):
        read(path, "adress")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read(tmp_path / "broken.parquet")


def test_the_command_ends_with_3_for_a_hit_that_was_asked_for_and_4_for_rows_that_are_no_addresses(
    store: Store, tmp_path: Path
) -> None:
    path = write(tmp_path, "in.txt", f"{CLEAN}\n{btc('fiction 1')}\nnonsense\n")
    assert run(store, path).exit_code == 4
    assert run(store, path, "--fail-on", "mixer").exit_code == 4
    result = run(store, path, "--fail-on", "sanctioned")
    assert result.exit_code == 3 and "line 3: nonsense is not an address" in result.stderr
    assert run(store, CLEAN).exit_code == 0
    assert run(store, "--fail-on", "sanctoned", CLEAN).exit_code == 2


def test_a_typed_address_that_is_wrong_is_refused_with_the_right_one(store: Store) -> None:
    wrong = btc("fiction 1")[:-1] + ("x" if btc("fiction 1")[-1] != "x" else "y")
    result = run(store, wrong)
    assert result.exit_code == 2 and f"would be right as {btc('fiction 1')}" in result.stderr
    assert "there is no file of that name" in run(store, "absent.csv").stderr


def test_every_format_says_the_same(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path, "in.txt", f"{CLEAN}\n{btc('fiction 1')}\n{btc('x')}\nnonsense\n")
    whole = json.loads(run(store, path, "--format", "json", "-q").stdout)
    assert whole["schema"] == "exposure.screening/1" and whole["screened"] == 4
    lines = [json.loads(line) for line in run(store, path, "--format", "jsonl").stdout.splitlines()]
    rows = list(csv.DictReader(io.StringIO(run(store, path, "--format", "csv").stdout)))
    for forms in (whole["hits"], lines, rows):
        assert [(int(hit["line"]), hit["address"], hit["entity"]) for hit in forms] == [
            (2, btc("fiction 1"), "FICTION TRADING OU"),
            (3, btc("x"), "Exchange A"),
        ]
    assert [row["line"] for row in whole["rejected"]] == [4]
    rejects = tmp_path / "rejects.csv"
    run(store, path, "--rejects", rejects)
    assert [row["line"] for row in csv.DictReader(io.StringIO(rejects.read_text(encoding="utf-8")))] == ["4"]


def test_the_table_fits_100_columns_and_shows_hostile_names_escaped(store: Store, tmp_path: Path) -> None:
    name = "evil\x1b[31m" + "界" * 60 + "[bold]"
    text = f"address,entity,category\n{btc('e')},{name},scam\n{eth('e')},{name},darknet_market\n"
    import_lists(store, [write(tmp_path, "e.csv", text)])
    path = write(tmp_path, "in.txt", f"{btc('e')}\n{eth('e')}\n")
    from rich.cells import cell_len

    for args in ((path,), (btc("e"),)):
        shown = run(store, *args).stdout
        assert max(cell_len(line) for line in shown.splitlines()) <= 100
        assert "\x1b" not in shown and "evil\\x1b" in shown


def test_a_cell_of_the_csv_starts_no_formula(store: Store, tmp_path: Path) -> None:
    import_lists(store, [write(tmp_path, "e.csv", f'address,entity,category\n{btc("e")},"=1+1",scam\n')])
    (row,) = csv.DictReader(io.StringIO(run(store, btc("e"), "--format", "csv").stdout))
    assert row["entity"] == "'=1+1"


def test_a_hundred_thousand_addresses_take_seconds(store: Store) -> None:
    source = random.Random(3)
    makers = (evm_address, tron_address, p2pkh_address)
    distinct = [source.choice(makers)(source.randbytes(20)) for _ in range(20_000)]
    started = time.process_time()
    found = screen(store, [*distinct * 5, btc("fiction 1")])
    assert (found.screened, len(found.hits), len(found.rejected)) == (100_001, 1, 0)
    assert time.process_time() - started < 10, "a million in under 100 s on the slowest machine; 12 s on an idle one"
