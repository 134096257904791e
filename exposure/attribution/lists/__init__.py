"""Parsers of lists: one module a form, each a pure function from the bytes of a file to a `ParsedList`.

A new form is one module here and one line in `FORMS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

from exposure.attribution.opening import Bounded, open_list
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList
from exposure.text import shown


class Form(NamedTuple):
    """A form of list: its name for people, and where its parser is (imported when it is first needed)."""

    title: str
    module: str
    function: str


FORMS: dict[str, Form] = {
    "ofac": Form("OFAC SDN list, advanced XML", "exposure.attribution.lists.ofac", "parse_ofac"),
    "tagpack": Form("GraphSense TagPack or actor pack, YAML", "exposure.attribution.lists.tagpack", "parse_tagpack"),
    "csv": Form("tags in this program's own CSV form", "exposure.attribution.lists.own", "parse_own"),
}

_HEAD = 4096
_YAML_LINE = re.compile(r"%YAML|---|[a-z_]+:(\s|$)")


def recognise(head: bytes, name: str) -> str:
    """Name of the form of a file, from its first bytes.

    Raises
    ------
    AttributionError
        If it looks like none; the message names the forms.
    """
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return "ofac"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and _YAML_LINE.match(lines[0]):
        return "tagpack"
    if lines and "," in lines[0]:
        return "csv"
    known = "; ".join(f"{key}: {form.title}" for key, form in FORMS.items())
    raise AttributionError(f"{name}: not recognised as a list. Say what it is with --as ({known})")


class ListFile(NamedTuple):
    """What a file says, and the SHA-256 of its unpacked bytes."""

    parsed: ParsedList
    sha256: str


def read_list(path: Path, *, form: str = "auto") -> ListFile:
    """Read a list file of any known form, packed or not.

    Parameters
    ----------
    path
        The file.
    form
        A key of `FORMS`, or ``auto``.

    Raises
    ------
    AttributionError
        If the file cannot be read, or is not of that form.
    """
    name = shown(path.name)
    if form == "auto":
        with open_list(path) as stream:
            form = recognise(stream.read(_HEAD), name)
    entry = FORMS[form]
    parse = cast("Callable[[Bounded, str], ParsedList]", getattr(import_module(entry.module), entry.function))
    with open_list(path) as stream:
        parsed = parse(stream, name)
        return ListFile(parsed, stream.sha256)
