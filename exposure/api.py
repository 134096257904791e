"""The library's surface: the same functions as the command line, for notebooks and programs.

>>> import exposure as ex
>>> store = ex.Store.open_or_create("my-store")          # doctest: +SKIP
>>> ex.trace(store, "0x098b716b8aaf21512996dc57eb0615e2383e2f96", hops=3).frame()   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exposure.errors import ExposureError, InputError
from exposure.model.labels import Category
from exposure.model.results import Exposure, Report, Section
from exposure.model.settings import DEFAULT_HOPS
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.trace_options import Moment, moment, named, trace_options

if TYPE_CHECKING:  # annotations only: these are imported when a frame, a graph or a figure is asked for
    import networkx as nx
    import pandas as pd

    from exposure.workflows.ingest import ImportOptions, ImportSummary
    from exposure.workflows.screen import Screening
    from exposure.workflows.tags import Imported
    from exposure.workflows.trace import TraceOptions

__all__ = [
    "ExposureError",
    "InputError",
    "Result",
    "ScreenResult",
    "Store",
    "add_tag",
    "from_frame",
    "from_graph",
    "import_lists",
    "ingest",
    "rescore",
    "screen",
    "trace",
    "trace_options",
]


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

    def to_html(self, *, lang: str = "en") -> str:
        """The report as one HTML page that needs nothing from anywhere; ``lang`` is ``en`` or ``ja``.

        Raises
        ------
        InputError
            If plotly is not installed (the sentence has the command), or the language is another.
        """
        from exposure.reporting.page import LANGUAGES, page

        if lang not in LANGUAGES:
            raise InputError(f"a report is written in one of {', '.join(LANGUAGES)}, not in {shown(lang, 20)}")
        return page(self.report, lang=lang)

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


@dataclass(frozen=True, slots=True)
class ScreenResult:
    """A screening with its views. No hit is no clean bill: it says nothing about where an address's money is from."""

    screening: Screening

    def frame(self) -> pd.DataFrame:
        """A row for each hit: line, text, address, category, entity, and what each regime says now."""
        import pandas as pd

        from exposure.reporting.words import regimes_now

        columns = (
            "line",
            "text",
            "address",
            "category",
            "role",
            "entity",
            "country",
            "confidence",
            "tags",
            "checked",
            "through",
        )
        rows = [{name: getattr(hit, name) for name in columns} for hit in self.screening.hits]
        made = pd.DataFrame(rows, columns=list(columns))
        made["sources"] = [", ".join(hit.sources) for hit in self.screening.hits]
        made["regimes"] = [regimes_now(hit.regimes) for hit in self.screening.hits]
        return made

    def __repr__(self) -> str:
        one = self.screening
        return f"<{len(one.hits)} of {one.screened} addresses are tagged, {len(one.rejected)} could not be read; .frame()>"


def trace(
    store: Store | str | Path,
    subject: str,
    *,
    fetch: bool = False,
    fetching: Mapping[str, object] | None = None,
    **options: object,
) -> Result:
    """Where the value of a deposit or address came from, or where it went.

    Parameters
    ----------
    store
        A `Store`, or the path of one; with ``fetch`` it is made where there is none.
    subject
        An address, a transaction hash, ``TX:N``, or ``ADDRESS@TIME[#n]``.
    fetch
        Whether to fetch what the answer lacks from the source that the settings name, as ``exposure trace --fetch`` does; else
        nobody is asked. The report says who was asked about what, in ``run.fetched``.
    fetching
        How: ``source``, ``max_calls``, ``tolerance``; and settings by name, such as ``esplora_url``, over those of the
        environment and the settings file.
    **options
        As `trace_options` takes them: ``chain``, ``asset``, ``hops``, ``rule``, ``direction``, ``since``, ``until``,
        ``as_of``, ``labels_as_of``, ``engine``, ``max_transactions``, ``hub_counterparties``, ``seeds_from``, ``policy``,
        ``clusters``, ``expand``, ``window``, ``paths``.

    Raises
    ------
    InputError
        For a subject, option or time that is not valid, or that the store does not hold; if the settings forbid the network.
    SourceError
        If the subject itself was to be fetched, and could not be had.
    """
    from exposure.workflows.trace import trace as run

    chosen = trace_options(**options)  # type: ignore[arg-type]  # names and types are checked by trace_options itself
    if fetching is not None and not fetch:
        raise InputError("fetching says how to fetch: give fetch=True too")
    if not isinstance(store, Store):
        with (Store.open_or_create if fetch else Store.open)(store) as opened:
            return trace(opened, subject, fetch=fetch, fetching=fetching, **options)
    if not fetch:
        return Result(run(store, subject, chosen))
    return Result(_fetching(store, subject, chosen, dict(fetching or {})))


