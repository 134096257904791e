"""A chain with everything in it: blocks full of transfers, calls inside calls, failures, odd and hostile tokens."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from evm_assembly import (
    CREATE,
    DELEGATE,
    DESTROY,
    FAIL,
    NEST,
    PAY,
    call,
    emitter,
    router,
    token,
    words,
    wrapped_coin,
)
from evm_node import Node

WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
ROUTERS = ("0x" + "a1" * 20, "0x" + "a2" * 20, "0x" + "a3" * 20)
TOKEN, EMITTER, TAXED, REBASING, HOSTILE = ("0x" + pair * 20 for pair in ("b1", "b3", "b4", "b5", "b6"))
HOSTILE_SYMBOL = "[red]\u202e\x1b[2Jnull\x00 <script>".encode() * 100
PEOPLE = [f"0x{0xC0FFEE000000 + n:040x}" for n in range(20)]
NOBODY = "0x" + "0" * 40


@dataclass
class World:
    """A node, the accounts that pay, and the nonces that they have come to."""

    node: Node
    accounts: list[str]
    nonces: dict[str, int] = field(default_factory=dict)

    def send(self, *transactions: tuple[str, str | None, int, str]) -> list[str]:
        """Hand transactions in and mine them into one block; their hashes."""
        calls = []
        for sender, receiver, value, data in transactions:
            nonce = self.nonces.get(sender, 0)
            self.nonces[sender] = nonce + 1
            fields: dict[str, object] = {"from": sender, "value": hex(value), "data": data or "0x", "nonce": hex(nonce)}
            fields |= {"gas": hex(90_000 if not data else 400_000)} | ({"to": receiver} if receiver else {})
            calls.append(("eth_sendTransaction", [fields]))
        hashes = [str(tx) for tx in self.node.batch(calls)]
        self.node.ask("evm_mine")
        return hashes


def build(node: Node, *, full_blocks: int = 4, per_block: int = 250) -> World:
    """Fill a node's chain."""
    accounts = node.accounts()
    codes = {
        WETH: wrapped_coin(),
        TOKEN: token(),
        EMITTER: emitter(),
        TAXED: token(b"TAX", keeps_percent=10),
        REBASING: token(b"RBS"),
        HOSTILE: token(HOSTILE_SYMBOL, decimals=200),
    }
    codes |= dict.fromkeys(ROUTERS, router())
    node.batch([("anvil_setCode", [address, "0x" + code.hex()]) for address, code in codes.items()])
    world = World(node, accounts)
    first, second, third = ROUTERS
    a, b, c, d = accounts[:4]
    mint, move = "mint(address,uint256)", "transfer(address,uint256)"
    world.send(
        *((account, contract, 0, call(mint, account, 10**12)) for account in accounts for contract in (TOKEN, TAXED)),
        *((accounts[9], person, 10**18, "") for person in PEOPLE),
        (a, REBASING, 0, call(mint, a, 10**12)),
        (a, HOSTILE, 0, call(mint, PEOPLE[0], 10**9)),
        (b, None, 5, "0x" + (b"\x60\x01\x60\x0c\x5f\x39\x60\x01\x5f\xf3".hex() + "0000" + "00")),
    )
    dice = random.Random(4)
    for number in range(full_blocks):
        transfers = []
        for n in range(per_block):
            sender, receiver = dice.choice(accounts), dice.choice(PEOPLE + accounts)
            if n % 3 == 0:
                transfers.append((sender, TOKEN, 0, call(move, receiver, dice.randrange(10**6))))
            elif n % 41 == 0:
                transfers.append((sender, TOKEN, 0, call(move, receiver, 10**30)))  # fails: more than there is
            else:
                transfers.append((sender, receiver, dice.randrange(10**18), ""))
        world.send(*transfers)
        paid, last = (PAY, PEOPLE[2], 20, PAY, d, 30), (PAY, PEOPLE[number], 7)
        world.send(
            (a, first, 1000, "0x" + words(PAY, PEOPLE[1], 10, DELEGATE, second, 0, CREATE, 0, 7, NEST, second, 300, *paid)),
            (b, first, 1000, "0x" + words(PAY, PEOPLE[1], 10, NEST, second, 300, PAY, PEOPLE[2], 20, FAIL, 0, 0)),
            (b, first, 1000, "0x" + words(PAY, PEOPLE[1], 10, FAIL, 0, 0)),
            (c, first, 10**6, "0x" + words(NEST, second, 10**5, NEST, third, 10**4, PAY, c, 10, PAY, c, 10, *last)),
            (d, third, 55, "0x" + words(DESTROY, PEOPLE[3], 0)),
            (a, a, 12345, ""),
        )
        world.send(
            (a, WETH, 10**15 + number, ""),
            (a, WETH, 0, call(move, PEOPLE[4], 10**14)),
            (a, WETH, 0, call("withdraw(uint256)", 10**13)),
            (a, WETH, 0, call("withdraw(uint256)", 10**19)),  # fails
            (a, TAXED, 0, call(move, b, 1000)),
            (a, REBASING, 0, call("rebase()")),
            (a, EMITTER, 0, "0x" + words(3, PEOPLE[5], a, 0)),  # address poisoning: nothing moved
            (a, EMITTER, 0, "0x" + words(3, a, PEOPLE[5], 2**255)),  # more than can be stored
            (a, EMITTER, 0, "0x" + words(4, PEOPLE[5], a, 77)),  # a collectible
            (a, EMITTER, 0, "0x" + words(1, PEOPLE[5], a, 88)),  # a token from before the standard
        )
    # People who pay on: whatever they hold came by the transfers above.
    world.send(*((person, accounts[n % 10], 10**15, "") for n, person in enumerate(PEOPLE[6:])))
    node.batch([("evm_mine", [])] * 4)
    return world
