"""One rule over a whole numbered ledger: what each wanted pot received, by category and hop, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exposure.engines.local import account_moves, utxo_moves
from exposure.engines.local.ledger import Ledger
from exposure.engines.local.moves import Moves, Sight, blank
from exposure.engines.local.roles import ALWAYS, NEVER
from exposure.engines.local.saved import Saved, Unfit, fingerprint
from exposure.engines.local.state import Found, State, put_back, transfers
from exposure.model.settings import Rule
from exposure.taint.kernels import balances
from exposure.taint.kernels import layout as kernels
from exposure.taint.kernels.layout import LEAKS, NONE, STILL
from exposure.taint.kernels.memory import reserve

Advance = Callable[[int, int], None]


class Stricter(NamedTuple):
    """What is missing, by pot: the block from which all that leaves it is unresolved; pots whose balance is known from a
    block on, and which under lifo keep what they are known to hold although they spend too much."""

    gap: NDArray[np.int64]
    known: Mapping[int, tuple[int, int]]
    bears: NDArray[np.bool_]


def sweep(
    ledger: Ledger,
    rule: Rule,
    max_hops: int,
    sight: Sight,
    wanted_asset: NDArray[np.int32],
    *,
    stricter: Stricter | None = None,
    advance: Advance = lambda done, total: None,
) -> Found:
    """Carry a rule through a whole ledger: see `Sweep`."""
    made = Sweep(ledger, rule, max_hops, sight, wanted_asset, stricter=stricter)
    made.run(advance=advance)
    return made.found()


class Sweep:
    """A rule on its way through a ledger.

    Parameters
    ----------
    sight
        Roles, thefts, and the row of each wanted pot; ``wanted_asset``: the asset of each such row.
    stricter
        None for the figure; what is missing for the run behind the interval.
    saved
        A state to go on from, see `exposure.engines.local.saved`.

    Raises
    ------
    Unfit
        If the saved state is of another question.

    Notes
    -----
    Memory: 16 to 64 bytes for each pot (coin, on UTXO chains), a row of columns (or lots) for each that holds something.
    """

    def __init__(
        self,
        ledger: Ledger,
        rule: Rule,
        max_hops: int,
        sight: Sight,
        wanted_asset: NDArray[np.int32],
        *,
        stricter: Stricter | None = None,
        saved: Saved | None = None,
    ) -> None:
        groups = sight.roles.groups
        seeds = len(groups.categories) + (stricter is not None)
        unknown = np.array([groups.unknown], np.int32)
        counted = kernels.Groups(groups.number, seeds, groups.known, max_hops, unknown, groups.known)
        sight.tiho, sight.poison = rule is Rule.TIHO, rule is Rule.POISON
        self.ledger, self.rule, self.sight, self.strict, self.rows = ledger, rule, sight, stricter is not None, 0
        self.hops, self.stricter, self.pots = max_hops, stricter, ledger.coins if ledger.utxo else ledger.pots
        if saved is not None and any(saved.said.get(name) != value for name, value in self.asked().items()):
            raise Unfit("it is of another rule, hop limit, or set of categories")
        if saved is not None and ledger.cuts(saved.rows):
            raise Unfit("the last transaction that it knows has got further rows")
        opening, self.balances = _prepare(ledger, rule, sight, stricter, saved)
        self.state = State(ledger, rule, counted, sight, wanted_asset, opening, saved)
        if saved is not None:
            same = saved.said.get("fingerprint") == self.fingerprint(saved.pots, saved.owners, saved.arrays["first_pots"])
            if not same or (self.plain and not saved.said.get("plain")):  # only a plain state has roles in its headers
                raise Unfit("who is who, what is missing or who is asked for has changed for pots that it knows")
            self.state.restore(saved, self.pots)
            self.rows = saved.rows
        elif opening is not None:
            self.state.carry(opening)

    def run(self, until: int | None = None, advance: Advance = lambda done, total: None) -> None:
        """Carry out the rows up to ``until`` (None: all; rounded up to a whole chunk).

        ``advance`` is told (rows done, rows in all) after each chunk.
        """
        for part in self.ledger.chunks(self.rows):
            if until is not None and self.rows >= until:
                return
            one_pot_each = self.rule is Rule.POISON
            self.state.carry(_moves(self.ledger, part, self.sight, strict=self.strict, one_pot_each=one_pot_each))
            self.rows = part.stop
            advance(self.rows, self.ledger.rows)

    def found(self) -> Found:
        """What wanted pots received.

        Raises
        ------
        EngineError
            If the parts of what a wanted pot received do not sum to it.
        """
        return self.state.found()

    def asked(self) -> dict[str, Any]:
        """What a state must have been made for, as plain values."""
        categories = list(self.sight.roles.groups.categories)
        return {"rule": self.rule.value, "hops": self.hops, "categories": categories, "strict": self.strict}

    @property
    def plain(self) -> bool:
        """Whether transfers are carried out as they stand (`Sight.pot_roles`)."""
        return self.sight.pot_roles is not None

    @property
    def first_pots(self) -> NDArray[np.int64]:
        """The first pot of each asset that has any: an asset's own number changes as others come in."""
        asset = self.ledger.asset
        first = np.full(max(self.ledger.assets, 1), NONE, np.int64)
        first[asset[::-1]] = np.arange(len(asset))[::-1]
        return np.asarray(first[first != NONE], np.int64)

    def fingerprint(self, pots: int, owners: int, first_pots: NDArray[np.int64]) -> str:
        """Digest of all that bears on the first pots (or coins and addresses) and their assets, the ledger apart."""
        sight, roles = self.sight, self.sight.roles
        gap: tuple[Any, ...] = ()
        if self.stricter is not None and sight.gap is not None:  # of these pots, and of those that stand in for some
            gap = sight.gap[:pots], sight.gap[self.pots :], self.stricter.gap[:pots], self.stricter.bears[:pots]
        known = () if self.stricter is None else sorted(self.stricter.known.items())
        reported = (*sight.thefts.items(), *sight.coin_thefts.items())
        thefts = sorted((theft.name or str(number), theft.group, theft.since) for number, theft in reported)
        is_wanted = sight.wanted[:owners] >= 0
        assets = self.ledger.asset[first_pots]
        units = [str(self.state.units[asset]) for asset in assets.tolist()]
        by_pot = [column[:owners] for column in (roles.owner, roles.group, roles.since)]
        by_asset = roles.asset_group[assets], roles.asset_since[assets]
        joint = (sorted(sight.joint.values()),) if sight.joint else ()
        return fingerprint(*by_pot, *by_asset, is_wanted, *gap, known, thefts, units, *joint)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that a state consists of."""
        own = {} if self.balances is None else {"short": self.balances}
        moved = self.state.moved[self.ledger.asset[self.first_pots]]
        return self.state.arrays() | {"first_pots": self.first_pots, "moved": moved} | own


def _moves(ledger: Ledger, part: slice, sight: Sight, *, strict: bool, one_pot_each: bool) -> Moves:
    if ledger.utxo:
        return utxo_moves.moves(ledger.columns, part, ledger.coins, sight, strict=strict, one_pot_each=one_pot_each)
    if sight.pot_roles is not None:
        return account_moves.as_they_stand(ledger.columns, part, ledger.asset, sight)
    return account_moves.moves(ledger.columns, part, ledger.asset, sight)


def _prepare(
    ledger: Ledger, rule: Rule, sight: Sight, stricter: Stricter | None, saved: Saved | None
) -> tuple[Moves | None, NDArray[Any] | None]:
    """Set a sight for the figure or the stricter run; the moves that put known balances into pots beforehand, and balances."""
    size = ledger.coins if ledger.utxo else ledger.pots
    sight.gap = sight.instead = sight.known_from = sight.flagged = sight.pot_roles = None
    sight.spare = size
    simple = not ledger.utxo and _simple(sight, rule)
    if stricter is None or ledger.utxo:  # of a UTXO ledger the transactions themselves say what is missing
        sight.pot_roles = sight.roles.group if simple else None
        return None, None
    owner = sight.roles.owner
    # Flags stay for good, and what was missed before a balance was known may have set any: under poison it ends no gap.
    balances_known = {} if rule is Rule.POISON else stricter.known
    lifo = np.array(rule is Rule.LIFO)
    own = np.where(stricter.bears & lifo, NEVER, stricter.gap)
    gap = np.concatenate([own, np.full(len(balances_known), NEVER)])
    np.minimum.at(gap, owner, own)
    bears = np.zeros(len(gap), np.bool_)
    np.logical_or.at(bears, owner, stricter.bears & lifo)
    opening = None
    if balances_known:
        sight.instead, sight.known_from = np.arange(size, dtype=np.int32), np.full(size, NEVER)
        low, high, at = [], [], []
        for n, (pot, (block, balance)) in enumerate(balances_known.items()):
            sight.instead[owner[pot]], sight.known_from[owner[pot]] = size + n, block
            at.append(size + n)
            low.append(balance & (2**64 - 1))
            high.append(balance >> 64)
        some = np.array(at, np.int32)
        opening = blank(
            len(at),
            target=some,
            low=np.array(low, np.uint64),
            high=np.array(high, np.uint64),
            origin=sight.roles.groups.unknown,
            move=STILL,
            asset=ledger.asset[list(balances_known)],
        )
    sight.spare = len(gap)
    sight.gap, sight.flagged = gap, np.zeros(len(gap), np.bool_)
    whole_or_not = simple and not balances_known and bool(((gap == ALWAYS) | (gap == NEVER)).all())
    sight.pot_roles = sight.roles.group if whole_or_not else None
    kept = _balances(ledger, sight, opening, saved)
    gap[(kept["short"][: len(gap)] > 0) & ~bears] = ALWAYS
    if whole_or_not:
        lacking = (gap == ALWAYS) & (sight.roles.group < 0)
        if rule is Rule.POISON:
            sight.flagged = lacking
        else:
            sight.pot_roles = np.where(lacking, np.int32(sight.roles.groups.unknown + LEAKS), sight.roles.group)
    return opening, kept


def _simple(sight: Sight, rule: Rule) -> bool:
    """Whether transfers can be carried out as they stand, by what their ends are alone."""
    roles = sight.roles
    return (
        rule is not Rule.TIHO  # which may serve outflows of a transaction in another order
        and bool((roles.asset_group == NONE).all() and (roles.since == ALWAYS).all())
        and np.array_equal(roles.owner, np.arange(len(roles.owner)))
    )


def _balances(ledger: Ledger, sight: Sight, opening: Moves | None, saved: Saved | None) -> NDArray[Any]:
    """Balances, and which pots spend more than they hold: a shortfall proves a gap, unless one is declared before it."""
    assert sight.gap is not None
    pots = reserve(len(sight.gap), balances.POT)
    pots["code"] = -1 if sight.pot_roles is None else kernels.role_codes(sight.pot_roles, len(pots))
    tiho_too, flags, sight.tiho, sight.poison = sight.tiho, sight.poison, False, False
    if saved is not None:
        put_back(pots, saved.arrays["short"], saved.pots, ledger.pots)
    elif opening is not None:
        balances.fall_short(pots, transfers(opening))
    for part in ledger.chunks(0 if saved is None else saved.rows):
        balances.fall_short(pots, transfers(_moves(ledger, part, sight, strict=True, one_pot_each=False)))
    sight.tiho, sight.poison = tiho_too, flags
    return pots
