"""JSON-RPC of a node over the one HTTP client: single calls and batches, errors by what they ask one to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from exposure.errors import SourceError
from exposure.net.calls import Host
from exposure.net.http import Again, Client, Reply, Request
from exposure.sources.remote import unreadable
from exposure.text import shown


class RpcError(SourceError):
    """The node answered with an error. ``code`` and ``message`` are its own; ``smaller`` that it asks for a smaller range."""

    def __init__(self, sentence: str, code: int, message: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.message = message

    @property
    def unknown(self) -> bool:
        """Whether the node does not have the method, or does not have it switched on."""
        return self.code in (-32601, -32004) or _UNKNOWN.search(self.message) is not None

    @property
    def smaller(self) -> bool:
        """Whether it would answer for fewer blocks."""
        return _SMALLER.search(self.message) is not None


class Asked(NamedTuple):
    """One call of a batch."""

    method: str
    parameters: Sequence[object]


_SLOWER = re.compile(r"rate.?limit|too many requests|request rate|requests per|per second|capacity|throttl", re.I)
_SMALLER = re.compile(
    r"\brange\b|results|size|too large|too many|limited to|\bmax(imum)?\b|limit exceeded|time(d )?[ -]?out", re.I
)
_UNKNOWN = re.compile(r"not (found|supported|available|exist|enabled|allowed|implemented)|unsupported|disabled", re.I)
_PAIR = re.compile(r"\b(0x[0-9a-f]{1,16}|\d{1,15})\s*(?:,|-|to)\s*(0x[0-9a-f]{1,16}|\d{1,15})\b", re.I)


def suggested_range(message: str, first: int, last: int) -> int | None:
    """The last block of a range that an error message suggests from ``first`` on; None if it suggests none that helps."""
    for one, two in _PAIR.findall(message[:2000]):
        low, high = int(one, 0), int(two, 0)
        if low == first and first <= high < last:
            return high
    return None


class Rpc:
    """A node. ``batches`` turns False when it refuses batches."""

    def __init__(self, client: Client, host: Host) -> None:
        self.client = client
        self.host = host
        self.batches = True
        self._number = 0

    def ask(self, method: str, *parameters: object, about: str = "") -> tuple[object, Reply]:
        """The result of a call.

        Raises
        ------
        SourceError
            `RpcError` if the node answers with an error.
        """
        body = self._body(Asked(method, parameters))
        reply = self.client.json(self.host, Request("", payload=body, about=about), _slower)
        if reply.status >= 400 and not isinstance(reply.value, dict):
            code = -32005 if reply.status == 413 else reply.status  # 413: the reply would be too large
            message = "response size exceeded" if reply.status == 413 else reply.excerpt
            raise self._error(method, code, message)
        return self._result(method, reply.value, body["id"]), reply

    def batch(self, calls: Sequence[Asked], about: str = "") -> tuple[list[object], list[Reply]]:
        """Results of calls in their order; what the node answers with an error is an `RpcError` in the list, not raised."""
        if not calls:
            return [], []
        if self.batches and len(calls) > 1:
            bodies = [self._body(call) for call in calls]
            reply = self.client.json(self.host, Request("", payload=bodies, about=about), _slower)
            if isinstance(reply.value, list):
                return self._results(calls, bodies, reply.value), [reply]
            self.batches = False
        results: list[object] = []
        replies = []
        for call in calls:
            try:
                result, reply = self.ask(call.method, *call.parameters, about=about)
            except RpcError as error:
                results.append(error)
            else:
                results.append(result)
                replies.append(reply)
        return results, replies

    def where(self, method: str) -> str:
        """What messages name: the host and the call."""
        return f"{self.host.name}, {method}"

    def _results(self, calls: Sequence[Asked], bodies: Sequence[dict[str, object]], items: list[object]) -> list[object]:
        by_number: dict[object, object] = {}
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get("id"), int):
                raise unreadable(self.host.name, "an answer of a batch", item)
            by_number[item["id"]] = item
        results: list[object] = []
        for call, body in zip(calls, bodies, strict=True):
            if body["id"] not in by_number:
                raise SourceError(f"{self.host.name} left out the answer to {call.method} in a batch; try again")
            try:
                results.append(self._result(call.method, by_number[body["id"]], body["id"]))
            except RpcError as error:
                results.append(error)
        return results

    def _body(self, call: Asked) -> dict[str, object]:
        self._number += 1
        return {"jsonrpc": "2.0", "id": self._number, "method": call.method, "params": list(call.parameters)}

    def _result(self, method: str, value: object, number: object) -> object:
        if not isinstance(value, dict):
            raise unreadable(self.host.name, f"the answer to {method}", value)
        error = value.get("error")
        if error is not None:
            code = error.get("code") if isinstance(error, dict) else 0
            message = error.get("message") if isinstance(error, dict) else error
            raise self._error(method, code if isinstance(code, int) else 0, str(message))
        if "result" not in value or value.get("id") != number:
            raise unreadable(self.host.name, f"the answer to {method}", value)
        return value["result"]

    def _error(self, method: str, code: int, message: str) -> RpcError:
        message = self.client.calls.clean(message[:2000])
        return RpcError(f"{self.host.name} answered {method} with an error: {shown(message, 160)} ({code})", code, message)


def _slower(reply: Reply) -> Again | None:
    """A node that asks for patience inside a reply that came well."""
    value = reply.value
    error = value.get("error") if isinstance(value, dict) else None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        message = error["message"][:2000]
        if _SLOWER.search(message):
            return Again(f"said {shown(message, 120)}", 1.0)
    return None
