"""Laws of a customer of several addresses, of the last days beside the whole history, and of several assets in money."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from exposure.cli import main
from exposure.model.results import Report
from exposure.reporting.json_report import report_schema, report_to_dict
from exposure.reporting.page import page
from exposure.reporting.page.facts import facts_page
from exposure.reporting.screen import screen
from exposure.store.store import Store
from exposure.units import to_unix
from exposure.workflows.case.verify import verify
from exposure.workflows.ingest import ImportOptions, ingest
from exposure.workflows.tags import ImportOptions as ListOptions
from exposure.workflows.tags import import_lists
from exposure.workflows.trace import trace
from exposure.workflows.trace_options import trace_options

FOE, CLEAN, ONE, TWO, OUT, NEVER = ("0x" + letter * 40 for letter in "abcdef")
DAY = 86_400
START = to_unix("2024-01-01")
ETH = 10**18
TOKEN = "0x" + "9" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONE gets 90 clean on day 1 and 10 of FOE on day 200; ONE gives TWO 50 on day 201; TWO gets 20 of FOE on day 202 and sends
    OUT 70 on day 203. FOE also sends ONE a token of which no price is known, and OUT ends the ledger on day 210.
    """
    place = tmp_path_factory.mktemp("customer")
    rows = [
        (1, CLEAN, ONE, 90, "ethereum/native"),
        (200, FOE, ONE, 10, "ethereum/native"),
        (201, ONE, TWO, 50, "ethereum/native"),
        (202, FOE, TWO, 20, "ethereum/native"),
        (203, TWO, OUT, 70, "ethereum/native"),
        (204, FOE, ONE, 5, f"ethereum/{TOKEN}"),
        (210, OUT, CLEAN, 1, "ethereum/native"),
    ]
    lines = ["tx,index,block,time,from,to,amount,asset"]
    lines += [f"0x{n:064x},0,{n},{START + DAY * n},{a},{b},{amount * ETH},{asset}" for n, a, b, amount, asset in rows]
    (place / "a.csv").write_text("\n".join(lines) + "\n")
    (place / "list.csv").write_text(
        "address,entity,category,regime,listed_on,source\n" + f"{FOE},Foe Ltd,sanctioned,US,2024-01-05,gazette\n"
    )
    prices = [
        f"ethereum/native,{currency},{START + DAY * n},{price}"
        for n, *_ in rows
        for currency, price in (("usd", 2000), ("jpy", 300_000))
    ]
    (place / "prices.csv").write_text("\n".join(["asset,currency,time,price", *prices]) + "\n")
    with Store.create(place / "store") as store:
        ingest([place / "a.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
        ingest([place / "prices.csv"], ImportOptions(), store=store)
        import_lists(store, [place / "list.csv"], ListOptions(published=START + 10 * DAY))
    return place


def _traced(folder: Path, subject: str, **options: Any) -> Report:
    with Store.open(folder / "store") as store:
        report = trace(store, subject, trace_options(**{"asset": "ethereum/native", **options}))
    jsonschema.validate(json.loads(json.dumps(report_to_dict(report))), report_schema())
    return report


def _run(folder: Path, *words: str) -> Result:
    return CliRunner(env={"EXPOSURE_STORE": str(folder / "store")}).invoke(main, list(words))


def test_moves_among_a_customers_addresses_are_no_inflow_and_take_no_hop(folder: Path) -> None:
    source, destination = _traced(folder, f"{TWO}, {ONE}").sections
    assert source.subject.addresses == (TWO, ONE)
    assert (source.subject.amount, source.subject.transfers) == (120 * ETH, 3)  # 90, 10 and 20; not the 50 between them
    (row,) = source.exposures
    assert (row.amount, row.hops, row.kind) == (30 * ETH, 1, "direct")
    assert (destination.subject.amount, destination.subject.transfers) == (70 * ETH, 1)
    # Alone TWO has the 50 too, of which a tenth is FOE's, one hop further.
    alone = _traced(folder, TWO).sections[0]
    assert alone.subject.amount == 70 * ETH
    assert {(one.hops, one.amount) for one in alone.exposures} == {(1, 20 * ETH), (2, 5 * ETH)}


def test_the_last_days_stand_beside_the_whole_history_with_share_and_money(folder: Path) -> None:
    section = _traced(folder, f"{ONE} {TWO}").sections[0]
    last = section.window
    assert last is not None
    assert (last.days, last.until, last.since) == (90, START + 210 * DAY, START + 120 * DAY)
    assert (last.amount, last.transfers, last.usd, last.jpy) == (30 * ETH, 2, 60_000.0, 9_000_000.0)
    (part,) = last.parts
    assert (part.category, part.kind, part.amount, part.share) == ("sanctioned", "direct", 30 * ETH, 1.0)
    assert (part.usd, part.jpy) == (60_000.0, 9_000_000.0)
    assert section.exposures[0].share == 0.25  # of the whole history: what a share alone would say
    longer = _traced(folder, f"{ONE} {TWO}", window=365).sections[0].window
    assert longer is not None
    assert longer.amount == section.subject.amount
    assert sum(one.amount for one in longer.parts) == longer.amount
    assert {one.category: one.share for one in longer.parts}["sanctioned"] == 0.25


def test_a_window_in_which_nothing_moved_is_empty_and_a_deposit_has_none(folder: Path) -> None:
    last = _traced(folder, f"{ONE} {TWO}", window=5).sections[0].window
    assert last is not None
    assert (last.amount, last.transfers, last.parts) == (0, 0, ())
    assert _traced(folder, f"0x{203:064x}:0").sections[0].window is None


@pytest.mark.parametrize("rule", ["haircut", "fifo", "lifo", "tiho", "poison"])
def test_by_every_rule_a_window_of_all_days_says_what_the_account_says(folder: Path, rule: str) -> None:
    section = _traced(folder, ONE, rule=rule, window=100_000).sections[0]
    assert section.window is not None
    found = sum(part.amount for part in section.window.parts if part.category == "sanctioned")
    assert found == sum(row.amount for row in section.exposures)


def test_several_assets_add_up_in_money_and_what_has_no_price_is_named(folder: Path) -> None:
    report = _traced(folder, ONE, asset=None, direction="source")
    (total,) = report.money
    assert (total.sections, total.usd, total.jpy) == (2, 200_000.0, 30_000_000.0)
    assert total.unpriced == (f"ethereum/{TOKEN}",)
    assert [(part.category, part.usd, part.jpy, part.share) for part in total.parts] == [
        ("sanctioned", 20_000.0, 3_000_000.0, 0.1),
        ("unresolved", 180_000.0, 27_000_000.0, 0.9),
    ]
    assert _traced(folder, ONE, direction="source").money == ()


def test_what_is_unresolved_is_added_up_over_assets_too(folder: Path) -> None:
    report = _traced(folder, f"{ONE} {OUT}", asset=None, direction="source", hops=1)
    (total,) = report.money
    by_category = {part.category: (part.usd, part.jpy) for part in total.parts}
    lost = [row for section in report.sections for row in section.unresolved]
    assert by_category["unresolved"] == (sum(row.usd or 0 for row in lost), sum(row.jpy or 0 for row in lost))
    assert by_category["unresolved"][0] > 0
    text = screen(report).plain
    assert f"{total.parts[-1].share * 100:.1f} % unresolved" in " ".join(text[text.index("All assets") :].split())


def test_screen_and_pages_show_customer_window_and_totals(folder: Path) -> None:
    report = _traced(folder, f"{ONE} {TWO}", asset=None, policy="jp")
    text = screen(report).plain
    assert "Customer  2 addresses of one customer" in text
    assert "90 days" in text
    assert "All assets" in text
    assert "without a price" in text
    assert max(map(len, text.splitlines())) <= 100
    html, facts = page(report, lang="ja"), facts_page(report)
    for written in (html, facts):
        assert ONE in written
        assert TWO in written
        assert "直近 90 日間" in written
    assert "The last 90 days" in facts


def test_addresses_come_typed_or_from_files_and_a_case_of_them_verifies(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "addresses.txt").write_text(f"# the customer's\n{ONE}\n{TWO}\n{NEVER}\n")
    case = tmp_path / "case"
    made = _run(folder, "trace", "--customer", str(tmp_path / "addresses.txt"), "--out", str(case))
    assert made.exit_code == 0, made.output
    assert f"the store holds no movement of {NEVER}" in " ".join(made.stdout.split())
    typed = _run(folder, "trace", ONE, TWO, NEVER, "--format", "json")
    report = json.loads((case / "report.json").read_text())
    assert json.loads(typed.stdout)["sections"] == report["sections"]
    found = verify(case)
    assert found.ok, found
    again = _run(folder, "trace", "--case", str(case), "--window", "7")
    assert again.exit_code == 0, again.output
    assert "7 days" in again.stdout
    assert verify(case).ok
    listed = _run(folder, "trace", ONE, TWO, "--list", "--format", "json")
    assert len(json.loads(listed.stdout)) == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((ONE, f"0x{1:064x}"), "address"),
        ((ONE, f"{TWO}@2024-01-01"), "several subjects are the addresses of one customer"),
        ((ONE, "--window", "soon"), "a number of days"),
        ((ONE, "--window", "0"), "from 1 to 100,000"),
        ((NEVER, "0x" + "1" * 40), "holds no movement"),
        (("--customer", "missing.txt"), "missing.txt"),
    ],
)
def test_what_is_no_customer_is_refused_in_words(folder: Path, words: tuple[str, ...], said: str) -> None:
    result = _run(folder, "trace", *words)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
