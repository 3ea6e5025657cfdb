"""Certificate authorities as the declared stack makes them, for hosts under test."""

import ipaddress
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)


class Authority:
    """One generation of the own authority, of the same form as components/network/certificate_authority.py declares."""

    def __init__(self, generation: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"authority {generation}")
        self._certificate = (
            _builder(self._name, self._name, self._key, days=3650)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = _pem(self._certificate)

    def server(
        self,
        *,
        hostnames: tuple[str, ...] = ("localhost",),
        addresses: tuple[str, ...] = ("127.0.0.1",),
        days: float = 825,
    ) -> tuple[str, str]:
        """Certificate and key of a server, in PEM; it has ended already when `days` is negative."""
        names = [
            *(x509.DNSName(name) for name in hostnames),
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
        ]
        return self._leaf("server", days, x509.SubjectAlternativeName(names), ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, role: str, *, days: float = 825) -> tuple[str, str]:
        """Certificate and key of a role's client, in PEM."""
        return self._leaf(role, days, None, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _leaf(
        self, name: str, days: float, names: x509.SubjectAlternativeName | None, usage: x509.ObjectIdentifier
    ) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key, days).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if names:
            builder = builder.add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return _pem(builder.sign(self._key, hashes.SHA256())), private.decode()


@cache
def authority(generation: str) -> Authority:
    """The same one for all tests of a run."""
    return Authority(generation)


@cache
def _server_of(generation: str) -> tuple[str, str]:
    return authority(generation).server()


def tls(generation: str = "2026", *, trusted: tuple[str, ...] = ()) -> dict[str, object]:
    """The `tls` part of a specification, signed by the generation; `trusted` are the other ones."""
    certificate, key = _server_of(generation)
    return {
        "hostnames": ["localhost"],
        "addresses": ["127.0.0.1"],
        "authorities": "".join(authority(name).pem for name in (*trusted, generation)),
        "certificate": certificate,
        "key": key,
    }


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + days * DAY) - DAY)
        .not_valid_after(now + days * DAY)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
