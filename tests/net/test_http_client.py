"""The HTTP client against a server that misbehaves: a retry, or one sentence; never a secret in it."""

import gzip
import json
import logging
import traceback

import pytest
from hostile_server import always, reply, serve

from exposure.errors import InputError, SourceError
from exposure.net.calls import BudgetSpentError, Calls, Host, Key, OfflineError, RateLimitedError, checked_host
from exposure.net.http import Again, Client, Request

SECRET = "s3cr3t-K3Y/with+signs=="
GOOD = reply(b'{"height": 7, "value": 0.1}')


class Waits:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def client(waits):
    made = Client(Calls(clock=waits.clock, sleep=waits.sleep, max_calls=50))
    yield made
    made.close()


def host_of(server, **options):
    return Host(server.base, rate=1000.0, burst=100, **options)


@pytest.mark.parametrize(
    "fault",
    [
        None,  # reset
        reply(b'{"height": 7}', cut=4),
        reply(b'{"height": '),
        reply(b"<html>down for maintenance</html>"),
        reply(b"\xff\xfe"),
        reply(b"NaN"),
        reply(b"[" * 100_000),
        reply(b"", 503),
        reply(b"slow down", 429),
        reply(gzip.compress(b'{"height": 7}')[:-12], headers={"Content-Encoding": "gzip"}),
        reply(b"garbage", headers={"Content-Encoding": "gzip"}),
        reply(b"garbage", headers={"Content-Encoding": "br"}),
        b"not HTTP at all\r\n\r\n",
    ],
)
def test_a_fault_that_passes_is_tried_again_and_one_that_stays_is_a_sentence(client, fault):
    with serve(fault, fault, GOOD) as server:
        assert client.json(host_of(server), Request("x")).value["height"] == 7
        assert len(server.seen) == 3
    with serve(fault) as server, pytest.raises(SourceError, match=r"127.0.0.1:\d+ failed 5 times: ") as caught:
        client.json(host_of(server), Request("x"))
    assert len(server.seen) == 5
    assert "\n" not in str(caught.value)


def test_waits_double_from_half_a_second_to_a_minute(client):
    client.tries = 10
    slept = client.calls.sleep.__self__.slept
    with serve(None) as server, pytest.raises(SourceError):
        client.json(host_of(server), Request("x"))
    for number, wait in enumerate(slept):
        base = min(60.0, 0.5 * 2**number)
        assert base <= wait <= 1.5 * base
    assert len(slept) == 9


def test_a_host_that_says_when_is_asked_then_and_slower_from_then_on(client, waits):
    with serve(reply(b"", 429, {"Retry-After": "7"}), GOOD) as server:
        host = host_of(server)
        client.json(host, Request("x"))
        assert waits.now >= 7
        state = client.calls.rates()[host.name]
        assert (state.rate, state.refusals) == (500.0, 1)


def test_a_host_that_asks_for_an_hour_is_not_waited_for(client, waits):
    with serve(reply(b"", 429, {"Retry-After": "3600"})) as server, pytest.raises(SourceError, match="asks to wait 3,600 s"):
        client.json(host_of(server), Request("x"))
    assert waits.now == 0


def test_a_storm_of_refusals_ends_as_a_rate_limit(client):
    with serve(reply(b"too many", 429)) as server, pytest.raises(RateLimitedError, match="429.*too many"):
        client.json(host_of(server), Request("x"))


def test_a_reply_that_says_try_again_in_its_own_words_is_tried_again(client, waits):
    with serve(reply(b'{"status": "0"}'), reply(b'{"status": "1"}')) as server:
        found = client.json(
            host_of(server), Request("x"), lambda got: Again("busy", 30.0) if got.value["status"] == "0" else None
        )
    assert found.value == {"status": "1"}
    assert waits.now >= 30


def test_requests_to_a_host_keep_to_its_rate(waits):
    calls = Calls(clock=waits.clock, sleep=waits.sleep)
    host = Host("https://a.example", rate=2.0, burst=2)
    for _ in range(12):
        calls.begin(host)
    assert waits.now == pytest.approx(5.0)


def test_a_reply_larger_than_allowed_is_refused_also_when_it_was_small_on_the_way(client):
    client.max_reply = 2**20
    bomb = gzip.compress(b"[" + b" " * 2**26 + b"]")
    for content in (reply(bomb, headers={"Content-Encoding": "gzip"}), reply(b" " * (2**20 + 1))):
        with serve(content) as server, pytest.raises(SourceError, match="more than 1 MiB in one reply"):
            client.json(host_of(server), Request("x"))
        assert len(server.seen) == 1


def test_gzip_members_that_follow_one_another_are_one_body(client):
    body = gzip.compress(b'{"height"') + gzip.compress(b": 8}")
    with serve(reply(body, headers={"Content-Encoding": "gzip"})) as server:
        assert client.json(host_of(server), Request("x")).value == {"height": 8}


