"""What would settle an unresolved part, in words."""

from __future__ import annotations

from exposure.model.labels import Labels
from exposure.text import shown

_WIDTH = 80
SPENT_TOO_MUCH = "it spends more than it is known to have received"


def settles(reason: str, name: str, labels: Labels, max_hops: int | None) -> str:
    """The next step that would resolve a part, or a plain word that nothing in the store does."""
    who = shown(name, _WIDTH)
    if reason == "hub":
        why = labels.hubs.get(name, "")
        return f"a tag on {who} settles it, if you know whose it is{f' ({why})' if why else ''}; or look behind it by --expand"
    if reason == "conversion":
        service = labels.pass_through.get(name)
        through = f" ({service.entity})" if service is not None and service.entity else ""
        return f"what went into {who}{through} in the same transaction; conversions are not matched yet"
    sentences = {
        "beyond": "more hops" + ("" if max_hops is None else f" (--hops {max_hops + 1} or more)") + " settle it",
        "incomplete": f"the history of {who} settles it: fetch or import it, or declare it whole",
        "opening": f"the history of {who} before its known balance settles it",
        "shortfall": f"the history of {who} lacks incoming transfers: importing them settles it",
        "budget": "a larger --max-transactions settles it",
        "floor": "running without a floor settles it",
    }
    return sentences.get(reason, "nothing in the store settles it")
