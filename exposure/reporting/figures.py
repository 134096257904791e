"""Pictures of a report. They need plotly, which is an extra; without it one sentence says how to get it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model.results import Section
from exposure.reporting.frames import GONE, MINTED
from exposure.reporting.words import cut, short

if TYPE_CHECKING:  # annotations only
    import plotly.graph_objects as go

MAX_LINKS = 120
_COLOURS = {"seed": "#c0272d", "subject": "#2458a6", "boundary": "#8a8a8a", "hub": "#d99a00", "ordinary": "#c9c9c9"}
_TAINTED = "rgba(192,39,45,0.45)"
_PLAIN = "rgba(150,150,150,0.25)"


def sankey(section: Section) -> go.Figure:
    """The traced flow of one section as a Sankey diagram; links that carry value of a seed are red.

    At most the 120 address pairs that moved most are drawn; transfers between the same two addresses are one link.

    Raises
    ------
    InputError
        If plotly is not installed, or the section has no flow.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise InputError("figures need plotly: pip install 'chain-exposure[report]'") from error
    if not section.flow:
        raise InputError("this section has no traced flow to draw")
    moved: dict[tuple[str, str], int] = defaultdict(int)
    tainted: dict[tuple[str, str], int] = defaultdict(int)
    for flow in section.flow:
        ends = (flow.sender or MINTED, flow.receiver or GONE)
        moved[ends] += flow.amount
        tainted[ends] += sum(part for key, part in flow.carried.items() if key not in ("service", "mint", "unresolved"))
    links = sorted(moved, key=lambda ends: (tainted[ends] > 0, tainted[ends], moved[ends]), reverse=True)[:MAX_LINKS]
    names = list(dict.fromkeys(end for ends in links for end in ends))
    place = {name: number for number, name in enumerate(names)}
    parties = {party.address: party for party in section.parties}
    labels, colours = [], []
    for name in names:
        party = parties.get(name)
        labels.append(_plain(f"{cut(party.entity, 30)} {short(name)}" if party and party.entity else short(name)))
        colours.append(_COLOURS.get(party.role if party else "ordinary", _COLOURS["ordinary"]))
    scale = 10**section.subject.decimals
    return go.Figure(
        go.Sankey(
            node={"label": labels, "color": colours, "pad": 12},
            link={
                "source": [place[ends[0]] for ends in links],
                "target": [place[ends[1]] for ends in links],
                "value": [moved[ends] / scale for ends in links],
                "color": [_TAINTED if tainted[ends] else _PLAIN for ends in links],
            },
        ),
        layout={"title": {"text": f"Traced flow in {_plain(cut(section.subject.symbol, 12))}, {section.rule}"}},
    )


def _plain(text: str) -> str:
    """Plotly reads a little HTML in labels; names come from outside."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
