"""Bad input at every command: a sentence that says what, where and what to do, the right exit code, nothing on stdout.

The table is (arguments, exit code, words that the sentence must have). Capital words stand for things made by the fixture.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure.cli import main
from exposure.store.store import Store
from exposure.workflows.ingest import ImportOptions, ingest

PAYER, ME = "0x" + "b" * 40, "0x" + "a" * 40
TX, NO_TX = "0x" + "9" * 64, "0x" + "1" * 64
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BITCOIN, OLD_BITCOIN = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
TRON, RIPPLE = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe"
MIXED_SCRIPTS = "0x\N{CYRILLIC SMALL LETTER A}" + "a" * 39
HUGE = "x" * 1_000_000
LEDGER = "tx,index,block,time,from,to,amount,asset\n"
ROW = f"{TX},0,1,1700000000,{PAYER},{ME},60,ethereum/native\n"
POLICY = """name = "x"
version = "1"
[[rules]]
name = "x.a"
kind = "direct"
categories = ["sanctioned"]
action = "hold"
reason = "r"
"""
POLICIES = {
    "unknown-key": POLICY + 'shaer = "1%"\n',
    "unknown-regime": POLICY + 'regimes = ["JX"]\n',
    "other-regime": POLICY + 'regimes = ["GB"]\n',
    "country": POLICY + 'regimes = ["Japan"]\n',
    "negative": POLICY + "usd = -5\n",
    "negative-share": POLICY + 'share = "-1%"\n',
    "absurd": POLICY + "usd = 1e300\n",
    "infinite": POLICY + "usd = inf\n",
    "share": POLICY + 'share = "1e9%"\n',
    "deep": "a = " + "[" * 3000,
    "empty": "",
    "yaml": "name: x\nrules:\n  - a\n",
    "hostile": POLICY.replace('"x"', '"\u202ex"'),
}
BAD_FILES = {
    "binary.csv": bytes(range(256)) * 20,
    "empty.csv": b"",
    "columns.csv": b"a,b\n1,2\n",
    "bomb.yaml": b"a: &a [*a, *a]",
    "doctype.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    "deep.json": b"[" * 100_000,
    "cut.parquet": b"PAR1xxxxPAR1",
    "cut.gz": b"\x1f\x8bjunk",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a small store, an empty one, damaged ones, a case and damaged ones, policies, and files of no form."""
    made = tmp_path_factory.mktemp("bad")
    (made / "ledger.csv").write_text(LEDGER + ROW)
    with Store.create(made / "STORE") as store:
        ingest([made / "ledger.csv"], ImportOptions(chain="ethereum", whole_ledger=True), store=store)
    Store.create(made / "EMPTY").close()
    for name in ("JUNK", "CUT", "NEWER", "NO_VERSION", "NO_PARTS", "BAD_PART"):
        shutil.copytree(made / "STORE", made / name)
    whole = (made / "STORE" / "catalogue.sqlite").read_bytes()
    (made / "JUNK" / "catalogue.sqlite").write_bytes(bytes(range(256)) * 20)
    (made / "CUT" / "catalogue.sqlite").write_bytes(whole[: len(whole) // 2])
    for name, statement in (("NEWER", "pragma user_version = 999"), ("NO_VERSION", "delete from versions")):
        connection = sqlite3.connect(made / name / "catalogue.sqlite")
        connection.execute(statement)
        connection.commit()
        connection.close()
    for name, content in (("NO_PARTS", None), ("BAD_PART", b"junk")):
        for part in (made / name / "parts").rglob("*.parquet"):
            part.unlink()
            if content is not None:
                part.write_bytes(content)
    for name, text in POLICIES.items():
        (made / f"{name}.toml").write_text(text, encoding="utf-8")
    (made / "binary.toml").write_bytes(bytes(range(256)))
    with (made / "huge.toml").open("wb") as file:
        file.truncate(10**9)
    for name, octets in BAD_FILES.items():
        (made / name).write_bytes(octets)
    invoke(made, ("trace", f"{TX}:0", "--store", "STORE", "--out", "CASE"), code=0)
    for name, file in (("CHANGED", "report.json"), ("NO_MANIFEST", "manifest.json"), ("LINK", "log.jsonl")):
        shutil.copytree(made / "CASE", made / name)
        (made / name / file).unlink()
    (made / "CHANGED" / "report.json").write_bytes(b"{}")
    (made / "LINK" / "log.jsonl").symlink_to("/etc/hostname")
    yield made


def invoke(folder: Path, arguments: tuple[str, ...], *, code: int) -> Result:
    """Run a command in the folder, with no network to be had."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(
            main, list(arguments), env={"EXPOSURE_OFFLINE": "1", "EXPOSURE_STORE": str(folder / "STORE")}
        )
    finally:
        os.chdir(before)
    assert result.exit_code == code, (arguments, result.output[-1000:])
    return result


def traced(*arguments: str) -> tuple[str, ...]:
    return ("trace", ME, *arguments)


SUBJECTS = [
    (("trace", EVM[:-1] + "D"), 2, f"EIP-55 checksum|written {EVM}"),
    (("trace", EVM[:-1] + "e"), 2, f"EIP-55 checksum|right as {EVM}|character 42: d, not e"),
    (("trace", BITCOIN[:-1] + "p"), 2, f"checksum is wrong|right as {BITCOIN}|character 42: q, not p"),
    (("trace", OLD_BITCOIN[:-1] + "b"), 2, f"checksum is wrong|right as {OLD_BITCOIN}"),
    (("trace", TRON[:-1] + "u"), 2, f"checksum is wrong|right as {TRON}"),
    (("trace", BITCOIN), 2, "the store holds no movement|it has ethereum|import its history"),
    (("trace", RIPPLE), 2, "an address of ripple, a chain that is not read|read are Bitcoin"),
    (("trace", NO_TX), 2, "holds no transaction|it has ethereum|import the block"),
    (("trace", f"{TX}:7"), 2, "has transfers 0 to 0|there is no 7"),
    (("trace", f"{TX}:log:5"), 2, "there is no log:5"),
    (("trace", f"{ME}@2024-01-01"), 2, "received nothing|--list"),
    (("trace", f"{ME}@yesterday"), 2, "'yesterday' is not a time|2024-03-18"),
    (("trace", f"{ME}@2099-01-01"), 2, "received nothing at 2099-01-01"),
    (("trace", ""), 2, "has 0 characters|give an address"),
    (("trace", HUGE), 2, "has 1000000 characters"),
    (("trace", MIXED_SCRIPTS), 2, "character 3|U+0430|plain ASCII"),
    (("trace", "\u202eabc"), 2, "\\u202eabc is not an address|U+202E"),
    (("trace", "0x123"), 2, "has 3 hex digits"),
    (("trace",), 2, "Missing argument 'SUBJECT'"),
]
OPTIONS = [
    (traced("--hops", "-1"), 2, "--hops is -1|from 1 to 1,000"),
    (traced("--hops", "0"), 2, "--hops is 0|from 1 to 1,000"),
    (traced("--hops", "1e9"), 2, "--hops is 1e9|from 1 to 1,000"),
    (traced("--hops", ""), 2, "--hops is empty"),
    (traced("--max-transactions", "0"), 2, "--max-transactions is 0|from 1"),
    (traced("--max-transactions", "9" * 30), 2, "--max-transactions is 999|from 1 to"),
    (traced("--rule", "hifo"), 2, "--rule is hifo|haircut, fifo"),
    (traced("--chain", "dogecoin"), 2, "unknown chain 'dogecoin'|bitcoin"),
    (traced("--chain", "bitcoin"), 2, "is an address of the evm form, which bitcoin does not use"),
    (traced("--asset", "XYZ"), 2, "asset 'XYZ'|CHAIN/CONTRACT"),
    (traced("--engine", "quantum"), 2, "--engine is quantum|reference"),
    (traced("--as-of", "2008-01-01"), 2, "holds nothing of ethereum up to then|last block is 1"),
    (traced("--as-of", "2099-01-01"), 2, "--as-of 2099-01-01T23:59:59Z lies in the future|leave it out"),
    (traced("--labels-as-of", "3000-01-01"), 2, "--labels-as-of 3000|lies in the future"),
    (traced("--as-of", "31/12/2020"), 2, "'31/12/2020' is not a time|use 2024-03-18"),
    (traced("--as-of", "2024-02-30"), 2, "'2024-02-30' is not a time"),
    (traced("--as-of", "9" * 25), 2, "is not a time"),
    (traced("--compare", "soon"), 2, "'soon' is not a time"),
    (traced("--since", "2024-01-02", "--until", "2024-01-01"), 2, "the window is empty"),
    (traced("--since", "2030-01-01"), 2, "moved nothing in the window|widen --since"),
    (traced("--fail-on", "evil"), 2, "knows no category 'evil'|sanctioned"),
    (traced("--fail-on", "sanctioned:200%"), 2, "a share lies between 0 and 100"),
    (traced("--fail-on", "hold"), 2, "needs a policy"),
    (traced("--tz", "Mars/Olympus"), 2, "--tz is Mars/Olympus|Asia/Tokyo"),
    (traced("--direction", "up"), 2, "'up' is not one of"),
    (traced("--clusters", "all"), 2, "'all' is not one of"),
    (traced("--counterfactual"), 2, "it needs --policy"),
    (traced("--note", "x"), 2, "a note belongs to a case|--out"),
    (traced("-o", "nowhere/x.json"), 2, "cannot write nowhere/x.json|does not exist"),
    (traced("--str", "nowhere/x.html"), 2, "cannot write nowhere/x.html|does not exist"),
    (traced("--out", "CASE"), 2, "CASE is there already|--case CASE"),
    (traced("--fetch"), 2, "--fetch would use the network|offline"),
]
STORES = [
    (traced("--store", "EMPTY"), 2, "EMPTY is empty|import a ledger first"),
    (traced("--store", "NOWHERE"), 1, "no store in|import something first|--store"),
    (traced("--store", "ledger.csv"), 2, "'ledger.csv' is a file"),
    (traced("--store", "JUNK"), 1, "is damaged or not a catalogue|restore it"),
    (traced("--store", "CUT"), 1, "is damaged or not a catalogue|restore it"),
    (traced("--store", "NEWER"), 1, "written by a newer version|update the program"),
    (traced("--store", "NO_VERSION"), 1, "names no version|restore it"),
    (traced("--store", "NO_PARTS"), 1, "is missing: restore the store"),
    (traced("--store", "BAD_PART"), 1, "is damaged|restore the store"),
    (("screen", ME, "--store", "NOWHERE"), 1, "no store in|import something first"),
    (("screen", ME, "--store", "JUNK"), 1, "is damaged or not a catalogue"),
    (("rescore", "ledger.csv", "--column", "to", "--store", "EMPTY"), 2, "EMPTY is empty|import a ledger first"),
    (("rescore", "ledger.csv", "--column", "to", "--store", "NOWHERE"), 1, "no store in"),
    (("tags", "show", ME, "--store", "NO_VERSION"), 1, "names no version"),
    (("tags", "hubs", "--store", "EMPTY"), 2, "EMPTY is empty|import a ledger first"),
    (("import", "ledger.csv", "--chain", "ethereum", "--store", "JUNK"), 1, "is damaged or not a catalogue"),
    (("fetch", EVM, "--chain", "ethereum", "--store", "CUT"), 1, "is damaged or not a catalogue"),
]
CASES = [
    (("verify", "NOWHERE"), 2, "cannot read the case NOWHERE|No such file"),
    (("verify", "ledger.csv"), 2, "cannot read the case ledger.csv|Not a directory"),
    (("verify", "EMPTY"), 2, "EMPTY holds|which no case has"),
    (("verify", "NO_MANIFEST"), 2, "is no case folder|no manifest.json"),
    (("verify", "LINK"), 2, "LINK holds log.jsonl|not followed"),
    (("trace", "--case", "NOWHERE"), 2, "cannot read the case NOWHERE"),
    (("trace", "--case", "CHANGED"), 2, "was changed: report.json|exposure verify CHANGED"),
    (traced("--case", "CASE"), 2, "a case has its subject"),
]
JUDGED = [
    (traced("--policy", "nope"), 2, "no policy is called nope|jp, us-ofac, eu, uk, strict"),
    (traced("--policy", ""), 2, "the name is empty|jp, us-ofac"),
    (traced("--policy", "."), 2, "no policy is called ."),
    (traced("--policy", "unknown-key.toml"), 2, "unknown-key.toml, rule 1 (x.a)|unknown key 'shaer'|did you mean share?"),
    (traced("--policy", "unknown-regime.toml"), 2, 'no list has the regime JX|known are JP|regimes = ["JX"]'),
    (traced("--policy", "other-regime.toml"), 2, "no list has the regime GB|did you mean UK?"),
    (traced("--policy", "country.toml"), 2, "Japan is no regime|JP, US"),
    (traced("--policy", "negative.toml"), 2, "rule 1 (x.a), usd is -5|plain number"),
    (traced("--policy", "negative-share.toml"), 2, "the share -1%|above 0 and up to 100 %"),
    (traced("--policy", "absurd.toml"), 2, "usd is 1e+300|plain number"),
    (traced("--policy", "infinite.toml"), 2, "usd is inf|plain number"),
    (traced("--policy", "share.toml"), 2, "the share 1e9%|up to 100 %"),
    (traced("--policy", "deep.toml"), 2, "deep.toml is not TOML"),
    (traced("--policy", "empty.toml"), 2, "needs between 1 and 500 rules"),
    (traced("--policy", "yaml.toml"), 2, "yaml.toml is not TOML|line 1"),
    (traced("--policy", "hostile.toml"), 2, "name is \\u202ex"),
    (traced("--policy", "binary.toml"), 2, "binary.toml is not TOML"),
    (traced("--policy", "huge.toml"), 2, "larger than 256 KiB"),
    (traced("--policy", "jp", "--rule", "fifo"), 2, "judges by haircut|--rule haircut"),
]
OTHERS = [
    (("screen", EVM[:-1] + "e"), 2, f"right as {EVM}"),
    (("screen", HUGE), 2, "is not an address: it has 1000000 characters"),
    (("screen", ""), 2, "an empty text is not an address"),
    (("screen", MIXED_SCRIPTS), 2, "character 3|U+0430"),
    (("screen", "nowhere.csv"), 2, "there is no file of that name"),
    (("screen", TX), 2, "a transaction hash has 64"),
    (("screen", ME, "--as-of", "soon"), 2, "'soon' is not a time"),
    (("screen", ME, "--fail-on", "evil"), 2, "knows no category 'evil'"),
    (("screen", "binary.csv"), 2, "binary.csv is no text file"),
    (("screen", "empty.csv"), 2, "empty.csv is empty"),
    (("rescore",), 2, "name one file of wallets|--all"),
    (("rescore", ME), 2, "cannot be read"),
    (("rescore", "empty.csv"), 2, "empty.csv is empty"),
    (("rescore", "binary.csv"), 2, "binary.csv is no text file"),
    (("rescore", "cut.parquet"), 2, "cannot be read as Parquet|get it again"),
    (("rescore", "ledger.csv", "--column", "nope"), 2, "no column 'nope'|it has tx"),
    (("rescore", "ledger.csv", "--column", "to", "--hops", "0"), 2, "--hops is 0"),
    (("rescore", "ledger.csv", "--column", "to", "--hops", "251"), 2, "1 to 250"),
    (("rescore", "ledger.csv", "--column", "to", "--chain", "bitcoin"), 2, "no ledger of bitcoin|it has ethereum"),
    (("rescore", "ledger.csv", "--column", "to", "--engine", "reference"), 2, "scored by the engine local"),
    (("rescore", "ledger.csv", "--column", "to", "--labels-as-of", "2099-01-01"), 2, "lies in the future"),
    (("rescore", "ledger.csv", "--column", "to", "-o", "nowhere/a.csv"), 2, "its folder does not exist"),
    (("import", "nowhere.csv"), 2, "cannot be read: No such file"),
    (("import", "STORE"), 2, "is a folder"),
    (("import", "empty.csv", "--chain", "ethereum"), 2, "empty.csv is empty"),
    (("import", "binary.csv", "--chain", "ethereum"), 2, "no text file"),
    (("import", "columns.csv", "--chain", "ethereum"), 2, "its columns are a, b|--map COLUMN=FIELD"),
    (("import", "cut.gz", "--chain", "ethereum"), 2, "cut off or damaged|get it again"),
    (("import", "cut.parquet", "--chain", "ethereum"), 2, "cannot be read as Parquet"),
    (("import", "ledger.csv", "--chain", "dogecoin"), 2, "unknown chain 'dogecoin'"),
    (("import", "ledger.csv", "--chain", "ethereum", "--map", "a=b"), 2, "there is no field b|fields are"),
    (("tags", "import", "nowhere.xml"), 2, "cannot be opened|check the path"),
    (("tags", "import", "doctype.xml"), 1, "of no list that is read"),
    (("tags", "import", "bomb.yaml"), 1, "a YAML alias, which no TagPack needs"),
    (("tags", "import", "deep.json"), 1, "not recognised as a list|--as"),
    (("tags", "import", "ledger.csv", "--published", "soon"), 2, "'soon' is not a time"),
    (("tags", "show", EVM[:-1] + "e"), 2, f"right as {EVM}"),
    (("tags", "explain", ""), 2, "an empty text is not an address"),
    (("tags", "add", HUGE, "--category", "mixer", "--entity", "E", "--source", "s", "--note", "n"), 2, "1000000 characters"),
    (("tags", "add", ME, "--category", "evil", "--entity", "E", "--source", "s", "--note", "n"), 2, "'evil' is not a category"),
    (("tags", "add", ME, "--category", "mixer", "--entity", "", "--source", "", "--note", ""), 2, "the entity is empty"),
    (("tags", "retract", ME, "--reason", "r"), 2, "not a valid integer"),
    (("fetch",), 2, "name the addresses to fetch"),
    (("fetch", EVM), 2, "may be on any EVM chain|--chain"),
    (("fetch", EVM[:-1] + "e", "--chain", "ethereum"), 2, f"right as {EVM}"),
    (("fetch", RIPPLE), 2, "an address of ripple"),
    (("fetch", EVM, "--chain", "ethereum", "--source", "nope"), 2, "there is no source nope|use one of"),
    (("fetch", EVM, "--chain", "ethereum", "--since", "soon"), 2, "soon is neither a block height nor a time"),
    (("fetch", EVM, "--chain", "ethereum", "--until", ""), 2, "an empty text is neither a block height"),
    (("fetch", EVM, "--chain", "ethereum", "--since", "10", "--until", "5"), 2, "must not be later"),
    (("fetch", "--chain", "ethereum", "--blocks", "5-1"), 2, "must not be later"),
    (("fetch", EVM, "--chain", "ethereum", "--max-calls", "-1"), 2, "--max-calls is -1"),
    (("selfcheck", "nowhere.json"), 2, "nowhere.json|No such file"),
    (("selfcheck", "deep.json"), 2, "nested too deeply"),
    (("selfcheck", "binary.csv"), 2, "not a file of worked cases"),
    (("selfcheck", "--engine", "quantum"), 2, "unknown engine 'quantum'"),
]
EVERY = [*SUBJECTS, *OPTIONS, *STORES, *CASES, *JUDGED, *OTHERS]


def named(arguments: tuple[str, ...]) -> str:
    return " ".join(word if len(word) < 30 else f"{word[:12]}.." for word in arguments).encode("ascii", "replace").decode()


@pytest.mark.parametrize(("arguments", "code", "words"), EVERY, ids=[named(arguments) for arguments, _, _ in EVERY])
def test_bad_input_is_a_sentence_and_the_right_exit_code(
    folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = invoke(folder, arguments, code=code)
    for word in words.split("|"):
        assert word in result.stderr, (word, result.stderr)
    assert not result.stdout
    assert "Traceback" not in result.stderr
    assert "a fault of the program" not in result.stderr
    assert len(result.stderr) < 2_000, "what somebody typed is not poured back at him"


def test_a_changed_case_is_said_to_be_changed_and_the_exit_code_is_1(folder: Path) -> None:
    result = invoke(folder, ("verify", "CHANGED"), code=1)
    assert "CHANGED   report.json is not the file that the manifest names" in result.stdout


def test_a_regime_of_ones_own_tags_is_declared_and_a_byte_order_mark_is_no_obstacle(folder: Path) -> None:
    own = POLICY.replace("[[rules]]", 'regimes = ["KR"]\n[[rules]]') + 'regimes = ["KR", "JP"]\n'
    (folder / "own.toml").write_text("\ufeff" + own, encoding="utf-8")
    result = invoke(folder, traced("--policy", "own.toml"), code=0)
    assert "policy x 1" in result.stdout


def test_random_bytes_in_a_catalogue_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    import random

    whole = (folder / "STORE" / "catalogue.sqlite").read_bytes()
    for seed in range(30):
        draw, octets = random.Random(seed), bytearray(whole)
        for _ in range(60):
            octets[draw.randrange(len(octets))] = draw.randrange(256)
        path = tmp_path / str(seed)
        shutil.copytree(folder / "STORE", path)
        (path / "catalogue.sqlite").write_bytes(bytes(octets))
        result = CliRunner().invoke(main, ["trace", ME, "--store", str(path)])
        assert result.exit_code in (0, 1, 2), result.output
        assert result.exit_code == 0 or result.stderr.startswith("error: "), (seed, result.stderr)
        assert "Traceback" not in result.stderr
