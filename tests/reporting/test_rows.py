"""Laws of the flat rows: complete, exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json

import pytest

from exposure.model.results import Report
from exposure.reporting.rows import COLUMNS, rows, to_csv, to_jsonl, to_parquet


def test_rows_of_a_conserving_rule_sum_to_the_subject(report: Report) -> None:
    parts = [row for row in rows(report) if row["part"] != "own"]
    assert sum(int(str(row["amount"])) for row in parts) == report.sections[0].subject.amount
    assert sum(float(str(row["share"])) for row in parts) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["report", "clean_report", "poison_report", "destination_report", "hostile_report"])
def test_csv_jsonl_and_parquet_hold_the_same_rows(name: str, request: pytest.FixtureRequest) -> None:
    import pyarrow.parquet as pq

    report: Report = request.getfixturevalue(name)
    expected = list(rows(report))
    assert all(tuple(row) == COLUMNS for row in expected)
    assert [json.loads(line) for line in to_jsonl(report).splitlines()] == expected
    assert pq.read_table(io.BytesIO(to_parquet(report))).to_pylist() == expected
    read = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert [row["amount"] or None for row in read] == [row["amount"] for row in expected]


def test_no_cell_of_the_csv_starts_a_formula(hostile_report: Report) -> None:
    text = to_csv(hostile_report)
    assert "=HYPERLINK" in text
    for record in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in record)
