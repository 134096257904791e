"""``exposure tags diff`` and ``exposure tags lint``: two editions compared, and what is wrong or odd in lists."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.cli.options import format_option, open_store, output_option, store_option

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from exposure.attribution.lint import Finding
    from exposure.model.tags import Edition, Tag
    from exposure.workflows.list_review import Compared, Review

MOST = 20
"""Lines of one kind on the screen; ``--all`` and JSON have all."""

FAIL_ON = ("error", "warning", "note", "never")


@click.command(
    epilog="\b\nExamples:\n"
    '  exposure tags diff "OFAC SDN"\n'
    "  exposure tags diff ofac-sdn-20251119-2f29a781 ofac-sdn-20260822-0b1c2d3e --format json\n"
    "  exposure tags diff eu-consolidate-2026 uk-sanctions-l-2026"
)
@click.argument("first")
@click.argument("second", required=False)
@click.option("--all", "everything", is_flag=True, help="Every subject, not the first 20 of each kind.")
@format_option("table", "json")
@output_option
@store_option
def diff(first: str, second: str | None, everything: bool, format_: str, output: Path | None, store: Path | None) -> None:
    """What came, went and changed from the edition FIRST to SECOND (ids, or their beginnings).

    With one argument: the newest two editions of the list of that name. Two editions may be of two lists: then what only
    one regime names is seen.
    """
    from exposure.cli.output import emit
    from exposure.workflows.list_review import diff as compared

    with open_store(store) as opened:
        found = compared(opened, first, second)
    emit(diff_json(found) if format_ == "json" else diff_table(found, None if everything else MOST), output)


@click.command(
    epilog="\b\nExamples:\n"
    "  exposure tags lint\n"
    '  exposure tags lint --list "OFAC SDN" --fail-on warning --format json\n'
    "\b\nExit codes: 0 nothing at or above --fail-on; 3 something is."
)
@click.option("--list", "name", metavar="NAME", help="Only this list.  [default: all, and own tags]")
@click.option("--fail-on", type=click.Choice(FAIL_ON), default="error", show_default=True, help="End with 3 from this on.")
@click.option("--all", "everything", is_flag=True, help="Every finding, not the first 20 of each kind.")
@format_option("table", "json")
@output_option
@store_option
def lint(name: str | None, fail_on: str, everything: bool, format_: str, output: Path | None, store: Path | None) -> int:
    """What is wrong or odd in the newest edition of each list: checksums, chains, case, cuts, twins, dates, test rows."""
    from exposure.attribution.lint import Severity, at_or_above
    from exposure.cli.output import emit
    from exposure.workflows.list_review import review

    with open_store(store) as opened:
        found = review(opened, name=name)
    emit(lint_json(found) if format_ == "json" else lint_table(found, None if everything else MOST), output)
    return 3 if fail_on != "never" and at_or_above(found.findings, Severity(fail_on)) else 0


def _dumped(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=True)


# -- diff


def _edition_line(label: str, edition: Edition) -> str:
    from exposure.text import counted, shown
    from exposure.units import day

    held = "" if edition.state == "accepted" else f" ({edition.state})"
    subjects = counted(edition.subjects, "subject")
    return f"{label}  {shown(edition.name, 40)} of {day(edition.published)}, {subjects}, {edition.id}{held}"


def diff_table(found: Compared, most: int | None) -> str:
    """Counts, then what came, went and changed."""
    from exposure.cli.columns import wrapped
    from exposure.text import shown

    comparison = found.comparison
    lines = [_edition_line("from", found.first), _edition_line("to  ", found.second), ""]
    counts = (("added", comparison.added), ("removed", comparison.removed), ("changed", comparison.changed))
    lines.append("  ".join(f"{name} {len(those):,}" for name, those in counts) + f"  same {comparison.same:,}")
    for name, tags in counts[:2]:
        if tags:
            lines += ["", name.upper()]
        for tag in tags[:most]:
            lines += wrapped(_tag_line(tag), indent=2, hanging=4)
        lines += _more(len(tags), most)
    if comparison.changed:
        lines += ["", "CHANGED"]
    for change in comparison.changed[:most]:
        lines += wrapped(f"{shown(change.subject, 90)}  {shown(change.entity, 50)}", indent=2, hanging=4)
        for field, was, now in change.fields:
            lines += wrapped(f"{field}: {shown(was or 'nothing')} -> {shown(now or 'nothing')}", indent=4, hanging=6)
    return "\n".join(lines + _more(len(comparison.changed), most))


def _tag_line(tag: Tag) -> str:
    from exposure.text import shown

    programmes = f" ({shown('; '.join(tag.programmes), 50)})" if tag.programmes else ""
    return f"{shown(tag.subject, 90)}  {shown(tag.entity, 50)}{programmes}"


def _more(count: int, most: int | None) -> list[str]:
    return [] if most is None or count <= most else [f"  and {count - most:,} more; --all or `--format json` has all"]


def diff_json(found: Compared) -> str:
    """The two editions and every difference."""
    return _dumped(
        {
            "schema": "exposure.tags-diff/1",
            "from": asdict(found.first),
            "to": asdict(found.second),
            "added": [asdict(tag) for tag in found.comparison.added],
            "removed": [asdict(tag) for tag in found.comparison.removed],
            "changed": [
                {
                    "subject": change.subject,
                    "entity": change.entity,
                    "fields": {field: {"from": was, "to": now} for field, was, now in change.fields},
                }
                for change in found.comparison.changed
            ],
            "same": found.comparison.same,
        }
    )


# -- lint


def lint_table(found: Review, most: int | None) -> str:
    """Counts by severity, then the findings of each kind with what it means."""
    from exposure.attribution.lint import MEANING, SEVERITIES, Kind
    from exposure.cli.columns import wrapped
    from exposure.text import counted, shown

    lines = []
    for edition in found.editions:
        lines.append(_edition_line("list", edition))
    if not found.editions:
        lines.append("no list was ever imported: only own tags were looked at")
    counts = [(severity, sum(one.severity is severity for one in found.findings)) for severity in SEVERITIES]
    total = ", ".join(f"{count:,} {severity}{'s' if count != 1 else ''}" for severity, count in counts)
    lines += ["", f"{counted(found.tags, 'tag')}: {total}"]
    for kind in Kind:
        those = [one for one in found.findings if one.kind is kind]
        if not those:
            continue
        lines += ["", *wrapped(f"{those[0].severity.upper()} {kind} ({len(those):,}): {MEANING[kind]}", hanging=2)]
        for one in those[:most]:
            named = "  ".join(filter(None, (shown(one.subject, 90), shown(one.entity, 40) if one.entity else "")))
            parts = (shown(one.list_name, 24), named, shown(one.reason, 200))
            lines += wrapped(": ".join(filter(None, parts)), indent=2, hanging=4)
        lines += _more(len(those), most)
    return "\n".join(lines)


def lint_json(found: Review) -> str:
    """Every finding, with its severity."""

    def row(one: Finding) -> dict[str, str]:
        return {
            "severity": one.severity,
            "kind": one.kind,
            "list": one.list_name,
            "subject": one.subject,
            "entity": one.entity,
            "reason": one.reason,
        }

    return _dumped(
        {
            "schema": "exposure.tags-lint/1",
            "editions": [asdict(edition) for edition in found.editions],
            "tags": found.tags,
            "findings": [row(one) for one in found.findings],
        }
    )
