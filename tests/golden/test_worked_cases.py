"""Figures worked out by hand: every engine gives each of them, and a wrong one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure.cli import main
from exposure.engines.registry import ENGINES
from exposure.workflows.selfcheck import check_file, shipped_cases


@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_shipped_case_holds_on_every_engine(engine: str) -> None:
    with shipped_cases() as path:
        results = list(check_file(path, engine))
    assert [result for result in results if not result.passed] == []
    assert len({result.case for result in results}) >= 25
    assert all(result.figures for result in results)


@pytest.mark.data
@pytest.mark.parametrize("engine", list(ENGINES))
def test_every_case_of_the_check_data_holds_on_every_engine(engine: str, check_data: Path) -> None:
    results = list(check_file(check_data / "golden" / "taint_cases.json", engine))
    assert [result for result in results if not result.passed] == []
    assert len({result.case for result in results}) == 37


def cases() -> dict[str, object]:
    with shipped_cases() as path:
        return json.loads(path.read_text(encoding="utf-8"))  # our own file


def test_every_case_says_how_it_was_worked() -> None:
    for case in cases()["cases"]:  # as above
        assert len(case["title"]) > 10
        assert len(case["note"]) > 60


def figures(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Paths of all amounts below an object of expected figures."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() if key != "subject" for found in figures(inner, (*path, key))]
    if isinstance(value, list):
        if len(value) == 4 and isinstance(value[0], str):
            return [(*path, 3)]
        return [found for key, inner in enumerate(value) for found in figures(inner, (*path, key))]
    return [path] if isinstance(value, int | str) and path[-1] not in ("direction", "own") else []


@pytest.mark.parametrize("number", range(0, 32, 3))
def test_a_figure_that_is_off_by_one_is_found(number: int, tmp_path: Path) -> None:
    document = cases()
    case = document["cases"][number]  # as above
    document["cases"] = [case]
    for rule in case["expected"]:
        for path in figures(case["expected"][rule]):
            *way, last = path
            holder = case["expected"][rule]
            for key in way:
                holder = holder[key]
            right = holder[last]
            holder[last] = right + 1 if isinstance(right, int) else "1/" + right.replace("/", "")
            file = tmp_path / "wrong.json"
            file.write_text(json.dumps({"cases": [{**case, "expected": {rule: case["expected"][rule]}}]}))
            assert not next(iter(check_file(file))).passed, (rule, path)
            holder[last] = right


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["selfcheck", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_selfcheck_prints_a_line_per_case_and_rule_and_leaves_with_0() -> None:
    code, out, _ = run()
    assert code == 0
    lines = out.splitlines()
    assert lines[-1].endswith("all agree")
    assert sum(line.startswith("A-theft-collision ") for line in lines) == 6  # five rules and the bracket


SMALL = {
    "id": "one",
    "kind": "account",
    "seeds": [{"address": "S", "category": "sanctioned"}],
    "settings": {"max_hops": 5},
    "ledger": [
        {"i": "t1", "tx": "t1", "from": "S", "to": "A", "value": 10, "asset": "E"},
        {"i": "t2", "tx": "t2", "from": "A", "to": "B", "value": 10, "asset": "E"},
    ],
    "expected": {"fifo": {"taint": {"t2": {"sanctioned": {"2": 10}}}}},
}


def with_figures(**changes: object) -> str:
    return json.dumps({"cases": [{**SMALL, **changes}]})


def test_a_difference_leaves_with_1_and_says_both_figures(tmp_path: Path) -> None:
    wrong = with_figures(expected={"fifo": {"taint": {"t2": {"sanctioned": {"2": 9}}}}})
    code, out, _ = run("-", stdin=wrong)
    assert code == 1
    assert "taint of t2: sanctioned hop 2 is 10, expected 9" in out
    code, out, _ = run("-", "--format", "json", stdin=wrong)
    assert code == 1
    assert json.loads(out)["passed"] is False
    assert json.loads(out)["results"][0]["differences"]


def test_json_holds_every_result(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    assert run("--format", "json", "-o", str(target))[0] == 0
    document = json.loads(target.read_text())
    assert document["passed"]
    assert document["figures"] == sum(result["figures"] for result in document["results"])


def test_an_unknown_engine_is_wrong_input() -> None:
    code, _, err = run("--engine", "abacus")
    assert code == 2
    assert "abacus" in err
    assert "reference" in err


LEDGER = SMALL["ledger"]
UTXO = [
    {"id": "M", "block": 1, "in": [], "out": [{"value": 5, "address": "A"}]},
    {"id": "T", "block": 2, "in": ["M:0"], "out": [{"value": 5, "address": "B"}]},
]


def utxo(number: int, **changes: object) -> str:
    rows = [dict(row) for row in UTXO]
    rows[number].update(changes)
    return with_figures(kind="utxo", ledger=rows, expected={"fifo": {"collisions": 0}})


def account(**changes: object) -> str:
    return with_figures(ledger=[LEDGER[0], {**LEDGER[1], **changes}])  # a list, as written above


def expecting(**figures: object) -> str:
    return with_figures(expected={"fifo": figures})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a file of worked cases"),
        ("[" * 200_000, "nested too deeply"),
        ('{"cases": {}}', "a list `cases`"),
        ('{"cases": []}', "not empty"),
        ("[1]", "a list `cases`"),
        ('{"cases": [1]}', "number 1"),
        ('{"cases": [NaN]}', "NaN is no number"),
        ('{"cases": [Infinity]}', "Infinity is no number"),
        ('{"cases": [' + "9" * 5000 + "]}", "not a file of worked cases"),
        ('{"cases": [{"id": 7}]}', "`id`"),
        ('{"cases": [{"id": "x"}]}', "lacks the field"),
        ("\udcff", "not a file of worked cases"),
        (with_figures(kind="graph"), "neither account nor utxo"),
        (with_figures(expected={"fofi": {}}), "unknown rule 'fofi'"),
        (with_figures(expected={}), "expects nothing"),
        (with_figures(settings={"max_hops": -1}), "max_hops"),
        (with_figures(settings={"max_hops": 1.5}), "max_hops"),
        (with_figures(settings={"max_hops": True}), "max_hops"),
        (with_figures(settings={"seeds_from": "later"}), "seeds_from"),
        (with_figures(seeds=[{"category": "scam"}]), "names nothing"),
        (with_figures(seeds=[{"coin": "M:0", "category": "scam"}]), "names coin"),
        (with_figures(seeds=[{"address": "S", "category": "scam", "dates": [2, 1]}]), "ascending"),
        (with_figures(opening={"A": 5}), "address|asset"),
        (with_figures(opening={"A|E": -5}), "base units"),
        (with_figures(incomplete=[{"pot": "A|E", "gap": "t9"}]), "'t9'"),
        (with_figures(incomplete=[{"pot": "A|E", "until": "t2"}]), "go together"),
        (account(value=1.5), "base units"),
        (account(value="1e3"), "base units"),
        (account(value=10**38), "base units"),
        (account(value=True), "base units"),
        (account(i="t1"), "two transfers are named 't1'"),
        (account(**{"from": None, "to": None}), "from nowhere to nowhere"),
        (account(fail=1), "neither true nor false"),
        (with_figures(ledger=[{**LEDGER[0], "tx": tx, "i": f"x{n}"} for n, tx in enumerate("aba")]), "stand together"),
        (expecting(taint={"t9": {}}), "'t9'"),
        (expecting(taint={"t2": {"sanctioned": {"two": 1}}}), "'two'"),
        (expecting(taint={"t2": {"sanctioned": {"2": "1/0"}}}), "1/0"),
        (expecting(taint={"t2": {"sanctioned": {"2": 0.5}}}), "0.5"),
        (expecting(taint={"t2": {"sanctioned": {"2": "9" * 3000}}}), "neither a whole number"),
        (expecting(fees={"t9": {}}), "'t9'"),
        (expecting(held={"A|E": [["seed", "sanctioned", None]]}), "[kind, name, hop, amount]"),
        (expecting(held={"A|E": [["gift", "sanctioned", None, 1]]}), "[kind, name, hop, amount]"),
        (expecting(colours=1), "'colours'"),
        (expecting(accounts=[{"subject": {"output": "t2:0"}, "direction": "source"}]), "a subject of this ledger"),
        (expecting(accounts=[{"subject": {"transfer": "t9"}, "direction": "source"}]), "'t9'"),
        (expecting(accounts=[{"subject": {"transfer": "t2"}, "direction": "back"}]), "neither source nor destination"),
        (expecting(accounts=[{"subject": {"transfer": "t2"}, "direction": "source", "interval": {"scam": [1]}}]), "no pair"),
        (with_figures(bracket={"subject": {"address": "A"}, "values": {}}), "one transfer or output"),
        (utxo(1, id="M"), "same id"),
        (utxo(1, **{"in": ["M:0", "M:0"]}), "spent twice"),
        (utxo(1, **{"in": ["M:1"]}), "which no earlier transaction has made"),
        (utxo(0, **{"in": ["T:0"]}), "which no earlier transaction has made"),
        (utxo(1, **{"in": ["M"]}), "txid:index"),
        (utxo(1, out=[{"value": 6, "address": "B"}]), "pays out 1 more"),
        (json.dumps({"cases": [SMALL, SMALL]}), "same `id`"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_a_sentence(content: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    code, out, err = run(str(file))
    assert code == 2, (out, err)
    assert words in err
    assert "Traceback" not in err
    assert len(err) < 1_000
    assert out == ""


def test_a_file_that_is_not_there_or_never_ends_is_refused(tmp_path: Path) -> None:
    assert run(str(tmp_path / "none.json"))[0] == 2
    assert run(str(tmp_path))[0] == 2
