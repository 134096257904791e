"""The use ``tags update``: get official lists from where they are published, and keep each as an edition.

A download goes on where it was broken off, if the host tells its editions apart (ETag or Last-Modified) and gives parts of a
file; else it begins again. What was got is imported like any file, so an edition that shrinks or is old is held. One list
that cannot be had leaves the others, and its last edition, as they are.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from exposure.attribution.list_sources import ListSource, linked_file
from exposure.errors import AttributionError, InputError, SourceError
from exposure.net.calls import Host
from exposure.net.http import Client, Reply, Request
from exposure.store import catalogue
from exposure.store import tags as stored
from exposure.store.store import Store
from exposure.text import shown
from exposure.workflows.tags import Imported, ImportOptions, import_lists

if TYPE_CHECKING:  # annotations only
    from collections.abc import Mapping

FOLDER = "lists"
"""Folder of the store with the downloads."""

MAX_LIST = 512 << 20
PIECE = 8 << 20
"""Bytes asked for at once: what a break costs at the most."""


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of one list. ``unchanged``: the host has nothing newer; ``fault``: why it could not be had."""

    name: str
    imported: Imported | None = None
    unchanged: bool = False
    fault: str = ""
    bytes_got: int = 0


def chosen(sources: Mapping[str, ListSource], names: Sequence[str]) -> list[ListSource]:
    """The sources of some names; those that are on by default for none.

    Raises
    ------
    InputError
        If a name is not known.
    """
    for name in names:
        if name not in sources:
            raise InputError(f"no list is called {shown(name, 40)!r}: known are {', '.join(sources)}")
    return [sources[name] for name in names] if names else [source for source in sources.values() if source.default]


def update_lists(
    store: Store,
    sources: Sequence[ListSource],
    client: Client,
    *,
    accept: bool = False,
    now: int | None = None,
    told: Callable[[str, int, int | None], None] = lambda name, got, total: None,
) -> list[Updated]:
    """Get lists and keep each as an edition.

    Parameters
    ----------
    store
        The store; downloads lie in its folder ``lists``, 0600.
    sources
        Which lists, and where they are.
    client
        The HTTP client; its `Calls` refuse everything where the network is forbidden.
    accept
        Let an edition count that would be held.
    told
        Told after each piece: name, bytes so far, bytes in all (None: unknown).

    Returns
    -------
    list of Updated
        One for each source, in order; a fault of one stops no other.
    """
    folder = store.path / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    return [_updated(store, source, client, folder, accept, now, told) for source in sources]


def _updated(
    store: Store,
    source: ListSource,
    client: Client,
    folder: Path,
    accept: bool,
    now: int | None,
    told: Callable[[str, int, int | None], None],
) -> Updated:
    path = folder / source.name
    state = _State(path)
    before, target = state.read(), source
    try:
        if source.page:
            target = _linked(source, client)
        got = _Download(client, target, path, state, lambda done, total: told(source.name, done, total)).run(before)
        if got is None:
            _note_check(store, before.get("list", ""), now)
            return Updated(source.name, unchanged=True)
        (imported,) = import_lists(store, [path], ImportOptions(form=source.form, accept=accept), now=now)
    except AttributionError as error:
        state.forget()  # what could not be read is asked for anew next time, and not taken for known
        said = f"{urlsplit(target.url).hostname} sent what cannot be read as this list ({_beginning(path)}): {error}"
        return Updated(source.name, fault=f"{said}. The edition that the store has stays as it is")
    except (SourceError, InputError) as error:
        return Updated(source.name, fault=str(error))
    name = imported.edition.name
    state.write({"etag": got.get("etag", ""), "modified": got.get("modified", ""), "url": target.url, "list": name})
    _note_check(store, name, now)
    return Updated(source.name, imported, bytes_got=path.stat().st_size)


def _beginning(path: Path) -> str:
    """How a download begins, for a message."""
    with path.open("rb") as file:
        head = file.read(60)
    return f"it begins with {shown(head.decode('utf-8', 'replace'), 60)}" if head.strip() else "it is empty or blank"


def _note_check(store: Store, name: str, now: int | None) -> None:
    """Keep when a list's publisher was last asked: an old edition may be the newest there is."""
    if name:
        connection = catalogue.connect(store.path, write=True)
        try:
            with catalogue.transaction(connection):
                stored.note_check(connection, name, int(time.time()) if now is None else now)
        finally:
            connection.close()


def _linked(source: ListSource, client: Client) -> ListSource:
    reply = client.text(_host(source), _request(source.url))
    if reply.status != 200:
        client.fail(_host(source), f"answered {reply.status} for the page of the list {source.name}: look at its address")
    target = linked_file(reply.text, source)
    if target is None:
        client.fail(_host(source), f"links no file that ends in {source.link} from the page of the list {source.name}")
    return replace(source, url=target)


def _host(source: ListSource) -> Host:
    parts = urlsplit(source.url)
    return Host(f"{parts.scheme}://{parts.netloc}", redirects=frozenset(source.redirects))


