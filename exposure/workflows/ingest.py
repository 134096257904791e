"""Import of bulk files: recognise, read, put aside in the store, swap in; or show what would be."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exposure.errors import InputError
from exposure.model.sentences import Sentence
from exposure.text import shown
from exposure.workflows.rejects import Rejected, RejectsFile

if TYPE_CHECKING:  # annotations only: what follows is imported when an import runs
    import pyarrow as pa

    from exposure.sources.bulk.batches import Batch, Findings, ReadOptions
    from exposure.sources.bulk.containers import Member, Opened
    from exposure.store.store import Store
    from exposure.store.writer import Writer

FORM_NAMES = ("auto", "own", "ethereum-etl", "bitcoin-etl", "aws", "raw-blocks", "prices", "assets")
PREVIEW_ROWS = 5
_LISTED_GAPS = 5
_DENSE = 0.2  # an extract of some addresses also has blocks between its rows; what holds fewer is no range of blocks

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many records or rows of it are done, and of how many, if that is known."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import and how. ``columns`` are values of ``--map``; ``whole_ledger`` declares completeness."""

    form: str = "auto"
    chain: str | None = None
    asset: str | None = None
    columns: tuple[str, ...] = ()
    height: int | None = None
    currency: str | None = None
    whole_ledger: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class TableCount:
    """Rows of one table: ``read`` = stored + duplicate + rejected. In a dry run ``stored`` is what would be handed in."""

    table: str
    read: int
    stored: int
    duplicate: int
    rejected: int


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import did. ``forms``: (file, name of its form, the form in words). ``records``: rows, lines or
    transactions in the files. ``preview`` (dry run): the first rows by table, as read."""

    import_id: str
    version: int | None
    forms: tuple[tuple[str, str, str], ...]
    records: int
    tables: tuple[TableCount, ...]
    rejects_file: Path | None = None
    rejects: tuple[Rejected, ...] = ()
    warnings: tuple[str, ...] = ()
    preview: Mapping[str, pa.Table] = field(default_factory=dict)
    dry_run: bool = False

    @property
    def rejected(self) -> int:
        """Rows rejected in all tables."""
        return sum(count.rejected for count in self.tables)


def ingest(
    paths: Sequence[str | Path], options: ImportOptions, *, store: Store | None, progress: Progress | None = None
) -> ImportSummary:
    """Import files into a store, all of them as one version; nothing is stored if anything fails.

    Parameters
    ----------
    paths
        Files, or ``-`` for standard input.
    options
        What they are. With ``dry_run`` everything is read and checked, and nothing is stored.
    store
        The store; may be None in a dry run.
    progress
        Told how far reading is, and then sorting.

    Raises
    ------
    InputError
        If a file cannot be read or recognised, or an option does not fit.
    StoreError
        If the store cannot be written.
    """
    from exposure.sources.bulk.batches import Findings, ReadOptions
    from exposure.sources.bulk.containers import opened
    from exposure.sources.bulk.mapping import read_mapping

    if not paths:
        raise InputError("name the files to import, or - for standard input")
    if store is None and not options.dry_run:
        raise InputError("an import needs a store")
    texts = [str(path) for path in paths]
    import_id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    columns = read_mapping(options.columns)
    done = 0

    def tick(records: int) -> None:
        nonlocal done
        done += records
        if progress is not None:
            progress("records read", done, None)

    with ExitStack() as stack:
        if store is None or options.dry_run:
            writer, rejects_folder, parent = None, None, None
        else:
            # The writer's lock comes first: what lies about of killed imports can be swept, and nobody reads in vain.
            writer = stack.enter_context(store.writer(import_id, complete=options.whole_ledger))
            _sweep(store.path)
            # Beside the store, not in the system's folder: unpacked ledgers are large, and they are somebody's secret.
            rejects_folder, parent = store.path / "rejects", store.path
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_WORK, dir=parent)))
        read = ReadOptions(options.chain, options.asset, columns, options.height, options.currency, work)
        rejects = stack.enter_context(RejectsFile(rejects_folder, import_id))
        findings = Findings(rejects.add, tick=tick)
        files = stack.enter_context(opened(texts, work))
        forms = _forms(files.members, options.form, read)
        batches = _noted(_batches(forms, read, findings), findings)
        if writer is None:
            return _dry_run(import_id, _described(forms), batches, findings, rejects)
        advance = progress or (lambda what, done, total: None)
        return _stored(import_id, files, options, forms, batches, findings, rejects, writer, advance)


_WORK = ".import-"


def _sweep(folder: Path) -> None:
    """Delete the temporary folders of imports that were killed; holding the writer's lock, there is no other import."""
    for left in folder.glob(f"{_WORK}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in (folder / "rejects").glob("*.part"):
        left.unlink(missing_ok=True)


def _forms(files: Sequence[Member], told: str, read: ReadOptions) -> list[tuple[Member, str]]:
    from exposure.sources.bulk.forms import FORMS, recognise

    if told != "auto" and told not in FORMS:
        raise InputError(f"there is no form {shown(told)}: use one of {', '.join(FORM_NAMES)}")
    return [(file, recognise(file, read) if told == "auto" else told) for file in files]


def _described(forms: Iterable[tuple[Member, str]]) -> tuple[tuple[str, str, str], ...]:
    from exposure.sources.bulk.forms import FORMS

    return tuple((file.name, form, FORMS[form].title) for file, form in forms)


def _batches(forms: Sequence[tuple[Member, str]], read: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Batches of every form in turn; the files of one form are read together, since its tables may need each other."""
    from exposure.sources.bulk.forms import FORMS

    for form in dict.fromkeys(name for _, name in forms):
        yield from FORMS[form].read([file for file, name in forms if name == form], read, findings)


def _noted(batches: Iterator[Batch], findings: Findings) -> Iterator[Batch]:
    """Pass batches on, noting the blocks of chains whose files were meant to hold every one."""
    for batch in batches:
        if batch.table in ("transfers", "outputs"):
            import pyarrow.compute as pc

            for chain in pc.unique(batch.rows.column("chain")).to_pylist():
                if chain in findings.every_block:
                    findings.see_blocks(chain, batch.rows.column("block").to_numpy())
        yield batch


def _dry_run(
    import_id: str,
    forms: tuple[tuple[str, str, str], ...],
    batches: Iterator[Batch],
    findings: Findings,
    rejects: RejectsFile,
) -> ImportSummary:
    import pyarrow as pa

    preview: dict[str, pa.Table] = {}
    rows: dict[str, int] = {}
    for batch in batches:
        rows[batch.table] = rows.get(batch.table, 0) + batch.rows.num_rows
        missing = PREVIEW_ROWS - (preview[batch.table].num_rows if batch.table in preview else 0)
        if missing > 0:
            first = batch.rows.slice(0, missing)
            preview[batch.table] = pa.concat_tables([preview[batch.table], first]) if batch.table in preview else first
    counts = tuple(
        TableCount(table, rows.get(table, 0) + rejects.counts[table], rows.get(table, 0), 0, rejects.counts[table])
        for table in dict.fromkeys([*rows, *rejects.counts])
    )
    warnings = (*findings.warnings, *(sentence for _, sentence in _gap_sentences(findings)))
    return ImportSummary(
        import_id, None, forms, findings.records, counts, None, tuple(rejects.examples), warnings, preview, dry_run=True
    )


def _stored(
    import_id: str,
    files: Opened,
    options: ImportOptions,
    forms: Sequence[tuple[Member, str]],
    batches: Iterator[Batch],
    findings: Findings,
    rejects: RejectsFile,
    writer: Writer,
    advance: Progress,
) -> ImportSummary:
    from exposure.sources.bulk.batches import Reject
    from exposure.store.writer import ImportRecord

    handed: dict[str, int] = {}
    chains: dict[str, None] = {}
    for batch in batches:
        writer.append(batch.table, batch.rows)
        handed[batch.table] = handed.get(batch.table, 0) + batch.rows.num_rows
        if batch.table != "prices":
            chains |= dict.fromkeys(batch.rows.column("chain").unique().to_pylist())
    gaps = list(_gap_sentences(findings))
    _void(writer, findings, rejects, chains, gaps)
    for asset, (symbol, decimals) in findings.descriptions.items():
        writer.describe_asset(asset, symbol, decimals)
    if any(_says_synthetic(path.parent / "README.txt") for _, path in files.sources):
        writer.state_fact("synthetic", "yes")
    told = {"form": options.form, "chain": options.chain or "", "asset": options.asset or "", "map": " ".join(options.columns)}
    told["whole_ledger"] = str(options.whole_ledger)
    hashes = [(name, *_digest(path)) for name, path in files.sources]
    record = ImportRecord(hashes, told, {**handed, "rejected": rejects.total})
    result = writer.commit(record, advance)
    read_rejects = dict(rejects.counts)
    for table, key, reason in result.conflicts:
        rejects.add(Reject(table, "", 0, reason, key))
    counts = []
    for table in dict.fromkeys([*handed, *read_rejects]):
        rejected = read_rejects.get(table, 0) + result.rejected.get(table, 0)
        stored, duplicate = result.stored.get(table, 0), result.duplicate.get(table, 0)
        counts.append(TableCount(table, stored + duplicate + rejected, stored, duplicate, rejected))
    warnings = (*findings.warnings, *(sentence for _, sentence in gaps), *_undeclared(options, findings, rejects))
    return ImportSummary(
        import_id,
        result.version,
        _described(forms),
        findings.records,
        tuple(counts),
        rejects.keep(),
        tuple(rejects.examples),
        warnings,
    )


def _void(
    writer: Writer, findings: Findings, rejects: RejectsFile, chains: Iterable[str], gaps: Iterable[tuple[str, str]]
) -> None:
    """Tell the store why a declaration of completeness cannot hold; without one this changes nothing."""
    for (chain, asset), reasons in findings.voids.items():
        writer.void(chain, "; ".join(reasons), asset)
    for chain, sentence in gaps:
        if findings.every_block[chain] == 1:
            writer.void(chain, sentence)
    ledger_rows = rejects.total - rejects.counts["prices"] - rejects.counts["assets"]
    if ledger_rows:
        for chain in chains:
            writer.void(chain, str(Sentence("stored.rejected", n=ledger_rows)))


def _undeclared(options: ImportOptions, findings: Findings, rejects: RejectsFile) -> Iterator[str]:
    if not options.whole_ledger:
        return
    for (_, asset), reasons in findings.voids.items():
        yield f"--whole-ledger does not hold for {'any asset' if asset == '*' else asset}: {'; '.join(reasons)}"
    if rejects.total - rejects.counts["prices"] - rejects.counts["assets"]:
        yield "--whole-ledger does not hold: rows were rejected"


def _gap_sentences(findings: Findings) -> Iterator[tuple[str, str]]:
    """(chain, sentence) for each chain of which blocks are missing between the first and the last one read."""
    for chain, least in findings.every_block.items():
        seen = findings.blocks.get(chain)
        span = seen.span() if seen is not None else None
        if seen is None or span is None:
            continue
        first, last, distinct = span
        gaps = seen.gaps(least)
        if distinct < _DENSE * (last - first + 1):
            yield chain, str(Sentence("stored.few_blocks", chain=chain, n=distinct, first=first, last=last))
        elif gaps:
            longest = sorted(sorted(gaps, key=lambda gap: -gap.length)[:_LISTED_GAPS])
            runs = ", ".join(f"{gap.first} to {gap.last}" if gap.length > 1 else str(gap.first) for gap in longest)
            missing, more = sum(gap.length for gap in gaps), len(gaps) - len(longest)
            key = "stored.missing_more" if more else "stored.missing_blocks"
            yield chain, str(Sentence(key, chain=chain, runs=runs, n=missing, **({"more": more} if more else {})))


def _says_synthetic(readme: Path) -> bool:
    """Whether `exposure simulate` wrote the folder: its README says so in its first word."""
    try:
        with readme.open("rb") as file:
            return file.read(9) == b"SYNTHETIC"
    except OSError:
        return False


def _digest(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size
