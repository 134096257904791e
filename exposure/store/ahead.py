"""Work on one thing while a thread fetches the next ones: sorting beside writing, reading beside numbering."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

AHEAD = 3
"""How many items may wait."""

T = TypeVar("T")


def ahead(source: Iterator[T], stop: Callable[[], None] = lambda: None) -> Generator[T]:
    """The same items, taken from ``source`` by a thread that stays a few of them ahead. Close it if you leave early.

    ``stop``: interrupts what the thread may be waiting for, where that can take long; called until it has ended.
    """
    waiting: queue.Queue[T | BaseException | None] = queue.Queue(AHEAD)
    left = threading.Event()

    def put(item: T | BaseException | None) -> bool:
        while not left.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def take() -> None:
        try:
            for item in source:
                if not put(item):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            put(error)

    thread = threading.Thread(target=take, name="ahead", daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        while thread.is_alive():
            stop()
            thread.join(0.1)
