"""``tags update`` against a server on loopback: whole, in pieces, broken off, unchanged, hostile; the last edition stays."""

import gzip
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fictional_forms import NOTATIONS, japan_rows, uk_xml, workbook_bytes
from fictional_lists import FICTION, PRETEND, at, ofac_xml, write

sys.path.insert(0, str(Path(__file__).parent.parent / "net"))  # the scripted server is shared
from hostile_server import Request, Server, reply, serve  # behind the path it needs

from exposure.attribution.list_sources import ListSource, linked_file, list_sources
from exposure.cli import main
from exposure.errors import InputError
from exposure.net.calls import Calls
from exposure.net.http import Client
from exposure.store.store import Store
from exposure.workflows import list_update
from exposure.workflows.labels import snapshot
from exposure.workflows.list_update import Updated, chosen, update_lists
from exposure.workflows.tags import list_editions

NOW = at("2026-02-02")
WHOLE = ofac_xml("2026-02-01", [FICTION, PRETEND]).encode()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def update(store: Store, server: Server, **options: object) -> Updated:
    source = ListSource("ofac", f"{server.base}/sdn.xml", form="ofac")
    client = Client(Calls(sleep=lambda seconds: None, max_calls=100))
    try:
        (updated,) = update_lists(store, [replace(source, **options)], client, now=NOW)  # its fields
    finally:
        client.close()
    return updated


def in_pieces(content: bytes, *, etag: str = '"one"', fail_after: int = 10**9) -> Callable[[Request], bytes | None]:
    """A host that gives parts of a file; it breaks every connection from the ``fail_after``-th byte on."""

    def step(request: Request) -> bytes | None:
        if request.headers.get("if-none-match") == etag:
            return reply(b"", 304)
        first, last = map(int, re.findall(r"\d+", request.headers["range"]))
        if request.headers.get("if-range", etag) != etag:
            return reply(content, headers={"ETag": etag})
        if first >= fail_after:
            return None
        part = content[first : last + 1]
        span = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return reply(part, 206, {"Content-Range": span, "ETag": etag})

    return step


def test_a_list_is_got_kept_with_its_hash_and_asked_for_only_once(store: Store) -> None:
    with serve(in_pieces(WHOLE)) as server:
        first = update(store, server)
        assert first.imported is not None and first.imported.edition.name == "OFAC SDN" and not first.fault
        again = update(store, server)
        assert again.unchanged and server.seen[-1].headers["if-none-match"] == '"one"'
    (edition,) = list_editions(store)
    old = [text for text in snapshot(store).warnings if "days old" in text]
    assert ["import a newer one" in text for text in old] == [True], "asked long ago"
    assert edition.published == at("2026-02-01") and snapshot(store).labels.seeds
    assert (store.path / "lists" / "ofac").stat().st_mode & 0o777 == 0o600


def test_an_old_list_whose_publisher_has_nothing_newer_is_said_to_be_so(store: Store) -> None:
    with serve(in_pieces(WHOLE)) as server:
        update(store, server)
        source, client = ListSource("ofac", f"{server.base}/sdn.xml", form="ofac"), Client(Calls())
        assert update_lists(store, [source], client)[0].unchanged
        client.close()
    (old,) = [text for text in snapshot(store).warnings if "days old" in text]
    assert "its publisher had nothing newer on" in old and "import a newer one" not in old
    assert "import a newer one" in snapshot(store, as_of=at("2026-03-01")).warnings[0], "of a day gone by nobody was asked"


