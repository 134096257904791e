"""The pictures of the page as plain plotly figures (data and layout); the page draws them with plotly's own script.

Names in labels come from outside, and plotly reads a little HTML in them: they pass `plain`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exposure.model.labels import Category
from exposure.model.results import Section
from exposure.reporting.categories import by_category
from exposure.reporting.page.phrases import Phrases
from exposure.reporting.words import cut, short
from exposure.units import day, share

Figure = dict[str, Any]

MAX_NODES_A_HOP = 10
MAX_DAYS = 400
THINNEST = 0.0005
"""Least share of a slice of a ring."""
FEW_DAYS = 7
"""Up to so many days each has a place of its own: an axis of time would repeat their names."""

COLOURS: Mapping[str, str] = {
    "sanctioned": "#b3182b",
    "sanction_linked": "#d6604d",
    "russia_linked": "#e08214",
    "mixer": "#6a51a3",
    "darknet_market": "#542788",
    "ransomware": "#8c2d04",
    "stolen_funds": "#c51b7d",
    "terrorist_financing": "#67001f",
    "scam": "#de77ae",
    "high_risk_exchange": "#bf812d",
    "service": "#4393c3",
    "mint": "#5aae61",
    "held": "#80cdc1",
    "fee": "#878787",
    "burn": "#4d4d4d",
    "unresolved": "#d9a300",
    "followed": "#2166ac",
    "elsewhere": "#d0d0d0",
}
PATTERNS: Mapping[str, str] = {
    "sanction_linked": "/",
    "russia_linked": "x",
    "mixer": "\\",
    "darknet_market": "|",
    "ransomware": "-",
    "stolen_funds": "+",
    "terrorist_financing": ".",
    "scam": "/",
    "high_risk_exchange": "x",
    "unresolved": ".",
    "mint": "|",
}
"""Hatching of a category, so that it is told apart in grey print and without seeing colours."""
_DATES: Figure = {"type": "date", "tickformat": "%Y-%m-%d", "nticks": 6}
_ORDER = {str(category): place for place, category in enumerate(Category)}
_FONT = {"family": "system-ui, 'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', sans-serif", "size": 13, "color": "#1a1a1a"}


def plain(text: str) -> str:
    """Text as plotly shows it, not as it reads it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pictures(sections: Sequence[Section], say: Phrases) -> dict[str, Figure]:
    """The pictures of one account (its sections differ by rule), by name; those that would be empty are left out."""
    first = sections[0]
    made = {"flow": flow(first, say), "rings": rings(first, say), "inflow": inflow(first, say), "bars": bars(sections, say)}
    return {name: figure for name, figure in made.items() if figure is not None}


def _layout(height: int, **more: Any) -> Figure:
    return {
        "font": _FONT,
        "height": height,
        "margin": {"l": 12, "r": 12, "t": 16, "b": 28},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
    } | more


