"""What tokens are called: a table ``asset, symbol, decimals``. It moves no value; amounts stay in base units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exposure.errors import InputError
from exposure.model.assets import chain as chain_of
from exposure.sources.bulk.batches import Batch, Findings, ReadOptions, Reject
from exposure.sources.bulk.columns import as_text
from exposure.sources.bulk.own_transfers import asset_id
from exposure.sources.bulk.tables import TableFile
from exposure.text import shown

COLUMNS = frozenset({"asset", "symbol", "decimals"})
_MAX_SYMBOL = 32
_MAX_DECIMALS = 38


def read_assets(files: Sequence[TableFile], options: ReadOptions, findings: Findings) -> Iterator[Batch]:
    """Put the descriptions into ``findings``; there are no rows to store.

    Raises
    ------
    InputError
        If a file lacks one of the columns.
    """
    for file in files:
        absent = COLUMNS - set(file.columns)
        if absent:
            raise InputError(f"{file.name} has no column {', '.join(sorted(absent))}: write asset,symbol,decimals")
        for chunk in file.chunks(("asset", "symbol", "decimals"), findings, "assets"):
            texts = (as_text(chunk.column(name)).to_pylist() for name in ("asset", "symbol", "decimals"))
            for asset, symbol, decimals, line in zip(*texts, chunk.column("line").to_pylist(), strict=True):
                try:
                    described = (_symbol(symbol or ""), _decimals(decimals or ""))
                    findings.descriptions.setdefault(_asset(asset or "", options), described)
                except (InputError, ValueError) as error:
                    text = f"{shown(asset)},{shown(symbol)},{shown(decimals)}"
                    findings.reject(Reject("assets", file.name, line, str(error), text))
    return iter(())


def _asset(text: str, options: ReadOptions) -> str:
    name = text.partition("/")[0] if "/" in text else options.chain
    if not name:
        raise ValueError(f"asset {shown(text, 80)} does not say its chain: write CHAIN/CONTRACT, or add --chain")
    return asset_id(text, chain_of(name))


def _symbol(text: str) -> str:
    if not text or len(text) > _MAX_SYMBOL:
        raise ValueError(f"symbol {shown(text, 40)} has not 1 to {_MAX_SYMBOL} characters")
    return text


def _decimals(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= _MAX_DECIMALS):
        raise ValueError(f"decimals {shown(text, 20)} is no whole number from 0 to {_MAX_DECIMALS}")
    return int(text)
