"""The notebooks run from top to bottom on the bundled fixture, and are stored without outputs."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def _cells(notebook: Path) -> list[dict[str, object]]:
    read = json.loads(notebook.read_text(encoding="utf-8"))
    cells: list[dict[str, object]] = read["cells"]
    return cells


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    for cell in _cells(notebook):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, without a kernel: quick. Before a change is taken they run in a real kernel too."""
    monkeypatch.chdir(notebook.parent)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for place, cell in enumerate(_cells(notebook)):
            if cell["cell_type"] == "code":
                source = cell["source"]
                text = source if isinstance(source, str) else "".join(map(str, source if isinstance(source, list) else []))
                exec(compile(text, f"{notebook.name}[{place}]", "exec"), names)  # running them is the test
    assert "EXPOSURE" in printed.getvalue()
    assert "SYNTHETIC made-up ledger and lists" in printed.getvalue()
