"""Where official lists are published: a data file that ships, and one of the user's own over it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from html import unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from exposure.attribution.lists import FORMS
from exposure.errors import InputError
from exposure.text import shown

MAX_FILE = 256 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_KEYS = {"name": str, "form": str, "url": str, "page": bool, "link": str, "redirects": list, "default": bool}


@dataclass(frozen=True, slots=True)
class ListSource:
    """One list: its short name, its form, where it is, and whether an update without names takes it.

    ``page``: ``url`` is a page; the file is its first link that ends in ``link``. ``redirects``: other hosts to which the
    host may redirect.
    """

    name: str
    url: str
    form: str = "auto"
    page: bool = False
    link: str = ""
    redirects: tuple[str, ...] = ()
    default: bool = True


def list_sources(own: Path | None = None) -> dict[str, ListSource]:
    """Every known source by name: those that ship, and those of a file of the user's over them.

    Raises
    ------
    InputError
        If the file cannot be read, or an entry of it is not what it has to be.
    """
    shipped = files("exposure.attribution").joinpath("list_sources.toml").read_text(encoding="utf-8")
    known = _read(shipped, "list_sources.toml")
    if own is not None:
        try:
            with own.open("rb") as file:
                content = file.read(MAX_FILE + 1)
            if len(content) > MAX_FILE:
                raise InputError(f"{shown(own)}: larger than {MAX_FILE // 1024} KiB; a file of list sources is not")
            text = content.decode("utf-8")
        except OSError as error:
            raise InputError(f"{shown(own)}: cannot be read ({error.strerror}); it names where lists are") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{shown(own)}: not UTF-8 text; save the file as UTF-8") from error
        known |= _read(text, shown(own.name))
    return known


def _read(text: str, name: str) -> dict[str, ListSource]:
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: not TOML: {shown(error)}") from error
    rows = content.get("source")
    if set(content) - {"source"} or not isinstance(rows, list):
        raise InputError(f"{name}: write each list as a table [[source]] with name, url and form")
    return {source.name: source for source in (_source(row, f"{name}, source {n}") for n, row in enumerate(rows, 1))}


def _source(row: object, where: str) -> ListSource:
    if not isinstance(row, dict) or not {"name", "url"} <= set(row):
        raise InputError(f"{where}: a source needs a name and a url")
    for key, value in row.items():
        if key not in _KEYS:
            raise InputError(f"{where}: unknown key {shown(key, 40)!r}; known are {', '.join(_KEYS)}")
        texts = isinstance(value, list) and all(isinstance(host, str) for host in value)
        if not (texts if key == "redirects" else isinstance(value, _KEYS[key])):
            raise InputError(f"{where}: {key} is no {'list of texts' if key == 'redirects' else _KEYS[key].__name__}")
    if not _NAME.fullmatch(row["name"]):
        raise InputError(f"{where}: {shown(row['name'], 40)!r} is no name: use small letters, digits, dots and hyphens")
    if row.get("form", "auto") not in ("auto", *FORMS):
        raise InputError(f"{where}: {shown(row['form'], 40)!r} is no form: use one of {', '.join(FORMS)}")
    return ListSource(**{**row, "redirects": tuple(row.get("redirects", ()))})


_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


def linked_file(page: str, source: ListSource) -> str | None:
    """Address of the first file that a page links and whose path ends as the source says; None if it links none.

    A link to another host is not taken: a page that somebody altered must not send us anywhere.
    """
    for match in _HREF.finditer(page):
        target = urljoin(source.url, unescape(match[1] or match[2] or "").strip())
        parts = urlsplit(target)
        if parts.path.lower().endswith(source.link.lower()) and parts.netloc == urlsplit(source.url).netloc:
            return target
    return None
