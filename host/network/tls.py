"""The certificate that PostgreSQL and the pooler show, its key, and the authorities that are trusted."""

import hashlib
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import Directory, File, Link, Sha256File
from pyinfra.operations import files

from host.common.layout import AUTHORITIES, HYBRID, OWNER, SERVER_CERTIFICATE, SERVER_KEY, TLS
from host.common.rendering import RefusedError
from host.specification.model import Tls

SPARE = timedelta(days=1)
"""A certificate that ends sooner is no good: its renewal would come too late."""
OPERATION = "server certificate"
FORMER = (f"{HYBRID}/ca", f"{HYBRID}/server.crt", f"{HYBRID}/server.key")
"""Where a host once had an authority of its own, whose key nobody needs any more."""


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


def apply(tls: Tls) -> RefusedError | None:
    """The error, to be raised once all else is applied, for a new set that a client would not take.

    What is in use then stays in use; so does the declared set when its time is over since it was installed.
    """
    found = [] if _is_in_use(tls) else faults(tls, datetime.now(UTC))
    if found:
        return RefusedError(OPERATION, "; ".join(found), may_go_on=_is_any_in_use())
    files.directory(name="folder of certificates", path=HYBRID, user="root", group="root", mode="755")
    server_certificate(name=OPERATION, tls=tls)
    former_authority(name="former authority")
    return None


def folder(tls: Tls) -> str:
    """Name of this set's folder: every set has its own, and one link names the set in use."""
    return f"tls-{hashlib.sha256((tls.authorities + tls.certificate).encode()).hexdigest()[:16]}"


@operation()
def server_certificate(tls: Tls) -> Generator[Any, None, None]:
    """Install the set and change over to it in one step."""
    name, texts = folder(tls), _texts(tls)
    if _is_in_use(tls):
        host.noop("the certificate is in use")
        return
    fresh = f"{HYBRID}/{name}"
    yield f"rm -rf {fresh} && install -d -m 755 {fresh}"
    for path, text in texts.items():
        is_key = path == SERVER_KEY
        yield from files.put._inner(
            src=StringIO(text),
            dest=path.replace(TLS, fresh, 1),
            user=OWNER if is_key else "root",
            group=OWNER if is_key else "root",
            mode="600" if is_key else "644",
        )
    yield f"ln -sfn {name} {TLS}.new && mv -T {TLS}.new {TLS}"
    yield f"find {HYBRID} -mindepth 1 -maxdepth 1 -name 'tls-*' ! -name {name} -exec rm -rf {{}} +"


def _texts(tls: Tls) -> dict[str, str]:
    return {SERVER_KEY: tls.key, SERVER_CERTIFICATE: tls.certificate, AUTHORITIES: tls.authorities}


def _is_in_use(tls: Tls) -> bool:
    link = host.get_fact(Link, path=TLS)
    return bool(link and link["link_target"] == folder(tls)) and all(
        _holds(path, text) for path, text in _texts(tls).items()
    )


def _is_any_in_use() -> bool:
    return bool(host.get_fact(File, path=SERVER_CERTIFICATE))


def _holds(path: str, text: str) -> bool:
    return bool(host.get_fact(Sha256File, path=path) == hashlib.sha256(text.encode()).hexdigest())


@operation()
def former_authority() -> Generator[str, None, None]:
    if any(host.get_fact(Directory if path == FORMER[0] else File, path=path) for path in FORMER):
        yield f"rm -rf {' '.join(FORMER)}"
    else:
        host.noop("there is none")
