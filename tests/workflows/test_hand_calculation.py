"""A report of an address two hops behind the Ronin theft, worked out by hand, as the command prints it in every form.

The ledger's rows that matter are written out below; amounts in wei. `check_data` holds the ledger, which is not ours to ship.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exposure.cli import main

pytestmark = pytest.mark.data

ETHER = 10**18
THIEF = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"
MIDDLE = "0xf7b31119c2682c88d88d455dbb9d5932c65cf1be"
OTHER = "0x35fb6f6db4fb05e6a4ce86f2c93691425626d4b1"
SUBJECT = "0xab346efef1ffe377cdad686abeab62e83df1099f"
TWICE = "0xf5806e5c1c9402dcc87e9adf47bc7bc2f18cf556"
FIRST = "0x40225b91d29e27134bd81ab188fe318314ef0568"
SECOND = "0xe00a220100f1efc8284fb41d7639411b47020c55"
THIRD = "0x346e95e6b7d5b266b9fff6d2e7dadef84933bfe5"
DUSTERS = {FIRST, SECOND, THIRD}


def wei(ether: str) -> int:
    """Ether as the ledger prints it, in wei, exactly."""
    found = Fraction(ether) * ETHER
    assert found.denominator == 1
    return int(found)


# Everything that the middle address moved up to the payment to the subject, in the order in which it happened.
STOLEN = wei("25127.5192")  # 2022-04-27 11:05:32, from the thief
DUST_1 = wei("0.0000369")  # 2022-04-28 20:49:22, from the first of the dusters
DUST_2 = wei("0.000123456")  # 2022-04-29 05:55:33, from the second
DUST_3 = wei("0.0000369")  # 2022-05-07 20:30:58, from the third
PAID = wei("3003.3")  # on 05-10 13:24:16, 05-11 04:22:31 and 05-11 14:21:20, to three others
DUST_4 = wei("0.0000369")  # 2022-05-11 21:57:11, from the third again
# 2022-05-12 02:26:53: 3,003.3 ether to the subject, all that it ever got.

# The other middle address, up to its 0.5 ether for the address that was paid by both (2022-05-11 19:01:14).
OTHER_STOLEN = wei("33568.152")  # 2022-04-24 06:47:49, from the thief
OTHER_DUST = wei("0.0000369") + wei("0.00123456789")  # 2022-04-24 13:10:48 and 2022-04-29 05:53:00


@pytest.fixture(scope="module")
def ledger(check_data: Path) -> Path:
    return check_data / "data" / "eth_lazarus" / "LazarusTabularTxs1322519.csv"


@pytest.fixture(scope="module")
def folder(ledger: Path, check_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two stores of the ledger: in `thief` he alone is tagged, in `list` the whole list of OFAC is imported."""
    made = tmp_path_factory.mktemp("hand")
    columns = ("block_time=time:iso", "from=from:hexbytes", "to=to:hexbytes", "total_eth=amount:ether")
    mapped = [word for column in columns for word in ("--map", column)]
    for name in ("thief", "list"):
        run("import", "-q", "--store", str(made / name), "--chain", "ethereum", "--whole-ledger", *mapped, str(ledger))
    told = ("--category", "sanctioned", "--entity", "Lazarus Group", "--source", "list of 2022-04-14", "--note", "Ronin theft")
    run("tags", "add", THIEF, *told, "--store", str(made / "thief"))
    run("tags", "import", str(check_data / "data" / "ofac" / "sdn_advanced_2025-12-04.xml.bz2"), "--store", str(made / "list"))
    yield made


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, list(arguments), env={"EXPOSURE_OFFLINE": "1"})
    assert result.exit_code == 0, result.output
    return result.stdout


def asked(store: Path, subject: str, *more: str) -> str:
    return run("trace", subject, "--store", str(store), "--chain", "ethereum", "--direction", "source", *more)


def sections(store: Path, subject: str, *more: str) -> dict[str, dict[str, Any]]:
    """Sections of the JSON report by rule."""
    report = json.loads(asked(store, subject, "--rule", "all", "--format", "json", *more))
    return {section["rule"]: section for section in report["sections"]}


def from_seeds(section: dict[str, Any]) -> dict[tuple[str, str, int], int]:
    return {(row["category"], row["kind"], row["hops"]): int(row["amount"]) for row in section["exposures"]}


def unresolved(section: dict[str, Any]) -> dict[str, int]:
    return {row["name"]: int(row["amount"]) for row in section["unresolved"]}


def near(found: int, exact: Fraction) -> bool:
    """Haircut divides; what is printed is rounded to whole wei that sum to the whole."""
    return abs(found - exact) <= 1