def test_redirects_within_the_host_are_followed_and_others_refused_without_the_key(client):
    with serve(GOOD) as other, serve(reply(b"", 302, {"Location": "/elsewhere"}), GOOD) as server:
        host = host_of(server, key=Key(SECRET, header="X-Key"))
        assert client.json(host, Request("x")).value["height"] == 7
        assert [one.target for one in server.seen] == ["/x", "/elsewhere"]
        for location in (other.base + "/", "//evil.example/", "file:///etc/passwd", "http://[", ""):
            server.steps = [always(reply(b"", 302, {"Location": location}))]
            with pytest.raises(SourceError, match="redirects"):
                client.json(host, Request("x"))
        assert not other.seen


def test_numbers_with_a_point_are_exact(client):
    with serve(GOOD) as server:
        assert str(client.json(host_of(server), Request("x")).value["value"]) == "0.1"


def test_an_error_of_the_host_comes_back_for_the_source_to_read(client):
    with serve(reply(b"Too many history entries", 400)) as server:
        found = client.json(host_of(server), Request("x"))
    assert (found.status, found.value, found.excerpt) == (400, None, "Too many history entries")


@pytest.mark.parametrize("place", ["header", "parameter", "basic"])
def test_a_key_never_shows_in_errors_logs_addresses_or_replies(client, place, caplog):
    key = {
        "header": Key(SECRET, header="X-Key"),
        "parameter": Key(SECRET, parameter="apikey"),
        "basic": Key(SECRET, user="me"),
    }[place]
    echo = [*key.forms, json.dumps(SECRET)[1:-1]]
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in SECRET)
    said = []
    caplog.set_level(logging.DEBUG)
    for body in (" ".join(echo), f'{{"result": "bad key {SECRET}"}}', f'{{"result": "{escaped}"}}'):
        for status in (200, 403, 503):
            with serve(reply(body.encode(), status, {"Retry-After": "0"})) as server:
                try:
                    found = client.json(host_of(server, key=key), Request("path", {"module": "account"}))
                    said += [found.url, found.text, str(found.value), found.excerpt]
                except SourceError as error:
                    said += ["".join(traceback.format_exception(error))]
                assert SECRET in server.seen[0].target + str(server.seen[0].headers) or place != "header"
            client.calls._made.clear()
    with serve(reply(b"", 302, {"Location": f"https://evil.example/{SECRET}"})) as server, pytest.raises(SourceError) as caught:
        client.json(host_of(server, key=key), Request("x"))
    said += ["".join(traceback.format_exception(caught.value)), repr(key), repr(host_of(server, key=key)), caplog.text]
    for form in echo:
        assert not [text for text in said if form in text]


def test_no_request_leaves_the_machine_offline_or_beyond_the_budget(waits):
    with serve(GOOD) as server:
        offline = Client(Calls(offline=True))
        with pytest.raises(OfflineError, match="--offline"):
            offline.json(host_of(server), Request("x", about="bc1q"))
        assert not server.seen
        assert not offline.calls.asked
        spent = Client(Calls(max_calls=2, clock=waits.clock, sleep=waits.sleep))
        for _ in range(2):
            spent.json(host_of(server), Request("x", about="bc1q"))
        with pytest.raises(BudgetSpentError, match="2 calls"):
            spent.json(host_of(server), Request("x"))
        assert len(server.seen) == spent.calls.made == 2
        assert spent.calls.asked == {f"127.0.0.1:{server.port}": ("bc1q",)}
        spent.close()


def test_cookies_and_netrc_are_not_sent(client, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(reply(b"{}", headers={"Set-Cookie": "track=1; Path=/"})) as server:
        for _ in range(2):
            client.json(host_of(server), Request("x"))
    assert not [one for one in server.seen if "cookie" in one.headers or "authorization" in one.headers]


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("http://blockstream.info/api", "plain text"),
        ("https://me:mine@node.example/", "user or password"),
        ("ftp://node.example/", "no address"),
        ("https://node.example:99999/", "malformed|no address"),
        ("https://", "no address"),
        ("", "no address"),
    ],
)
def test_hosts_that_would_leak_are_refused(base, sentence):
    with pytest.raises(InputError, match=sentence):
        checked_host(Host(base))
    for fine in (
        "http://127.0.0.1:8332",
        "http://localhost/",
        "http://node:80",
        "http://192.168.1.2",
        "https://node.example/a",
    ):
        checked_host(Host(fine))


def test_a_download_appears_whole_or_not_at_all(client, tmp_path):
    target = tmp_path / "list.xml"
    content = b"<list>" + b"x" * 200_000 + b"</list>"
    with serve(reply(content, cut=100), reply(gzip.compress(content), headers={"Content-Encoding": "gzip"})) as server:
        found = client.download(host_of(server), Request("l"), target, limit=10**6)
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    with serve(reply(b"y" * 2000)) as server, pytest.raises(SourceError, match="more than"):
        client.download(host_of(server), Request("l"), target, limit=1000)
    with serve(reply(b"", 304)) as server:
        assert client.download(host_of(server), Request("l", headers={"If-None-Match": "a"}), target, limit=1000).status == 304
        assert server.seen[0].headers["if-none-match"] == "a"
    assert target.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["list.xml"]
    assert found.body == b""
