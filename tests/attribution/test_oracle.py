"""The sanctions oracle: its call, its answers, and everything that is none."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from fictional_lists import btc, eth

sys.path.insert(0, str(Path(__file__).parent.parent / "net"))  # the scripted server is shared
from hostile_server import Request, reply, serve  # behind the path it needs

from exposure.attribution.lists.oracle import CONTRACT, SELECTOR, answers, calls
from exposure.cli import main
from exposure.errors import AttributionError
from exposure.model.addresses.hashes import keccak256
from exposure.store.store import Store
from exposure.workflows.labels import snapshot

YES, NO = "0x" + "0" * 63 + "1", "0x" + "0" * 64
NAMED = eth("named")


def test_the_selector_is_that_of_the_signature() -> None:
    assert keccak256(b"isSanctioned(address)")[:4].hex() == SELECTOR[2:]


def test_a_call_asks_about_its_address_at_its_block() -> None:
    (call,) = calls(CONTRACT, [NAMED], "0x10")
    assert call["params"] == [{"to": CONTRACT, "data": SELECTOR + "0" * 24 + NAMED[2:]}, "0x10"]


def test_answers_are_matched_by_id_in_any_order() -> None:
    replies = [{"id": 1, "result": NO}, {"id": 0, "result": YES}]
    assert answers(replies, [NAMED, eth("b")]) == {NAMED: True, eth("b"): False}


WRONG = {
    "no contract": ([{"id": 0, "result": "0x"}], "no contract at this address"),
    "no truth value": ([{"id": 0, "result": "0x" + "0" * 63 + "2"}], "no truth value"),
    "too short": ([{"id": 0, "result": "0x1"}], "no truth value"),
    "a number": ([{"id": 0, "result": 1}], "no truth value"),
    "missing": ([{"id": 7, "result": YES}], "did not answer"),
    "an error": ([{"id": 0, "error": {"message": "reverted"}}], "refuses"),
    "no batch": ({"id": 0, "result": YES}, "batch of calls"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_answer_is_refused_and_never_taken_for_a_no(case: str) -> None:
    replies, reason = WRONG[case]
    with pytest.raises(AttributionError, match=reason):
        answers(replies, [NAMED])


def node(request: Request) -> bytes:
    asked = json.loads(request.body)
    if isinstance(asked, dict):
        return reply(json.dumps({"id": 1, "result": "0x1" if asked["method"] == "eth_chainId" else "0x64"}).encode())
    found = [{"id": one["id"], "result": YES if one["params"][0]["data"].endswith(NAMED[2:]) else NO} for one in asked]
    return reply(json.dumps(found).encode())


def test_the_command_says_who_is_named_and_keeps_it_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*args: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["tags", "oracle", "--store", str(tmp_path / "store"), *args])
        return result.exit_code, result.output

    assert run(NAMED)[0] == 2, "no node is set"
    with serve(node) as server:
        monkeypatch.setenv("EXPOSURE_ORACLE_URL", server.base)
        assert run(eth("other"))[0] == 0 and run(btc("x"))[0] == 2
        code, text = run(NAMED, eth("other"), "--keep", "--format", "json")
        assert code == 3 and json.loads(text)["sanctioned"] == {NAMED: True, eth("other"): False}
        assert (json.loads(text)["chain_id"], json.loads(text)["block"]) == (1, 100)
    with Store.open(tmp_path / "store") as store:
        seed = snapshot(store).labels.seeds[NAMED]
    assert (seed.category, seed.designations) == ("sanctioned", ()), "a yes designates under no regime"
    assert run(NAMED, "--offline")[0] == 4
