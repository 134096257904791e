"""Laws of a signed case: the signature stands for every byte; a bad one, a missing one and another's are named."""

from __future__ import annotations

import builtins
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure.casefile import folder as case_folder
from exposure.casefile import signature
from exposure.cli import main
from exposure.errors import InputError
from exposure.workflows.case.verify import verify

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization", reason="signatures need cryptography")
ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519", reason="signatures need cryptography")

LEDGER = "tx,index,block,time,from,to,amount,asset\n0x01,0,1,1700000000,0x{a},0x{b},5,ethereum/native\n".format(
    a="a" * 40, b="b" * 40
)


def _key(place: Path, *, ssh: bool = False, password: bytes | None = None) -> str:
    """A new private key in a file; its public key as hex digits. The public file lies beside, with .pub."""
    private = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH if ssh else serialization.PrivateFormat.PKCS8
    lock = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    place.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, lock))
    public = private.public_key()
    encoding = serialization.Encoding.OpenSSH if ssh else serialization.Encoding.PEM
    shape = serialization.PublicFormat.OpenSSH if ssh else serialization.PublicFormat.SubjectPublicKeyInfo
    place.with_suffix(".pub").write_bytes(public.public_bytes(encoding, shape))
    return str(public.public_bytes_raw().hex())


def _run(folder: Path, *words: str) -> Result:
    return CliRunner(env={"EXPOSURE_STORE": str(folder / "store")}).invoke(main, list(words))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A signed case with its store beside it, and the public key."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "a.csv").write_text(LEDGER)
    assert _run(folder, "import", str(folder / "a.csv"), "--chain", "ethereum").exit_code == 0
    public = _key(folder / "mine.key")
    made = _run(folder, "trace", "0x01:0", "--out", str(folder / "case"), "--sign", str(folder / "mine.key"))
    assert made.exit_code == 0, made.output
    return folder, public


def test_a_signed_case_holds_by_the_key_in_every_form(signed: tuple[Path, str]) -> None:
    folder, public = signed
    for key in (public, public.upper(), str(folder / "mine.pub")):
        found = _run(folder, "verify", str(folder / "case"), "--key", key)
        assert found.exit_code == 0, found.output
        assert f"by the key that was given, {public}" in " ".join(found.stdout.split())
    assert public in " ".join(_run(folder, "verify", str(folder / "case")).stdout.split())


