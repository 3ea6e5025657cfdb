"""What is wrong with certificates and a key that a server is to show."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from host.specification.model import Tls

SPARE = timedelta(days=1)
"""A certificate that ends sooner is no good: its renewal would come too late."""


def faults(tls: Tls, now: datetime) -> list[str]:
    """One line a fault; none when every client that trusts the authorities will take the server for the one it is."""
    try:
        authorities = x509.load_pem_x509_certificates(tls.authorities.encode())
        certificate = x509.load_pem_x509_certificate(tls.certificate.encode())
        key = load_pem_private_key(tls.key.encode(), password=None)
    except (ValueError, TypeError):
        return ["not readable as certificates and a key without a passphrase"]
    found = list(_end_faults(certificate, now))
    if key.public_key() != certificate.public_key():
        found.append("the key is not the certificate's")
    found += _signature_faults(certificate, authorities, now)
    missing = sorted(wanted_names(tls) - names(certificate))
    return found + [f"the certificate is not for {name}" for name in missing]


def names(certificate: x509.Certificate) -> frozenset[str]:
    """Host names and addresses for which a certificate is good."""
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(
        [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))],
    )


def wanted_names(tls: Tls) -> frozenset[str]:
    return frozenset({*tls.hostnames, *tls.addresses})


def _end_faults(certificate: x509.Certificate, now: datetime) -> Iterator[str]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= end:
        yield f"the certificate expired on {end:%Y-%m-%d %H:%M} UTC"
    elif now + SPARE >= end:
        yield f"the certificate expires on {end:%Y-%m-%d %H:%M} UTC, within a day"
    if now < start:
        yield f"the certificate is not valid before {start:%Y-%m-%d %H:%M} UTC"


def _signature_faults(
    certificate: x509.Certificate, authorities: list[x509.Certificate], now: datetime
) -> Iterator[str]:
    signers = [authority for authority in authorities if _is_signed(certificate, authority)]
    if not signers:
        yield "no trusted authority has signed the certificate"
    elif all(signer.not_valid_after_utc <= now for signer in signers):
        yield "the authority that signed the certificate has expired"


def _is_signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
