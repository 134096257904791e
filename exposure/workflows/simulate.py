"""Write a synthetic economy into a folder: ledgers, lists, prices, deposits and the truth about them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from exposure.errors import InputError
from exposure.model.settings import DEFAULT_HOPS, Rule, Settings
from exposure.simulate import economy, etl_form, files, lists, readme, truth
from exposure.simulate.accounts import TransferRow
from exposure.simulate.coins import InputRow, OutputRow
from exposure.simulate.labels import snapshot
from exposure.simulate.ledgers import account_ledger, coin_ledger
from exposure.simulate.sizes import Plan, plan
from exposure.simulate.world import Deposit, World, begin

Truth = Literal["none", "really", "rules"]
Progress = Callable[[float, str], None]

RULE_ROWS = 260_000
"""The rules' truth is computed on so many rows of the ledgers' beginning: no later transfer changes a deposit in it."""

DEFAULT_TRUTH: dict[str, Truth] = {"small": "rules", "medium": "rules", "large": "really"}


@dataclass(frozen=True, slots=True)
class SimulateSummary:
    """What was written. ``rows`` by file name; ``commands`` load the folder and trace its scripted deposits."""

    folder: Path
    size: str
    seed: int
    rows: dict[str, int]
    truth: str
    commands: list[str]


@dataclass(slots=True)
class _Beginning:
    """Rows of the ledgers' beginning, kept for the rules' truth, while there is room for them."""

    outputs: list[OutputRow] = field(default_factory=list)
    inputs: list[InputRow] = field(default_factory=list)
    transfers: list[TransferRow] = field(default_factory=list)
    deposits: list[Deposit] = field(default_factory=list)
    whole: bool = True

    def add(self, chunk: economy.Chunk) -> None:
        """Keep a chunk, unless one before did not fit."""
        self.whole = (
            self.whole and len(self.outputs) + len(self.transfers) + len(chunk.outputs) + len(chunk.transfers) <= RULE_ROWS
        )
        if self.whole:
            self.outputs += chunk.outputs
            self.inputs += chunk.inputs
            self.transfers += chunk.transfers
            self.deposits += chunk.deposits


def simulate(
    folder: Path,
    *,
    size: str = "small",
    seed: int = 1,
    joint: bool = False,
    truths: Truth | None = None,
    progress: Progress | None = None,
) -> SimulateSummary:
    """Write a synthetic economy into ``folder``.

    Parameters
    ----------
    folder
        Must not exist, or be empty. It appears whole or not at all.
    size, seed, joint
        See `exposure.simulate.sizes`; equal ones give equal rows.
    truths
        ``really``: whose money each deposit was. ``rules``: also what each rule says, for deposits in the first `RULE_ROWS`
        rows. None: `DEFAULT_TRUTH` of the size.
    progress
        Called with the share that is done and what is being done.

    Raises
    ------
    InputError
        If the size is unknown, or the folder is in use or cannot be written.
    """
    chosen = plan(size, seed, joint=joint)
    truths = truths or DEFAULT_TRUTH[size]
    report: Progress = progress or (lambda share, what: None)
    with _whole_or_nothing(folder) as partial:
        world = begin(chosen)
        return _write(partial, folder, chosen, world, truths, report)


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` that takes its place in the end, and is removed after a failure."""
    folder = Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is no folder: name one that does not exist yet, or an empty one")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty, and nothing in it is overwritten: name a new or an empty folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-partial-", dir=folder.parent))
    except OSError as error:
        raise InputError(f"cannot write into {folder.parent}: {error.strerror or error}") from error
    try:
        yield partial
        partial.replace(folder)
    except OSError as error:
        raise InputError(f"{folder} could not be written: {error.strerror or error}; nothing is left of it") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@dataclass(slots=True)
class _Tables:
    """The row files of a folder, open; ``rows`` counts what went into them."""

    ledgers: dict[str, files.RowFile]
    told: files.RowFile | None
    rows: dict[str, int] = field(default_factory=dict)

    def write(self, name: str, part: Sequence[files.Row]) -> None:
        """Append rows to a file."""
        self.ledgers[name].write(part)
        self.rows[name] = self.rows.get(name, 0) + len(part)


