"""The figures in the documentation are run, not trusted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from exposure.workflows.selfcheck import check_file

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
BLOCK = re.compile(r"^```json worked\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("page", "least"), [("semantics.md", 3), ("worked-cases.md", 1)])
def test_every_worked_example_of_the_documentation_holds(page: str, least: int, tmp_path: Path) -> None:
    cases = [json.loads(block) for block in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))]
    assert len(cases) >= least
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"cases": cases}))
    results = list(check_file(file))
    assert [result for result in results if not result.passed] == []


def test_every_rule_has_a_worked_example() -> None:
    blocks = BLOCK.findall((DOCS / "semantics.md").read_text(encoding="utf-8"))
    rules = {rule for block in blocks for rule in json.loads(block)["expected"]}
    assert rules == {"haircut", "fifo", "lifo", "tiho", "poison"}
