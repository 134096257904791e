"""Which form a file has: told by name, or recognised by its columns or first bytes; and the reader of each form."""

from __future__ import annotations
