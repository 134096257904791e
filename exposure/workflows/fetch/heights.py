"""Blocks that somebody names by height or by time."""

from __future__ import annotations

from exposure.errors import InputError
from exposure.sources.bulk.times import unix_seconds
from exposure.sources.remote import Block, RemoteHistory
from exposure.text import shown

_PROBES = 40


def check_blocks(since: str | None, until: str | None) -> None:
    """Refuse texts that name no blocks, and two heights in the wrong order, before anybody is asked anything.

    Raises
    ------
    InputError
        If a text is neither a height nor a time, or ``since`` is a greater height than ``until``.
    """
    for text in (since, until):
        if text is not None and not _is_height(text):
            _time_of(text)
    if since is not None and until is not None and _is_height(since) and _is_height(until) and int(since) > int(until):
        raise InputError(f"--since is block {int(since):,} and --until block {int(until):,}: the first must not be later")


def _is_height(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def _time_of(text: str) -> int:
    try:
        return unix_seconds(text, "iso")
    except ValueError:
        raise InputError(
            f"{shown(text, 60) or 'an empty text'} is neither a block height nor a time such as 2024-01-31 or 2024-01-31T09:00Z"
        ) from None


def block_of(source: RemoteHistory, text: str, head: Block, *, after: bool) -> Block:
    """The block that a height or a time names, no newer than ``head``.

    A time names the first block at or ``after`` it, or the last block at or before it. Cost: a call or two for a height;
    for a time a search over the chain, about ten times as many.

    Raises
    ------
    InputError
        If the text is neither, or the time lies behind the head or before the chain's first block.
    """
    if _is_height(text):
        height = int(text)
        if height >= head.height:
            if after and height > head.height:
                raise InputError(
                    f"block {height:,} is not final yet: the newest final block of {source.chain} is {head.height:,}"
                )
            return head
        return _block(source, height)
    time = _time_of(text)
    if time > head.time:
        if after:
            raise InputError(f"{text} is after the newest final block of {source.chain} ({head.height:,})")
        return head
    low, high = _block(source, 0), head
    if time < low.time:
        if not after:
            raise InputError(f"{text} is before the first block of {source.chain}")
        return low
    # Block times run nearly straight: guess on the line between the ends, and halve where that does not help.
    for probe in range(_PROBES):
        if high.height - low.height <= 1:
            break
        share = (time - low.time) / max(high.time - low.time, 1) if probe % 2 == 0 else 0.5
        guess = min(max(low.height + int((high.height - low.height) * share), low.height + 1), high.height - 1)
        middle = _block(source, guess)
        low, high = (middle, high) if middle.time < time or (middle.time == time and not after) else (low, middle)
    if after:
        return low if low.time >= time else high
    return high if high.time <= time else low


def _block(source: RemoteHistory, height: int) -> Block:
    found = source.head(height)
    if found is None or not found.time:
        raise InputError(f"{source.name} does not say when block {height:,} was: name blocks by height")
    return found
