"""The use ``rescore``: the exposure of many wallets at once, by one propagation over each whole ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.workflows.rescore.options import RescoreOptions

if TYPE_CHECKING:  # annotations only: what computes is imported when it runs
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pyarrow as pa

    from exposure.sources.address_lists import Column
    from exposure.store.store import Store
    from exposure.workflows.rescore.run import Rescored

__all__ = ["RescoreOptions", "rescore"]

DEFAULTS = RescoreOptions()


def rescore(
    store: Store,
    wallets: Iterable[Column] | None,
    options: RescoreOptions = DEFAULTS,
    *,
    into: Callable[[pa.Table], None],
    advance: Callable[[str, int, int], None] = lambda what, done, total: None,
    strict_input: bool = False,
    state: Path | None = None,
) -> Rescored:
    """Where the value that many wallets received came from: a row for each wallet, asset, rule and category.

    Parameters
    ----------
    store
        Where ledgers and tags come from; one version of it is looked at.
    wallets
        Wallets as listed, in batches; what cannot be read is among ``rejected``. None: every address of the ledgers.
    options
        See `RescoreOptions`.
    into
        Takes the rows, some at a time, in order (columns as `exposure.workflows.rescore.rows.schema` has them). They are
        not held: memory does not grow with their number.
    advance
        Told (what is being done, rows done, rows in all).
    strict_input
        Whether a wallet that cannot be read raises.
    state
        Folder in which the state of each sweep is kept, for a later run to go on from where the ledger has grown.

    Raises
    ------
    InputError
        If an option is out of range, the store holds no ledger, or the folder of states cannot be written.
    EngineError
        If an account does not sum to what its wallet received.
    """
    from exposure.workflows.rescore.run import answer

    return answer(store, wallets, options, into, advance, strict_input=strict_input, state=state)
