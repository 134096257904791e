"""``--map COLUMN=FIELD[:FORMAT]``: which column of an own file is which field, and how its values are written."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from exposure.errors import InputError
from exposure.text import shown

ACCOUNT_FIELDS = (
    "tx",
    "tx_index",
    "index",
    "block",
    "time",
    "from",
    "to",
    "amount",
    "fee",
    "asset",
    "status",
    "memo",
    "kind",
    "ordinal",
)
OUTPUT_FIELDS = ("tx", "n", "block", "tx_index", "time", "address", "amount", "coinbase")
INPUT_FIELDS = ("tx", "n", "spent_tx", "spent_n", "block", "tx_index", "time", "address", "amount")
PRICE_FIELDS = ("asset", "time", "date", "currency", "price")
FIELDS = tuple(dict.fromkeys((*ACCOUNT_FIELDS, *OUTPUT_FIELDS, *INPUT_FIELDS, *PRICE_FIELDS)))

_IDENTIFIERS = ("tx", "from", "to", "asset", "address", "spent_tx")
_AMOUNTS = ("amount", "fee")
_TIMES = ("time", "date")
_UNITS = {"ether": 18, "gwei": 9}
_MAX_DECIMALS = 38
_MAX_TOML = 1 << 20


class Mapped(NamedTuple):
    """One column of a file as one field. ``format`` is empty where nothing was said: base units, or recognised times."""

    column: str
    field: str
    format: str = ""

    @property
    def decimals(self) -> int:
        """Decimals of an amount: how many base-unit digits stand behind the point of what is written."""
        if self.format in _UNITS:
            return _UNITS[self.format]
        return int(self.format.removeprefix("decimals=")) if self.format.startswith("decimals=") else 0


def read_mapping(arguments: Iterable[str]) -> tuple[Mapped, ...]:
    """Read the values of ``--map``: each ``COLUMN=FIELD[:FORMAT]``, or the path of a TOML file of such pairs.

    Raises
    ------
    InputError
        If an argument has no ``=`` and is no file, a field or format is unknown, or a field is given twice.
    """
    mapped: list[Mapped] = []
    for argument in arguments:
        if "=" in argument:
            column, target = _split(argument)
            mapped.append(_mapped(column, target, f"--map {shown(argument)}"))
        elif argument.endswith(".toml") or Path(argument).is_file():
            mapped.extend(_from_toml(Path(argument)))
        else:
            raise InputError(f"--map {shown(argument)}: write COLUMN=FIELD or COLUMN=FIELD:FORMAT, or name a TOML file")
    for field in {one.field for one in mapped}:
        columns = [one.column for one in mapped if one.field == field]
        if len(columns) > 1:
            raise InputError(f"--map gives the field {field} to several columns ({', '.join(map(shown, columns))}): keep one")
    return tuple(mapped)


def _split(argument: str) -> tuple[str, str]:
    """Split where a known field follows the ``=``: formats such as ``decimals=6`` hold one too, and so may columns."""
    place = -1
    while (place := argument.find("=", place + 1)) >= 0:
        if argument[place + 1 :].partition(":")[0] in FIELDS:
            return argument[:place], argument[place + 1 :]
    column, _, target = argument.partition("=")
    return column, target


def _mapped(column: str, target: str, where: str) -> Mapped:
    field, _, form = target.partition(":")
    if not column or not field:
        raise InputError(f"{where}: write COLUMN=FIELD or COLUMN=FIELD:FORMAT")
    if field not in FIELDS:
        near = difflib.get_close_matches(field, FIELDS, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(f"{where}: there is no field {shown(field)}{hint}; fields are {', '.join(FIELDS)}")
    _check_format(field, form, where)
    return Mapped(column, field, form)


def _check_format(field: str, form: str, where: str) -> None:
    if not form:
        return
    if field in _IDENTIFIERS:
        good = form == "hexbytes"
        allowed = "hexbytes"
    elif field in _AMOUNTS:
        digits = form.removeprefix("decimals=")
        good = form in _UNITS or (
            form != digits and digits.isascii() and digits.isdigit() and len(digits) <= 2 and int(digits) <= _MAX_DECIMALS
        )
        allowed = "ether, gwei, decimals=N (N up to 38)"
    elif field in _TIMES:
        good = form in ("unix", "ms", "iso") or ("%" in form and _is_pattern(form))
        allowed = "unix, ms, iso, or a strptime pattern such as %d.%m.%Y %H:%M:%S"
    else:
        raise InputError(f"{where}: the field {field} takes no format")
    if not good:
        raise InputError(f"{where}: {shown(form)} is no format of {field}; it takes {allowed}")


def _is_pattern(form: str) -> bool:
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    try:
        datetime.strptime(moment.strftime(form), form)
    except ValueError:
        return False
    return True


def _from_toml(path: Path) -> list[Mapped]:
    """Pairs ``"COLUMN" = "FIELD[:FORMAT]"`` of a TOML file, at its top or in a table ``[map]``."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_TOML + 1)
        if len(content) > _MAX_TOML:
            raise InputError(f"{path} is larger than 1 MiB: that is no mapping")
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise InputError(f"--map {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"--map {path}: not a TOML file: {shown(error)}") from error
    table = document.get("map", document)
    if not isinstance(table, dict) or not table:
        raise InputError(f'--map {path}: write lines such as "block_time" = "time:iso"')
    mapped = []
    for column, target in table.items():
        if not isinstance(target, str):
            raise InputError(f'--map {path}: the value of {shown(column)} must be text, such as "amount:ether"')
        mapped.append(_mapped(column, target, f"{path}: {shown(column)}"))
    return mapped


def resolve(columns: Sequence[str], given: Sequence[Mapped], fields: Sequence[str], file: str) -> dict[str, Mapped]:
    """Field to column for one file: what ``--map`` gives, else the columns that are named as fields are.

    Raises
    ------
    InputError
        If a mapped column is not in the file, with the columns that are.
    """
    found: dict[str, Mapped] = {}
    for one in given:
        if one.column not in columns:
            near = difflib.get_close_matches(one.column, columns, 1)
            hint = f" (did you mean {shown(near[0])}?)" if near else ""
            names = ", ".join(shown(name, 40) for name in columns[:30])
            raise InputError(f"{file} has no column {shown(one.column)}{hint}; its columns are {names}")
        if one.field in fields:
            found[one.field] = one
    taken = {one.column for one in given}
    for column in columns:
        field = _ALIASES.get(column, column)
        if field in fields and field not in found and column not in taken:
            found[field] = Mapped(column, field)
    return found


_ALIASES = {"sender": "from", "receiver": "to"}
