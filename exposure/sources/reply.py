"""Reading replies of outside servers: every field is asked for by name and type, and what is wrong is a clear error.

A server may send anything. A field that is missing, of another type or out of its range never becomes a figure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from exposure.errors import InputError, SourceError
from exposure.model.addresses.accounts import read_evm
from exposure.text import shown

MAX_DIGITS = 80
"""A 256-bit number has 78 decimal digits; longer text is no number of any chain."""

_HASH = re.compile(r"(?:0x)?[0-9a-f]{64}")
_WHOLE = re.compile(r"[0-9]+")
_HEX = re.compile(r"0x[0-9a-fA-F]*")


class Record:
    """A JSON object of a reply. ``where`` names host and call, for messages; it holds no key."""

    __slots__ = ("fields", "where")

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, Mapping):
            raise SourceError(f"{where}: the reply has {_kind(value)} where an object belongs")
        self.fields: Mapping[str, object] = value
        self.where = where

    def wrong(self, name: str, what: str) -> SourceError:
        """The error for a field that is not what it should be."""
        return SourceError(
            f"{self.where}: {name} is {shown(repr(self.fields.get(name))[:60], 60)}, not {what}; "
            "the reply cannot be used: try again, or use another source"
        )

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self.fields.get(name) is not None

    def text(self, name: str, most: int = 4096) -> str:
        """A field that is text of a bounded length."""
        value = self.fields.get(name)
        if not isinstance(value, str) or len(value) > most:
            raise self.wrong(name, "a text")
        return value

    def whole(self, name: str, most: int = 2**256 - 1) -> int:
        """A whole number >= 0: JSON number, decimal text or 0x hex; a bare ``0x`` is Etherscan's zero."""
        return self._read_whole(name, self.fields.get(name), most)

    def flag(self, name: str) -> bool:
        """A number or decimal text that is 0 or 1, and nothing else that could be read as such."""
        value = self.fields.get(name)
        if isinstance(value, bool) or value not in (0, 1, "0", "1"):
            raise self.wrong(name, "0 or 1")
        return value in (1, "1")

    def _read_whole(self, name: str, value: object, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.wrong(name, "a whole number")
        if isinstance(value, int):
            number = value
        elif len(value) <= MAX_DIGITS and _WHOLE.fullmatch(value) and value.isascii():
            number = int(value)
        elif len(value) <= MAX_DIGITS and _HEX.fullmatch(value):
            number = int(value[2:] or "0", 16)
        else:
            raise self.wrong(name, "a whole number")
        if not 0 <= number <= most:
            raise self.wrong(name, f"a whole number from 0 to {most}")
        return number

    def hash(self, name: str) -> str:
        """A hash of 32 bytes in hex, lower case."""
        value = self.fields.get(name)
        if not isinstance(value, str) or len(value) > 66 or not _HASH.fullmatch(value.lower()):
            raise self.wrong(name, "a hash of 64 hex digits")
        return value.lower()

    def evm(self, name: str) -> str:
        """An EVM address in lower case; whatever case the source prints, its checksum is no concern here."""
        value = self.fields.get(name)
        if isinstance(value, str) and len(value) == 42:
            try:
                return read_evm(value.lower())
            except InputError:
                pass
        raise self.wrong(name, "an address")

    def maybe_evm(self, name: str) -> str | None:
        """An EVM address, or None where the field is missing, null or empty."""
        return None if self.fields.get(name) in (None, "", "0x") else self.evm(name)

    def moment(self, name: str) -> int:
        """Unix seconds of an ISO 8601 time in UTC."""
        value = self.text(name, 40)
        try:
            read = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise self.wrong(name, "a time such as 2024-03-18T09:12:00Z") from None
        if read.tzinfo is None:
            raise self.wrong(name, "a time with its zone")
        return int(read.timestamp())

    def record(self, name: str) -> Record:
        """A field that is an object."""
        return Record(self.fields.get(name), f"{self.where}, {name}")

    def maybe_record(self, name: str) -> Record | None:
        """A field that is an object, or None where it is missing or null."""
        return self.record(name) if self.has(name) else None

    def values(self, name: str) -> list[object]:
        """A field that is a list."""
        value = self.fields.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def records(self, name: str) -> list[Record]:
        """A field that is a list of objects."""
        return list(records(self.values(name), f"{self.where}, {name}"))


def records(value: object, where: str) -> Iterator[Record]:
    """The objects of a list; anything else is an error."""
    if not isinstance(value, list):
        raise SourceError(f"{where}: the reply has {_kind(value)} where a list belongs")
    for item in value:
        yield Record(item, where)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), "something else")