def test_a_list_comes_whole_in_pieces_and_from_a_host_that_gives_no_parts(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_update, "PIECE", 100)
    with serve(in_pieces(WHOLE)) as server:
        update(store, server)
        assert len(server.seen) == -(-len(WHOLE) // 100)
    with serve(reply(WHOLE)) as server, Store.create(tmp_path / "other") as other:
        update(other, server)
        assert [edition.sha256 for edition in list_editions(other)] == [edition.sha256 for edition in list_editions(store)]


def test_a_download_that_broke_off_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_update, "PIECE", 500)
    with serve(in_pieces(WHOLE, fail_after=1000)) as server:
        broken = update(store, server)
        assert "broke the connection" in broken.fault and not list_editions(store)
        port = server.base
    with serve(in_pieces(WHOLE)) as server:
        state = store.path / "lists" / "ofac.part.json"
        state.write_text(state.read_text().replace(port, server.base))  # the same host in life
        assert update(store, server).imported is not None
        assert server.seen[0].headers["range"] == "bytes=1000-1499" and server.seen[0].headers["if-range"] == '"one"'
    assert (store.path / "lists" / "ofac").read_bytes() == WHOLE


def test_a_new_edition_in_the_middle_of_a_download_is_never_mixed_with_the_old_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_update, "PIECE", 500)
    old, new = in_pieces(b"x" * 2000, etag='"old"'), in_pieces(WHOLE, etag='"new"')
    with serve(old, old, new) as server:
        assert update(store, server).imported is not None
    assert (store.path / "lists" / "ofac").read_bytes() == WHOLE


