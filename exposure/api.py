"""The library's surface: the same functions as the command line, for notebooks and programs.

>>> import exposure as ex
>>> store = ex.Store.open_or_create("my-store")          # doctest: +SKIP
>>> ex.trace(store, "0x098b716b8aaf21512996dc57eb0615e2383e2f96", hops=3).frame()   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from exposure.errors import InputError
from exposure.model.labels import Category
from exposure.model.results import Exposure, Report, Section
from exposure.model.settings import DEFAULT_HOPS, Direction, Rule
from exposure.store.store import Store
from exposure.text import shown
from exposure.units import to_unix, zone
from exposure.workflows.trace import TraceOptions

if TYPE_CHECKING:  # annotations only: these are imported when a frame, a graph or a figure is asked for
    import networkx as nx
    import pandas as pd

    from exposure.workflows.tags import Imported

__all__ = ["Result", "Store", "add_tag", "import_lists", "trace", "trace_options"]

Named = TypeVar("Named", Rule, Direction, Category)

Moment = int | str | date | datetime
"""A point in time: unix seconds, a text (``2024-03-18``, ``2024-03-18T09:12:00Z``), a date or a datetime (naive: UTC)."""


@dataclass(frozen=True, slots=True)
class Result:
    """A report with its views. ``report`` holds every value; see `exposure.model.results`."""

    report: Report

    @property
    def sections(self) -> tuple[Section, ...]:
        """One account per subject, asset, direction and rule."""
        return self.report.sections

    @property
    def exposures(self) -> tuple[Exposure, ...]:
        """The exposure rows of all sections."""
        return tuple(row for section in self.report.sections for row in section.exposures)

    def frame(self) -> pd.DataFrame:
        """Every part of the account as a row: exact amounts as Python ints, and as float coins beside them."""
        from exposure.reporting.frames import frame

        return frame(self.report)

    def graph(self) -> nx.MultiDiGraph[str]:
        """The traced flow: nodes are addresses with their labels, edges transfers with what they carried."""
        from exposure.reporting.frames import graph

        return graph(self.report)

    def to_dict(self) -> Mapping[str, object]:
        """The JSON report as Python values; it keeps to the JSON Schema that ships with the package."""
        from exposure.reporting.json_report import report_to_dict

        return report_to_dict(self.report)

    def to_json(self) -> str:
        """The JSON report as text."""
        from exposure.reporting.json_report import report_to_json

        return report_to_json(self.report)

    def figure(self, section: int = 0) -> object:
        """A Sankey figure of the traced flow of one section (a ``plotly.graph_objects.Figure``).

        Raises
        ------
        InputError
            If plotly is not installed (the sentence has the command), or there is no such section or flow.
        """
        from exposure.reporting.figures import sankey

        if not -len(self.sections) <= section < len(self.sections):
            raise InputError(f"this result has {len(self.sections)} sections; there is no number {section}")
        return sankey(self.sections[section])

    def __str__(self) -> str:
        from exposure.reporting.screen import screen as text

        return text(self.report).plain

    def __repr__(self) -> str:
        return f"<Result of {shown(self.report.question.subject, 80)}: {len(self.sections)} sections; print it, or .frame()>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a table, escaped, without scripts or links."""
        from exposure.reporting.html_table import report_html

        return report_html(self.report)


def trace(store: Store | str | Path, subject: str, **options: object) -> Result:
    """Where the value of a deposit or address came from, or where it went.

    Parameters
    ----------
    store
        A `Store`, or the path of one.
    subject
        An address, a transaction hash, ``TX:N``, or ``ADDRESS@TIME[#n]``.
    **options
        As `trace_options` takes them: ``chain``, ``asset``, ``hops``, ``rule``, ``direction``, ``since``, ``until``,
        ``as_of``, ``labels_as_of``, ``engine``, ``max_transactions``, ``seeds_from``.

    Raises
    ------
    InputError
        For a subject, option or time that is not valid, or that the store does not hold.
    """
    from exposure.workflows.trace import trace as run

    chosen = trace_options(**options)  # type: ignore[arg-type]  # names and types are checked by trace_options itself
    if isinstance(store, Store):
        return Result(run(store, subject, chosen))
    with Store.open(store) as opened:
        return Result(run(opened, subject, chosen))


def import_lists(store: Store, *files: str | Path, form: str = "auto", published: Moment | None = None) -> list[Imported]:
    """Read sanctions lists and tag files into a store, as ``exposure tags import`` does. Twice changes nothing.

    ``published``: the edition's day, where the file states none.

    Raises
    ------
    AttributionError
        If a file cannot be read as a list; then none of them is kept.
    """
    from exposure.workflows.tags import ImportOptions
    from exposure.workflows.tags import import_lists as run

    options = ImportOptions(form=form, published=_time(published, "UTC", end=False))
    return run(store, [Path(file) for file in files], options)