def flow(section: Section, say: Phrases) -> Figure | None:
    """A Sankey of how the subject's value moved, hop by hop: widths are shares of the subject and sum to all of it.

    Listed paths are drawn with their intermediaries (the largest of each hop by name); the rest leads straight to the end.
    """
    if section.rule == "poison" or not section.subject.amount:
        return None
    total, source = section.subject.amount, section.direction == "source"
    links: dict[tuple[tuple[int, str], tuple[int, str]], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    labels: dict[tuple[int, str], tuple[str, str]] = {}
    end = (0, "subject")
    labels[end] = (say("customer" if section.subject.addresses else section.subject.kind), "subject")

    def node(place: int, key: str, label: str, colour: str) -> tuple[int, str]:
        labels.setdefault((place, key), (label, colour))
        return place, key

    named = _named_by_hop(section)
    drawn: dict[str, int] = defaultdict(int)
    for path in section.paths:
        steps = path.steps if source else tuple(reversed(path.steps))
        far = steps[0].sender if source else steps[0].receiver
        before = node(len(steps), f"{path.category}:{path.seed}", cut(path.entity or short(far or ""), 20), path.category)
        for place, step in enumerate(steps[:-1]):
            at = len(steps) - 1 - place
            who = (step.receiver if source else step.sender) or ""
            known = who in named.get(at, ())
            here = node(at, who if known else "others", short(who) if known else "…", "elsewhere")
            links[before, here][path.category] += path.amount
            before = here
        links[before, end][path.category] += path.amount
        drawn[path.category] += path.amount
    for category, rows in by_category(section.exposures):
        left = sum(row.amount for row in rows) - drawn[category]
        if left > total // 100_000:  # less is rounding of the paths, or too thin to be seen
            far_node = node(max(row.hops for row in rows), f"{category}:rest", say.category(category), category)
            links[far_node, end][category] += left
    for part in section.attributed:
        name = cut(part.entity, 20) if part.entity else say.category(part.kind)
        links[node(max(part.hops, 1), f"{part.kind}:{part.entity}", name, part.kind), end][part.kind] += part.amount
    for lost in section.unresolved:
        links[node(1, f"?{lost.reason}", say.reason(lost.reason), "unresolved"), end]["unresolved"] += lost.amount
    if not links:
        return None
    names = list(labels)
    place_of = {name: number for number, name in enumerate(names)}
    amounts = [sum(by.values()) for by in links.values()]
    ends = [(tail, head) if source else (head, tail) for tail, head in links]
    through: dict[tuple[int, str], int] = defaultdict(int)
    for (tail, _), by in links.items():
        through[tail] += sum(by.values())
    through[end] = total
    shown_labels = [f"{plain(labels[name][0])}<br>{share(through[name] / total)}" for name in names]
    return {
        "data": [
            {
                "type": "sankey",
                "arrangement": "snap",
                "node": {
                    "label": shown_labels,
                    "color": [COLOURS.get(labels[name][1], "#2458a6") for name in names],
                    "pad": 28,
                    "thickness": 16,
                    "line": {"width": 0},
                    "hovertemplate": "%{label}<extra></extra>",
                },
                "link": {
                    "source": [place_of[tail] for tail, _ in ends],
                    "target": [place_of[head] for _, head in ends],
                    "value": [amount / total * 100 for amount in amounts],
                    "color": [_pale(max(by, key=lambda key: by[key])) for by in links.values()],
                    "hovertemplate": "%{value:.2f} %<extra></extra>",
                },
            }
        ],
        "layout": _layout(min(max(260, 52 * len(names)), 640), font={**_FONT, "size": 11}),
    }


def _named_by_hop(section: Section) -> dict[int, set[str]]:
    """The intermediaries that carried most, by their distance from the subject."""
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for path in section.paths:
        steps = path.steps if section.direction == "source" else tuple(reversed(path.steps))
        for place, step in enumerate(steps[:-1]):
            who = (step.receiver if section.direction == "source" else step.sender) or ""
            sums[len(steps) - 1 - place][who] += path.amount
    return {at: set(sorted(by, key=lambda who: (-by[who], who))[:MAX_NODES_A_HOP]) for at, by in sums.items()}


def _pale(key: str) -> str:
    red, green, blue = (int(COLOURS.get(key, "#2458a6")[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.42)"


def _hatched(keys: str | Sequence[str]) -> Figure:
    shape = PATTERNS.get(keys, "") if isinstance(keys, str) else [PATTERNS.get(key, "") for key in keys]
    return {"shape": shape, "fillmode": "overlay", "fgcolor": "#fff", "fgopacity": 0.75, "size": 7, "solidity": 0.22}


def rings(section: Section, say: Phrases) -> Figure | None:
    """Two rings: direct exposure by category, and indirect; the grey part is everything else."""
    total = section.subject.amount
    if not total or section.rule == "poison" or not section.exposures:
        return None
    data = []
    for kind, domain in (("direct", [0.0, 0.46]), ("indirect", [0.54, 1.0])):
        found = [
            (category, sum(row.amount for row in rows if row.kind == kind))
            for category, rows in by_category(section.exposures)
            if any(row.kind == kind for row in rows)
        ]
        parts = [*found, ("elsewhere", total - sum(amount for _, amount in found))]
        # An arc of nearly the whole circle ends where it begins, and nothing of it is drawn: slices too thin to see stay out.
        parts = [part for part in parts if part[1] / total > THINNEST]
        data.append(
            {
                "type": "pie",
                "hole": 0.62,
                "sort": False,
                "direction": "clockwise",
                "domain": {"x": domain, "y": [0, 1]},
                "labels": [plain(say.category(key)) for key, _ in parts],
                "values": [amount / total for _, amount in parts],
                "marker": {
                    "colors": [COLOURS.get(key, "#2458a6") for key, _ in parts],
                    "line": {"color": "#fff", "width": 1},
                    "pattern": _hatched([key for key, _ in parts]),
                },
                "text": [share(amount / total) for _, amount in parts],
                "textinfo": "label+text",
                "textposition": "outside",
                "automargin": True,
                "hovertemplate": "%{label}: %{text}<extra></extra>",
            }
        )
    marks = [
        {"text": say(kind), "x": x, "y": 0.5, "showarrow": False, "xanchor": "center", "font": {"size": 15}}
        for kind, x in (("direct", 0.23), ("indirect", 0.77))
    ]
    return {
        "data": data,
        "layout": _layout(
            300,
            annotations=marks,
            showlegend=False,
            margin={"l": 12, "r": 12, "t": 40, "b": 40},
        ),
    }


def inflow(section: Section, say: Phrases) -> Figure | None:
    """Bars by day, coloured by category: an address's own transfers by what they carry; of a deposit's paths the value that
    reached it, on the day on which it left its origin (destination: reached its end).
    """
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    unit = 10**section.subject.decimals
    for when, key, amount in _dated(section):
        sums[key][day(when)] += amount / unit
    days = sorted({when for by in sums.values() for when in by})[-MAX_DAYS:]
    if not days:
        return None
    keys = sorted(sums, key=lambda key: (_ORDER.get(key, len(_ORDER)), key))
    return {
        "data": [
            {
                "type": "bar",
                "name": plain(say.category(key)),
                "x": days,
                "y": [sums[key].get(when, 0) for when in days],
                "marker": {"color": COLOURS.get(key, "#2458a6"), "pattern": _hatched(key)},
                "hovertemplate": "%{x}: %{y:.6g}<extra>%{fullData.name}</extra>",
            }
            for key in keys
        ],
        "layout": _layout(
            300,
            barmode="stack",
            margin={"l": 64, "r": 12, "t": 16, "b": 44},
            xaxis={"automargin": True} | ({"type": "category"} if len(days) <= FEW_DAYS else _DATES),
            yaxis={"title": {"text": plain(cut(section.subject.symbol, 16))}, "automargin": True, "rangemode": "tozero"},
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": -0.22},
            bargap=0.3,
        ),
    }


def _dated(section: Section) -> Iterator[tuple[int, str, int]]:
    """Time, category and amount of each bar's part."""
    source = section.direction == "source"
    if section.subject.kind == "address":
        own = section.subject.addresses or (section.subject.address,)
        for row in section.flow:
            inside = row.receiver in own and row.sender in own
            if (row.receiver if source else row.sender) in own and not inside:
                yield from ((row.time, key, amount) for key, amount in row.carried.items())
        return
    for path in section.paths:
        yield path.steps[0 if source else -1].time, path.category, path.amount


def bars(sections: Sequence[Section], say: Phrases) -> Figure | None:
    """Interval, figure and bracket of each rule and category, in per cent of the subject."""
    rows: list[tuple[str, float, float | None, float | None, float | None, float | None, str]] = []
    for section in sections:
        total = section.subject.amount
        figures: dict[str, int] = defaultdict(int)
        for row in section.exposures:
            figures[row.category] += row.amount
            figures["risk"] += row.amount
        for bound in section.bounds:
            if section.rule == "poison" or not total:
                continue
            if not figures[bound.category] and not bound.upper and not bound.bracket_upper:
                continue
            ends = (bound.lower_share, bound.upper_share, bound.bracket_lower_share, bound.bracket_upper_share)
            lower, upper, least, most = (None if end is None else end * 100 for end in ends)
            name = f"{say.category(bound.category)} · {section.rule}"
            rows.append((name, figures[bound.category] / total * 100, lower, upper, least, most, bound.category))
    if not rows:
        return None
    rows.sort(key=lambda row: (_ORDER.get(row[6], len(_ORDER)), row[0]))
    rows = rows[:24][::-1]
    names = [plain(row[0]) for row in rows]
    spans = [(name, row[2], row[3] or 0.0, row[6]) for name, row in zip(names, rows, strict=True) if row[2] is not None]
    firm = [(name, row[4], row[5]) for name, row in zip(names, rows, strict=True) if row[4] is not None]
    data: list[Figure] = [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(say("interval")),
            "y": [name for name, *_ in spans],
            "base": [lower for _, lower, *_ in spans],
            "x": [max(upper - lower, 0.15) for _, lower, upper, _ in spans],
            "marker": {"color": [_pale(key) for *_, key in spans]},
            "width": 0.5,
            "hovertext": [f"{lower:.2f} - {upper:.2f} %" for _, lower, upper, _ in spans],
            "hovertemplate": "%{hovertext}<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "lines",
            "name": plain(say("bracket")),
            "x": [x for _, least, most in firm for x in (least, most, None)],
            "y": [y for name, *_ in firm for y in (name, name, None)],
            "line": {"color": "#1a1a1a", "width": 3},
            "hovertemplate": "%{x:.2f} %<extra></extra>",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": plain(say("figure")),
            "cliponaxis": False,
            "x": [row[1] for row in rows],
            "y": names,
            "marker": {
                "symbol": "diamond",
                "size": 11,
                "color": [COLOURS.get(row[6], "#2458a6") for row in rows],
                "line": {"color": "#fff", "width": 1},
            },
            "hovertemplate": "%{x:.2f} %<extra></extra>",
        },
    ]
    return {
        "data": data,
        "layout": _layout(
            110 + 34 * len(rows),
            margin={"l": 12, "r": 24, "t": 8, "b": 72},
            xaxis={"ticksuffix": " %", "rangemode": "tozero", "zeroline": True, "automargin": True},
            yaxis={
                "ticks": "outside",
                "ticklen": 9,
                "tickcolor": "rgba(0,0,0,0)",
                "automargin": True,
                "type": "category",
                "categoryorder": "array",
                "categoryarray": names,
            },
            legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
            showlegend=True,
        ),
    }
