"""A trace that fetches from a real EVM node, or an explorer's form of it, ends as one over the whole chain does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from evm_assembly import FAIL, PAY, call, router, token, words
from evm_explorers import Blockscout, Etherscan, Index, serving
from evm_node import anvil
from evm_world import PEOPLE, ROUTERS, TOKEN, WETH, World
from fetching import Waits, fetched

from exposure import config
from exposure.model.settings import Direction
from exposure.net.calls import Calls
from exposure.store.store import Store
from exposure.workflows.fetch import FetchOptions
from exposure.workflows.fetch.demand import Demand, fetch_for
from exposure.workflows.trace import TraceOptions, trace

CHAIN, ETHER = "ethereum", 10**18
FIRST, SECOND, THIRD, ME, FOURTH, STRANGER = PEOPLE[:6]
ROUTES = ("node", "etherscan", "blockscout")
Settings = dict[str, str]


@pytest.fixture(scope="module")
def environ() -> Iterator[Settings]:
    """Value comes to me by two people, by calls inside of calls and as a token; I pay on. Everybody also pays strangers."""
    with anvil(1, "--slots-in-an-epoch", "1") as node:
        rich = node.accounts()[:2]
        codes = {TOKEN: token(), **dict.fromkeys(ROUTERS, router())}
        node.batch([("anvil_setCode", [address, "0x" + code.hex()]) for address, code in codes.items()])
        world, move = World(node, rich), "transfer(address,uint256)"
        for _ in range(2):
            world.send((rich[0], FIRST, 10 * ETHER, ""), (rich[1], FIRST, 5 * ETHER, ""), (rich[1], STRANGER, ETHER, ""))
            world.send(
                (FIRST, SECOND, 4 * ETHER, ""),
                (FIRST, ROUTERS[0], 3 * ETHER, "0x" + words(PAY, THIRD, 2 * ETHER, PAY, STRANGER, ETHER)),
                (rich[0], TOKEN, 0, call("mint(address,uint256)", FIRST, 1000)),
                (FIRST, TOKEN, 0, call(move, SECOND, 600)),
            )
            world.send(
                (SECOND, ME, 2 * ETHER, ""),
                (SECOND, ROUTERS[1], ETHER, "0x" + words(PAY, ME, ETHER, FAIL, 0, 0)),  # fails
                (SECOND, TOKEN, 0, call(move, ME, 500)),
                (THIRD, ROUTERS[1], ETHER, "0x" + words(PAY, ME, ETHER)),
            )
            world.send((ME, FOURTH, ETHER, ""), (ME, TOKEN, 0, call(move, FOURTH, 300)))
            # Explorers do not say where in its block an inner call lies: who got one pays on in a later block.
            world.send((FOURTH, STRANGER, ETHER // 2, ""), (STRANGER, FIRST, ETHER // 10, ""))
        node.batch([("evm_mine", [])] * 4)
        index = Index(node, WETH)
        with serving(Etherscan(index), Blockscout(index)) as (base, _):
            yield {
                "EXPOSURE_EVM_RPC_URL": node.url,
                "EXPOSURE_ETHERSCAN_URL": base + "/v2/api",
                "EXPOSURE_BLOCKSCOUT_URL": base,
            }


@pytest.fixture(scope="module")
def whole(environ: Settings) -> Iterator[Store]:
    with Store.in_memory() as store:
        fetched(store, [], environ, chain=CHAIN, source="node", since="0", blocks=True)
        yield store


def options(direction: Direction, hops: int, asset: str) -> TraceOptions:
    return TraceOptions(chain=CHAIN, direction=direction, hops=hops, asset=f"{CHAIN}/{asset}")


def figures(store: Store, traced: TraceOptions) -> list[object]:
    (section,) = trace(store, ME, traced).sections
    return [
        section.totals,
        [(row.kind, row.name, row.entity, row.amount) for row in section.attributed],
        [(row.reason, row.name, row.amount) for row in section.unresolved],
    ]


def run(environ: Settings, store: Store, route: str, traced: TraceOptions) -> Demand:
    waits = Waits()
    calls = Calls(max_calls=10_000, clock=waits.clock, sleep=waits.sleep)
    settings = config.load({"tolerance": 0.0}, environ=environ)
    return fetch_for(ME, FetchOptions(chain=CHAIN, source=route), traced, store=store, config=settings, calls=calls)


# Backward no further than to those whom the first block endowed, which blocks do not show and the histories of addresses do.
@pytest.mark.parametrize(("direction", "hops"), [(Direction.SOURCE, 2), (Direction.DESTINATION, 10)])
@pytest.mark.parametrize("asset", ["native", TOKEN])
@pytest.mark.parametrize("route", ROUTES)
def test_the_answer_is_that_of_the_whole_chain(
    environ: Settings, whole: Store, route: str, asset: str, direction: Direction, hops: int
) -> None:
    traced = options(direction, hops, asset)
    with Store.in_memory() as store:
        done = run(environ, store, route, traced)
        assert (done.left, done.ended) == (0, "")
        assert done.steps
        assert figures(store, traced) == figures(whole, traced)
