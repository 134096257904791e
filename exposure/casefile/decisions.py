"""What decided who is a hub and who belongs together, as JSON and back: dust limits, what was counted, links of clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exposure.attribution.clusters import Heuristic, Link
from exposure.casefile.evidence import Evidence
from exposure.errors import InputError
from exposure.text import shown
from exposure.tracing.hubs import Counted


def decisions_to_json(evidence: Evidence) -> dict[str, Any]:
    """The decisions of a case as JSON values; amounts are texts of base units."""
    return {
        "end_times": dict(evidence.end_times),
        "dust": {asset: str(limit) for asset, limit in evidence.dust.items()},
        "judged": [
            {
                "chain": chain,
                "asset": asset,
                "owner": owner,
                "counterparties": found.counterparties,
                "sent": str(found.sent),
                "to_few": str(found.to_few),
                **({"seen": found.seen} if found.seen else {}),
            }
            for (chain, asset, owner), found in sorted(evidence.judged.items())
        ],
        "links": [
            {"one": link.one, "other": link.other, "heuristic": link.heuristic.value, "tx": link.tx} for link in evidence.links
        ],
    }


def decisions_from_json(value: Mapping[str, Any], evidence: Evidence) -> None:
    """`decisions_to_json`, read into the evidence.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    try:
        evidence.end_times = {str(chain): int(time) for chain, time in value["end_times"].items()}
        evidence.dust = {str(asset): int(limit) for asset, limit in value["dust"].items()}
        evidence.judged = {
            (str(one["chain"]), str(one["asset"]), str(one["owner"])): Counted(
                int(one["counterparties"]), int(one["sent"]), int(one["to_few"]), str(one.get("seen", ""))
            )
            for one in value["judged"]
        }
        evidence.links = tuple(
            Link(str(one["one"]), str(one["other"]), Heuristic(one["heuristic"]), str(one["tx"])) for one in value["links"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"decisions.json of the case cannot be read: {shown(error, 120)}") from error
