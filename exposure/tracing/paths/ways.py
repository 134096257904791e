"""Ledgers as the search for trails sees them: how much of a transfer came by which earlier one, under haircut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from exposure.model.labels import Labels
from exposure.model.ledger import Coin, Transfer, UtxoTx
from exposure.taint.reference.lots import Lot, Origin, Run
from exposure.taint.reference.origins import active, owner_origin, seed_origin
from exposure.tracing.cone import Pot, moves
from exposure.tracing.paths.shared import Feeder
from exposure.tracing.utxo_cone import is_change


class AccountWays:
    """Feeders within a cone (or reach) of an account chain.

    Parameters
    ----------
    transfers, given, labels
        The ledger that the reference ran over.
    run
        What it said under haircut.
    subject
        Ref of the transfer that was followed, for trails away from a subject; it begins there.
    """

    def __init__(
        self,
        transfers: Sequence[Transfer],
        given: Mapping[str, Origin],
        labels: Labels,
        run: Run,
        *,
        subject: str | None = None,
    ) -> None:
        self._given, self._labels, self._run, self._subject = given, labels, run, subject
        self._rows = {row.ref: row for row in transfers}
        self._pots: dict[Pot, list[tuple[Transfer, bool, int]]] = defaultdict(list)
        self._places: dict[str, int] = {}
        balances: dict[Pot, int] = defaultdict(int)
        for row in transfers:
            if not moves(row, labels):
                continue
            if self._drawn(row):
                pot = labels.owner(row.sender or ""), row.asset
                if row.ref != subject:
                    self._places[row.ref] = len(self._pots[pot])
                self._pots[pot].append((row, False, balances[pot]))
                balances[pot] = max(0, balances[pot] - row.amount)
            if row.receiver is not None and owner_origin(labels, labels.owner(row.receiver), row.time) is None:
                pot = labels.owner(row.receiver), row.asset
                self._pots[pot].append((row, True, balances[pot]))
                balances[pot] += row.amount

    def _drawn(self, row: Transfer) -> bool:
        """Whether a transfer makes its sender's pot smaller."""
        if row.sender is None or row.ref in self._given:
            return False
        if self._subject is None and active(self._labels.asset_seeds.get(row.asset), self._labels, row.time) is not None:
            return False
        return owner_origin(self._labels, self._labels.owner(row.sender), row.time) is None

    def amount(self, ref: str) -> int:
        """See `Ways`."""
        return self._rows[ref].amount

    def lots(self, ref: str) -> Sequence[Lot]:
        """See `Ways`."""
        return self._run.received[ref]

    def begins(self, ref: str) -> Mapping[tuple[Origin, int], Decimal]:
        """See `Ways`. Of what was drawn from a pot, only value that this transfer steals begins here."""
        whole, drawn = Decimal(self._rows[ref].amount), ref in self._places
        shares: dict[tuple[Origin, int], Decimal] = defaultdict(Decimal)
        for origin, hop, part in self._run.received[ref]:
            if origin.kind == "seed" and (not drawn or hop == 0):
                shares[origin, hop] += Decimal(part) / whole
        return shares

    def feeders(self, ref: str) -> Sequence[Feeder]:
        """See `Ways`. Cost: the movements of the sender's pot before the transfer."""
        if ref not in self._places:
            return ()
        row = self._rows[ref]
        pot = self._pots[self._labels.owner(row.sender or ""), row.asset]
        place = self._places[ref]
        balance = pot[place][2]
        if not balance:
            return ()
        found: list[Feeder] = []
        left = Decimal(min(row.amount, balance)) / balance / row.amount  # of each unit in the pot, per unit of the transfer
        for earlier, received, before in reversed(pot[:place]):
            if received:
                found.append(Feeder(earlier.ref, left * earlier.amount, True))
            elif earlier.amount >= before:
                break
            else:
                left *= 1 - Decimal(earlier.amount) / before
        return found


class UtxoWays:
    """Feeders within a cone (or reach) of a UTXO chain. Parameters as in `AccountWays`; ``subject`` is a coin."""

    def __init__(self, txs: Sequence[UtxoTx], labels: Labels, run: Run, *, subject: str | None = None) -> None:
        self._txs = {tx.tx: tx for tx in txs}
        self._labels, self._run, self._subject = labels, run, subject

    def _made(self, ref: str) -> tuple[UtxoTx, int]:
        tx, _, n = ref.rpartition(":")
        return self._txs[tx], int(n)

    def amount(self, ref: str) -> int:
        """See `Ways`."""
        tx, n = self._made(ref)
        return tx.outputs[n].amount

    def lots(self, ref: str) -> Sequence[Lot]:
        """See `Ways`."""
        return self._run.received[ref]

    def _whole(self, tx: UtxoTx) -> int:
        """All that went into a transaction, also what is not known."""
        known = sum(spend.amount or 0 for spend in tx.inputs)
        return max(known, sum(output.amount for output in tx.outputs))

    def begins(self, ref: str) -> Mapping[tuple[Origin, int], Decimal]:
        """See `Ways`: what inputs of seeds put in, and what is stolen by or with this coin."""
        tx, n = self._made(ref)
        whole = Decimal(tx.outputs[n].amount)
        shares: dict[tuple[Origin, int], Decimal] = defaultdict(Decimal)
        for origin, hop, part in self._run.received[ref]:
            if origin.kind == "seed" and (hop == 0 or ref == self._subject):
                shares[origin, hop] += Decimal(part) / whole
        if self._subject is None:
            for spend in tx.inputs:
                seed = None if spend.address is None else self._labels.seed_at(self._labels.owner(spend.address), tx.time)
                if seed is not None and spend.amount:
                    shares[seed_origin(seed, tx.time), 1] += Decimal(spend.amount) / self._whole(tx)
        return shares

    def feeders(self, ref: str) -> Sequence[Feeder]:
        """See `Ways`."""
        tx, n = self._made(ref)
        if tx.coinbase or ref == self._subject:
            return ()
        hop, whole = not is_change(tx, n, self._labels), self._whole(tx)
        return [
            Feeder(str(spend.coin), Decimal(spend.amount) / whole, hop)
            for spend in tx.inputs
            if spend.amount and self._known(spend.coin) and not self._ended(spend.address, tx.time)
        ]

    def _known(self, coin: Coin) -> bool:
        return str(coin) in self._run.received

    def _ended(self, address: str | None, time: int) -> bool:
        if address is None:
            return False
        return owner_origin(self._labels, self._labels.owner(address), time) is not None
