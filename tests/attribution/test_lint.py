"""Lint: every planted fault is found once, of the right kind, and a clean list has none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fictional_forms import SPLIT, Named, mixed, uk_xml
from fictional_lists import Party, at, bech, btc, edition, eth, key, trx, write

from exposure.attribution.lint import MEANING, Kind, Severity
from exposure.cli import main
from exposure.model.addresses import tron_address, witness_address
from exposure.model.addresses.base58 import encode
from exposure.store.store import Store
from exposure.workflows.list_review import Review, review
from exposure.workflows.tags import ImportOptions, import_lists

NOW = at("2026-02-02")


def reviewed(folder: Path, *files: Path) -> Review:
    with Store.open_or_create(folder / "store") as store:
        import_lists(store, files, now=NOW)
        return review(store, now=NOW)


def kinds(found: Review) -> set[tuple[str, str]]:
    return {(one.kind.value, one.subject) for one in found.findings}


def test_a_clean_list_has_no_findings(tmp_path: Path) -> None:
    clean = Party(1, "FICTION TRADING OU", (("XBT", btc("a")), ("ETH", eth("b")), ("TRX", trx("c")), ("USDT", trx("d"))))
    assert not reviewed(tmp_path, edition(tmp_path, "2022-06-01", [clean])).findings


BROKEN = "0x" + "".join(c.swapcase() if c.isalpha() else c for c in mixed("case")[2:])
PLANTED = {
    "checksum": ("XBT", btc("c")[:-1] + ("x" if btc("c")[-1] != "x" else "y")),
    "case": ("ETH", BROKEN),
    "truncated": ("USDT", trx("t")[:28]),
    "chain": ("XBT", trx("chain")),
    "test_row": ("ETH", "0x" + "0" * 40),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_each_fault_of_a_row_is_found(tmp_path: Path, kind: str) -> None:
    good = Party(1, "FICTION TRADING OU", (("XBT", btc("a")), PLANTED[kind]))
    assert kinds(reviewed(tmp_path, edition(tmp_path, "2022-06-01", [good]))) == {(kind, PLANTED[kind][1])}


OTHER_FAULTS = {
    "0x of 39 digits": (("ETH", eth("t")[:-1]), Kind.TRUNCATED),
    "bech32 cut": (("XBT", bech("t")[:-3]), Kind.TRUNCATED),
    "base58 in capitals": (("XBT", btc("t").upper()), Kind.CASE),
    "Omni": (("USDT", btc("omni")), Kind.CHAIN),
    "Monero that is none": (("XMR", "ab" * 32), Kind.CHECKSUM),
    "an EVM address under TRX": (("TRX", eth("t")), Kind.CHAIN),
    "a test network": (("XBT", encode(b"\x6f" + key("t"))), Kind.TEST_ROW),
    "an example of a standard": (("XBT", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), Kind.TEST_ROW),
}


@pytest.mark.parametrize("case", OTHER_FAULTS)
def test_each_form_of_a_fault_has_its_kind(tmp_path: Path, case: str) -> None:
    row, kind = OTHER_FAULTS[case]
    found = reviewed(tmp_path, edition(tmp_path, "2022-06-01", [Party(1, "FICTION", (("XBT", btc("a")), row))]))
    assert [one.kind for one in found.findings] == [kind]


def test_twins_duplicates_and_shared_addresses_are_found(tmp_path: Path) -> None:
    twins = Party(1, "ONE", (("ETH", eth("k")), ("USDT", tron_address(key("k")))))
    bitcoin = Party(2, "TWO", (("XBT", btc("b")), ("XBT", witness_address(0, key("b")))))
    twice = Party(3, "THREE", (("ETH", eth("d")), ("USDC", eth("d")), ("XBT", btc("s"))))
    shared = Party(4, "FOUR", (("XBT", btc("s")), ("ETH", eth("r")), ("ETH", eth("r"))))
    found = reviewed(tmp_path, edition(tmp_path, "2022-06-01", [twins, bitcoin, twice, shared]))
    assert kinds(found) == {
        ("twin", eth("k")),
        ("twin", tron_address(key("k"))),
        ("twin", btc("b")),
        ("twin", witness_address(0, key("b"))),
        ("duplicate", eth("d")),
        ("duplicate", ""),
        ("shared", btc("s")),
    }


def test_what_one_regime_lists_and_another_does_not_is_noted(tmp_path: Path) -> None:
    ofac = edition(tmp_path, "2022-06-01", [Party(1, "FICTION", (("XBT", btc("both")), ("XBT", btc("us"))))])
    uk = write(tmp_path, "uk.xml", uk_xml([Named("F1", "FICTION", f"XBT {btc('both')}, ETH {mixed('uk')}")]))
    found = reviewed(tmp_path, ofac, uk)
    assert {(one.subject, one.reason) for one in found.findings if one.kind is Kind.ONE_REGIME} == {
        (btc("us"), "listed by US, not by UK"),
        (eth("uk"), "listed by UK, not by US"),
    }


def test_faults_in_free_text_are_found_in_the_list_that_has_them(tmp_path: Path) -> None:
    parties = [
        Named("F1", "FICTION", f"Wallets {SPLIT} and {PLANTED['checksum'][1]}, {trx('up').upper()}, {eth('cut')[:-2]}"),
        Named("F2", "SILENT", "Runs a cryptocurrency exchange."),
    ]
    found = reviewed(tmp_path, write(tmp_path, "uk.xml", uk_xml(parties)))
    assert {(one.kind.value, one.severity.value) for one in found.findings} == {
        ("repaired", "note"),
        ("checksum", "error"),
        ("case", "error"),
        ("truncated", "error"),
        ("no_address", "warning"),
    }


def test_dates_and_names_that_cannot_be_are_found(tmp_path: Path) -> None:
    late = Party(1, "FICTION", (("XBT", btc("l")),), dates=("2099-01-01",))
    early = Party(2, "FICTION TWO", (("XBT", btc("e")),), dates=("1970-01-02",))
    never = Party(3, "TEST ENTRY", (("XBT", btc("n")),), dates=())
    found = reviewed(tmp_path, edition(tmp_path, "2022-06-01", [late, early, never]))
    assert {("date", btc("l")), ("date", btc("e")), ("date", btc("n")), ("test_row", btc("n"))} <= kinds(found)


def test_every_kind_has_a_meaning_and_a_severity() -> None:
    from exposure.attribution.lint import Finding

    assert set(MEANING) == set(Kind)
    assert {Finding(kind, "", "", "", "").severity for kind in Kind} == set(Severity)


def test_the_command_ends_with_3_from_the_severity_that_was_asked_for(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with Store.create(store) as opened:
        import_lists(opened, [edition(tmp_path, "2022-06-01", [Party(1, "FICTION", (("USDT", btc("omni")),))])], now=NOW)

    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["tags", "lint", "--store", str(store), *args])
        return result.exit_code, result.stdout

    assert run()[0] == 0 and run("--fail-on", "warning")[0] == 3 and run("--fail-on", "never")[0] == 0
    assert "WARNING chain (1)" in run()[1] and all(len(line) <= 100 for line in run()[1].splitlines())
    content = json.loads(run("--format", "json")[1])
    assert [one["kind"] for one in content["findings"]] == ["chain"]
    assert run("--list", "no such")[0] == 2


@pytest.mark.data
def test_the_real_list_has_the_defects_that_are_known_of_it(check_data: Path, tmp_path: Path) -> None:
    """Read from the transcript of its rows, in the simple XML form; docs/tags.md has the counts."""
    import csv
    from collections import Counter
    from xml.sax.saxutils import escape

    parties: dict[str, tuple[str, list[str]]] = {}
    with (check_data / "data/ofac/ofac_adv_2025-12-04.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = f"<id><idType>Digital Currency Address - {row['ticker']}</idType><idNumber>{row['address']}</idNumber></id>"
            parties.setdefault(row["profile_id"], (row["entity"], []))[1].append(text)
    entries = "".join(
        f"<sdnEntry><uid>{uid}</uid><lastName>{escape(name)}</lastName><idList>{''.join(ids)}</idList></sdnEntry>"
        for uid, (name, ids) in parties.items()
    )
    head = "<publshInformation><Publish_Date>11/19/2025</Publish_Date></publshInformation>"
    found = reviewed(tmp_path, write(tmp_path, "sdn.xml", f"<sdnList>{head}{entries}</sdnList>"))
    counted = Counter(one.kind.value for one in found.findings if one.kind is not Kind.DATE)  # this form has no dates
    assert counted == {"checksum": 1, "chain": 8, "no_address": 1, "shared": 2, "twin": 2, "duplicate": 11}
    text = (Path(__file__).parent.parent.parent / "docs/tags.md").read_text(encoding="utf-8")
    assert "1 error, 11 warnings and 13 notes" in text


def diffed(folder: Path, *args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["tags", "diff", "--store", str(folder / "store"), *args])
    return result.exit_code, result.output


def test_diff_tells_what_came_went_and_changed(tmp_path: Path) -> None:
    one = [Party(1, "FICTION", (("XBT", btc("stays")), ("XBT", btc("goes")), ("ETH", eth("alters"))))]
    two = [
        Party(1, "FICTION OU", (("XBT", btc("stays")), ("ETH", eth("alters")), ("TRX", trx("comes"))), programmes=("CYBER2",))
    ]
    with Store.create(tmp_path / "store") as store:
        import_lists(
            store, [edition(tmp_path, "2022-06-01", one), edition(tmp_path, "2022-07-01", two)], ImportOptions(accept=True)
        )
    code, text = diffed(tmp_path, "ofac sdn")
    assert code == 0 and "added 1  removed 1  changed 2  same 0" in text
    assert text.index("ADDED") < text.index(trx("comes")) < text.index("REMOVED") < text.index(btc("goes"))
    assert "entity: FICTION -> FICTION OU" in text and "programmes: RUSSIA-EO14024 -> CYBER2" in text
    content = json.loads(diffed(tmp_path, "ofac-sdn-20220701", "ofac-sdn-20220601", "--format", "json")[1])
    assert [tag["subject"] for tag in content["added"]] == [btc("goes")], "the order of the two is the user's"
    assert diffed(tmp_path, "ofac-sdn-2022", "ofac-sdn-20220601")[0] == 2, "two editions begin so"
    assert diffed(tmp_path, "EU")[0] == 2


def test_what_was_put_right_is_no_error_and_an_end_stated_beforehand_is_none_either(tmp_path: Path) -> None:
    now = at("2026-02-02")
    address, other = trx("lint 1"), trx("lint 2")
    rows = [
        f"Wallet,ASO 1/26,2026-02-01,2028-02-01,{address.replace('T', 'Т', 1)}",
        f"Wallet,ASO 1/26,2026-02-01,2028-02-01,{other[:12]}-{other[12:]}",
    ]
    text = "schema,order_id,start_date,end_date,wallet_address\n" + "\n".join(rows) + "\n"
    with Store.create(tmp_path / "store") as store:
        (imported,) = import_lists(store, [write(tmp_path, "orders.csv", text)], now=now)
        found = review(store, now=now).findings
    assert imported.edition.subjects == 2
    assert [one.kind for one in found] == [Kind.REPAIRED, Kind.REPAIRED]
