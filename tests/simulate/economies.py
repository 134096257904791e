"""Finished economies as the tests look at them."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.model.ledger import Transfer, UtxoTx
from exposure.simulate import economy
from exposure.simulate.accounts import TransferRow
from exposure.simulate.coins import InputRow, OutputRow
from exposure.simulate.ledgers import account_ledger, coin_ledger
from exposure.simulate.sizes import Plan
from exposure.simulate.world import Deposit, World, begin


@dataclass(frozen=True, repr=False)
class Ran:
    """A finished economy and all its rows."""

    world: World
    outputs: list[OutputRow]
    inputs: list[InputRow]
    transfers: list[TransferRow]
    deposits: list[Deposit]
    chunks: int

    @property
    def txs(self) -> list[UtxoTx]:
        return coin_ledger(self.outputs, self.inputs)

    @property
    def moves(self) -> list[Transfer]:
        return list(account_ledger(self.transfers))


def ran(plan: Plan) -> Ran:
    """Run an economy to its end."""
    world = begin(plan)
    chunks = list(economy.run(world))
    return Ran(
        world,
        [row for chunk in chunks for row in chunk.outputs],
        [row for chunk in chunks for row in chunk.inputs],
        [row for chunk in chunks for row in chunk.transfers],
        [row for chunk in chunks for row in chunk.deposits],
        len(chunks),
    )
