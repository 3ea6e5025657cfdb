"""The names for which a certificate is good."""

import shlex

from pyinfra.api.facts import FactBase

KINDS = {"DNS": "DNS", "IP Address": "IP"}


class CertificateNames(FactBase[frozenset[str]]):
    """Names as `DNS:localhost` or `IP:127.0.0.1`.

    None at all when the certificate is missing, is not the authority's, does not belong to the key, or ends within
    `days`.
    """

    def command(self, certificate: str, key: str, authority: str, days: int) -> str:
        crt, pem, ca = shlex.quote(certificate), shlex.quote(key), shlex.quote(authority)
        return (
            f"{{ openssl x509 -in {crt} -noout -checkend {days * 86400}"
            f" && openssl verify -CAfile {ca} {crt}"
            f' && test "$(openssl x509 -in {crt} -noout -pubkey)" = "$(openssl pkey -in {pem} -pubout)"; }}'
            f" >/dev/null 2>&1 && openssl x509 -in {crt} -noout -ext subjectAltName || true"
        )

    @staticmethod
    def default() -> frozenset[str]:
        return frozenset()

    def process(self, output: list[str]) -> frozenset[str]:
        names = [part.strip().partition(":") for line in output for part in line.split(",")]
        return frozenset(f"{KINDS[kind]}:{name}" for kind, _, name in names if kind in KINDS and name)
