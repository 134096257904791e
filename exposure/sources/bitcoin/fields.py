"""Fields of a JSON reply: of the right type and in bounds, or an error that says which one is not."""

from __future__ import annotations

from exposure.sources.bitcoin.coins import MAX_ITEMS
from exposure.sources.remote import unreadable


class Fields:
    """Reads fields for one host, whose name (``where``) stands in every complaint."""

    def __init__(self, where: str) -> None:
        self.where = where

    def table(self, value: object, what: str) -> dict[str, object]:
        """A JSON object."""
        if not isinstance(value, dict):
            raise unreadable(self.where, what, value)
        return value

    def items(self, value: object, what: str) -> list[dict[str, object]]:
        """A JSON list of objects, at least one."""
        if not isinstance(value, list) or not 0 < len(value) <= MAX_ITEMS:
            raise unreadable(self.where, what, value)
        return [self.table(item, what) for item in value]

    def whole(self, value: object, what: str, most: int = 2**31 - 1) -> int:
        """A whole number that is not negative."""
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise unreadable(self.where, what, value)
        return value

    def hash(self, value: object, what: str) -> str:
        """Thirty-two bytes in hex."""
        if not isinstance(value, str) or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise unreadable(self.where, what, value)
        return value

    def octets(self, value: object, what: str) -> bytes:
        """Bytes in hex."""
        try:
            if isinstance(value, str):
                return bytes.fromhex(value)
        except ValueError:
            pass
        raise unreadable(self.where, what, value)
