"""The certificate that PostgreSQL and the pooler show, its key, and the authorities that are trusted."""

import hashlib
from collections.abc import Generator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import Directory, File, Link, Sha256File
from pyinfra.operations import files

from host.certificates import faults
from host.layout import AUTHORITIES, HYBRID, OWNER, SERVER_CERTIFICATE, SERVER_KEY, TLS
from host.refusal import RefusedError
from host.specification.model import Tls

OPERATION = "server certificate"
FORMER = (f"{HYBRID}/ca", f"{HYBRID}/server.crt", f"{HYBRID}/server.key")
"""Where a host once had an authority of its own, whose key nobody needs any more."""


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
    """Of this very set: another set has another folder, and one link says which is in use."""
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