def test_the_rows_written_out_here_are_those_of_the_ledger(ledger: Path) -> None:
    with ledger.open(newline="") as file:
        rows = [
            (row["block_time"], row["from"].replace("\\x", "0x"), row["to"].replace("\\x", "0x"), wei(row["total_eth"]))
            for row in csv.DictReader(file)
        ]

    def moved(address: str, until: str) -> list[tuple[str, str, int]]:
        return sorted(
            (time[:19], sender if receiver == address else "out", amount)
            for time, sender, receiver, amount in rows
            if address in (sender, receiver) and amount and time[:19] <= until
        )

    assert moved(MIDDLE, "2022-05-12T02:26:53") == [
        ("2022-04-27T11:05:32", THIEF, STOLEN),
        ("2022-04-28T20:49:22", FIRST, DUST_1),
        ("2022-04-29T05:55:33", SECOND, DUST_2),
        ("2022-05-07T20:30:58", THIRD, DUST_3),
        ("2022-05-10T13:24:16", "out", PAID),
        ("2022-05-11T04:22:31", "out", PAID),
        ("2022-05-11T14:21:20", "out", PAID),
        ("2022-05-11T21:57:11", THIRD, DUST_4),
        ("2022-05-12T02:26:53", "out", PAID),
    ]
    assert [(sender, amount) for _, sender, amount in moved(SUBJECT, "9")] == [(MIDDLE, PAID)]
    assert [(sender, amount) for _, sender, amount in moved(TWICE, "9")] == [(MIDDLE, PAID), (OTHER, wei("0.5"))]
    into_other = [row for row in moved(OTHER, "2022-05-11T19:01:14") if row[1] != "out"]
    assert [amount for _, _, amount in into_other] == [OTHER_STOLEN, wei("0.0000369"), wei("0.00123456789")]
    assert into_other[-1][0] < "2022-05-05T07:37:10"  # its first payment: all that it ever got lay there by then
    # Who sent the dust never received anything in this ledger: it is of unknown origin, a shortfall.
    assert not [row for row in rows if row[2] in DUSTERS and row[3]]


def test_haircut_with_the_thief_as_only_seed(folder: Path) -> None:
    section = sections(folder / "thief", SUBJECT)["haircut"]
    # 1. Before its first payment the middle address held
    held = STOLEN + DUST_1 + DUST_2 + DUST_3
    assert held == 25_127_519_397_256 * 10**9
    # 2. Three payments of 3,003.3 ether take the same share of every part: of each part there remains
    remains = Fraction(held - 3 * PAID, held)
    # 3. Then the dust of 05-11 comes in, so that it holds
    later = held - 3 * PAID + DUST_4
    # 4. The payment to the subject again takes of every part its share:
    takes = Fraction(PAID, later)
    stolen = STOLEN * remains * takes
    # 5. From the thief to the middle address is hop 1, from there to the subject hop 2.
    found = from_seeds(section)
    assert list(found) == [("sanctioned", "indirect", 2)]
    assert near(found["sanctioned", "indirect", 2], stolen)
    assert found["sanctioned", "indirect", 2] == 3_003_299_969_547_685_668_546
    # 6. The rest is the dust, by its senders, whose own history is not in the ledger.
    lost = unresolved(section)
    assert near(lost[FIRST], DUST_1 * remains * takes)
    assert near(lost[SECOND], DUST_2 * remains * takes)
    assert near(lost[THIRD], (DUST_3 * remains + DUST_4) * takes)
    assert sum(lost.values()) + sum(found.values()) == PAID
    # 7. The interval: what is identified is the figure; the dust could be anybody's.
    (bound,) = (bound for bound in section["bounds"] if bound["category"] == "sanctioned")
    assert near(int(bound["lower"]), stolen)
    assert int(bound["upper"]) == PAID
    # 8. Whatever the rule: at the most all of the dust may have been kept for the subject, at the least none.
    assert int(bound["bracket_upper"]) == PAID
    assert int(bound["bracket_lower"]) == PAID - (DUST_1 + DUST_2 + DUST_3 + DUST_4)


