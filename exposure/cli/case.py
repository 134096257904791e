"""The case folder of ``exposure trace``: a new one, or one to go on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
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

_OPTIONS = {
    "rules": "rule",
    "policies": "policy",
    "seeds_from_designation": "seeds_from",
    "window_days": "window",
    "max_paths": "paths",
}
"""Names of options on the command line where they differ from the fields of `TraceOptions`."""


@dataclass(frozen=True, slots=True)
class More:
    """What is added to a case beside the answer: notes, and the signature by a private key."""

    notes: tuple[str, ...] = ()
    key: Path | None = None


def place(out: Path | None, case: Path | None, subject: str | None, more: More) -> str:
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
    if out is not None and out.is_dir():  # said before the work, not after
        raise InputError(f"{out} is there already: name a new folder, or go on with it by --case {out}")
    if out is None and case is None and more != More():
        what = "a note belongs to a case" if more.notes else "only a case is signed"
        raise InputError(f"{what}: add --out DIR for a new one, or --case DIR")
    if case is None and subject is None:
        raise InputError("Missing argument 'SUBJECT': what is to be traced; or --case DIR to go on with a case")
    if case is not None and subject is not None:
        raise InputError("a case has its subject: leave it out, or write a new case with --out DIR")
    return subject or ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered: typed by the user, or that of a case with what he typed in its place."""

    subject: str
    options: TraceOptions
    case: Case | None = None


def question(subject: str, options: TraceOptions, folder: Path | None) -> Question:
    """The question of a case in a folder (None: there is none), or the one that was typed.

    Raises
    ------
    InputError
        If the folder is no case, or what was typed does not go with it.
    """
    if folder is None:
        return Question(subject, options)
    from exposure.workflows.case.reading import open_case, subject_of

    case = open_case(folder)
    return Question(subject_of(case), _merged(case, options), case)


def _merged(case: Case, options: TraceOptions) -> TraceOptions:
    """The options of a case, with what was typed this time in their place; addresses to look behind are added."""
    from exposure.workflows.case.reading import options_of
    from exposure.workflows.trace_options import check_policies

    stated = options_of(case)
    names = [field.name for field in fields(options) if typed(_OPTIONS.get(field.name, field.name))]
    changed = {name: getattr(options, name) for name in names}
    changed["expanded"] = tuple(dict.fromkeys((*stated.expanded, *options.expanded)))
    found = replace(stated, **changed)
    check_policies(found)
    return found


def typed(name: str) -> bool:
    """Whether an option was typed (and is not a default, or from a settings file)."""
    from click.core import ParameterSource

    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def keep(
    store: Store,
    asked: Question,
    folder: Path,
    settings: Config,
    more: More,
    told: Callable[[Report], Report],
) -> Report:
    """Trace into a case folder, or go on with the one that is there; says where it is and its id."""
    from exposure.units import zone
    from exposure.workflows.case import Form, write_case
    from exposure.workflows.case.reading import rests_on
    from exposure.workflows.reorganised import gone

    form, case = Form(settings.lang, zone(settings.tz), settings.tz, more.notes, more.key), asked.case
    marks: tuple[str, ...] = ()
    if case is not None:
        form = replace(form, lang=_stated(case, "lang", settings), tz=_stated(case, "tz", settings))
        form = replace(form, zone=zone(form.tz))
        marks = gone(store, rests_on(case))
    written = write_case(
        store, asked.subject, asked.options, folder, form, going_on=case, told=lambda report: _marked(told(report), marks)
    )
    click.echo(f"case: {len(written.files)} files in {folder}; id {written.id}", err=True)
    if case is not None and case.signature is not None and more.key is None:
        click.echo("the case was signed, and what it says now is not: add --sign KEYFILE", err=True)
    return written.report


def compared(store: Store, asked: Question, moment: int | None) -> Report:
    """The answer of a case beside the one that the store gives as of a moment (None: now); the case stays as it is."""
    from exposure.workflows.case.reading import rests_on
    from exposure.workflows.compare import compare_case
    from exposure.workflows.reorganised import gone

    assert asked.case is not None
    report = compare_case(store, asked.case, replace(asked.options, as_of=moment, labels_as_of=moment))
    return _marked(report, gone(store, rests_on(asked.case)))


def _marked(report: Report, marks: tuple[str, ...]) -> Report:
    """The report with what is said of the case that it goes on from, or is held against."""
    return replace(report, warnings=(*report.warnings, *marks))


def _stated(case: Case, name: str, settings: Config) -> str:
    """A setting of the case, unless this time says otherwise."""
    typed = settings.sources[name] == "flag"
    return str(getattr(settings, name) if typed else case.manifest.get(name, getattr(settings, name)))
