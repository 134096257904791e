"""An Electrum server over TLS: who signed his own certificate is refused unless the user names it."""

import datetime
import ipaddress
import ssl

import pytest
from bitcoin_servers import Electrum, serve_electrum
from fetching import fetched
from test_fetch_esplora import ALICE, busy, stored, truth
from toy_bitcoin import CHAIN

from exposure.store.store import Store

x509 = pytest.importorskip("cryptography.x509", reason="certificates are made with cryptography")
hashes = pytest.importorskip("cryptography.hazmat.primitives.hashes")
serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
ec = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ec")


def certificate(folder, address):
    """Files of a certificate for an address, signed by its own key, and of the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, day = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "electrum")]), datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    signed = made.add_extension(place, critical=False).sign(key, hashes.SHA256())
    files = folder / f"{address}.pem", folder / f"{address}.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return files


@pytest.mark.parametrize(("address", "named"), [("127.0.0.1", False), ("127.0.0.1", True), ("127.0.0.2", True)])
def test_a_certificate_signed_by_its_own_key_is_taken_only_if_it_is_named_and_the_servers(
    tmp_path, monkeypatch, address, named
):
    toy, (public, key) = busy(3), certificate(tmp_path, address)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(public, key)
    if named:
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
    else:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with serve_electrum(Electrum(lambda: toy.blocks, tls=tls)) as electrum, Store.in_memory() as store:
        done = fetched(store, ALICE, {"EXPOSURE_ELECTRUM_URL": electrum.base}, chain=CHAIN, source="electrum")
        if named and address == "127.0.0.1":
            assert done.whole, done
            assert stored(store, ALICE) == truth(toy, ALICE, toy.tip - 5)
        else:
            assert not electrum.called
            assert "TLS certificate" in done.outcomes[0].reason
            assert "SSL_CERT_FILE" in done.outcomes[0].reason