def _fetching(store: Store, subject: str, options: TraceOptions, how: dict[str, object]) -> Report:
    from exposure import config
    from exposure.net.calls import Calls
    from exposure.workflows.fetch.tracing import fetch_for_trace, told
    from exposure.workflows.trace import trace as run

    source = how.pop("source", None)
    if source is not None and not isinstance(source, str):
        raise InputError("source is the name of a source, such as esplora")
    settings = config.load({name: value if isinstance(value, bool) else str(value) for name, value in how.items()})
    unknown = set(how) - set(settings.sources)
    if unknown:
        raise InputError(f"{shown(min(unknown), 40)} is no setting of fetching: use source, max_calls, tolerance, or a host's")
    calls = Calls(offline=settings.offline, max_calls=settings.max_calls)
    done = fetch_for_trace(store, subject, options, settings, calls, source=source)
    return told(run(store, subject, options), done)


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

    options = ImportOptions(form=form, published=moment(published, "UTC", end=False))
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

    known = named(Category, category.replace("-", "_"), "category")
    run(store, OwnTag(subject, known, entity, source, note, confidence))


def ingest(
    store: Store,
    *files: str | Path,
    form: str = "auto",
    chain: str | None = None,
    asset: str | None = None,
    columns: Mapping[str, str] | None = None,
    whole_ledger: bool = False,
) -> ImportSummary:
    """Import ledgers and prices from files, as ``exposure import`` does. Twice changes nothing.

    ``columns``: {column of the file: field}, with a format where one is needed (``{"value": "amount:ether"}``).
    ``whole_ledger`` declares that nothing else ever moved in these assets; without it intervals stay wide.
    """
    from exposure.workflows.ingest import ingest as run

    return run(files, _import_options(form, chain, asset, columns, whole_ledger), store=store)


def from_frame(
    frame: pd.DataFrame,
    *,
    inputs: pd.DataFrame | None = None,
    chain: str | None = None,
    asset: str | None = None,
    columns: Mapping[str, str] | None = None,
    whole_ledger: bool = False,
    allow_rejects: bool = False,
    store: Store | None = None,
) -> Store:
    """A store of the transfers in a frame; or, with ``inputs``, of the outputs and inputs of a UTXO chain.

    Parameters
    ----------
    frame
        One row a transfer, with columns named as the fields of the own form (``tx``, ``index``, ``block``, ``time``,
        ``from``, ``to``, ``amount``, ``fee``, ``asset``, ``status``, ``memo``) or mapped to them by ``columns``. Amounts
        are base units as integers (object columns hold them exactly), unless a format says otherwise.
    inputs
        The inputs (``tx``, ``n``, ``spent_tx``, ``spent_n``); then ``frame`` holds outputs (``tx``, ``n``, ``block``,
        ``tx_index``, ``time``, ``address``, ``amount``).
    chain, asset, columns, whole_ledger
        As in `ingest`.
    allow_rejects
        Whether rows that cannot be used are left out; else they raise, and nothing is stored.
    store
        Where to put it; None: a store of its own that is gone when it is closed.

    Raises
    ------
    InputError
        If the frame lacks a field, or rows cannot be used.
    """
    from exposure.workflows.frames import load_frames

    options = _import_options("own", chain, asset, columns, whole_ledger)
    frames = [frame] if inputs is None else [frame, inputs]
    return _into(store, lambda target: load_frames(frames, options, target, allow_rejects=allow_rejects))


