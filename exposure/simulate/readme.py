"""The README.txt of a generated folder: what it is, what is in it, and the commands that use it."""

from __future__ import annotations

from dataclasses import dataclass

from exposure.simulate import demo, lists
from exposure.simulate.sizes import Plan
from exposure.simulate.world import World


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a folder. ``rows``: by file. ``truth``: one sentence on what the truth covers."""

    rows: dict[str, int]
    truth: str


_FILES = """\
bitcoin_outputs, bitcoin_inputs   the UTXO chain: outputs and inputs, whole from the first block
ethereum_transfers                the account chain: native coin and one token, whole from the first block;
                                  the fee (wei) stands in the first row of a transaction, an empty sender mints
ofac_edition_1.xml, _2.xml        two editions of a sanctions list, in the advanced XML form
services_tagpack.yaml             exchanges, mixer, pool, swap, market and ransom, as a GraphSense TagPack
thefts_tagpack.yaml               reported thefts by transaction, as a GraphSense TagPack
own_tags.csv                      the institution's own addresses and a mining farm, as own CSV
prices.csv                        daily prices in dollars, and of the dollar in yen (triangle waves; the token is pegged)
assets.csv                        what the token is called, and its decimals
deposits.csv                      every deposit of a customer at the institution; index is the output number on
                                  bitcoin, the row within the transaction on ethereum
truth                             per deposit: "really" says whose money it was (the economy kept account), and
                                  each rule's name says what that rule finds on the whole ledger, with the
                                  labels of all lists, 5 hops, and no address taken for a hub
ethereum_etl/                     a few of the same transactions in ethereum-etl's form (an extract: for a store of
                                  its own)
"""


_JOINT = """\
joint.csv                         transactions that several people made together: kind, and how many they were
"""


def commands(world: World, suffix: str) -> list[str]:
    """The commands that load a folder into the store ``store`` and trace the named deposits."""
    edition = f"{lists.day(lists.edition_dates(world.plan)[0]):%Y-%m-%d}"
    out = [
        f"exposure import --store store --whole-ledger --chain bitcoin bitcoin_outputs{suffix} bitcoin_inputs{suffix}",
        f"exposure import --store store --whole-ledger --chain ethereum ethereum_transfers{suffix}",
        "exposure import --store store assets.csv prices.csv",
        "exposure tags import --store store ofac_edition_1.xml ofac_edition_2.xml services_tagpack.yaml thefts_tagpack.yaml",
        f"exposure tags import --store store --published {edition} own_tags.csv",
    ]
    for name in (demo.BITCOIN, demo.ETHEREUM):
        deposit = world.demos[name]
        out.append(f"exposure trace --store store {deposit.tx}:{deposit.place}")
    return out


def text(plan: Plan, world: World, written: Written, suffix: str) -> str:
    """The README of a folder."""
    counts = "\n".join(f"    {name:<34}{rows:>12,}" for name, rows in written.rows.items())
    first, second = (f"{lists.day(time):%Y-%m-%d}" for time in lists.edition_dates(plan))
    end = f"{lists.day(plan.start + plan.seconds):%Y-%m-%d}"
    scripted = "\n".join(f"  {name:<14} to {deposit.address}" for name, deposit in world.demos.items())
    return f"""\
{lists.SYNTHETIC}.
Any likeness of an address or a name to a real one is chance; nobody holds a key to any address in here.

exposure simulate --size {plan.size} --seed {plan.seed}{" --joint" if plan.joint else ""}

From {lists.day(plan.start):%Y-%m-%d} to {end}. Users, three exchanges with deposit addresses, a mining pool, peel chains,
fan-out and fan-in, a mixer of equal denominations, a swap contract, dust, zero-value address poisoning, failed
transactions, two thefts per generation of users, and three listed parties:
  FICTION TRADING OU      listed before the time of the ledger; one more address from edition 2 on, one never listed
  PRETEND METALS JSC      in edition 1 ({first}), gone from edition 2 ({second})
  MOCK EXCHANGE LIMITED   listed {lists.day(plan.day(0.92)):%Y-%m-%d}, after most of its transfers

Files
{_FILES}{_JOINT if plan.joint else ""}
Rows
{counts}

{written.truth}

Token: {world.accounts.token} (6 decimals)

The two scripted deposits of customer {demo.CUSTOMER}:
{scripted}
Each shows no direct exposure, indirect exposure to two listed parties over two and three intermediaries on several
paths, a mixer's part, exchanges, newly mined value and value from beyond five hops; the second one also the proceeds
of a swap. Load the folder and trace them:

""" + "".join(f"    {line}\n" for line in commands(world, suffix))
