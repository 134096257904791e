"""OpenSanctions' entities (FollowTheMoney, one JSON object a line): wallets, who holds them, and the sanctions on either.

The file is read twice: a holder and a sanction may stand anywhere before or behind the wallet, and what is kept of a file of
some gigabytes are the wallets and what belongs to them. It is the user's own file: its data are free for non-commercial use.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exposure.attribution.lists.dates import day_first
from exposure.attribution.subjects import read_subject
from exposure.errors import AttributionError
from exposure.model.labels import Category
from exposure.model.tags import MAX_TEXT, ListKind, ParsedList, Problem, Tag
from exposure.text import shown

if TYPE_CHECKING:  # the stream is only named in a signature
    from exposure.attribution.opening import Bounded

NAME = "OpenSanctions"
SOURCE = "OpenSanctions (FollowTheMoney entities)"
MAX_LINE = 16 << 20
MAX_WALLETS = 500_000
MAX_BLANK = 4 << 20
_BLOCK = 1 << 20
_ID = re.compile(rb'\{\s*"id"\s*:\s*"([^"\\]+)"')

_REGIMES = {name.lower(): name for name in ("US", "EU", "UN", "JP", "CA", "AU", "CH", "UA", "IL", "FR", "BE", "PL", "NZ", "SG")}
_REGIMES |= {"gb": "UK", "uk": "UK", "xc": "EU"}
_TOPICS = (
    ("sanction", Category.SANCTIONED),
    ("crime.terror", Category.TERRORIST_FINANCING),
    ("crime.theft", Category.STOLEN_FUNDS),
    ("crime.fraud", Category.SCAM),
)


@dataclass(slots=True)
class _Sanction:
    regime: str
    programmes: tuple[str, ...]
    listed_on: int | None
    ended_on: int | None


@dataclass(slots=True)
class _Known:
    """What the second pass finds: holders by id, and sanctions by the id of what they are on."""

    names: dict[str, str] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)
    topics: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sanctions: dict[str, list[_Sanction]] = field(default_factory=lambda: defaultdict(list))


def parse_opensanctions(stream: Bounded, name: str) -> ParsedList:
    """Read wallets, their holders and the sanctions on them.

    Returns
    -------
    ParsedList
        One tag for each wallet, holder and regime; ``published`` is the day on which a wallet was last seen at its source,
        which is that of the export; ``rows`` counts all entities, so that half a file is seen to be one. A wallet without any
        sanction takes its category from its topics.

    Raises
    ------
    AttributionError
        If a line is no JSON object, is not UTF-8 or is longer than 16 MiB.
    """
    wallets: dict[str, Mapping[str, object]] = {}
    for place, entity in entities_of(stream, name, lambda line: b'"CryptoWallet"' in line):
        if entity.get("schema") == "CryptoWallet":
            wallets[str(entity.get("id") or place)] = entity
            if len(wallets) > MAX_WALLETS:
                raise AttributionError(
                    f"{name}: names more than {MAX_WALLETS:,} wallets, which no such file does; it was not read"
                )
    if not wallets:
        raise AttributionError(f"{name}: holds no CryptoWallet; hand over entities.ftm.json of a collection that has wallets")
    stream.rewind()
    ids = {holder for wallet in wallets.values() for holder in texts_of(wallet, "holder")} | set(wallets)
    plain = {one.encode() for one in ids}
    rows = 0

    def bears(line: bytes) -> bool:
        """Whether a line can be a sanction or one of the holders: most are neither, and need not be understood."""
        nonlocal rows
        rows += 1
        begins = _ID.match(line)
        return begins is None or begins[1] in plain or b'"Sanction"' in line

    known = _Known()
    for _, entity in entities_of(stream, name, bears):
        _learn(entity, ids, known)
    tags: list[Tag] = []
    problems: list[Problem] = []
    for number, wallet in wallets.items():
        tags += _tags(number, wallet, known, problems)
    seen = [day for wallet in wallets.values() if (day := day_first(str(wallet.get("last_seen", "")))) is not None]
    published = max(seen, default=None)
    return ParsedList(NAME, ListKind.OFFICIAL, "opensanctions", tuple(tags), published, "", rows, (), tuple(problems))


def entities_of(
    stream: Bounded, name: str, wanted: Callable[[bytes], bool] = bool
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """(line, entity) of each line that is wanted; the others are not even parsed.

    Raises
    ------
    AttributionError
        If such a line is no JSON object, or any is longer than 16 MiB.
    """
    for number, line in _lines(stream, name):
        if not line.strip() or not wanted(line):
            continue
        try:
            # Decoded here, strictly: the parser would let halves of characters pass.
            entity = json.loads(line.decode("utf-8-sig"))
            if b"\\ud" in line.lower():
                # Half of a character (a lone surrogate) is no text that can be stored or shown.
                entity = json.loads(json.dumps(entity, ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise AttributionError(
                f"{name}, line {number:,}: not readable as JSON ({shown(error, 80)}); get the file again"
            ) from error
        if not isinstance(entity, dict):
            raise AttributionError(f"{name}, line {number:,}: is no JSON object; the file has one entity a line")
        yield number, entity


def _lines(stream: Bounded, name: str) -> Iterator[tuple[int, bytes]]:
    rest, number, blank = b"", 0, 0
    while block := stream.read(_BLOCK):
        blank = blank + len(block) if block.isspace() else 0
        if blank > MAX_BLANK:
            raise AttributionError(f"{name}, line {number + 1:,}: nothing but empty lines from here on; no such file has that")
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            number += 1
            yield number, line
        if len(rest) > MAX_LINE:
            raise AttributionError(f"{name}, line {number + 1:,}: is longer than {MAX_LINE:,} bytes; no entity is")
    if rest.strip():
        # No line break behind it: the file's last line, or a file that was cut off, also where the line is not wanted.
        try:
            json.loads(rest)
        except (ValueError, RecursionError) as error:
            raise AttributionError(f"{name}: is cut off in line {number + 1:,}; get the whole file") from error
        yield number + 1, rest


def texts_of(entity: Mapping[str, object], key: str) -> tuple[str, ...]:
    properties = entity.get("properties")
    values = properties.get(key) if isinstance(properties, dict) else None
    items = values if isinstance(values, list) else [values]
    return tuple(item.strip()[:MAX_TEXT] for item in items if isinstance(item, str) and item.strip())


def _learn(entity: Mapping[str, object], ids: set[str], known: _Known) -> None:
    number = str(entity.get("id", ""))
    if number in ids:
        caption = entity.get("caption")
        known.names[number] = next(iter(texts_of(entity, "name")), caption if isinstance(caption, str) else number)[:MAX_TEXT]
        known.countries[number] = ", ".join(texts_of(entity, "country")[:5])
        known.topics[number] = texts_of(entity, "topics")
    if entity.get("schema") == "Sanction":
        for on in ids.intersection(texts_of(entity, "entity")):
            days = (*texts_of(entity, "listingDate"), *texts_of(entity, "startDate"))
            known.sanctions[on].append(
                _Sanction(
                    regime_of(entity),
                    tuple(dict.fromkeys((*texts_of(entity, "programId"), *texts_of(entity, "program")))),
                    next(filter(None, map(day_first, days)), None),
                    next(filter(None, map(day_first, texts_of(entity, "endDate"))), None),
                )
            )


def regime_of(entity: Mapping[str, object]) -> str:
    datasets = entity.get("datasets")
    names = [*texts_of(entity, "country"), *(datasets if isinstance(datasets, list) else ())]
    for name in names:
        if isinstance(name, str) and (regime := _REGIMES.get(name.partition("_")[0].lower())):
            return regime
    return next(iter(texts_of(entity, "authority")), "unknown")[:40]


def _tags(number: str, wallet: Mapping[str, object], known: _Known, problems: list[Problem]) -> Iterator[Tag]:
    holders = texts_of(wallet, "holder") or ("",)
    keys = texts_of(wallet, "publicKey")
    if not keys:
        problems.append(
            Problem(f"wallet {shown(number, 60)}", shown(wallet.get("caption", "")), "it has no publicKey", dropped=True)
        )
    exchange = ", ".join(texts_of(wallet, "managingExchange"))
    for key in keys:
        subject = read_subject(key)
        if subject.problem:
            problems.append(Problem(f"wallet {shown(number, 60)}", key, subject.problem))
        for holder in holders:
            on = [*known.sanctions.get(number, ()), *known.sanctions.get(holder, ())]
            topics = (*texts_of(wallet, "topics"), *known.topics.get(holder, ()))
            category = Category.SANCTIONED if on else next((ours for topic, ours in _TOPICS if topic in topics), Category.OTHER)
            for sanction in on or [None]:
                yield Tag(
                    kind=subject.kind,
                    subject=subject.canonical,
                    family=subject.family,
                    entity=known.names.get(holder, "") or holder or exchange,
                    category=category,
                    regime=sanction.regime if sanction else "",
                    programmes=sanction.programmes if sanction else (),
                    listed_on=sanction.listed_on if sanction else None,
                    delisted_on=sanction.ended_on if sanction else None,
                    source=SOURCE,
                    original=key,
                    ticker=next(iter(texts_of(wallet, "currency")), ""),
                    note=", ".join(topics),
                    country=known.countries.get(holder, ""),
                    reference=holder or number,
                )
