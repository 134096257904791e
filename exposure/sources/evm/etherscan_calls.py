"""What is asked of Etherscan (API version 2), and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exposure.errors import SourceError
from exposure.model.assets import Chain
from exposure.net.calls import Host
from exposure.net.http import Again, Client, Reply, Request
from exposure.sources.evm import etherscan_rows
from exposure.sources.evm.etherscan_rows import Answer
from exposure.sources.evm.node_calls import block_of
from exposure.sources.remote import Block
from exposure.sources.reply import Record
from exposure.text import shown

BALANCE = "balance"
_PAID = re.compile(r"free api|supported|upgrade|paid", re.I)


class RefusedError(SourceError):
    """The server understood, and will not answer."""


class SmallerError(SourceError):
    """The range of blocks holds more than the server wants to look through."""


class EtherscanCalls:
    """Calls for one chain, told by its id in each of them."""

    def __init__(self, chain: Chain, client: Client, host: Host) -> None:
        self.chain = chain
        self.client = client
        self.host = host

    def listed(self, action: str, address: str, first: int, last: int, page: int, size: int) -> tuple[list[Record], Reply]:
        """A page of one of an address's lists, in rising order."""
        own: dict[str, str | int] = {"module": "account", "action": action, "address": address}
        own |= {"startblock": first, "endblock": last, "sort": "asc", "page": page, "offset": size}
        reply, got = self.asked(own, action, about=address)
        return reply.records("result"), got

    def logs(
        self, topics: Mapping[int, str], contract: str | None, blocks: tuple[int, int], page: int, *, size: int, about: str
    ) -> tuple[list[Record], Reply]:
        """A page of events by their topics, of one contract or of any."""
        own: dict[str, str | int] = {"module": "logs", "action": "getLogs", "fromBlock": blocks[0], "toBlock": blocks[1]}
        own |= {"address": contract} if contract is not None else {}
        own |= {f"topic{place}": topic for place, topic in topics.items()}
        own |= {f"topic0_{place}_opr": "and" for place in topics if place}
        reply, got = self.asked({**own, "page": page, "offset": size}, "getLogs", about=about)
        return reply.records("result"), got

    def proxy(self, action: str, more: dict[str, str | int], about: str = "") -> tuple[Record, Reply]:
        """A reply of the module that hands a node's answers through, in their form."""
        request = Request("", {"chainid": self._id, "module": "proxy", "action": action, **more}, about=about)
        got = self.client.json(self.host, request, self._patience)
        return self._read(got, action), got

    def found(self, action: str, more: dict[str, str | int], about: str = "") -> tuple[Record | None, Reply]:
        """An object that the node behind has; None where it has none.

        Raises
        ------
        RefusedError
            If the reply is an error.
        """
        reply, got = self.proxy(action, more, about)
        if reply.fields.get("result", 0) is None:
            return None, got
        if not isinstance(reply.fields.get("result"), dict):
            raise self._refused(reply, action)
        return reply.record("result"), got

    def block(self, name: str) -> Block | None:
        """A block by its number in hex or its tag; None if there is none."""
        block, _ = self.found("eth_getBlockByNumber", {"tag": name, "boolean": "false"})
        return None if block is None else block_of(block)

    def asked(self, parameters: dict[str, str | int], what: str, about: str = "") -> tuple[Record, Reply]:
        """A reply of rows, or of a balance.

        Raises
        ------
        RefusedError
            If it is neither; `SmallerError` if a smaller range would be answered.
        """
        about = about or str(parameters.get("address", ""))
        got = self.client.json(self.host, Request("", {"chainid": self._id, **parameters}, about=about), self._patience)
        reply = self._read(got, what)
        if what == BALANCE:
            if reply.fields.get("status") not in ("1", 1):
                raise self._refused(reply, what)
        elif (kind := etherscan_rows.answer(reply)[0]) is not Answer.ROWS:
            raise self._refused(reply, what, SmallerError if kind is Answer.SMALLER else RefusedError)
        return reply, got

    def _read(self, got: Reply, what: str) -> Record:
        if got.status >= 400:
            self.client.fail(self.host, f"answered {what} with {got.status} ({got.excerpt}): look at the address and the key")
        return Record(got.value, f"{self.host.name}, {what}")

    def _refused(self, reply: Record, what: str, family: type[SourceError] | None = None) -> SourceError:
        error = reply.fields.get("error")
        inner = error.get("message") if isinstance(error, dict) else None
        reason = shown(self.client.calls.clean(str(inner or etherscan_rows.answer(reply)[1])[:500]), 160)
        end = "try again later"
        if _PAID.search(reason):
            end = f"{self.chain.name} needs a paid plan there, it seems: use Blockscout (--source blockscout) or a node"
        elif "key" in reason.lower():
            end = "set the environment variable EXPOSURE_ETHERSCAN_KEY, or a key file"
        return (family or RefusedError)(f"{self.host.name} refused {what}: {reason}; {end}")

    @property
    def _id(self) -> int:
        return int(self.chain.evm_id or 0)

    def _patience(self, got: Reply) -> Again | None:
        """The rate limit comes as a reply that looks well."""
        if not isinstance(got.value, dict):
            return None
        kind, reason = etherscan_rows.answer(Record(got.value, self.host.name))
        return Again(f"said {shown(reason, 100)}", 1.0) if kind is Answer.SLOWER else None
