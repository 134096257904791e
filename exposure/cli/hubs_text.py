"""What ``exposure tags hubs`` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from exposure.cli.columns import table, wrapped
from exposure.text import shown
from exposure.workflows.hubs import Hub

MOST = 100


def as_table(found: Sequence[Hub], threshold: int) -> str:
    """One line a hub, and what it means."""
    if not found:
        return f"no untagged address has more than {threshold:,} counterparties without being a mere collector"
    header = ("chain", "address", "asset", "counterparties", "paid it", "it paid", "received", "sent", "to 3")
    rows = [
        (
            hub.chain,
            shown(hub.address, 46),
            shown(hub.symbol, 8),
            hub.counterparties,
            hub.payers,
            hub.payees,
            f"{hub.received:,.6g}",
            f"{hub.sent:,.6g}",
            f"{hub.few:.0%}",
        )
        for hub in found[:MOST]
    ]
    lines = table(header, rows, most=(10, 46, 8, 14, 8, 8, 12, 12, 5))
    if len(found) > MOST:
        lines.append(f"and {len(found) - MOST:,} more; `--format json` has all")
    text = (
        "Very likely services that nobody has named: what leaves them is unresolved in a trace, reason hub. If you know whose "
        "one is, `exposure tags add` says so."
    )
    return "\n".join([*lines, *wrapped(text)])


def as_json(found: Sequence[Hub]) -> str:
    """All of them, with every figure."""
    return json.dumps([asdict(hub) for hub in found], indent=2, ensure_ascii=True)
