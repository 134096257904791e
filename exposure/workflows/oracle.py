"""The use ``tags oracle``: ask a sanctions-oracle contract on an EVM node about addresses, at one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exposure.attribution.lists import oracle
from exposure.model.labels import Category
from exposure.model.tags import Statement
from exposure.net.calls import Host
from exposure.net.http import Client, Request
from exposure.store.store import Store
from exposure.workflows.tags import OwnTag, add_tag

BATCH = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What an oracle said of each address, at which block of which chain. The node's host learned all of them."""

    contract: str
    chain_id: int
    block: int
    sanctioned: dict[str, bool]
    host: str

    @property
    def named(self) -> list[str]:
        """Addresses of which it said yes."""
        return [address for address, yes in self.sanctioned.items() if yes]


def ask(client: Client, node: str, addresses: Sequence[str], *, contract: str = oracle.CONTRACT) -> Asked:
    """Ask about addresses: all at the block that was the newest when the first was asked.

    Raises
    ------
    InputError
        If an address is no EVM address.
    AttributionError
        If the contract is none, or an answer is missing.
    SourceError
        If the node cannot be asked.
    """
    host = Host(node, rate=10.0)
    (contract,) = oracle.evm_only([contract])
    wanted = list(dict.fromkeys(oracle.evm_only(addresses)))

    def one(method: str) -> object:
        payload = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
        return client.json(host, Request("", payload=payload)).value

    chain_id = oracle.quantity(one("eth_chainId"), "chain id")
    block = oracle.quantity(one("eth_blockNumber"), "newest block")
    found: dict[str, bool] = {}
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        request = Request("", payload=oracle.calls(contract, some, hex(block)), about=", ".join(some))
        found |= oracle.answers(client.json(host, request).value, some)
    return Asked(contract, chain_id, block, found, host.name)


def keep(store: Store, asked: Asked, *, now: int | None = None) -> list[Statement]:
    """Keep each yes as a tag of the user's own, with contract, chain and block as its source."""
    source = f"sanctions oracle {asked.contract} on chain {asked.chain_id}, block {asked.block}"
    note = "isSanctioned answered yes; the contract states no party, programme or date"
    tags = (OwnTag(address, Category.SANCTIONED, "named by a sanctions oracle", source, note) for address in asked.named)
    return [add_tag(store, tag, now=now)[0] for tag in tags]