def test_the_other_rules_with_the_thief_as_only_seed(folder: Path) -> None:
    by_rule = sections(folder / "thief", SUBJECT)
    # fifo: the thief's 25,127.5 ether lie first in the queue; four payments take 12,013.2 of them.
    assert 4 * PAID < STOLEN
    assert from_seeds(by_rule["fifo"]) == {("sanctioned", "indirect", 2): PAID}
    assert unresolved(by_rule["fifo"]) == {}
    # lifo: the first payment took the dust that lay on top; the last dust came after it and goes to the subject.
    assert from_seeds(by_rule["lifo"]) == {("sanctioned", "indirect", 2): PAID - DUST_4}
    assert unresolved(by_rule["lifo"]) == {THIRD: DUST_4}
    # tiho: tainted first, and there is enough of it.
    assert from_seeds(by_rule["tiho"]) == {("sanctioned", "indirect", 2): PAID}
    # poison: one drop is enough, for the thief's flag and for that of each unknown sender alike.
    assert from_seeds(by_rule["poison"]) == {("sanctioned", "indirect", 2): PAID}
    assert unresolved(by_rule["poison"]) == dict.fromkeys(DUSTERS, PAID)


def test_an_address_that_was_paid_by_two_of_his_wallets(folder: Path) -> None:
    by_rule = sections(folder / "thief", TWICE)
    half = wei("0.5")
    # The third payment of the first wallet, before the last dust came; and half an ether of the second one.
    held = STOLEN + DUST_1 + DUST_2 + DUST_3
    first = Fraction(PAID * STOLEN, held)  # payments alone do not change shares
    second = Fraction(half * OTHER_STOLEN, OTHER_STOLEN + OTHER_DUST)
    haircut = by_rule["haircut"]
    assert int(haircut["totals"]["amount"]) == PAID + half
    assert near(from_seeds(haircut)["sanctioned", "indirect", 2], first + second)
    assert by_rule["haircut"]["exposures"][0]["share"] == pytest.approx(float((first + second) / (PAID + half)), abs=1e-15)
    for rule in ("fifo", "lifo", "tiho"):  # under lifo earlier payments of both wallets had taken the dust
        assert from_seeds(by_rule[rule]) == {("sanctioned", "indirect", 2): PAID + half}


def test_with_the_whole_list_the_middle_address_is_a_seed_itself(folder: Path) -> None:
    for rule, section in sections(folder / "list", SUBJECT).items():
        # What leaves a seed is tainted with that seed alone, at hop 1: the dust in it, too, under every rule.
        assert from_seeds(section) == {("sanctioned", "direct", 1): PAID}, rule
        (row,) = section["exposures"]
        assert (row["entity"], [seed["address"] for seed in row["seeds"]]) == ("Lazarus Group", [MIDDLE])
        assert row["share"] == 1.0
        # The list dates the party, 2019-09-13; of the address it says only that it stood there by its own day of issue.
        (status,) = row["regimes"]["US"]
        assert (status["listed_on"], status["address_listed_on"]) == ("2019-09-13", "2025-11-19")
        assert (status["at_time"], status["now"]) == ("unknown", "listed")
        assert unresolved(section) == {}
        assert [len(path["steps"]) for path in section["paths"]] == [1]
    twice = sections(folder / "list", TWICE)
    for rule in ("haircut", "fifo", "lifo", "tiho"):
        assert sum(from_seeds(twice[rule]).values()) == PAID + wei("0.5")


@pytest.mark.parametrize(("store", "subject"), [("thief", SUBJECT), ("thief", TWICE), ("list", SUBJECT)])
def test_screen_json_rows_and_page_say_the_same(folder: Path, tmp_path: Path, store: str, subject: str) -> None:
    from exposure.reporting.words import coins
    from exposure.units import share

    by_rule = sections(folder / store, subject)
    screen = asked(folder / store, subject, "--rule", "all")
    asked(folder / store, subject, "--rule", "all", "-o", str(tmp_path / "report.html"))
    page = re.sub(r"<[^>]*>", " ", (tmp_path / "report.html").read_text()).replace("&gt;", ">").replace("&lt;", "<")
    rows = list(csv.DictReader(asked(folder / store, subject, "--rule", "all", "--format", "csv").splitlines()))
    for rule, section in by_rule.items():
        for row in section["exposures"]:
            assert any(
                (line["rule"], line["category"], line["amount"], line["hops"])
                == (rule, row["category"], row["amount"], str(row["hops"]))
                for line in rows
            ), (rule, row)
            assert share(row["share"]) in screen
            assert share(row["share"]) in page
    for row in (*by_rule["haircut"]["exposures"], *by_rule["haircut"]["unresolved"]):
        for said in (share(row["share"]), coins(int(row["amount"]), 18, "ETH")):
            assert said in page, (said, row)
    (bound,) = (bound for bound in by_rule["haircut"]["bounds"] if bound["category"] == "sanctioned")
    for end in ("lower_share", "bracket_lower_share"):
        if bound[end] is None:  # an address that was paid twice has no bracket
            continue
        assert share(bound[end]).removesuffix(" %") in screen
        assert share(bound[end]).removesuffix(" %") in page