FAULTS: dict[str, tuple[bytes | None, str]] = {
    "not found": (reply(b"gone", 404), "answered 404"),
    "a web page": (reply(b"<html>please wait</html>"), "root element is html"),
    "half of it": (reply(WHOLE[:900]), "cut off"),
    "nothing": (reply(b""), "it is empty or blank"),
    "blank lines": (reply(b"\n" * 5_000), "empty"),
    "an answer of a program": (reply(b'{"error": "rate limited"}'), 'begins with {"error": "rate limited"}'),
    "another list": (reply(b"<CONSOLIDATED_LIST><INDIVIDUALS/></CONSOLIDATED_LIST>"), "holds no INDIVIDUAL"),
    "a bomb": (reply(gzip.compress(b" " * (8 << 20))), "empty"),
    "cut in the body": (reply(WHOLE, cut=100), "failed 5 times"),
    "reset": (None, "broke the connection"),
    "elsewhere": (reply(b"", 302, {"Location": "https://example.org/x"}), "redirects to https://example.org"),
    "a part that was not asked for": (reply(WHOLE, 206, {"Content-Range": "bytes 7-99/100"}), "answered 206"),
    "a part without a place": (reply(WHOLE, 206), "answered 206"),
    "too short a part": (reply(b"", 206, {"Content-Range": "bytes 0-0/100", "ETag": '"x"'}), "sent 0 bytes of 100"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_whatever_a_host_does_the_last_edition_stays_and_the_fault_is_said(store: Store, case: str) -> None:
    with serve(reply(WHOLE)) as server:
        update(store, server)
    before = list_editions(store)
    content, reason = FAULTS[case]
    with serve(content) as server:
        updated = update(store, server, form="auto")
    assert reason in updated.fault and updated.imported is None
    assert list_editions(store) == before and snapshot(store).labels.seeds


def test_a_list_that_is_too_large_is_refused_while_it_comes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(reply(WHOLE)) as server:
        update(store, server)
    before = list_editions(store)
    monkeypatch.setattr(list_update, "MAX_LIST", 4_000)
    monkeypatch.setattr(list_update, "PIECE", 1_000)
    endless = in_pieces(b"<a>" + b"x" * 50_000)
    for step in (reply(b"x" * 50_000), endless):
        with serve(*[step] * 20) as server:
            updated = update(store, server)
        assert "MiB" in updated.fault or "more than" in updated.fault, updated.fault
        assert list_editions(store) == before


def test_an_older_edition_is_held_and_the_newer_one_counts(store: Store) -> None:
    with serve(reply(WHOLE)) as server:
        update(store, server)
    digest = snapshot(store, as_of=NOW).labels.digest
    with serve(reply(ofac_xml("2026-01-01", [FICTION, PRETEND]).encode())) as server:
        updated = update(store, server)
    assert updated.imported is not None and updated.imported.waits and "older than" in updated.imported.edition.reason
    assert list_update.faults([updated]) and snapshot(store, as_of=NOW).labels.digest == digest


def test_an_edition_that_shrinks_is_held(store: Store) -> None:
    with serve(reply(WHOLE)) as server:
        update(store, server)
    with serve(reply(ofac_xml("2026-02-05", [FICTION]).encode())) as server:
        updated = update(store, server)
    assert updated.imported is not None and updated.imported.waits and list_update.faults([updated])


def test_a_page_leads_to_its_first_file_on_its_own_host(store: Store) -> None:
    book = workbook_bytes({"架空": japan_rows()})
    page = b"<a href=\"https://evil.example/x.xlsx\">x</a> <a href='/docs/list.xlsx?v=1&amp;w=2'>list</a>"
    with serve(lambda request: reply(page if request.target == "/page.html" else book)) as server:
        updated = update(store, server, url=f"{server.base}/page.html", page=True, link=".xlsx", form="japan", name="japan")
        assert updated.imported is not None and updated.imported.edition.rows == len(NOTATIONS)
        assert server.seen[-1].target == "/docs/list.xlsx?v=1&w=2"
    with serve(reply(b"<html>nothing here</html>")) as server:
        assert "links no file" in update(store, server, page=True, link=".xlsx").fault
    assert linked_file('<a href="javascript:x.xlsx">', ListSource("x", "https://example.org/a", link=".xlsx")) is None


def test_one_list_that_fails_stops_no_other(store: Store, tmp_path: Path) -> None:
    def step(request: Request) -> bytes:
        return reply(uk_xml().encode()) if "uk" in request.target else reply(b"", 404)

    with serve(step) as server:
        rows = "".join(f'[[source]]\nname = "{name}"\nurl = "{server.base}/{name}.xml"\n' for name in ("ofac", "uk"))
        own = write(tmp_path, "own.toml", rows)
        result = CliRunner().invoke(
            main, ["tags", "update", "ofac", "uk", "--sources", str(own), "--store", str(store.path), "--format", "json"]
        )
    assert result.exit_code == 4
    one, two = json.loads(result.stdout)["lists"]
    assert "answered 404" in one["fault"] and two["edition"]["name"] == "UK Sanctions List"


def test_offline_asks_nobody(store: Store) -> None:
    result = CliRunner().invoke(main, ["tags", "update", "uk", "--offline", "--store", str(store.path)])
    assert result.exit_code == 4 and "--offline forbids it" in " ".join(result.stdout.split())


def test_shipped_sources_are_whole_and_a_users_file_goes_over_them(tmp_path: Path) -> None:
    shipped = list_sources()
    assert set(shipped) == {"ofac", "ofac-simple", "uk", "eu", "un", "japan"}
    assert all(source.url.startswith("https://") and source.form != "auto" for source in shipped.values())
    own = write(tmp_path, "own.toml", '[[source]]\nname = "uk"\nurl = "https://example.org/uk.xml"\ndefault = false\n')
    both = list_sources(own)
    assert both["uk"].url == "https://example.org/uk.xml" and "uk" not in [one.name for one in chosen(both, ())]
    with pytest.raises(InputError, match="no list is called 'nosuch'"):
        chosen(both, ["nosuch"])


BAD = {
    "no toml": ("[[source", "not TOML"),
    "another table": ("[other]\n", "[[source]]"),
    "no url": ('[[source]]\nname = "x"\n', "a name and a url"),
    "unknown key": ('[[source]]\nname = "x"\nurl = "y"\nkey = "z"\n', "unknown key 'key'"),
    "wrong type": ('[[source]]\nname = "x"\nurl = 3\n', "url is no str"),
    "a path for a name": ('[[source]]\nname = "../x"\nurl = "y"\n', "is no name"),
    "unknown form": ('[[source]]\nname = "x"\nurl = "y"\nform = "z"\n', "is no form"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_of_sources_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    text, reason = BAD[case]
    with pytest.raises(InputError, match=re.escape(reason)):
        list_sources(write(tmp_path, "own.toml", text))
