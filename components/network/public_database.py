"""The route to the database without a tunnel: a public name, and certificates on both sides."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.network.certificate_authority import CertificateAuthority

# The shortest that a record without the proxy may have (Cloudflare, DNS TTL reference).
TTL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class PublicDatabaseArgs:
    labels: Labels
    account_id: str
    zone_id: str
    hostname: str
    address: pulumi.Input[str]
    """Static address of the host that serves."""
    authority: CertificateAuthority
    """Signs the server's certificate, and one for each role that Hyperdrive uses."""


class PublicDatabase(pulumi.ComponentResource):
    """DNS record of the host, and what Hyperdrive shows it and expects of it.

    Cloudflare keeps one authority here and changes it only by replacement: while the generation that signs
    changes, new connections fail from the host's new certificate until Hyperdrive's new one.
    """

    hostname: pulumi.Output[str]
    authority_certificate_id: pulumi.Output[str]
    """The authority that Hyperdrive trusts."""
    client_certificate_ids: dict[str, pulumi.Output[str]]
    """The certificate that Hyperdrive shows, by role."""
    ready: list[pulumi.Resource]
    """What must exist before the first connection."""

    def __init__(self, name: str, args: PublicDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:network:PublicDatabase", name, args.labels.inputs(DataClass.REGULATED), opts)
        child = pulumi.ResourceOptions(parent=self)
        display_name = f"{args.labels.prefix}-postgres"
        record = cloudflare.DnsRecord(
            f"{name}-record",
            zone_id=args.zone_id,
            name=args.hostname,
            type="A",
            content=args.address,
            # The proxy speaks HTTP only.
            proxied=False,
            ttl=TTL_SECONDS,
            comment=f"{display_name}: the database, for Hyperdrive only",
            opts=child,
        )
        authority = cloudflare.MtlsCertificate(
            f"{name}-authority",
            account_id=args.account_id,
            # The next one stands beside this one until Hyperdrive has changed over.
            name=f"{display_name}-authority-{args.authority.signing_generation}",
            certificates=args.authority.signing_authority_pem,
            ca=True,
            opts=child,
        )
        clients = {
            role: cloudflare.MtlsCertificate(
                f"{name}-client-{role}",
                account_id=args.account_id,
                # So does a renewed one.
                name=pulumi.Output.concat(display_name, "-", role, "-", client.serial),
                certificates=client.certificate_pem,
                private_key=client.key_pem,
                ca=False,
                opts=child,
            )
            for role, client in args.authority.clients.items()
        }
        self.hostname = pulumi.Output.from_input(args.hostname)
        self.authority_certificate_id = authority.id
        self.client_certificate_ids = {role: certificate.id for role, certificate in clients.items()}
        self.ready = [record]
        self.register_outputs({"hostname": self.hostname, "authorityCertificateId": self.authority_certificate_id})
