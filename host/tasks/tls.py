"""The host's own certificate authority and the certificate that PostgreSQL and the pooler show."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File
from pyinfra.operations import files

from host.facts.certificate import CertificateNames
from host.layout import CA_CERTIFICATE, CA_FOLDER, CA_KEY, HYBRID, OWNER, SERVER_CERTIFICATE, SERVER_KEY
from host.spec import Tls

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
RENEW_DAYS = 60
NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc"


def apply(tls: Tls) -> None:
    files.directory(name="folder of certificates", path=HYBRID, user="root", group="root", mode="755")
    authority(name="certificate authority")
    server_certificate(name="server certificate", tls=tls)


@operation()
def authority() -> Generator[str, None, None]:
    """Make the authority once; its folder appears whole. Replacing it makes every client's copy worthless."""
    if host.get_fact(File, path=CA_CERTIFICATE) and host.get_fact(File, path=CA_KEY):
        host.noop("the certificate authority exists")
        return
    fresh = f"{CA_FOLDER}.new"
    yield f"rm -rf {fresh} && install -d -m 755 {fresh}"
    yield (
        f"openssl req -x509 {NEW_KEY} -keyout {fresh}/ca.key -out {fresh}/ca.crt -days {AUTHORITY_DAYS}"
        " -subj '/CN=hybrid database authority'"
        " -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign"
    )
    yield f"mv -T {fresh} {CA_FOLDER}"


@operation()
def server_certificate(tls: Tls) -> Generator[str, None, None]:
    """Issue the certificate for the names declared, with a new key; again when they change or it nears its end."""
    wanted = {f"DNS:{name}" for name in tls.hostnames} | {f"IP:{address}" for address in tls.addresses}
    good = host.get_fact(
        CertificateNames,
        certificate=SERVER_CERTIFICATE,
        key=SERVER_KEY,
        authority=CA_CERTIFICATE,
        days=RENEW_DAYS,
    )
    if good == wanted:
        host.noop("the server certificate is good for its names")
        return
    yield (
        f"openssl req -x509 -CA {CA_CERTIFICATE} -CAkey {CA_KEY} {NEW_KEY} -days {SERVER_DAYS}"
        f" -keyout {SERVER_KEY}.new -out {SERVER_CERTIFICATE}.new -subj '/CN={tls.hostnames[0]}'"
        f" -addext subjectAltName={','.join(sorted(wanted))} -addext basicConstraints=critical,CA:FALSE"
        " -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=serverAuth"
    )
    yield f"chown {OWNER}:{OWNER} {SERVER_KEY}.new && chmod 600 {SERVER_KEY}.new && chmod 644 {SERVER_CERTIFICATE}.new"
    # Killed between the two, the next application finds a certificate that is not its key's, and issues another.
    yield f"mv {SERVER_KEY}.new {SERVER_KEY} && mv {SERVER_CERTIFICATE}.new {SERVER_CERTIFICATE}"
