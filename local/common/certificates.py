"""A certificate authority of the local stack, and the server certificate that it signs."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.common.state import State

VALID_FOR = timedelta(days=365)
RENEWED_BEFORE_END = timedelta(days=30)
# Clocks of a container and its machine may differ a little.
BACKDATED = timedelta(minutes=5)
AUTHORITY = "Local stack authority"


@dataclass(frozen=True)
class ServerCertificate:
    """Files in PEM. Clients trust `authority`; its key is thrown away, so that it can sign nothing else."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """Mode 0600."""
        return self.folder / "server.key"

    @property
    def files(self) -> tuple[Path, Path, Path]:
        return self.authority, self.certificate, self.key


def ensure(
    state: State,
    hostnames: Sequence[str] = ("localhost",),
    addresses: Sequence[str] = ("127.0.0.1",),
    folder: Path | None = None,
) -> tuple[ServerCertificate, bool]:
    """The server certificate in a folder, which is the state's tls folder unless given, and whether it is new.

    Authority and certificate are made again together: when missing, damaged, near their end, or for other names.
    """
    issued = ServerCertificate(folder or state.tls)
    if _is_usable(issued, hostnames, addresses, datetime.now(UTC)):
        issued.key.chmod(0o600)
        return issued, False
    _issue(state, issued, hostnames, addresses)
    return issued, True


def _is_usable(issued: ServerCertificate, hostnames: Sequence[str], addresses: Sequence[str], now: datetime) -> bool:
    try:
        authority, certificate = (x509.load_pem_x509_certificate(path.read_bytes()) for path in issued.files[:2])
        key = serialization.load_pem_private_key(issued.key.read_bytes(), password=None)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    return (
        list(names) == _names(hostnames, addresses)
        and key.public_key() == certificate.public_key()
        and now < certificate.not_valid_after_utc - RENEWED_BEFORE_END
    )


def _issue(state: State, issued: ServerCertificate, hostnames: Sequence[str], addresses: Sequence[str]) -> None:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = new_authority(AUTHORITY, authority_key, hostnames, addresses)
    certificate = new_server(key, authority_key, authority, hostnames, addresses)
    state.write(issued.key, key_pem(key))
    for path, made in ((issued.authority, authority), (issued.certificate, certificate)):
        state.write(path, certificate_pem(made), mode=0o644)


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def certificate_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def new_authority(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    hostnames: Sequence[str],
    addresses: Sequence[str],
    valid_for: timedelta | None = None,
) -> x509.Certificate:
    """Limited to these names: whoever trusts it trusts it for nothing else."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in hostnames]
    permitted += [x509.IPAddress(ipaddress.ip_network(address)) for address in addresses]
    return (
        _builder(name, name, key, valid_for)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def new_server(
    key: ec.EllipticCurvePrivateKey,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    hostnames: Sequence[str],
    addresses: Sequence[str],
) -> x509.Certificate:
    signer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer)
    return (
        _builder(hostnames[0], authority.subject.rfc4514_string().removeprefix("CN="), key)
        .add_extension(x509.SubjectAlternativeName(_names(hostnames, addresses)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, valid_for: timedelta | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + (valid_for or VALID_FOR))
    )


def _names(hostnames: Sequence[str], addresses: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in hostnames]
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
