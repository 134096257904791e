"""What the reference says in the numbers of this engine: parts of one answer that each of them made are added up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from exposure.taint.reference.lots import Lots, Run


def in_binary(run: Run) -> Run:
    """A run with every decimal amount as binary64; exact integers stay."""
    return replace(
        run,
        received={ref: _lots(lots) for ref, lots in run.received.items()},
        fees={tx: _lots(lots) for tx, lots in run.fees.items()},
        held={pot: _lots(lots) for pot, lots in run.held.items()},
        lost={pot: _lots(lots) for pot, lots in run.lost.items()},
    )


def _lots(lots: Lots) -> Lots:
    return tuple(lot._replace(amount=float(lot.amount)) if isinstance(lot.amount, Decimal) else lot for lot in lots)
