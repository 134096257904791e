"""A ledger with dense numbers for its pots and coins, as memory-mapped columns: what compiled sweeps read.

One folder for each version and chain, under ``index`` in the store: made once, then reused. It appears whole or not at
all. Indexes of versions that nobody reads go when a new one is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from exposure.model.assets import chain as chain_of
from exposure.store import query
from exposure.store.dedup import hash_name
from exposure.store.index_places import MANIFEST, place_of
from exposure.store.numbering import kernels, marks
from exposure.store.numbering.accounts import number_accounts
from exposure.store.numbering.coins import COLUMNS as COIN_COLUMNS
from exposure.store.numbering.coins import number_coins
from exposure.store.numbering.columns import KINDS, Facts, Made, as_read, by_stretch, zeros
from exposure.store.numbering.names import texts
from exposure.store.parts import disk_errors, part_path, sync_folder
from exposure.store.store import Store
from exposure.store.versions import READERS

LOCK = "lock"
FORM = 3
"""Goes up whenever the columns change their meaning: older indexes are made anew."""
MEMORY = "3GB"
"""What the query engine may take while an index is made."""

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A chain's ledger in canonical order.

    ``columns`` of an account chain, one row for each transfer that moves value between addresses: ``source`` and ``target``
    (pot, or -1), ``low`` and ``high`` (the amount's two 64-bit words), ``block``, ``time``, ``tx`` (hash of its name), ``fee``.
    Of a UTXO chain, one row for each input and then each output of a transaction: ``tx_no``, ``coin`` (-1: not stored),
    ``address`` (-1: unknown), ``amount`` (-1: unknown), ``flags`` (1: an output, else an input; 2: of a coinbase; 4: of a
    transaction of which not all inputs are known with their values), ``tx`` and ``n`` (of the coin), ``block``, ``time``.
    A slice of a column is read from disk; ``block``, ``time`` and a ``high`` of zeros are made for the rows that are read.

    A pot is an (asset, address), numbered by first use, so that pots that are used together lie together; ``asset`` gives
    the place in ``assets`` of each, ``owner`` the number of its address.
    """

    facts: Facts
    asset: NDArray[np.int32]
    owner: NDArray[np.int32]
    columns: Mapping[str, Any]
    _marks: tuple[bytes, bytes]
    _names: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    _held: tuple[NDArray[np.int32], NDArray[np.int64]]
    place: Path
    """The folder that it lies in."""

    @property
    def utxo(self) -> bool:
        """Whether the chain has coins."""
        return self.facts.utxo

    @property
    def rows(self) -> int:
        """Number of transfers, or of inputs and outputs."""
        return self.facts.rows

    @property
    def pots(self) -> int:
        """Number of pots."""
        return self.facts.pots

    @property
    def assets(self) -> tuple[str, ...]:
        """Assets, sorted."""
        return self.facts.assets

    def find(self, addresses: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pots of some addresses: places in ``addresses``, ascending, and the pot at each.

        Cost: by the number of addresses asked for, not by the size of the ledger.
        """
        number = np.empty(len(addresses), np.int64)
        kernels.look_up(self._names, texts(addresses), np.uint64(self.facts.key), number)
        held, firsts = self._held
        place = np.flatnonzero(number >= 0)
        begin = np.asarray(firsts[number[place]])
        count = np.asarray(firsts[number[place] + 1]) - begin
        before = np.repeat(np.cumsum(count) - count, count)
        at = np.repeat(begin, count) + np.arange(int(count.sum())) - before
        return np.repeat(place, count), np.asarray(held[at], np.int64)

    def addresses(self, pots: NDArray[Any]) -> pa.Array:
        """The addresses of some pots."""
        _, octets, ends = self._names
        numbers = np.asarray(self.owner[pots], np.int64)
        offsets = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(ends[numbers + 1] - ends[numbers], out=offsets[1:])
        copied = np.empty(int(offsets[-1]), np.uint8)
        kernels.gather(octets, ends, numbers, offsets, copied)
        made = pa.Array.from_buffers(pa.large_string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(copied)])
        return made.cast(pa.string())

    def names(self) -> Iterator[tuple[int, pa.Array, pa.Array]]:
        """(first pot, assets, addresses) of all pots, in batches, in order of the pots."""
        assets = pa.array(self.assets, pa.string())
        for first in range(0, self.pots, 1 << 18):
            some = slice(first, first + (1 << 18))
            yield first, assets.take(pa.array(self.asset[some])), self.addresses(np.arange(self.pots)[some])

    def digest(self, rows: int, pots: int) -> str:
        """Digest of the first rows and of the pots that they use: the same in every version that begins with them.

        Cost: at most a million rows and names, and 8 bytes a pot.
        """
        _, octets, ends = self._names
        names = int(np.asarray(self.owner[:pots]).max(initial=-1)) + 1
        parts = (
            marks.row_digest(self._marks[0], self.columns, rows),
            marks.name_digest(self._marks[1], octets, ends, names),
            marks.pot_digest(self.owner, self.asset, self.assets, pots),
        )
        return b"".join(parts).hex()

    def hashes(self, names: Sequence[str]) -> list[int]:
        """The numbers under which transactions of these names stand in ``tx``."""
        if not self.utxo:
            found = np.empty(len(names), np.uint64)
            kernels.hash_texts(texts(pa.array(names, pa.string())), np.uint64(self.facts.key), found)
            return [int(value) for value in found]
        if not names:
            return []
        with _engine(Path(tempfile.gettempdir()), Path(tempfile.gettempdir())) as engine:
            return [int(str(query.rows(engine, "select hash($name)", {"name": name})[0][0])) for name in names]

    def named(self, files: Sequence[str], wanted: NDArray[np.uint64]) -> Iterator[tuple[int, str]]:
        """(number, name) of transactions of an account chain, looked for in its parts."""
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["tx"]):
                    found = np.empty(batch.num_rows, np.uint64)
                    kernels.hash_texts(texts(batch.column("tx")), np.uint64(self.facts.key), found)
                    at = np.flatnonzero(np.isin(found, wanted))
                    yield from zip(found[at].tolist(), batch.column("tx").take(pa.array(at)).to_pylist(), strict=True)


@contextlib.contextmanager
def numbered(store: Store, chain: str, advance: Advance = lambda done, total: None) -> Iterator[Numbered]:
    """The numbered ledger of a chain, made if this version has none yet.

    Cost: an account chain is read once, in order; the names of its addresses and 40 bytes for each are held in memory. It
    takes 29 bytes a transfer on disk, and 80 and its name for an address. A UTXO chain is joined and sorted by the query
    engine. Where the store cannot be written to, the index is made in a temporary folder that goes afterwards.

    Parameters
    ----------
    advance
        Told (rows numbered, rows in all) while an index is made.

    Raises
    ------
    StoreError
        If the disk is full or the ledger cannot be read; then no index is left behind.
    """
    place = place_of(store, chain)
    root, temporary = place.parent, None
    found = _opened(place)
    if found is not None:
        yield found
        return
    try:
        root.mkdir(mode=0o700, exist_ok=True)
        if not os.access(root, os.W_OK):
            raise PermissionError
    except OSError:
        temporary = root = Path(tempfile.mkdtemp(prefix="exposure-"))
    try:
        place = root / place.name
        with alone(store.path, root):
            found = _opened(place)  # somebody else may have made it meanwhile
            if found is None:
                _make(store, chain, root, place, advance)
                found = _opened(place)
        assert found is not None
        yield found
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _opened(place: Path) -> Numbered | None:
    """An index that is there, of this form and hash function, with files as they were made; else None."""
    try:
        said = json.loads((place / MANIFEST).read_text())
        if said.pop("form") != FORM or said.pop("files") != stamps(place):
            return None
        hashed, slots = said.pop("hash"), said.pop("slots")
        facts = Facts(**{**said, "assets": tuple(said["assets"])})
        if facts.utxo:
            with _engine(place, place) as engine:
                if hashed != hash_name(engine):
                    return None
        found = _mapped(place, facts)
        owner, asset, held = (array_file(place, name, "i4", facts.pots) for name in ("owner", "asset", "held"))
        firsts, ends = (array_file(place, name, "i8", facts.names + 1) for name in ("firsts", "ends"))
        octets = array_file(place, "names", "u1", int(ends[-1]))
        table = array_file(place, "slots", "u8", slots)
        marked = ((place / "marks.bin").read_bytes(), (place / "name_marks.bin").read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Numbered(facts, asset, owner, found, marked, (table, octets, ends), (held, firsts), place)


def _mapped(place: Path, facts: Facts) -> dict[str, Made]:
    names = COIN_COLUMNS if facts.utxo else ("source", "target", "low", "tx", "fee")
    columns = {name: _column(place, name, KINDS[name], facts.rows) for name in names}
    stretch = _column(place, "stretch", "i4", facts.rows)
    for name in ("block", "time"):
        columns[name] = by_stretch(stretch, array_file(place, f"{name}s", "i8", facts.stretches))
    if not facts.utxo:
        columns["high"] = _column(place, "high", "u8", facts.rows) if facts.wide else zeros(facts.rows)
    return columns


def _column(place: Path, name: str, kind: str, length: int) -> Made:
    return as_read(place / f"{name}.bin", array_file(place, name, kind, length))


def array_file(place: Path, name: str, kind: Any, length: int) -> NDArray[Any]:
    """An array of an index, mapped; its file must have the right length."""
    path = place / f"{name}.bin"
    if path.stat().st_size != length * np.dtype(kind).itemsize:
        raise ValueError(f"{path} has another length than its manifest says")
    return np.memmap(path, kind, "r") if length else np.empty(0, kind)


@contextlib.contextmanager
def _engine(folder: Path, spill: Path) -> Iterator[query.Engine]:
    engine = query.connect(folder, spill, memory=MEMORY)
    try:
        yield engine
    finally:
        engine.close()


@contextlib.contextmanager
def alone(folder: Path, root: Path) -> Iterator[None]:
    """One process at a time makes indexes in a store; the others wait for it."""
    with disk_errors(folder):
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_read(folder: Path, version: str) -> bool:
    """Whether some process has a version of the store open."""
    try:
        handle = os.open(folder / READERS / version, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _make(store: Store, chain: str, root: Path, place: Path, advance: Advance) -> None:
    """Make an index beside its place, then give it its name; what is older, and what killed makers left, goes."""
    with disk_errors(store.path):
        for old in root.iterdir():
            version = old.name.partition("-")[0]
            if old.is_dir() and (old.suffix == ".part" or old == place or not _is_read(store.path, version)):
                shutil.rmtree(old, ignore_errors=True)
        part = root / f"{place.name}.{secrets.token_hex(4)}.part"
        (part / "spill").mkdir(mode=0o700, parents=True)
        part.chmod(0o700)
        try:
            with _engine(store.path, part / "spill") as engine:
                facts = _filled(store, chain, engine, part, advance)
                said = {"form": FORM, "hash": hash_name(engine), **asdict(facts)}
            said["slots"] = (part / "slots.bin").stat().st_size // 8
            ends = array_file(part, "ends", "i8", facts.names + 1)
            (part / "marks.bin").write_bytes(marks.marks(_mapped(part, facts), facts.rows))
            (part / "name_marks.bin").write_bytes(marks.name_marks(array_file(part, "names", "u1", int(ends[-1])), ends))
            shutil.rmtree(part / "spill", ignore_errors=True)
            for file in part.iterdir():
                settle(file)
            said["files"] = stamps(part)
            (part / MANIFEST).write_text(json.dumps(said))
            settle(part / MANIFEST)
            sync_folder(part)
            part.replace(place)
            sync_folder(root)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def _filled(store: Store, chain: str, engine: query.Engine, part: Path, advance: Advance) -> Facts:
    if chain_of(chain).ledger != "utxo":
        return number_accounts(store.path, store.parts("transfers", chain), engine, part, advance)
    outputs, inputs = (
        [str(part_path(store.path, one)) for one in store.parts(table, chain)] for table in ("outputs", "inputs")
    )
    return number_coins(f"{chain}/native", outputs, inputs, engine, part, advance)


def stamps(folder: Path) -> dict[str, list[int]]:
    """Length and time of the last change of each array of an index: one that was written to since it was made is no more."""
    facts = {file.name: file.stat() for file in sorted(folder.glob("*.bin"))}
    return {name: [fact.st_size, fact.st_mtime_ns] for name, fact in facts.items()}


def settle(file: Path) -> None:
    """Make a file readable for its owner alone, and lasting."""
    file.chmod(0o600)
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