def test_a_bad_signature_a_missing_one_and_another_keys_are_named(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, public = signed
    copy = tmp_path / "case"
    shutil.copytree(folder / "case", copy)
    other = _key(tmp_path / "other.key")
    assert verify(copy, key=other).faults == (f"signature.json is of another key ({public})",)
    said = json.loads((copy / "signature.json").read_text())
    octets = bytearray((copy / "signature.json").read_bytes())
    forged = signature.signed(b"another manifest", folder / "mine.key")
    for content in (forged, b"", b"{}", bytes(octets) + b"\n", json.dumps(said).encode(), b"[" * 10_000):
        (copy / "signature.json").write_bytes(content)
        for key in (public, None):
            (fault,) = verify(copy, key=key).faults
            assert fault.startswith("signature.json is no")
    (copy / "signature.json").unlink()
    assert verify(copy, key=public).faults == ("signature.json is missing: the case is not signed",)
    assert verify(copy).ok


def test_every_changed_byte_of_the_signature_is_named(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = signed
    copy = tmp_path / "case"
    shutil.copytree(folder / "case", copy)
    octets = (copy / "signature.json").read_bytes()
    manifest = case_folder.read(copy).octets
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1
        assert signature.fault(manifest, bytes(changed), None).startswith("signature.json is no")
    assert signature.fault(manifest, octets, None) == ""


def test_whoever_makes_the_hashes_anew_cannot_sign_for_another(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, public = signed
    whole = case_folder.read(folder / "case")
    left_out = (case_folder.IDENTITY, case_folder.SIGNATURE)
    files = {name: content for name, content in whole.files.items() if name not in left_out}
    for name in (case_folder.REPORT, case_folder.FACTS):
        files[name] = files[name].replace(whole.id.encode(), case_folder.NO_ID.encode())
    manifest = {key: value for key, value in whole.manifest.items() if key not in ("files", "form")}
    assert whole.signature is not None
    case_folder.write(tmp_path / "forged", files, {**manifest, "tz": "Asia/Tokyo"}, sign=lambda octets: whole.signature or b"")
    for key in (public, None):
        assert verify(tmp_path / "forged", key=key).faults == ("signature.json is not a signature of this manifest",)


def test_a_case_that_goes_on_unsigned_says_so(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, public = signed
    shutil.copytree(folder, tmp_path / "work")
    work = tmp_path / "work"
    went_on = _run(work, "trace", "--case", str(work / "case"), "--hops", "4")
    assert "the case was signed, and what it says now is not" in went_on.stderr
    assert not (work / "case" / "signature.json").exists()
    again = _run(work, "trace", "--case", str(work / "case"), "--sign", str(work / "mine.key"))
    assert again.exit_code == 0
    assert verify(work / "case", key=public).ok


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.key", "cannot read the key"),
        ("text.key", "cannot be read as a private key"),
        ("locked.key", "passphrase"),
        ("rsa.key", "another kind"),
        ("mine.pub", "cannot be read as a private key"),
    ],
)
def test_what_is_no_private_key_is_refused_before_the_work(
    signed: tuple[Path, str], tmp_path: Path, name: str, said: str
) -> None:
    folder, _ = signed
    from cryptography.hazmat.primitives.asymmetric import rsa

    _key(tmp_path / "mine.key")
    _key(tmp_path / "locked.key", password=b"secret")
    (tmp_path / "text.key").write_text("no key")
    weak = rsa.generate_private_key(65537, 1024)
    plain = serialization.NoEncryption()
    (tmp_path / "rsa.key").write_bytes(weak.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    made = _run(folder, "trace", "0x01:0", "--out", str(tmp_path / "case"), "--sign", str(tmp_path / name))
    assert made.exit_code == 2
    assert said in " ".join(made.stderr.split())
    assert not (tmp_path / "case").exists()


def test_keys_of_openssh_serve_too(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = signed
    public = _key(tmp_path / "ssh.key", ssh=True)
    made = _run(folder, "trace", "0x01:0", "--out", str(tmp_path / "case"), "--sign", str(tmp_path / "ssh.key"))
    assert made.exit_code == 0, made.output
    assert verify(tmp_path / "case", key=str(tmp_path / "ssh.pub")).ok
    assert signature.public_key(str(tmp_path / "ssh.pub")) == public
    for wrong, said in (
        (tmp_path / "ssh.key", "private key"),
        (tmp_path / "no", "cannot read"),
        (folder / "a.csv", "no public"),
    ):
        with pytest.raises(InputError, match=said):
            verify(tmp_path / "case", key=str(wrong))


def test_a_pair_of_keys_is_made_that_serves_and_only_its_owner_can_read(signed: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = signed
    place, beside = tmp_path / "case.key", tmp_path / "case.key.pub"
    made = _run(folder, "case", "key", str(place))
    assert made.exit_code == 0, made.output
    public = signature.public_key(str(beside))
    assert public in made.stdout
    assert f"--sign {place}" in made.stdout
    assert place.stat().st_mode & 0o777 == 0o600
    assert _run(folder, "trace", "0x01:0", "--out", str(tmp_path / "case"), "--sign", str(place)).exit_code == 0
    assert verify(tmp_path / "case", key=str(beside)).ok
    assert verify(tmp_path / "case", key=public).ok


@pytest.mark.parametrize("taken", ["case.key", "case.key.pub", "link"])
def test_a_key_is_never_overwritten_nor_written_through_a_link(signed: tuple[Path, str], tmp_path: Path, taken: str) -> None:
    folder, _ = signed
    if taken == "link":
        (tmp_path / "case.key").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / taken).write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    refused = _run(folder, "case", "key", str(tmp_path / "case.key"))
    assert refused.exit_code == 2
    assert "never overwritten" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert taken == "link" or (tmp_path / taken).read_text() == "mine"
    nowhere = _run(folder, "case", "key", str(tmp_path / "none" / "case.key"))
    assert nowhere.exit_code == 2
    assert "cannot write the key" in nowhere.stderr


def test_without_the_part_that_signs_a_sentence_says_how_to_get_it(
    signed: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, public = signed
    ordinary = builtins.__import__

    def absent(name: str, *more: object, **named: object) -> object:
        if name.partition(".")[0] == "cryptography":
            raise ImportError(name)
        return ordinary(name, *more, **named)  # handed on as they came

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r"chain-exposure\[sign\]"):
        signature.signed(b"x", folder / "mine.key")
    with pytest.raises(InputError, match=r"chain-exposure\[sign\]"):
        verify(folder / "case", key=public)
    found = verify(folder / "case")
    assert (found.ok, found.uncompared) == (True, ("signature",))
    assert "NOT checked" in found.checks[0].detail


def test_only_a_case_is_signed(signed: tuple[Path, str]) -> None:
    folder, _ = signed
    refused = _run(folder, "trace", "0x01:0", "--sign", str(folder / "mine.key"))
    assert refused.exit_code == 2
    assert "only a case is signed" in refused.stderr
