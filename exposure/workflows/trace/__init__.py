"""The use ``trace``: from what the user typed to a report on where value came from, or where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.workflows.trace.options import TraceOptions

if TYPE_CHECKING:  # annotations only: what computes is imported when a trace runs
    from exposure.model.results import Deposit, Report
    from exposure.store.store import Store
    from exposure.workflows.trace.indexed import Told

__all__ = ["TraceOptions", "deposits", "trace"]

DEFAULTS = TraceOptions()


def trace(store: Store, subject: str, options: TraceOptions = DEFAULTS, *, told: Told | None = None) -> Report:
    """Where the value of a subject came from, or where it went.

    Parameters
    ----------
    store
        Where ledger, tags and prices come from; one version of it is looked at.
    subject
        An address, a transaction hash, ``TX:N`` or ``ADDRESS@TIME[#n]``. A transaction stands for its outputs except change;
        on account chains, for one account per receiver and asset. An address held on several chains, or in several assets,
        gets a section for each.
    options
        See `TraceOptions`.
    told
        Told what is made on the way, if that may take long (an index): its name, how much is done, how much there is.

    Raises
    ------
    InputError
        If the subject is none, its checksum is wrong, or the store does not hold it.
    EngineError
        If the parts of an account do not sum to its subject.
    """
    from exposure.workflows.trace.run import answer

    return answer(store, subject, options) if told is None else answer(store, subject, options, told=told)


def deposits(store: Store, address: str, options: TraceOptions = DEFAULTS) -> tuple[Deposit, ...]:
    """Everything an address received from elsewhere, in order, each with the subject under which it is traced.

    Raises
    ------
    InputError
        If the address is not valid, or the store does not hold it.
    """
    from exposure.workflows.trace.run import listed

    return listed(store, address, options)
