"""Raw Bitcoin blocks: files of a node (magic, length, block, in the order of arrival) and single blocks.

The order in a node's file is not the chain's, and blocks that lost a race lie among the others. So a file is surveyed
first: heights follow from the genesis block, from coinbases that state theirs (BIP 34), from ``--height``, and along the
hashes of previous blocks; of several branches the longest is taken. Previous outputs are not in the files: inputs carry
neither address nor amount, the store finds both where it has the parents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from exposure.errors import InputError
from exposure.model import addresses
from exposure.model.assets import Chain
from exposure.model.assets import chain as chain_of
from exposure.model.ledger import LAST_INDEX
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions, Reject
from exposure.sources.bulk.block_mask import Seekable, block_stream, key_of, unmasked
from exposure.sources.bulk.block_parser import (
    HEADER_BYTES,
    MAX_BLOCK,
    BlockError,
    coinbase_height,
    read_block,
    read_header,
)
from exposure.sources.bulk.containers import Member
from exposure.sources.bulk.stored import python_rows

MAGICS = {
    b"\xf9\xbe\xb4\xd9": "bitcoin",
    b"\x0b\x11\x09\x07": "bitcoin-testnet",
    b"\xfa\xbf\xb5\xda": "bitcoin-regtest",
}
GENESIS = {
    "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f": "bitcoin",
    "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943": "bitcoin-testnet",
    "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206": "bitcoin-regtest",
}
_FIRST_STATED = {"bitcoin": 224_413, "bitcoin-testnet": 21_111}
"""Height from which the chain's rules let no block of version 2 state a wrong height; before, it may be anything."""

_GENESIS_TIME = 1_231_006_505
_NO_PARENT = "0" * 64
_SURVEY_BYTES = 400
_BATCH_ROWS = 20_000
_MAX_AMOUNT = 21_000_000 * 10**8


Row = tuple[object, ...]


class _Found(NamedTuple):
    """A block as surveyed."""

    member: int
    offset: int
    size: int
    hash: str
    previous: str
    time: int
    stated: int | None


def is_block_file(head: bytes) -> bool:
    """Whether these are the first bytes of a node's block file or of a single block."""
    if head[:4] in MAGICS:
        return True
    # A single block: a plausible version and time, and a coinbase as first transaction.
    if len(head) < HEADER_BYTES + 46:
        return False
    header = read_header(head)
    start = HEADER_BYTES + {0xFD: 3, 0xFE: 5}.get(head[HEADER_BYTES], 1) + 4
    if head[start : start + 2] == b"\x00\x01":
        start += 2
    null = b"\x01" + bytes(32) + b"\xff" * 4
    return header.time >= _GENESIS_TIME and head[start : start + len(null)] == null


def recognised_key(file: Member) -> bytes | None:
    """The key under which a file's head is that of a block file (zeros: as it stands), or None if it is none."""
    head = file.head(_SURVEY_BYTES)
    for key in dict.fromkeys((bytes(8), key_of(file))):
        if is_block_file(unmasked(head, 0, key)):
            return key
    return None


