"""``exposure selfcheck``: run an engine against worked cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, output_option

if TYPE_CHECKING:  # an annotation only: the engines are imported when the command runs
    from exposure.workflows.selfcheck import CaseResult

_SHOWN = 5
"""Differences of one case and rule that the table names; JSON has all."""

EXAMPLES = """\b
Examples:
  exposure selfcheck
  exposure selfcheck my_cases.json --engine reference
  exposure selfcheck my_cases.json --format json -o result.json

\b
Exit codes: 0 all agree, 1 a figure differs, 2 the file cannot be read.
"""


@click.command(epilog=EXAMPLES)
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--engine", "engine", default="reference", show_default=True, metavar="NAME", help="Engine that is checked.")
@format_option("table", "json")
@output_option
def selfcheck(file: Path | None, engine: str, format_: str, output: Path | None) -> int:
    """Compute every figure of worked cases under every rule, and compare.

    FILE is a JSON file of worked cases (- is stdin); without one, the cases that come with the program. The format and
    the meaning of the figures are in docs/worked-cases.md and docs/semantics.md.
    """
    import json

    from exposure.cli.output import emit
    from exposure.workflows.selfcheck import check_file, shipped_cases

    if file is None:
        with shipped_cases() as path:
            results = list(check_file(path, engine))
    else:
        results = list(check_file(file, engine))
    failed = [result for result in results if not result.passed]
    if format_ == "json":
        emit(json.dumps(_document(results, engine), indent=2), output)
    else:
        emit("\n".join([*_lines(results), "", _summary(results, engine)]), output)
    return 1 if failed else 0


def _document(results: Sequence[CaseResult], engine: str) -> dict[str, object]:
    return {
        "engine": engine,
        "passed": all(result.passed for result in results),
        "figures": sum(result.figures for result in results),
        "results": [
            {
                "case": result.case,
                "rule": result.rule,
                "figures": result.figures,
                "passed": result.passed,
                "differences": list(result.differences),
            }
            for result in results
        ],
    }


def _lines(results: Sequence[CaseResult]) -> list[str]:
    from exposure.text import shown

    wide = max((len(shown(result.case, 40)) for result in results), default=0)
    lines = []
    for result in results:
        verdict = "ok" if result.passed else f"DIFFERS in {len(result.differences)}"
        figures = f"{result.figures} figure{'' if result.figures == 1 else 's'}"
        lines.append(f"{shown(result.case, 40):<{wide}}  {result.rule:<8} {figures:>12}  {verdict}")
        lines += [f"    {shown(difference, 200)}" for difference in result.differences[:_SHOWN]]
        if len(result.differences) > _SHOWN:
            lines.append(f"    and {len(result.differences) - _SHOWN} more (--format json shows all)")
    return lines


def _summary(results: Sequence[CaseResult], engine: str) -> str:
    from exposure.text import shown

    cases = len({result.case for result in results})
    figures = sum(result.figures for result in results)
    failed = sum(not result.passed for result in results)
    verdict = "all agree" if not failed else f"{failed} of {len(results)} case rules differ"
    return f"{cases} cases, {len(results)} case rules, {figures} figures on engine {shown(engine, 40)}: {verdict}"
