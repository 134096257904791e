"""Run an economy: generation by generation, block by block. Memory holds one generation and the rows of one chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exposure.simulate import account_agents, coin_agents, demo, joint_agents
from exposure.simulate.accounts import TransferRow
from exposure.simulate.coins import InputRow, OutputRow
from exposure.simulate.world import Deposit, World, new_generation

CHUNK_ROWS = 30_000
THEFT_AT = 0.45
DEMO_AT = 0.8


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in ledger order, each chain's own, since the chunk before. ``done`` is the share of the run that is over."""

    outputs: list[OutputRow]
    inputs: list[InputRow]
    transfers: list[TransferRow]
    deposits: list[Deposit]
    done: float


def run(world: World) -> Iterator[Chunk]:
    """Let everybody live to the end; yields the ledgers in chunks of about `CHUNK_ROWS` rows."""
    plan = world.plan
    for generation in range(plan.generations):
        new_generation(world, generation)
        if generation == 0:
            account_agents.genesis(world)
            script = demo.script_of(world)
        begin = int(plan.steps * DEMO_AT) if generation == 0 else -1
        for step in range(plan.steps):
            _step(world, step)
            if begin >= 0 and 0 <= step - begin < demo.LENGTH:
                for part in script:
                    part.get(step - begin, _nothing)()
            if step == int(plan.steps * THEFT_AT):
                coin_agents.steal(world, f"Aspen theft {generation + 1}")
                account_agents.steal(world, f"Maple theft {generation + 1}")
            coin_agents.mine(world)
            world.step += 1
            if len(world.coins.outputs) + len(world.accounts.rows) >= CHUNK_ROWS:
                yield _chunk(world)
        _close(world)
    yield _chunk(world)


def _nothing() -> None:
    return


def _step(world: World, step: int) -> None:
    """One block of the UTXO chain and what happens on the account chain until the next one."""
    plan = world.plan
    time = plan.start + world.step * plan.step_seconds
    world.coins.open_block(time + world.dice.below(plan.step_seconds // 4))
    coin_agents.redeem_due(world)
    account_agents.redeem_due(world)
    for _ in range(plan.coin_events):
        coin_agents.happen(world)
    if plan.joint:
        joint_agents.happen(world)
    gap = plan.step_seconds // (plan.account_events + 1)
    for serial in range(plan.account_events):
        world.accounts.at(time + (serial + 1) * gap)
        account_agents.happen(world)


def _close(world: World) -> None:
    """Sweep what the generation left on deposit addresses, in a block of its own."""
    world.coins.open_block(world.plan.start + world.step * world.plan.step_seconds - 1)
    for custodian in (*world.cast.exchanges, world.cast.institution):
        while custodian.waiting:
            coin_agents.sweep(world, custodian)
        while custodian.waiting_accounts:
            account_agents.sweep(world, custodian)
    coin_agents.mine(world)


def _chunk(world: World) -> Chunk:
    outputs, inputs = world.coins.drain()
    deposits, world.deposits = world.deposits, []
    done = world.step / (world.plan.generations * world.plan.steps)
    return Chunk(outputs, inputs, world.accounts.drain(), deposits, done)