def read_blocks(files: Sequence[Member], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Outputs and inputs of the blocks of the longest chain in the files, in the files' order.

    Raises
    ------
    InputError
        If the files are of different chains, or nothing in them tells at which height they lie.
    """
    with ExitStack() as stack:
        streams = [stack.enter_context(block_stream(file, options.work, recognised_key(file) or bytes(8))) for file in files]
        found: list[_Found] = []
        names = set()
        for number, stream in enumerate(streams):
            blocks, name = _survey(number, files[number].name, stream, findings)
            found += blocks
            names |= {name} if name else set()
        chain = _chain(names | {GENESIS[one.hash] for one in found if one.hash in GENESIS}, options)
        if not found:
            return
        heights = _heights(found, chain, options.height)
        findings.every_block[chain.name] = 1
        kept = _longest(found, heights)
        outputs: list[Row] = []
        inputs: list[Row] = []
        for one in found:
            file = files[one.member].name
            height = heights.get(one.hash)
            if height is None:
                reason = f"block {one.hash}: nothing tells its height: give its file with --height, or the blocks before it"
                findings.reject(Reject("outputs", file, one.offset, reason, one.hash))
                continue
            if one.hash not in kept:
                reason = f"block {one.hash} at height {height} is not on the longest chain of these files"
                findings.reject(Reject("outputs", file, one.offset, reason, one.hash))
                continue
            streams[one.member].seek(one.offset)
            try:
                made, spent, count = _rows(streams[one.member].read(one.size), height, chain)
            except BlockError as error:
                findings.reject(Reject("outputs", file, one.offset, f"block {one.hash}: {error}", one.hash))
                continue
            findings.count(count)
            outputs += made
            inputs += spent
            if len(outputs) + len(inputs) >= _BATCH_ROWS:
                yield from _flush(outputs, inputs)
                outputs, inputs = [], []
        yield from _flush(outputs, inputs)


def _chain(names: set[str], options: ReadOptions) -> Chain:
    if len(names) > 1:
        raise InputError(f"the block files are of several chains ({', '.join(sorted(names))}): import them one by one")
    if options.chain:
        chain = chain_of(options.chain)
        if names and chain.name not in names:
            raise InputError(f"the block files are of {names.pop()}, not of {chain.name}")
        if chain.ledger != "utxo":
            raise InputError(f"block files hold UTXO chains, and {chain.name} is none")
        return chain
    return chain_of(names.pop() if names else "bitcoin")


def _flush(outputs: list[Row], inputs: list[Row]) -> Iterator[Batch]:
    if outputs:
        yield Batch("outputs", python_rows("outputs", outputs))
    if inputs:
        yield Batch("inputs", python_rows("inputs", inputs))


def _survey(number: int, name: str, stream: Seekable, findings: Findings) -> tuple[list[_Found], str | None]:
    """Where the blocks of a file lie. What is no block is rejected with its offset."""
    size = stream.seek(0, 2)
    stream.seek(0)
    magic = stream.read(4)
    if magic not in MAGICS:
        stream.seek(0)
        head = stream.read(_SURVEY_BYTES)
        block = _look(number, 0, size, head) if is_block_file(head) and size <= MAX_BLOCK else None
        if block is None:
            raise InputError(
                f"{name} is no block file: it starts with neither a known magic nor a block header; newer nodes write them "
                "under a key: copy the file xor.dat from the node's folder beside it"
            )
        return [block], None
    found = []
    offset = 0
    while offset < size:
        stream.seek(offset)
        head = stream.read(8 + _SURVEY_BYTES)
        if head[:4] != magic:
            following = _next_magic(stream, offset, magic)
            end = size if following is None else following
            if not _all_zero(stream, offset, end):  # a node fills its last file up with zeros
                reason = f"{end - offset} bytes at offset {offset} are no block"
                findings.reject(Reject("outputs", name, offset, reason, head[:16].hex()))
            offset = end
            continue
        length = int.from_bytes(head[4:8], "little")
        left = size - offset - 8
        block = _look(number, offset + 8, length, head[8:]) if len(head) >= 8 and length <= min(left, MAX_BLOCK) else None
        if block is None:
            following = _next_magic(stream, offset + 4, magic)
            if length > left:
                reason = f"the block at offset {offset} is cut off: {length} bytes announced, {left} there"
            else:
                reason = f"the block at offset {offset} announces {length} bytes, which no block has"
            findings.reject(Reject("outputs", name, offset, reason, head[:16].hex()))
            offset = size if following is None else following
            continue
        found.append(block)
        offset += 8 + length
    return found, MAGICS[magic]


def _look(number: int, offset: int, size: int, head: bytes) -> _Found | None:
    if size <= HEADER_BYTES or len(head) < HEADER_BYTES:
        return None
    header = read_header(head)
    stated = coinbase_height(head[:size]) if header.version >= 2 else None
    return _Found(number, offset, size, header.hash, header.previous, header.time, stated)


def _next_magic(stream: Seekable, start: int, magic: bytes) -> int | None:
    stream.seek(start)
    place, tail = start, b""
    while part := stream.read(1 << 20):
        window = tail + part
        at = window.find(magic)
        if at >= 0:
            return place - len(tail) + at
        tail = window[-3:]
        place += len(part)
    return None


def _all_zero(stream: Seekable, start: int, end: int) -> bool:
    stream.seek(start)
    left = end - start
    while left > 0 and (part := stream.read(min(left, 1 << 20))):
        if part.strip(b"\x00"):
            return False
        left -= len(part)
    return True


def _heights(found: Sequence[_Found], chain: Chain, first: int | None) -> dict[str, int]:
    """Height of each block by hash; blocks that nothing connects to a known height are left out.

    Raises
    ------
    InputError
        If no block has a known height, or ``--height`` contradicts what the blocks say.
    """
    known: dict[str, int] = {}
    least = _FIRST_STATED.get(chain.name, 1)
    for one in found:
        if one.hash in GENESIS or one.previous == _NO_PARENT:
            known[one.hash] = 0
        elif one.stated is not None and one.stated >= least and (chain.name != "bitcoin" or _plausible(one)):
            known[one.hash] = one.stated
    if first is not None:
        told = known.setdefault(found[0].hash, first)
        if told != first:
            raise InputError(f"--height {first}: the first block ({found[0].hash}) says itself that it is at height {told}")
    if not known:
        raise InputError(
            f"nothing tells the height of the first block ({found[0].hash}): add --height, or the blocks before it up to one "
            "that states its height"
        )
    children: dict[str, list[_Found]] = {}
    for one in found:
        children.setdefault(one.previous, []).append(one)
    parents = {one.hash: one.previous for one in found}
    waiting, settled = list(known), set[str]()
    while waiting:
        at = waiting.pop()
        if at in settled:
            continue
        settled.add(at)
        around = [(child.hash, known[at] + 1) for child in children.get(at, ())]
        if parents[at] in parents and known[at] > 0:
            around.append((parents[at], known[at] - 1))
        for block, height in around:
            if known.setdefault(block, height) != height:
                heights = f"{known[block]} and {height}"
                raise InputError(f"block {block} would lie at heights {heights}: the files, or they and --height, contradict")
            waiting.append(block)
    return known


def _plausible(one: _Found) -> bool:
    """Whether a stated height fits the block's time, ten minutes a block, give or take a factor of two."""
    expected = (one.time - _GENESIS_TIME) // 600
    return one.stated is not None and expected // 2 <= one.stated <= expected * 2


def _longest(found: Sequence[_Found], heights: dict[str, int]) -> set[str]:
    """Hashes of the blocks on the longest branch; of two that are equally long, on the one that came first."""
    placed = {one.hash: one for one in found if one.hash in heights}
    parents = {one.previous for one in placed.values()}
    tips = [block for block in placed if block not in parents]
    kept: set[str] = set()
    lost: set[str] = set()
    for tip in sorted(tips, key=lambda block: -heights[block]):
        branch = []
        at = tip
        while at in placed and at not in kept and at not in lost:
            branch.append(at)
            at = placed[at].previous
        (lost if at in kept or at in lost else kept).update(branch)
    return kept


def _rows(octets: bytes, height: int, chain: Chain) -> tuple[list[Row], list[Row], int]:
    """Outputs, inputs and the number of transactions of a block; all of it, or a BlockError."""
    header, transactions = read_block(octets)
    outputs: list[Row] = []
    inputs: list[Row] = []
    for place, transaction in enumerate(transactions):
        tx_index = LAST_INDEX if transaction.coinbase else place
        where = (height, tx_index, header.time)
        if not transaction.coinbase:
            for n, spent in enumerate(transaction.inputs):
                inputs.append((chain.name, transaction.txid, n, *where, spent.spent_tx, spent.spent_n, None, None, 0))
        for n, made in enumerate(transaction.outputs):
            if made.amount > _MAX_AMOUNT:
                raise BlockError(f"output {n} of {transaction.txid} makes {made.amount} satoshis, more than there can be")
            address, kind = _address(made.script, chain.name)
            amount = Decimal(made.amount)
            outputs.append((chain.name, transaction.txid, n, *where, address, amount, kind, transaction.coinbase, 0))
    return outputs, inputs, len(transactions)


@lru_cache(maxsize=1 << 16)
def _address(script: bytes, chain: str) -> tuple[str, str]:
    return addresses.script_address(script, chain)