def from_graph(
    graph: nx.Graph[str], *, chain: str, asset: str | None = None, whole_ledger: bool = False, store: Store | None = None
) -> Store:
    """A store of the transfers in a directed networkx graph: nodes are addresses, edges transfers.

    Edges need ``amount`` (base units) and ``time``, and may have the other fields of the own form. A node's ``category``
    and ``entity`` become a tag. Account chains only. ``store`` as in `from_frame`.

    Raises
    ------
    InputError
        If the graph is undirected, an edge lacks what it needs, or a node is no address.
    """
    from exposure.workflows.frames import load_graph

    options = _import_options("own", chain, asset, None, whole_ledger)
    return _into(store, lambda target: load_graph(graph, options, target))


def screen(
    store: Store, addresses: Iterable[str] | str, *, as_of: Moment | None = None, clusters: str = "none"
) -> ScreenResult:
    """Are these addresses themselves listed or tagged? No history, no network.

    ``clusters``: ``evidence`` or ``exploration`` also say what an address is through others of its owner.

    Raises
    ------
    InputError
        If ``as_of`` cannot be read. An address that cannot be read is among ``rejected``, with its reason.
    """
    from exposure.attribution.clusters import Method
    from exposure.workflows.screen import screen as run

    some = [addresses] if isinstance(addresses, str) else addresses
    return ScreenResult(
        run(store, some, as_of=moment(as_of, "UTC", end=True), clusters=named(Method, clusters, "method of clustering"))
    )


def rescore(store: Store | str | Path, wallets: pd.DataFrame | Iterable[str] | None, **options: object) -> pd.DataFrame:
    """Where the value came from that many wallets received: a row for each wallet, asset, rule and category.

    Parameters
    ----------
    store
        A `Store`, or the path of one.
    wallets
        Addresses, or a frame with a column of them (``address``, ``wallet``, ...). What cannot be read raises. None: every
        address of the ledgers.
    **options
        ``chain``, ``asset``, ``hops`` (default 5), ``rule``, ``labels_as_of``, ``seeds_from``, ``clusters``,
        ``hub_counterparties``, ``dust_usd``.

    Returns
    -------
    DataFrame
        Amounts are exact: base units as `decimal.Decimal`. Columns as `exposure.workflows.rescore.rows.schema` has them.

    Raises
    ------
    InputError
        If a wallet is no address, or an option is not valid.
    """
    import pyarrow as pa

    from exposure.workflows.rescore import rescore as run
    from exposure.workflows.rescore.rows import schema
    from exposure.workflows.rescore.wallets import listed, rescore_options

    if not isinstance(store, Store):
        with Store.open(store) as opened:
            return rescore(opened, wallets, **options)
    chosen = rescore_options(**{"hops": DEFAULT_HOPS, **options})  # type: ignore[arg-type]  # read and checked there
    rows = [schema(chosen.hops).empty_table()]
    run(store, None if wallets is None else listed(wallets), chosen, into=rows.append, strict_input=True)
    made: pd.DataFrame = pa.concat_tables(rows).to_pandas()
    return made


def _import_options(
    form: str, chain: str | None, asset: str | None, columns: Mapping[str, str] | None, whole_ledger: bool
) -> ImportOptions:
    from exposure.workflows.ingest import ImportOptions

    mapped = tuple(f"{column}={field}" for column, field in (columns or {}).items())
    return ImportOptions(form=form, chain=chain, asset=asset, columns=mapped, whole_ledger=whole_ledger)


def _into(store: Store | None, load: Callable[[Store], object]) -> Store:
    """Load into a store, or into a new one that does not outlive a failure."""
    target = Store.in_memory() if store is None else store
    try:
        load(target)
    except BaseException:
        if store is None:
            target.close()
        raise
    return target
