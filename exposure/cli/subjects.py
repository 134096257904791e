"""What is to be traced, as it is typed: one subject, or several addresses of one customer, typed or from files."""

from __future__ import annotations

from pathlib import Path

from exposure.errors import InputError


def subject_typed(subjects: tuple[str, ...], files: tuple[Path, ...]) -> str | None:
    """The subject as one text, several addresses parted by spaces; None if nothing was typed.

    Raises
    ------
    InputError
        If a file holds something else than addresses, or a transaction is among several subjects.
    """
    from exposure.model.addresses import parse

    if len(subjects) == 1 and not files:
        return subjects[0]  # an empty one too: whoever reads it says what is wrong
    named = [*subjects, *(address for file in files for address in _addresses(file))]
    if len(named) > 1:
        for text in named:
            if len(text) <= 200 and "@" not in text:
                parse(text)  # several subjects are addresses: a transaction among them is refused by name
            else:
                raise InputError(f"{text[:60]}: several subjects are the addresses of one customer; trace this by itself")
    return " ".join(dict.fromkeys(named)) or None


def _addresses(file: Path) -> list[str]:
    from exposure.sources.address_lists import read_addresses

    found = [one for batch in read_addresses(file) for one in batch]
    fault = next((one for one in found if one.fault), None)
    if fault is not None:
        raise InputError(f"{file}, line {fault.line}: {fault.fault}")
    if not found:
        raise InputError(f"{file} holds no address")
    return [one.text.strip() for one in found]


def whole(text: str | None, option: str, what: str) -> int | None:
    """A whole number that was typed for an option, such as ``--window``: "a number of days".

    Raises
    ------
    InputError
        If it is none.
    """
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise InputError(f"{option} takes {what}, not {text[:40]!r}")
    return int(text)
