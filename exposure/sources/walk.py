"""How far the history of an address on an account chain has been walked: rows kept, gaps found, and a cursor to go on from.

Shared by every source of EVM chains and of TRON, so that they keep and leave out the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exposure.errors import SourceError
from exposure.model.assets import WELL_KNOWN, Chain
from exposure.net.http import Reply
from exposure.sources.movements import Movement, Movements
from exposure.sources.remote import ANY_ADDRESS, NATIVE, TOKENS, Answer, Balance, Block, Covered, Page, Question, answer

MAX_TOKENS = 1_000
"""Tokens of one address that are looked at one by one; who is sent more than that is being flooded."""

UNCHECKED = "its balance was not asked for, so nothing proves that its transfers are all of its movements"
_FIRST_BLOCK_TIME = 1_231_006_505  # no chain has a block before Bitcoin's first; the block before the first may say 0
_GENESIS = "genesis:0"
_MOST_PLACES = 500_000
_STATE = ("step", "at", "tokens", "voids", "late", "late_unknown", "openings", "done")
FLOODED = f"more than {MAX_TOKENS:,} tokens moved, and only those were checked against balances"


@dataclass(slots=True)
class Walk:
    """The state of a walk. ``step`` and ``at`` say where it stands; ``late``: flows above ``until``, by asset;
    ``late_unknown``: not all of them were seen.
    ``openings``: balances just before the first block asked for, by asset; ``places``: blocks of the transactions seen."""

    question: Question
    chain: Chain
    step: str
    at: dict[str, str | int] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)
    voids: dict[str, str] = field(default_factory=dict)
    late: dict[str, int] = field(default_factory=dict)
    done: dict[str, tuple[int, int]] = field(default_factory=dict)
    late_unknown: bool = False
    openings: dict[str, int] = field(default_factory=dict)
    where: str = ""
    places: dict[str, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, question: Question, chain: Chain, cursor: str | None, first: str, where: str = "") -> Walk:
        """A walk from the beginning, or from where a cursor says. ``where``: the host, for messages.

        Raises
        ------
        SourceError
            If the cursor is none of ours.
        """
        if cursor is None:
            return cls(question, chain, first, where=where)
        try:
            state = json.loads(cursor)
            done = {kind: (int(low), int(high)) for kind, (low, high) in state["done"].items()}
            return cls(
                question,
                chain,
                state["step"],
                state["at"],
                state["tokens"],
                state["voids"],
                state["late"],
                done,
                state["late_unknown"],
                where=where,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SourceError("the place to go on from cannot be read: fetch the address from the beginning") from None

    def cursor(self) -> str:
        """The state as a text."""
        return json.dumps({name: getattr(self, name) for name in _STATE}, separators=(",", ":"))

    def take(self, found: Movements) -> list[Movement]:
        """The rows to keep: those that the address (or anybody) sends or receives, within the blocks asked for.

        What lies above them is summed up, so that a balance of now can be taken back to the last block asked for.

        Raises
        ------
        SourceError
            If the rows contradict each other, or the block up to which they are asked for, in block and time.
        """
        self._agree(found.rows)
        address, until = self.question.address, self.question.until.height
        kept = []
        for asset, reason in found.voids.items():
            self.voids.setdefault(asset, reason)
        if address == ANY_ADDRESS:
            return [row for row in found.rows if self.question.since <= row.block <= until]
        for row in found.rows:
            if address not in (row.sender, row.receiver) or row.block < self.question.since:
                continue
            if row.block > until:
                if row.status != "failed":
                    flow = row.amount * ((row.receiver == address) - (row.sender == address))
                    self.late[row.asset] = self.late.get(row.asset, 0) + flow
                continue
            kept.append(row)
            if row.asset != self.chain.native:
                self._count(row.asset)
        return kept

    def _agree(self, rows: Sequence[Movement]) -> None:
        """A later block is no earlier, and a transaction stands in one block: who says otherwise says something wrong."""
        places = self.places
        until, now = self.question.until.height, self.question.until.time
        times = {until: now} if now else {}
        if len(places) > _MOST_PLACES:
            places.clear()
        for row in rows:
            if row.time < _FIRST_BLOCK_TIME and row.tx != _GENESIS:
                raise self._wrong(f"block {row.block:,} has the time {row.time}, before there were blockchains")
            if places.setdefault(row.tx, row.block) != row.block:
                raise self._wrong(f"transaction {row.tx} stands in block {places[row.tx]:,} and in block {row.block:,}")
            if times.setdefault(row.block, row.time) != row.time:
                raise self._wrong(f"block {row.block:,} has two times, {times[row.block]} and {row.time}")
        before = 0
        for block in sorted(times):
            if times[block] < before:
                raise self._wrong(f"block {block:,} has the time {times[block]}, and an earlier block has {before}")
            before = times[block]

    def _wrong(self, what: str) -> SourceError:
        return SourceError(
            f"{self.where or 'the source'} contradicts itself: {what}; nothing of this page is stored. Try again, or use "
            "another source"
        )

    def by_weight(self) -> list[str]:
        """Tokens in the order in which their balances are asked for: well-known ones, then those with the most transfers.

        Whoever floods an address with tokens must not push out those that matter.
        """
        return sorted(self.tokens, key=lambda asset: (asset not in WELL_KNOWN, -self.tokens[asset], asset))

    def unlisted(self, held: Mapping[str, int]) -> None:
        """Say of tokens that the address holds although no transfer of them is listed that their history is not whole."""
        known = (*self.tokens, self.chain.native)
        found = [asset for asset, amount in held.items() if amount and asset not in known]
        for asset in found[:MAX_TOKENS] if not self.question.since else ():
            self.voids.setdefault(asset, "the address holds some of it, and no transfer of it is listed")

    def _count(self, asset: str) -> None:
        if asset in self.tokens or len(self.tokens) < MAX_TOKENS:
            self.tokens[asset] = self.tokens.get(asset, 0) + 1
        else:
            self.voids.setdefault(TOKENS, FLOODED)

    def covers(self, kind: str, first: int, last: int) -> None:
        """Note that the blocks ``first`` to ``last`` of a kind of asset were read."""
        if last >= first:
            self.done[kind] = (first, last)

    def covered(self) -> list[Covered]:
        """What is whole by now, and what is not, and why."""
        native = self.chain.native
        whole = (self.question.since, self.question.until.height)
        rows = []
        for kind, (first, last) in self.done.items():
            asset = native if kind == NATIVE else kind
            rows.append(Covered(kind, first, last, self.voids.get(asset, ""), self.openings.get(asset)))
        first, last = self.done.get(TOKENS, whole)
        rows += [Covered(asset, first, last, "", held) for asset, held in self.openings.items() if asset != native]
        for asset, reason in self.voids.items():
            kind = NATIVE if asset == native else asset
            if kind not in self.done:
                first, last = whole if kind == NATIVE else self.done.get(TOKENS, whole)
                rows.append(Covered(kind, first, last, reason))
        # What was not come to yet is said too, so that a walk that ends early leaves its reason behind.
        spoken = {row.kind for row in rows}
        return rows + [Covered(kind, 1, 0) for kind in (NATIVE, TOKENS) if kind not in spoken]

    def page(
        self,
        rows: Sequence[Movement],
        replies: Iterable[Reply] = (),
        *,
        blocks: Sequence[Block] = (),
        names: Mapping[str, tuple[str, int]] | None = None,
        balances: Sequence[Balance] = (),
        last: bool = False,
    ) -> Page:
        """A page of what was kept, with the state as it is now."""
        answers: list[Answer] = [answer(reply, 0) for reply in replies]
        if answers:
            end = answers[-1]
            answers[-1] = Answer(end.url, end.sha256, end.time, len(rows))
        until = self.question.until.height
        return Page(
            {"transfers": [tuple(row) for row in rows]},
            answers,
            None if last else self.cursor(),
            self.covered(),
            balances,
            [block for block in blocks if block.height <= until],
            {asset: name for asset, name in (names or {}).items() if asset in self.tokens},
        )
