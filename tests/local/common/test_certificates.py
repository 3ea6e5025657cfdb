"""The local authority and its server certificate, tried with real TLS connections."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from local.common import certificates
from local.common.certificates import ServerCertificate
from local.common.state import State


def shake_hands(issued: ServerCertificate, hostname: str) -> None:
    """A client that trusts the authority connects to a server that shows the certificate."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(issued.certificate, issued.key)
    client_context = ssl.create_default_context(cafile=issued.authority)
    # What Python 3.13 asks by default.
    client_context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serve = threading.Thread(
            target=lambda: server_context.wrap_socket(theirs, server_side=True).close(), daemon=True
        )
        serve.start()
        try:
            client_context.wrap_socket(ours, server_hostname=hostname).close()
        finally:
            ours.close()
            serve.join(10)


@pytest.mark.parametrize("hostname", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_authority_connects(state: State, hostname: str) -> None:
    issued, is_new = certificates.ensure(state)
    assert is_new
    shake_hands(issued, hostname)


def test_a_usable_certificate_stays(state: State) -> None:
    issued, _ = certificates.ensure(state)
    before = [path.read_bytes() for path in issued.files]
    _, is_new = certificates.ensure(state)
    assert not is_new
    assert [path.read_bytes() for path in issued.files] == before


def test_other_names_make_a_new_one(state: State) -> None:
    certificates.ensure(state)
    issued, is_new = certificates.ensure(state, ("localhost", "objects.localhost"))
    assert is_new
    shake_hands(issued, "objects.localhost")


def test_it_is_renewed_a_month_before_its_end(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "VALID_FOR", timedelta(days=29))
    certificates.ensure(state)
    monkeypatch.undo()
    issued, is_new = certificates.ensure(state)
    assert is_new
    end = x509.load_pem_x509_certificate(issued.certificate.read_bytes()).not_valid_after_utc
    assert end > datetime.now(UTC) + timedelta(days=300)


@pytest.mark.parametrize("name", ["ca.crt", "server.crt", "server.key"])
@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "foreign"])
def test_damage_is_healed(state: State, name: str, damage: str) -> None:
    issued, _ = certificates.ensure(state)
    other = State(state.folder.parent / "other")
    other.prepare()
    certificates.ensure(other)
    path = state.tls / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "garbage": b"\xff{", "foreign": (other.tls / name).read_bytes()}[damage])
    _, is_new = certificates.ensure(state)
    assert is_new
    shake_hands(issued, "localhost")


def test_the_servers_key_is_for_the_user_only_and_the_authoritys_is_not_kept(state: State) -> None:
    issued, _ = certificates.ensure(state)
    issued.key.chmod(0o644)
    certificates.ensure(state)
    assert issued.key.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in state.tls.iterdir()) == ["ca.crt", "server.crt", "server.key"]


def test_keys_are_on_the_p256_curve(state: State) -> None:
    issued, _ = certificates.ensure(state)
    for path in (issued.authority, issued.certificate):
        key = x509.load_pem_x509_certificate(path.read_bytes()).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
