"""The database's own certificate authority, and the certificates that it signs."""

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

from components.common.labels import DataClass, Labels
from components.common.protection import Protection

AUTHORITY_HOURS = 10 * 365 * 24
CERTIFICATE_HOURS = 825 * 24
# An `up` within these renews it, so a stack that is deployed twice a year never meets the end.
EARLY_RENEWAL_HOURS = 180 * 24


@dataclass(frozen=True, kw_only=True)
class CertificateAuthorityArgs:
    labels: Labels
    protection: Protection
    generations: list[str]
    """All are trusted; the last one signs.

    Three `up` renew it without cutting anyone off: the new one put first (trusted), moved last (signs), alone.
    """
    hostnames: list[str]
    """Names that the server's certificate is for; the first one is its subject."""
    addresses: list[str]
    """Addresses that the server's certificate is for."""
    clients: tuple[str, ...] = ()
    """Roles of the database that log in with a certificate beside their password."""


@dataclass(frozen=True, kw_only=True)
class ClientCertificate:
    """What a role shows the server."""

    certificate_pem: pulumi.Output[str]
    key_pem: pulumi.Output[str]
    """Secret."""
    serial: pulumi.Output[str]


class CertificateAuthority(pulumi.ComponentResource):
    """One authority a generation; a certificate for the server, and one for each client.

    An authority's key stays in the state, encrypted, and reaches no host. Authorities are protected: to remove an
    old generation, `pulumi state unprotect URN` of its key and certificate comes first. The server's and clients'
    certificates are renewed by an `up` in their last 180 days.
    """

    authorities_pem: pulumi.Output[str]
    """Certificates of all generations, one after the other."""
    signing_authority_pem: pulumi.Output[str]
    """Certificate of the generation that signs."""
    signing_generation: str
    server_certificate_pem: pulumi.Output[str]
    server_key_pem: pulumi.Output[str]
    """Secret."""
    clients: dict[str, ClientCertificate]
    """Keyed by role."""

    def __init__(self, name: str, args: CertificateAuthorityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:CertificateAuthority", name, args.labels.inputs(DataClass.NONE), opts)
        authorities = [self._authority(f"{name}-{generation}", args, generation) for generation in args.generations]
        signing_key, signing_certificate = authorities[-1]
        self._signer = (signing_key.private_key_pem, signing_certificate.cert_pem)
        server_key, server_certificate = self._signed(
            f"{name}-server", args.hostnames[0], "server_auth", args.hostnames, args.addresses
        )
        self.authorities_pem = pulumi.Output.concat(*(certificate.cert_pem for _, certificate in authorities))
        self.signing_authority_pem = signing_certificate.cert_pem
        self.signing_generation = args.generations[-1]
        self.server_certificate_pem = server_certificate.cert_pem
        self.server_key_pem = pulumi.Output.secret(server_key.private_key_pem)
        self.clients = {role: self._client(f"{name}-client-{role}", role) for role in args.clients}
        self.register_outputs(
            {"authoritiesPem": self.authorities_pem, "serverCertificatePem": self.server_certificate_pem}
        )

    def _authority(
        self, name: str, args: CertificateAuthorityArgs, generation: str
    ) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        # In state: renaming either makes another authority, which nobody trusts yet.
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P384", opts=args.protection.options(self))
        certificate = tls.SelfSignedCert(
            f"{name}-certificate",
            private_key_pem=key.private_key_pem,
            # Two authorities of one name could not be told apart.
            subject={"common_name": f"{args.labels.prefix} database {generation}"},
            is_ca_certificate=True,
            set_subject_key_id=True,
            set_authority_key_id=True,
            allowed_uses=["cert_signing", "crl_signing"],
            validity_period_hours=AUTHORITY_HOURS,
            opts=args.protection.options(self),
        )
        return key, certificate

    def _client(self, name: str, role: str) -> ClientCertificate:
        # PostgreSQL compares the common name with the role (clientcert=verify-full).
        key, certificate = self._signed(name, role, "client_auth")
        return ClientCertificate(
            certificate_pem=certificate.cert_pem,
            key_pem=pulumi.Output.secret(key.private_key_pem),
            serial=certificate.id,
        )

    def _signed(
        self,
        name: str,
        common_name: str,
        use: str,
        hostnames: list[str] | None = None,
        addresses: list[str] | None = None,
    ) -> tuple[tls.PrivateKey, tls.LocallySignedCert]:
        child = pulumi.ResourceOptions(parent=self)
        key = tls.PrivateKey(f"{name}-key", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        request = tls.CertRequest(
            f"{name}-request",
            private_key_pem=key.private_key_pem,
            subject={"common_name": common_name},
            dns_names=hostnames,
            ip_addresses=addresses,
            opts=child,
        )
        authority_key_pem, authority_pem = self._signer
        certificate = tls.LocallySignedCert(
            f"{name}-certificate",
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=authority_key_pem,
            ca_cert_pem=authority_pem,
            set_subject_key_id=True,
            allowed_uses=["digital_signature", use],
            validity_period_hours=CERTIFICATE_HOURS,
            early_renewal_hours=EARLY_RENEWAL_HOURS,
            opts=child,
        )
        return key, certificate
