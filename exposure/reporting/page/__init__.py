"""The report as one HTML page that needs nothing from anywhere: verdict and headline first, then pictures, tables, method."""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Sequence
from datetime import UTC, tzinfo
from importlib.resources import files

from exposure.errors import InputError
from exposure.model.results import Report
from exposure.reporting.categories import by_subject
from exposure.reporting.page.account import account
from exposure.reporting.page.phrases import LANGUAGES, Phrases
from exposure.reporting.page.record import changed, judgements, noted, notices, provenance, regimes, tags, together
from exposure.units import clock

__all__ = ["LANGUAGES", "is_plotlys", "page", "plotly_script", "script_of"]

MAX_ACCOUNTS = 8

_SCRIPT = "<script>"


def page(
    report: Report,
    *,
    lang: str = "en",
    zone: tzinfo = UTC,
    case_id: str = "",
    notes: Sequence[tuple[str, str, str]] = (),
    plotly: str | None = None,
) -> str:
    """The report as HTML.

    Parameters
    ----------
    report
        What a trace said.
    lang
        ``en`` or ``ja``.
    zone
        Zone of the times; UTC stands beside it.
    case_id
        Printed at the top, where the report belongs to a case folder.
    notes
        An investigator's notes: time, what it is about (or empty), words.
    plotly
        The script that draws; None: that of the plotly that is installed.

    Returns
    -------
    str
        A page whose content security policy allows its own two scripts, by hash, and nothing else.

    Raises
    ------
    InputError
        If plotly, whose script draws the pictures, is not installed.

    Notes
    -----
    About 5 MB, of which plotly's script is 4.8.
    """
    from jinja2 import Environment, StrictUndefined

    say = Phrases(lang)
    groups = by_subject(report.sections)
    accounts = [
        account(group, report.question.max_hops, say, zone, accounts=min(len(groups), MAX_ACCOUNTS))
        for group in groups[:MAX_ACCOUNTS]
    ]
    figures = {f"{number}-{name}": figure for number, one in enumerate(accounts) for name, figure in one.figures.items()}
    scripts = [plotly_script() if plotly is None else plotly, _own("draw.js")]
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        _own("page.html")
    )
    return template.render(
        say=say,
        report=report,
        accounts=accounts,
        more_accounts=max(len(groups) - MAX_ACCOUNTS, 0),
        verdicts=judgements(report, say),
        notices=notices(report, say),
        tables=[
            made
            for made in (
                together(report, say),
                noted(notes, say),
                changed(report, say),
                tags(report, say),
                regimes(report, say),
            )
            if made.rows
        ],
        record=provenance(report, say),
        no_list=not report.run.editions,
        made=clock(report.run.created_at, zone),
        case_id=case_id,
        style=_own("page.css"),
        figures=_data(figures),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
    )


def _own(name: str) -> str:
    return files("exposure.reporting.page").joinpath(name).read_text(encoding="utf-8")


def script_of(html: str) -> str:
    """The script in a page that draws; empty if it has none, or one that ends before its own end and so may hide text."""
    start, end = html.find(_SCRIPT), html.rfind(f"</script>{_SCRIPT}")
    script = html[start + len(_SCRIPT) : end] if 0 <= start < end else ""
    return "" if "</script" in script.lower() else script


def plotly_script() -> str:
    """The script of the plotly that is installed, as a page takes it.

    Raises
    ------
    InputError
        If none is.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise InputError("an HTML report needs plotly: pip install 'chain-exposure[report]'") from error
    # A script ends at the first "</script", wherever that stands; in a string of the script "<\/script" means the same.
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def is_plotlys(script: str) -> bool:
    """Whether a script is that of a release of plotly, or of the one that is installed."""
    known = tomllib.loads(_own("plotly_scripts.toml"))
    if hashlib.sha256(script.encode("utf-8")).hexdigest() in known.values():
        return True
    try:
        return script == plotly_script()
    except InputError:
        return False


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _data(figures: object) -> str:
    """JSON that can stand in a page: no character of it begins a tag."""
    text = json.dumps(figures, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
