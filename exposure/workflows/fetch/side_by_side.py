"""Jobs beside each other that end together: at once, whoever interrupts them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Job = Callable[[], None]

GRACE_SECONDS = 2.0
"""How long jobs that were told to stop may take to put away what they hold; whoever waits for a silent host is left behind."""

_GLANCE = 0.1  # a join without a time-out cannot be interrupted everywhere


@dataclass(slots=True)
class _Run:
    """A job in its thread, and how it failed."""

    job: Job
    error: BaseException | None = None

    def __call__(self) -> None:
        try:
            self.job()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # nothing is lost: whoever waits for the thread raises it
            self.error = error


def side_by_side(jobs: Sequence[Job], stop: Job) -> None:
    """Run jobs, each in a thread of its own; a single one runs here.

    If one fails, or somebody interrupts, the others are stopped and the first error is raised. Threads of theirs that wait
    for a host do not keep the program from ending.

    Parameters
    ----------
    stop
        Makes the jobs end soon; must be safe to call from any thread.
    """
    if len(jobs) < 2:
        for job in jobs:
            job()
        return
    runs = [_Run(job) for job in jobs]
    threads = [threading.Thread(target=run, name=f"fetch-{n}", daemon=True) for n, run in enumerate(runs)]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads) and not any(run.error for run in runs):
            for thread in threads:
                thread.join(_GLANCE)
    finally:
        if any(thread.is_alive() for thread in threads):
            stop()
            for thread in threads:
                thread.join(GRACE_SECONDS / len(threads))
    for run in runs:
        if run.error is not None:
            raise run.error