def add_tag(store: Store, subject: str, category: str, *, entity: str, source: str, note: str, confidence: int = 100) -> None:
    """Add a tag of one's own: who a subject (address, coin, transaction) belongs to, from where that is known, and why.

    Raises
    ------
    InputError
        If the category is unknown, the address is not valid, or entity, source or note is empty.
    """
    from exposure.workflows.tags import OwnTag
    from exposure.workflows.tags import add_tag as run

    named = _choice(Category, category.replace("-", "_"), "category")
    run(store, OwnTag(subject, named, entity, source, note, confidence))


def trace_options(
    *,
    chain: str | None = None,
    asset: str | None = None,
    hops: int | None = DEFAULT_HOPS,
    rule: str | Rule | Sequence[str | Rule] = Rule.HAIRCUT,
    direction: str | Direction | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    as_of: Moment | None = None,
    labels_as_of: Moment | None = None,
    engine: str | None = None,
    offline: bool | None = None,
    max_transactions: int | None = None,
    hub_counterparties: int | None = None,
    dust_usd: float | None = None,
    seeds_from: str = "always",
    tz: str = "UTC",
) -> TraceOptions:
    """The options of a trace from what people write; the command line and `trace` both read them here.

    ``hops`` None: no limit. ``rule``: a name, several, or ``all``. A day given for ``until``, ``as_of`` or ``labels_as_of``
    is meant to its last second. Times without a zone are in ``tz``. What is None keeps its default.

    Raises
    ------
    InputError
        For a name that is not known, a time that cannot be read, or a number out of range.
    """
    if hops is not None and not 1 <= hops <= 1000:
        raise InputError(f"{hops} hops: give a whole number from 1 to 1,000, or no limit")
    if seeds_from not in ("always", "designation"):
        raise InputError(f"seeds_from is always or designation, not {shown(seeds_from, 40)}")
    start, end = _time(since, tz, end=False), _time(until, tz, end=True)
    if start is not None and end is not None and start > end:
        raise InputError("the window is empty: since lies after until")
    options = TraceOptions(
        chain=None if chain is None else _chain(chain),
        asset=None if asset is None else _asset(asset, chain),
        hops=hops,
        rules=_rules(rule),
        direction=None if direction is None else _choice(Direction, direction, "direction"),
        since=start,
        until=end,
        as_of=_time(as_of, tz, end=True),
        labels_as_of=_time(labels_as_of, tz, end=True),
        seeds_from_designation=seeds_from == "designation",
    )
    if engine is not None:
        options = replace(options, engine=engine)
    if offline is not None:
        options = replace(options, offline=offline)
    if max_transactions is not None:
        options = replace(options, max_transactions=max_transactions)
    if hub_counterparties is not None:
        options = replace(options, hub_counterparties=hub_counterparties)
    return options if dust_usd is None else replace(options, dust_usd=dust_usd)


def _time(moment: Moment | None, tz: str, *, end: bool) -> int | None:
    if moment is None or isinstance(moment, bool):
        return None
    if isinstance(moment, int):
        return moment
    if isinstance(moment, datetime):
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return to_unix(moment.isoformat() if isinstance(moment, date) else moment, zone(tz), end_of_day=end)


def _rules(rule: str | Rule | Sequence[str | Rule]) -> tuple[Rule, ...]:
    names = [rule] if isinstance(rule, str) else list(rule)
    if names == ["all"]:
        return tuple(Rule)
    if not names:
        raise InputError(f"name a rule: {', '.join(Rule)} or all")
    return tuple(dict.fromkeys(_choice(Rule, name, "rule") for name in names))


def _choice(kind: type[Named], name: str, what: str) -> Named:
    try:
        return kind(name.strip().lower())
    except ValueError:
        raise InputError(f"no {what} is called {shown(name, 40)!r}: use one of {', '.join(kind)}") from None


def _chain(name: str) -> str:
    from exposure.model.assets import chain

    return chain(name).name


def _asset(text: str, chain: str | None) -> str:
    """Asset id of ``CHAIN/CONTRACT``, ``CHAIN/native``, or with a chain given a contract, ``native`` or a known symbol."""
    from exposure.model.addresses import parse
    from exposure.model.assets import WELL_KNOWN, Asset
    from exposure.model.assets import chain as chain_of

    if "/" in text:
        asset = Asset.parse(text)
        return asset.id if asset.contract is None else Asset(asset.chain, parse(asset.contract).canonical).id
    named = [key for key, info in WELL_KNOWN.items() if info.symbol.lower() == text.strip().lower()]
    if chain is None:
        if len(named) == 1:
            return named[0]
        raise InputError(f"asset {shown(text, 60)!r}: say on which chain it is, as CHAIN/CONTRACT or with a chain beside it")
    known = chain_of(chain)
    if text.strip().lower() in ("native", known.symbol.lower()):
        return known.native
    on_chain = [key for key in named if key.startswith(f"{known.name}/")]
    return on_chain[0] if on_chain else Asset(known.name, parse(text).canonical).id