def _open_tables(partial: Path, suffix: str, truths: Truth, stack: ExitStack) -> _Tables:
    def opened(name: str, columns: dict[str, str], ending: str = suffix) -> files.RowFile:
        file = files.row_file(partial / f"{name}{ending}", columns)
        stack.callback(file.close)
        return file

    return _Tables(
        {
            f"bitcoin_outputs{suffix}": opened("bitcoin_outputs", files.OUTPUT_COLUMNS),
            f"bitcoin_inputs{suffix}": opened("bitcoin_inputs", files.INPUT_COLUMNS),
            f"ethereum_transfers{suffix}": opened("ethereum_transfers", files.TRANSFER_COLUMNS),
            "deposits.csv": opened("deposits", files.DEPOSIT_COLUMNS, ".csv"),
        },
        opened("truth", files.TRUTH_COLUMNS) if truths != "none" else None,
    )


def _write(partial: Path, folder: Path, chosen: Plan, world: World, truths: Truth, report: Progress) -> SimulateSummary:
    suffix = ".csv.gz" if chosen.size == "small" else ".parquet"
    beginning = _Beginning()
    etl: dict[str, str] = {}
    with ExitStack() as stack:
        tables = _open_tables(partial, suffix, truths, stack)
        for chunk in economy.run(world):
            deposits: list[files.Row] = [deposit[:-1] for deposit in chunk.deposits]
            parts: list[Sequence[files.Row]] = [chunk.outputs, chunk.inputs, chunk.transfers, deposits]
            for name, part in zip(tables.ledgers, parts, strict=True):
                tables.write(name, part)
            etl = etl or etl_form.tables(chunk.transfers)
            if tables.told is not None:
                tables.told.write(truth.really(chunk.deposits, world.sources))
            if truths == "rules":
                beginning.add(chunk)
            report(chunk.done * (0.7 if truths == "rules" else 1), "SYNTHETIC ledgers")
        if truths == "rules" and tables.told is not None:
            _write_rules(tables.told, beginning, world, report)
    sentence = _coverage(truths, beginning)
    _write_texts(partial, chosen, world, etl)
    written = readme.Written(tables.rows, sentence)
    (partial / "README.txt").write_text(readme.text(chosen, world, written, suffix), encoding="ascii", newline="\n")
    report(1.0, "done")
    return SimulateSummary(folder, chosen.size, chosen.seed, tables.rows, sentence, readme.commands(world, suffix))


def _coverage(truths: Truth, beginning: _Beginning) -> str:
    """What the truth covers, in a sentence."""
    if truths == "none":
        return "No truth was asked for (--truth none)."
    if truths == "really":
        return "Truth: whose money every deposit really was. Ask with --truth rules for what the rules say as well."
    count = len(beginning.deposits)
    which = f"every deposit ({count:,})" if beginning.whole else f"the first {count:,} deposits, on which no later row bears"
    return f"Truth: whose money every deposit really was, and what each rule says of {which}."


def _write_rules(told: files.RowFile, beginning: _Beginning, world: World, report: Progress) -> None:
    ledgers = truth.WholeLedgers(
        coin_ledger(beginning.outputs, beginning.inputs), list(account_ledger(beginning.transfers)), snapshot(world.cast)
    )
    for done, rule in enumerate(Rule):
        report(0.7 + 0.06 * done, f"what {rule} says")
        told.write(truth.by_rule(beginning.deposits, ledgers, Settings(rule=rule, max_hops=DEFAULT_HOPS)))


def _write_texts(partial: Path, chosen: Plan, world: World, etl: dict[str, str]) -> None:
    texts = {
        "ofac_edition_1.xml": lists.sanctions_list(chosen, world.cast, 0),
        "ofac_edition_2.xml": lists.sanctions_list(chosen, world.cast, 1),
        "services_tagpack.yaml": lists.services_pack(chosen, world.cast),
        "thefts_tagpack.yaml": lists.thefts_pack(chosen, world.cast),
        "own_tags.csv": lists.own_tags(world.cast),
        "prices.csv": lists.prices(chosen, world.accounts.token),
        "assets.csv": f"asset,symbol,decimals\n{world.accounts.token},SIMUSD,6\n",
        **{f"ethereum_etl/{name}": text for name, text in etl.items()},
    }
    if chosen.joint:
        rows = (f"{one.tx},{one.form},{one.owners}\n" for one in world.joints)
        texts["joint.csv"] = f"tx,form,owners\n{''.join(rows)}"
    (partial / "ethereum_etl").mkdir()
    for name, content in texts.items():
        (partial / name).write_text(content, encoding="ascii", newline="\n")
