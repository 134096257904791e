"""Secrets stay out of the logs of the libraries below: urllib3 writes the path of every request, query and all."""

from __future__ import annotations

import logging
import weakref

from exposure.net.calls import Calls

_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")
_KNOWN: weakref.WeakSet[Calls] = weakref.WeakSet()


class _Cleaned(logging.Filter):
    """Rewrites a record without secrets before anybody sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, cleaned."""
        message = record.getMessage()
        for calls in list(_KNOWN):
            message = calls.clean(message)
        record.msg, record.args = message, ()
        return True


_FILTER = _Cleaned()


def hide_secrets(calls: Calls) -> None:
    """From now on the libraries' loggers print nothing that ``calls`` knows as a secret."""
    _KNOWN.add(calls)
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if _FILTER not in logger.filters:
            logger.addFilter(_FILTER)
