"""The sanctions oracle on a real EVM node: a contract that names one address, asked as the public one is."""

from evm_node import anvil

from exposure.attribution.lists.oracle import CONTRACT
from exposure.model.addresses import evm_address
from exposure.net.calls import Calls
from exposure.net.http import Client
from exposure.workflows.oracle import ask

NAMED, OTHER = evm_address(b"\x11" * 20), evm_address(b"\x22" * 20)

# The argument of the call is compared with the named address, and the answer (1 or 0) is given back as one word.
CODE = f"0x60043573{NAMED[2:]}1460005260206000f3"


def test_a_contract_on_a_node_names_whom_it_names_at_one_block() -> None:
    with anvil(31337) as node:
        node.ask("anvil_setCode", CONTRACT, CODE)
        node.ask("evm_mine")
        client = Client(Calls())
        try:
            asked = ask(client, node.url, [OTHER, NAMED, *(evm_address(bytes([n]) * 20) for n in range(40, 190))])
        finally:
            client.close()
    assert asked.named == [NAMED] and len(asked.sanctioned) == 152
    assert (asked.chain_id, asked.block, asked.contract) == (31337, 1, CONTRACT)
