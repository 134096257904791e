"""What a trace says: the report as plain frozen values. Tracing fills it; reporting shows it; nothing here computes.

Amounts are exact integers of the asset's base unit (after rounding by `exposure.measure.rounding`, so that parts sum to
their total); shares are fractions of the section's total (0.124 is 12.4 %); times are unix seconds, UTC. A share, an amount
or a bound that could not be had is None, and a sentence beside it says why: None never means zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from exposure.model.comparison import Comparison
from exposure.model.provenance import LedgerEnd, Question, Run
from exposure.model.verdicts import Verdict

SCHEMA = "exposure.report/1"
"""Name and version of the JSON form. It changes when a key changes its name or meaning."""

NO_POLICY = "no policy was given, so nothing was judged"

Kind = Literal["direct", "indirect"]
Timing = Literal["before", "on_or_after", "after_delisting", "unknown"]
Standing = Literal["listed", "delisted", "not_listed"]
OneWay = Literal["source", "destination"]


@dataclass(frozen=True, slots=True)
class Subject:
    """What one section is about: a deposit (one transfer or output), one receiver's share of a transaction, or an address.

    ``tx``, ``n``, ``ref``, ``block`` and ``time`` are None for an address. ``n`` is the output's position (UTXO) or the
    transfer's place among the stored transfers of its transaction. ``amount`` is what every share of the section refers to:
    the deposit, or the sum of the address's inflows (outflows, for the destination) in the window. ``transfers`` counts them.
    ``usd`` and ``jpy`` value each transfer at its own time; None where a price is missing. ``addresses``: all those of a
    customer who was asked about as one subject; ``address`` is None then.
    """

    kind: Literal["deposit", "transaction", "address"]
    chain: str
    asset: str
    symbol: str
    decimals: int
    amount: int
    address: str | None = None
    tx: str | None = None
    n: int | None = None
    ref: str | None = None
    block: int | None = None
    time: int | None = None
    transfers: int = 1
    usd: float | None = None
    jpy: float | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Designated:
    """One regime's word on one row: its status at the time of the seed's transfer, the status now, and the dates.

    ``reason`` says in words why a status is ``unknown``. ``address_listed_on`` is the address's own date, where it differs
    from the entity's; with ``on_or_before`` it is the day of the first edition that was seen to hold the address.
    """

    regime: str
    at_time: Timing
    now: Standing
    listed_on: int | None = None
    delisted_on: int | None = None
    address_listed_on: int | None = None
    on_or_before: bool = False
    programme: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SeedUsed:
    """One seed address (coin, transaction, asset) behind a row, with who says so: tag sources and list editions."""

    address: str
    sources: tuple[str, ...] = ()
    confidence: int = 100


@dataclass(frozen=True, slots=True)
class Exposure:
    """One part of the subject's value: from (or to) one entity of one category, at one number of hops, in one epoch.

    ``seed`` is the name in compositions (`exposure.model.labels.Seed`). ``first_at`` and ``last_at`` bound the times of the
    transfers by which the value left the seed (destination: reached it). Under poison ``amount`` is the whole value that
    carries the flag: such rows overlap, and their sum means nothing. ``lower``: what of it the rule finds under every
    completion of the missing history; None where there is no interval by row (tiho, poison, an address of unknown history).
    """

    category: str
    entity: str
    seed: str
    kind: Kind
    hops: int
    epoch: int | None
    amount: int
    share: float
    usd: float | None = None
    jpy: float | None = None
    first_at: int | None = None
    last_at: int | None = None
    seeds: tuple[SeedUsed, ...] = ()
    regimes: tuple[Designated, ...] = ()
    lower: int | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """The subject's own tag, or that of its cluster: a flag beside the account, never a part of the sum."""

    category: str
    entity: str
    address: str
    through: str = ""
    sources: tuple[str, ...] = ()
    confidence: int = 100
    regimes: tuple[Designated, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """Interval and bracket of a category (``risk``: all seeds together, under tiho and for the bracket of all).

    ``lower``/``upper``: what the rule gives under every completion of the missing history. ``bracket_lower``/``bracket_upper``:
    what no choice of conserving rule can change. None comes with its reason in ``no_interval`` or ``no_bracket``. ``cut``:
    the transfers through which all of ``bracket_upper`` had to pass; their amounts sum to the largest flow.
    """

    category: str
    lower: int | None = None
    upper: int | None = None
    lower_share: float | None = None
    upper_share: float | None = None
    bracket_lower: int | None = None
    bracket_upper: int | None = None
    bracket_lower_share: float | None = None
    bracket_upper_share: float | None = None
    no_interval: str = ""
    no_bracket: str = ""
    cut: tuple[CutTransfer, ...] = ()


@dataclass(frozen=True, slots=True)
class CutTransfer:
    """A transfer (coin) of the minimal cut; ``ref`` empty: value that stayed in a pot."""

    ref: str
    amount: int


@dataclass(frozen=True, slots=True)
class Attributed:
    """A part that carries no risk of its own: from (to) a service, newly minted; in the destination also held, fee, burn.

    ``name`` is the service's address or cluster, the pool, or the address that still holds the value.
    """

    kind: Literal["service", "mint", "held", "fee", "burn"]
    name: str
    hops: int
    amount: int
    share: float
    category: str = ""
    entity: str = ""
    usd: float | None = None
    jpy: float | None = None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A part whose origin (or fate) is not known: why, where it got lost, and in words what would settle it.

    ``reason``: beyond, hub, conversion, incomplete, opening, shortfall, floor, budget. ``name``: the address or transaction.
    """

    reason: str
    name: str
    amount: int
    share: float
    settles: str
    hops: int | None = None
    usd: float | None = None
    jpy: float | None = None


@dataclass(frozen=True, slots=True)
class PathStep:
    """One transfer (output) of a path. ``amount`` is all that moved, ``carried`` what of the path's value moved with it.

    ``sender`` None: minted (of a coin whose payer is not known it is the coin that was spent); ``receiver`` None: burned or a
    fee. ``hop``: hops from the origin once it has arrived.
    """

    ref: str
    tx: str
    time: int
    block: int
    sender: str | None
    receiver: str | None
    amount: int
    carried: int
    hop: int


@dataclass(frozen=True, slots=True)
class Path:
    """One way by which value of a seed came to the subject (or went from it), in the order in which it moved."""

    category: str
    entity: str
    seed: str
    amount: int
    share: float
    hops: int
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of one history the trace used is known to be stored. ``address`` ``*``: the whole ledger of the chain."""

    chain: str
    address: str
    asset: str
    complete: bool
    reason: str = ""
    from_block: int | None = None
    to_block: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The account's sums. Under a conserving rule seeds + attributed + unresolved = amount, which was checked.

    Under poison the three sums are None. ``below_unit`` counts the parts smaller than one base unit, which are not listed
    (their value is inside the listed ones by rounding).
    """

    amount: int
    from_seeds: int | None
    attributed: int | None
    unresolved: int | None
    from_seeds_share: float | None
    attributed_share: float | None
    unresolved_share: float | None
    sum_checked: bool
    below_unit: int = 0


@dataclass(frozen=True, slots=True)
class PriceUsed:
    """The price of a whole coin that valued the subject, the time from which it holds, and its source."""

    currency: str
    value: float
    as_of: int
    source: str


@dataclass(frozen=True, slots=True)
class Party:
    """An address of the traced flow with its role: subject, seed, boundary, hub, pass_through, pool or ordinary."""

    address: str
    role: str
    category: str = ""
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One transfer (output) of the traced flow. ``carried``: what it carries, by category; plus attributed and unresolved.

    Keys of ``carried`` are categories, and ``service``, ``mint``, ``unresolved``. Base units.
    """

    ref: str
    tx: str
    time: int
    block: int
    sender: str | None
    receiver: str | None
    amount: int
    carried: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class WindowPart:
    """What of a window is of one category: seeds (``kind`` direct or indirect), or ``unresolved``, ``service``, ``mint``, ...

    ``share`` is of the window's amount. Under poison categories overlap.
    """

    category: str
    kind: str
    amount: int
    share: float
    usd: float | None = None
    jpy: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The last ``days`` days of an address beside its whole history: its transfers of that time, and what they carry.

    ``since`` (exclusive) to ``until``, which is the as-of time or the end of what was asked for.
    """

    days: int
    since: int
    until: int
    amount: int
    transfers: int
    usd: float | None = None
    jpy: float | None = None
    parts: tuple[WindowPart, ...] = ()


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """What of a total is of one category of seeds, or ``unresolved``, at the time of each transfer; ``share`` is of the priced
    part in USD.
    """

    category: str
    usd: float
    jpy: float
    share: float | None


@dataclass(frozen=True, slots=True)
class MoneyTotal:
    """Several sections of one direction and rule (assets, chains) in money. ``unpriced``: assets that no price was known of,
    which are not in the sums.
    """

    direction: OneWay
    rule: str
    sections: int
    usd: float | None
    jpy: float | None
    unpriced: tuple[str, ...]
    parts: tuple[MoneyPart, ...]


@dataclass(frozen=True, slots=True)
class Lack:
    """Histories of one owner (one transaction) that are not whole, and the part of the subject that hangs on them.

    ``names``: addresses, or the hash of a transaction. ``share``: what the interval counts as unresolved for them.
    """

    names: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Section:
    """The account of one subject, in one asset, one direction, by one rule.

    ``difference``: of what the width of the intervals is made, largest first: all that is unresolved if every history that is
    not whole is, and value from mixers (reason ``mixer``), which is in every category's upper end but its own. Empty where
    there is no interval. ``paths`` are the largest ones; ``paths_found`` counts all, or is None where they were not counted.
    ``flow`` and ``parties`` serve `.graph()`, ``lacks`` (largest first) serves fetching; they are not part of the JSON report.
    """

    subject: Subject
    direction: OneWay
    rule: str
    totals: Totals
    exposures: tuple[Exposure, ...] = ()
    own: tuple[Own, ...] = ()
    bounds: tuple[Bound, ...] = ()
    attributed: tuple[Attributed, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    difference: tuple[Unresolved, ...] = ()
    paths: tuple[Path, ...] = ()
    paths_found: int | None = 0
    coverage: tuple[Coverage, ...] = ()
    prices: tuple[PriceUsed, ...] = ()
    notes: tuple[str, ...] = ()
    window: Window | None = None
    flow: tuple[Flow, ...] = ()
    parties: tuple[Party, ...] = ()
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one question: sections (one per subject, asset, direction and rule), and how it was found.

    ``incomplete_answer``: sentences about what was asked for and could not be had (exit code 4): a spent budget, a source
    that failed. Hubs and the hop limit alone are none.
    """

    question: Question
    as_of: tuple[LedgerEnd, ...]
    sections: tuple[Section, ...]
    run: Run
    warnings: tuple[str, ...] = ()
    incomplete_answer: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    no_verdict: str = NO_POLICY
    comparison: Comparison | None = None
    money: tuple[MoneyTotal, ...] = ()
    schema: str = SCHEMA


@dataclass(frozen=True, slots=True)
class Deposit:
    """One transfer or output to an address, as ``exposure trace ADDRESS --list`` shows it. ``subject`` is what to trace."""

    subject: str
    chain: str
    asset: str
    symbol: str
    decimals: int
    amount: int
    time: int
    block: int
    tx: str
    sender: str | None = None
