"""Parsers of lists: one module a form, each a pure function from the bytes of a file to a `ParsedList`.

A new form is one module here and one line in `FORMS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, cast

from exposure.attribution.opening import MAX_UNPACKED, Bounded, open_list
from exposure.errors import AttributionError
from exposure.model.tags import ParsedList
from exposure.text import shown


class Form(NamedTuple):
    """A form of list: its name for people, where its parser is (imported when it is first needed), most bytes unpacked."""

    title: str
    module: str
    function: str
    limit: int = MAX_UNPACKED


_HERE = "exposure.attribution.lists"

FORMS: dict[str, Form] = {
    "ofac": Form("OFAC SDN list, advanced XML", f"{_HERE}.ofac", "parse_ofac"),
    "ofac-simple": Form("OFAC SDN list, simple XML", f"{_HERE}.ofac_simple", "parse_ofac_simple"),
    "uk": Form("UK Sanctions List, XML", f"{_HERE}.uk", "parse_uk_xml"),
    "uk-csv": Form("UK Sanctions List, CSV", f"{_HERE}.uk", "parse_uk_csv"),
    "eu": Form("EU consolidated list, XML 1.1", f"{_HERE}.eu", "parse_eu"),
    "un": Form("UN consolidated list, XML", f"{_HERE}.un", "parse_un"),
    "japan": Form("Japan, Ministry of Finance, workbook", f"{_HERE}.japan", "parse_japan"),
    "israel": Form("Israel, seizure orders, CSV", f"{_HERE}.israel", "parse_israel"),
    "opensanctions": Form("OpenSanctions entities, JSON lines", f"{_HERE}.opensanctions", "parse_opensanctions", 32 << 30),
    "opensanctions-holdings": Form(
        "OpenSanctions ownership, JSON lines", f"{_HERE}.opensanctions_holdings", "parse_opensanctions_holdings", 32 << 30
    ),
    "holdings": Form("holdings in this program's own CSV form", f"{_HERE}.holdings", "parse_holdings"),
    "tagpack": Form("GraphSense TagPack or actor pack, YAML", f"{_HERE}.tagpack", "parse_tagpack"),
    "csv": Form("tags in this program's own CSV form", f"{_HERE}.own", "parse_own"),
}

_HEAD = 16 << 10
_YAML_LINE = re.compile(r"%YAML|---|[a-z_]+:(\s|$)")
_ROOTS = {"Sanctions": "ofac", "sdnList": "ofac-simple", "Designations": "uk", "export": "eu", "CONSOLIDATED_LIST": "un"}
_PROLOG = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\])?\s*>)", re.DOTALL)
_ELEMENT = re.compile(r"\s*<(?:[\w.-]+:)?([\w.-]+)")
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


def recognise(head: bytes, name: str) -> str:
    """Name of the form of a file, from its first bytes.

    Raises
    ------
    AttributionError
        If it looks like none; the message names the forms.
    """
    if head.startswith(b"PK\x03\x04"):
        return "japan"
    if head.startswith(_OLD_WORKBOOK):
        raise AttributionError(f"{name}: a workbook of the form before 2007; save it as .xlsx and import that")
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    if not text:
        raise AttributionError(f"{name}: is empty, or begins with nothing but blank lines; get it again")
    form = _xml_form(text, name) if text.startswith("<") else _text_form(text)
    if form:
        return form
    known = "; ".join(f"{key}: {form.title}" for key, form in FORMS.items())
    raise AttributionError(f"{name}: not recognised as a list. Say what it is with --as ({known})")


def _xml_form(text: str, name: str) -> str:
    place = 0
    while found := _PROLOG.match(text, place):
        place = found.end()
    root = _ELEMENT.match(text, place)
    if root and root[1] not in _ROOTS:
        known = ", ".join(_ROOTS)
        raise AttributionError(f"{name}: its root element is {shown(root[1], 60)}, of no list that is read (they have {known})")
    return _ROOTS[root[1]] if root else ""


def _text_form(text: str) -> str:
    if text.startswith("{"):
        return "opensanctions" if '"schema"' in text else ""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines[:5]:
        cells = {re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in line.split(",")}
        if {"uniqueid", "regimename"} <= cells:
            return "uk-csv"
        if {"owner", "owned"} <= cells:
            return "holdings"
        if "orderid" in cells and any("wallet" in cell or "address" in cell for cell in cells):
            return "israel"
    if lines and _YAML_LINE.match(lines[0]):
        return "tagpack"
    return "csv" if lines and "," in lines[0] else ""


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
    with open_list(path, limit=entry.limit) as stream:
        parsed = parse(stream, name)
        return ListFile(parsed, stream.sha256)
