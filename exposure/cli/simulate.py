"""``exposure simulate``: write a synthetic economy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from exposure.cli.options import format_option, quiet_option

if TYPE_CHECKING:  # annotations only: the workflow is imported when the command runs
    from exposure.workflows.simulate import SimulateSummary, Truth

EPILOG = """\b
Examples:
  exposure simulate demo
  exposure simulate economy --size medium --seed 7
  exposure simulate load-test --size large --truth none
  exposure simulate mixing --size medium --joint

\b
Sizes, in rows of both ledgers together:
  small    about 3,000      the fixture of the project, CSV
  medium   about 200,000    Parquet
  large    about 10 million Parquet, written in chunks
"""


@click.command(epilog=EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True, help="Another seed, another economy.")
@click.option(
    "--size", type=click.Choice(("small", "medium", "large")), default="small", show_default=True, help="How much of it."
)
@click.option(
    "--joint", is_flag=True, help="With CoinJoins of four kinds and payjoins on the UTXO chain; joint.csv names them."
)
@click.option(
    "--truth",
    type=click.Choice(("none", "really", "rules")),
    help="What is known of each deposit: nothing, whose money it was, or also what each rule says of it "
    "(default: rules; for large: really).",
)
@format_option("table", "json")
@quiet_option
def simulate(folder: Path, seed: int, size: str, joint: bool, truth: str | None, format_: str, quiet: bool | None) -> None:
    """Write a SYNTHETIC economy into DIR: ledgers of two chains, lists in official formats, prices, and the truth.

    DIR must not exist, or be empty; it appears whole or not at all. Nothing in it is real. Equal seeds and sizes give
    equal rows everywhere.
    """
    from exposure.cli.output import emit, progress
    from exposure.workflows.simulate import simulate as write

    with progress("SYNTHETIC economy", quiet=bool(quiet)) as advance:
        summary = write(
            folder,
            size=size,
            seed=seed,
            joint=joint,
            truths=cast("Truth | None", truth),
            progress=lambda share, _what: advance(int(share * 100), 100),
        )
    emit(_as_json(summary) if format_ == "json" else _as_text(summary))


def _as_json(summary: SimulateSummary) -> str:
    import json

    fields = {
        "synthetic": True,
        "folder": str(summary.folder),
        "size": summary.size,
        "seed": summary.seed,
        "rows": summary.rows,
        "truth": summary.truth,
        "commands": summary.commands,
    }
    return json.dumps(fields, indent=2)


def _as_text(summary: SimulateSummary) -> str:
    from exposure.text import shown

    lines = [f"SYNTHETIC economy, size {summary.size}, seed {summary.seed}, in {shown(summary.folder)}", ""]
    lines += [f"  {name:<28} {rows:>12,} rows" for name, rows in summary.rows.items()]
    lines += ["", summary.truth, "", "README.txt says what is in it. To use it:", "", f"  cd {shown(summary.folder)}"]
    return "\n".join([*lines, *(f"  {command}" for command in summary.commands)])