def _request(url: str, headers: Mapping[str, str] | None = None) -> Request:
    parts = urlsplit(url)
    return Request(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)) or None, headers=headers)


class _State:
    """What is known of the last whole download, and of one that was broken off: small files beside the list."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".json")

    def read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def write(self, facts: Mapping[str, str]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dict(facts), file)
        new.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


class _Download:
    """One file, got in pieces. Holds the invariant that a part belongs to one edition: the mark that the host gave it."""

    def __init__(
        self, client: Client, source: ListSource, path: Path, state: _State, told: Callable[[int, int | None], None]
    ) -> None:
        self._client = client
        self._source = source
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._part_state = _State(self._part)
        self._told = told

    def run(self, before: Mapping[str, str]) -> dict[str, str] | None:
        """Get the file to its path; its marks, or None if the host has nothing newer."""
        mark, size = self._begun()
        while True:
            headers = {"Range": f"bytes={size}-{size + PIECE - 1}", "Accept-Encoding": "identity"}
            if size:
                headers["If-Range"] = mark
            elif before.get("url") == self._source.url and self._path.is_file():
                headers |= _conditions(before)
            reply = self._client.download(
                _host(self._source), _request(self._source.url, headers), self._whole(), limit=MAX_LIST
            )
            if reply.status == 304 and not size:
                return None
            if reply.status == 200:  # no parts to be had, or another edition than that of the part: the whole file came
                self._whole().replace(self._path)
                self._drop()
                return _marks(reply)
            if reply.status == 416 and size:
                self._drop()
                mark, size = "", 0
                continue
            start, total = _place(reply)
            if reply.status != 206 or start != size:
                said = f"answered {reply.status} for the list {self._source.name}"
                self._client.fail(
                    _host(self._source), f"{said} ({reply.excerpt}): look at its address, or at the page of the list"
                )
            mark = _mark(reply)
            size = self._append(reply.body, size)
            self._told(size, total)
            if total is None:
                self._drop()
                return self._at_once()
            if size >= total or not reply.body:
                if size != total:
                    self._drop()
                    self._client.fail(_host(self._source), f"sent {size:,} bytes of {total:,} for the list {self._source.name}")
                self._part.replace(self._path)
                self._drop()
                return _marks(reply)
            if not mark:  # the next piece could be another edition's: it is got whole, in one reply
                self._drop()
                return self._at_once()
            self._part_state.write({"mark": mark, "url": self._source.url})
            if size > MAX_LIST:
                self._drop()
                self._client.fail(_host(self._source), f"sends a list of more than {MAX_LIST >> 20} MiB, which is refused")

    def _at_once(self) -> dict[str, str]:
        reply = self._client.download(_host(self._source), _request(self._source.url), self._whole(), limit=MAX_LIST)
        if reply.status != 200:
            self._client.fail(_host(self._source), f"answered {reply.status} for the list {self._source.name}")
        self._whole().replace(self._path)
        return _marks(reply)

    def _begun(self) -> tuple[str, int]:
        """Mark and size of a download that was broken off; nothing if it was of another address."""
        state = self._part_state.read()
        if state.get("url") == self._source.url and state.get("mark") and self._part.is_file() and not self._part.is_symlink():
            return state["mark"], self._part.stat().st_size
        self._drop()
        return "", 0

    def _append(self, body: bytes, size: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (0 if size else os.O_TRUNC)
        with os.fdopen(os.open(self._part, flags, 0o600), "wb") as file:
            file.seek(size)
            file.write(body)
            file.truncate()
        return size + len(body)

    def _whole(self) -> Path:
        return self._path.with_name(self._path.name + ".whole")

    def _drop(self) -> None:
        self._part.unlink(missing_ok=True)
        self._part_state.forget()


def _conditions(before: Mapping[str, str]) -> dict[str, str]:
    """Headers that ask for the file only if it is another edition than the last one."""
    if before.get("etag"):
        return {"If-None-Match": before["etag"]}
    return {"If-Modified-Since": before["modified"]} if before.get("modified") else {}


def _mark(reply: Reply) -> str:
    """What tells this edition of the file from others, for If-Range; a weak ETag does not."""
    etag = reply.headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else reply.headers.get("last-modified", "")


def _marks(reply: Reply) -> dict[str, str]:
    return {"etag": reply.headers.get("etag", ""), "modified": reply.headers.get("last-modified", "")}


def _place(reply: Reply) -> tuple[int, int | None]:
    """First byte of a part and size of the whole, as its Content-Range says; (-1, None) if it says nothing."""
    unit, _, rest = reply.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    first = span.partition("-")[0]
    if unit != "bytes" or not first.isdigit():
        return -1, None
    return int(first), int(total) if total.isdigit() else None


def faults(updated: Sequence[Updated]) -> bool:
    """Whether anything asked for could not be had, was rejected, or is held."""
    return any(one.fault or (one.imported is not None and (one.imported.waits or one.imported.dropped)) for one in updated)
