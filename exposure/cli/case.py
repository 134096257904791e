"""The case folder of ``exposure trace``: a new one, or one to go on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exposure.errors import InputError

if TYPE_CHECKING:  # annotations only: a command imports what it needs when it runs
    from exposure.casefile.folder import Case
    from exposure.config import Config
    from exposure.model.results import Report
    from exposure.store.store import Store
    from exposure.workflows.trace.options import TraceOptions

_FIELDS = {"rule": "rules", "policy": "policies", "seeds_from": "seeds_from_designation"}


def place(out: Path | None, case: Path | None, subject: str | None, notes: tuple[str, ...]) -> str:
    """The subject to trace (empty: that of the case), once what was typed fits together.

    Raises
    ------
    InputError
        If it does not.
    """
    if out is not None and case is not None:
        raise InputError("--out writes a new case and --case goes on with one: give one of them")
    if out is not None and (out.is_file() or out.suffix.lower() in (".html", ".json", ".jsonl", ".csv", ".parquet")):
        raise InputError(f"--out takes the folder of a case, not {out}: a single file is written by -o {out}")
    if notes and out is None and case is None:
        raise InputError("a note belongs to a case: add --out DIR for a new one, or --case DIR")
    if case is None and subject is None:
        raise InputError("Missing argument 'SUBJECT': what is to be traced; or --case DIR to go on with a case")
    if case is not None and subject is not None:
        raise InputError("a case has its subject: leave it out, or write a new case with --out DIR")
    return subject or ""


def merged(case: Case, options: TraceOptions) -> TraceOptions:
    """The options of a case, with what was typed this time in their place.

    Raises
    ------
    InputError
        If the manifest does not state its options, or the policies do not go with them.
    """
    from click.core import ParameterSource

    from exposure.workflows.case import options_of
    from exposure.workflows.trace_options import check_policies

    context = click.get_current_context()
    typed = {
        _FIELDS.get(name, name) for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    changed = {field.name: getattr(options, field.name) for field in fields(options) if field.name in typed}
    found = replace(options_of(case), **changed)
    check_policies(found)
    return found


def keep(
    store: Store,
    subject: str,
    options: TraceOptions,
    folder: Path,
    settings: Config,
    notes: tuple[str, ...],
    told: Callable[[Report], Report],
    *,
    on: bool,
) -> Report:
    """Trace into a case folder, or go on with the one that is there (``on``); says where it is and its id."""
    from exposure.units import zone
    from exposure.workflows.case import Form, open_case, subject_of, write_case
    from exposure.workflows.case.verify import rests_on
    from exposure.workflows.reorganised import gone

    form = Form(settings.lang, zone(settings.tz), settings.tz, notes)
    case = open_case(folder) if on else None
    marks: tuple[str, ...] = ()
    if case is not None:
        form = replace(form, lang=_stated(case, "lang", settings), tz=_stated(case, "tz", settings))
        form = replace(form, zone=zone(form.tz))
        subject, options = subject_of(case), merged(case, options)
        marks = gone(store, rests_on(case))
    written = write_case(store, subject, options, folder, form, going_on=case, told=lambda report: _marked(told(report), marks))
    click.echo(f"case: {len(written.files)} files in {folder}; id {written.id}", err=True)
    return written.report


def compared(store: Store, folder: Path, options: TraceOptions, moment: int | None) -> Report:
    """The answer of a case beside the one that the store gives as of a moment (None: now); the case stays as it is."""
    from exposure.workflows.case import open_case
    from exposure.workflows.case.verify import rests_on
    from exposure.workflows.compare import compare_case
    from exposure.workflows.reorganised import gone

    case = open_case(folder)
    report = compare_case(store, case, replace(merged(case, options), as_of=moment, labels_as_of=moment))
    return _marked(report, gone(store, rests_on(case)))


def _marked(report: Report, marks: tuple[str, ...]) -> Report:
    """The report with what is said of the case that it goes on from, or is held against."""
    return replace(report, warnings=(*report.warnings, *marks))


def _stated(case: Case, name: str, settings: Config) -> str:
    """A setting of the case, unless this time says otherwise."""
    typed = settings.sources[name] == "flag"
    return str(getattr(settings, name) if typed else case.manifest.get(name, getattr(settings, name)))
