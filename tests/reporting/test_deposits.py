"""Laws of the list of deposits: each line can be traced, and every form says the same."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from exposure.model.results import Deposit
from exposure.reporting import deposits as forms

TX = "ab" * 32
SOME = tuple(
    Deposit(f"{TX}:{n}", "bitcoin", "bitcoin/native", "BTC", 8, 10**n, 1_710_753_120 + n, 835_000 + n, TX, "bc1qsender")
    for n in range(5)
)
HOSTILE = (Deposit("=1+1\x1b[2J", "ethereum", "ethereum/0xab", "[red]\u202e", 0, 10**38, 0, 0, "x" * 300, "@SUM"),)


def test_every_deposit_stands_with_what_to_type_to_trace_it() -> None:
    token = replace(SOME[0], subject=f"0x{TX}:index:1:ethereum/0x{'e' * 40}")  # longer than a line: it is not broken
    text = forms.screen("bc1qme", (*SOME, token)).plain
    assert text.startswith("6 deposits to bc1qme")
    assert [one.subject for one in (*SOME, token)] == [line.strip() for line in text.splitlines() if TX in line]


@pytest.mark.parametrize("some", [SOME, HOSTILE, (), SOME * 100])
def test_the_list_fits_the_screen_and_hides_nothing(some: tuple[Deposit, ...]) -> None:
    text = forms.screen("x\x1b[0m" * 40, some).plain
    assert all(cell_len(line) <= 100 for line in text.splitlines() if not line.startswith("  "))
    assert "\x1b" not in text


def test_all_forms_hold_the_same_rows() -> None:
    import pyarrow.parquet as pq

    for some in (SOME, HOSTILE):
        expected = forms.rows(some)
        assert json.loads(forms.to_json(some)) == expected
        assert [json.loads(line) for line in forms.to_jsonl(some).splitlines()] == expected
        assert pq.read_table(io.BytesIO(forms.to_parquet(some))).to_pylist() == expected
        assert [row["amount"] for row in csv.DictReader(io.StringIO(forms.to_csv(some)))] == [row["amount"] for row in expected]


def test_no_cell_of_the_list_starts_a_formula() -> None:
    for record in csv.reader(io.StringIO(forms.to_csv(HOSTILE))):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in record)
