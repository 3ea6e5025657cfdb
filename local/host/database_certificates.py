"""The database's own authorities and server certificate, as the declared stack has them: one authority a generation."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from host.specification.model import Tls
from local.common.certificates import (
    RENEWED_BEFORE_END,
    certificate_pem,
    key_pem,
    new_authority,
    new_server,
)
from local.common.state import State

AUTHORITY_VALID_FOR = timedelta(days=3650)
HOSTNAMES = ("localhost",)
ADDRESSES = ("127.0.0.1",)
PREFIX = "database-authority-"

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def ensure(state: State, generations: Sequence[str]) -> Tls:
    """The host's certificates: all generations are trusted, the last one signs.

    An authority is made once and kept with its key; the server's certificate is made again when it is missing,
    damaged, near its end or another authority's. Authorities of other generations are deleted.
    """
    now = datetime.now(UTC)
    authorities = [_authority(state, generation, now) for generation in generations]
    certificate, key = _server(state, authorities[-1], now)
    for path in state.tls.glob(f"{PREFIX}*"):
        if path.stem.removeprefix(PREFIX) not in generations:
            state.remove(path)
    return Tls(
        hostnames=HOSTNAMES,
        addresses=ADDRESSES,
        authorities="".join(certificate_pem(trusted) for trusted, _ in authorities),
        certificate=certificate_pem(certificate),
        key=key_pem(key),
    )


def _authority(state: State, generation: str, now: datetime) -> Pair:
    path = state.tls / f"{PREFIX}{generation}.crt"
    held = _read(path)
    if held and now < held[0].not_valid_after_utc - RENEWED_BEFORE_END:
        return held
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"Local database authority {generation}"
    certificate = new_authority(name, key, HOSTNAMES, ADDRESSES, AUTHORITY_VALID_FOR)
    return _written(state, path, certificate, key)


def _server(state: State, signer: Pair, now: datetime) -> Pair:
    path = state.tls / "database.crt"
    held = _read(path)
    if held and _is_signed(held[0], signer[0]) and now < held[0].not_valid_after_utc - RENEWED_BEFORE_END:
        return held
    key = ec.generate_private_key(ec.SECP256R1())
    return _written(state, path, new_server(key, signer[1], signer[0], HOSTNAMES, ADDRESSES), key)


def _is_signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read(path: Path) -> Pair | None:
    """A certificate and its key; None where one is missing, damaged or not the other's."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        return None
    return certificate, key


def _written(state: State, path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    state.write(path.with_suffix(".key"), key_pem(key))
    state.write(path, certificate_pem(certificate), mode=0o644)
    return certificate, key
