"""The report for a notebook: a pandas frame of its parts, and a networkx graph of the traced flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.model.results import Flow, Report, Section
from exposure.reporting.rows import COLUMNS, rows
from exposure.units import day

if TYPE_CHECKING:  # annotations only: pandas and networkx are imported when a frame or a graph is asked for
    import networkx as nx
    import pandas as pd

MINTED = "(minted)"
GONE = "(burned or fee)"


def frame(report: Report) -> pd.DataFrame:
    """Every part of every section as a row, with the columns of `exposure.reporting.rows.COLUMNS`.

    Returns
    -------
    pandas.DataFrame
        ``amount``: exact base units as Python ints (object column; None for a flag). ``coins``: the same in whole coins as
        float64, for plots and never for sums that matter. ``first_at``, ``last_at``: UTC timestamps. ``hops``, ``epoch``
        and ``tx_n``: nullable Int64. Shares and money: float64.
    """
    import pandas as pd

    cells = list(rows(report))
    made = pd.DataFrame(cells, columns=list(COLUMNS))
    made["amount"] = pd.Series([None if row["amount"] is None else int(str(row["amount"])) for row in cells], dtype=object)
    made["coins"] = pd.Series([float(str(row["coins"])) if row["coins"] is not None else float("nan") for row in cells])
    for name in ("hops", "epoch", "tx_n"):
        made[name] = made[name].astype("Int64")
    for name in ("share", "usd", "jpy", "interval_lower", "interval_upper", "bracket_lower", "bracket_upper"):
        made[name] = made[name].astype("float64")
    for name in ("first_at", "last_at"):
        made[name] = pd.to_datetime(made[name], utc=True)
    return made


def graph(report: Report) -> nx.MultiDiGraph[str]:
    """The traced flow: an edge for each transfer (output) that carried something to the subject, or from it.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are addresses with ``role`` (subject, seed, boundary, hub, pass_through, pool or ordinary), ``category``,
        ``entity`` and ``chain``; seeds behind a figure also with ``sources``, ``confidence`` and ``listed`` ({regime: day}).
        What was minted, and what was burned or paid as a fee, meets in one node each (`MINTED`, `GONE`), whose role is
        nowhere. The graph itself has ``subject``, ``rules``, ``label_digest`` and ``version``.
        Edges, keyed by the transfer's ref: ``tx``, ``time`` (unix seconds), ``block``, ``chain``, ``asset``, ``symbol``,
        ``direction``, ``rule``, ``amount`` (base units, int), ``coins`` (float), and ``carried`` {category: base units} by
        the first rule asked for.

    Notes
    -----
    Memory is about 1 kB per edge. Where several rules were asked for, the first one fills ``carried``.
    """
    import networkx as nx

    made: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        subject=report.question.subject,
        rules=report.question.rules,
        label_digest=report.run.label_digest,
        version=report.run.version,
    )
    done: set[tuple[object, ...]] = set()
    for section in report.sections:
        key = (section.subject, section.direction)
        if key in done:
            continue
        done.add(key)
        _add(made, section)
    return made


def _add(made: nx.MultiDiGraph[str], section: Section) -> None:
    """Nodes and edges of one section; an address that is already there keeps the role it has."""
    ends_of = {end for flow in section.flow for end in (flow.sender, flow.receiver)}
    for party in section.parties:
        if party.address not in ends_of:  # several addresses may pay into one transaction; a transfer names one of them
            continue
        if party.address not in made or made.nodes[party.address].get("role") == "ordinary":
            chain = section.subject.chain
            made.add_node(party.address, role=party.role, category=party.category, entity=party.entity, chain=chain)
    for flow in section.flow:
        ends = (flow.sender or MINTED, flow.receiver or GONE)
        for end in ends:
            if end not in made:
                made.add_node(
                    end,
                    role="nowhere" if end in (MINTED, GONE) else "ordinary",
                    category="",
                    entity="",
                    chain=section.subject.chain,
                )
        made.add_edge(ends[0], ends[1], key=flow.ref, **_edge(flow, section))
    for row in section.exposures:
        listed = {one.regime: day(one.listed_on) for one in row.regimes if one.listed_on is not None}
        for seed in row.seeds:
            if seed.address in made:
                made.nodes[seed.address].update(sources=seed.sources, confidence=seed.confidence, listed=listed)


def _edge(flow: Flow, section: Section) -> dict[str, object]:
    return {
        "tx": flow.tx,
        "time": flow.time,
        "block": flow.block,
        "chain": section.subject.chain,
        "asset": section.subject.asset,
        "symbol": section.subject.symbol,
        "rule": section.rule,
        "direction": section.direction,
        "amount": flow.amount,
        "coins": flow.amount / 10**section.subject.decimals,
        "carried": dict(flow.carried),
    }
