"""``exposure verify``: a case folder recomputed from its own evidence, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, output_option

if TYPE_CHECKING:  # annotations only: the workflow is imported when the command runs
    from exposure.workflows.case.verify import Verified

MAX_GIVEN = 5
"""Names of what was taken as given that the screen shows of each check."""

EPILOG = """\b
Examples:
  exposure verify case-4711
  exposure verify case-4711 --id 3f9ac1d07be2415a96c8d0e4f1b27a835d6c9e0f12a4b7c83d5e6f901a2b3c4d
  exposure verify case-4711 --key colleague.key.pub

\b
Exit codes: 0 everything holds; 1 a file was changed or a figure comes out otherwise;
2 it is no case folder, or what was typed is wrong; 4 nothing is wrong, and something could not be compared.
"""


@click.command(epilog=EPILOG)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--id", "case_id", metavar="ID", help="The id that the case is said to have, from a report or a letter.")
@click.option("--key", metavar="PUBKEY", help="Whose signature it has to be: a public Ed25519 key, as a file or 64 hex digits.")
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also say whether this store has since lost transactions of the case to a reorganisation.",
)
@format_option("table", "json")
@output_option
def verify(folder: Path, case_id: str | None, key: str | None, store: Path | None, format_: str, output: Path | None) -> int:
    """Check every file of the case in FOLDER, and recompute its figures by both engines. No network; no store unless named."""
    from dataclasses import asdict

    from exposure.cli.output import emit
    from exposure.text import shown
    from exposure.workflows.case.verify import verify as workflow

    found = workflow(folder, case_id=case_id, key=key)
    warnings = _gone(folder, store) if store is not None and found.ok else ()
    code = 1 if not found.ok else 4 if found.uncompared else 0
    if format_ == "json":
        import json

        more = {"ok": found.ok, "uncompared": list(found.uncompared), "warnings": list(warnings)}
        emit(json.dumps(asdict(found) | more, indent=2, ensure_ascii=True), output)
        return code
    lines = [f"Case      {found.id}"]
    if found.faults:
        lines += [f"CHANGED   {shown(fault, 200)}" for fault in found.faults]
        lines.append("Nothing was recomputed: what a changed folder says is worth nothing.")
    else:
        lines.append(f"files     {found.files} files, each as the manifest has it")
        for check in found.checks:
            mark = "" if check.ok and check.compared else "DIFFERS   " if not check.ok else "UNKNOWN   "
            lines.append(f"{mark}{check.name:<9} {shown(check.detail, 400)}")
            lines += _taken(check.given)
        lines += [f"WARNING   {sentence}" for sentence in warnings]
        lines.append(_ending(found))
        if found.ok and case_id is None and key is None:
            lines.append("Compare the id with one from elsewhere (--id): whoever changes a case can make its hashes anew.")
    emit("\n".join(lines), output)
    return code


def _taken(given: tuple[str, ...]) -> list[str]:
    """What a check took as given: how many, and the first names."""
    from exposure.text import shown

    names = [shown(name, 200) for name in given[:MAX_GIVEN]]
    more = [f"and {len(given) - MAX_GIVEN:,} more (--format json names all)"] if len(given) > MAX_GIVEN else []
    return [f"          taken as given ({len(given):,}): {'; '.join([*names, *more])}"] if given else []


def _ending(found: Verified) -> str:
    if not found.ok:
        return "NOT VERIFIED"
    if found.uncompared:
        return f"VERIFIED, but for what could not be compared: {', '.join(found.uncompared)}"
    return "VERIFIED"


def _gone(folder: Path, place: Path) -> tuple[str, ...]:
    from exposure.store.store import Store
    from exposure.workflows.case.reading import open_case, rests_on
    from exposure.workflows.reorganised import gone

    with Store.open(place) as store:
        return gone(store, rests_on(open_case(folder)))
