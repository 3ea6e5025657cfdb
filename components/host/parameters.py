"""The secrets that a host, or a person, fetches from Systems Manager's parameter store."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.host.policies import host_parameters
from components.host.specification import (
    CIPHER_PASSPHRASE,
    TLS_AUTHORITIES,
    TLS_CERTIFICATE,
    TLS_KEY,
    TUNNEL_TOKEN,
    password,
)
from components.network.certificate_authority import CertificateAuthority
from components.network.private_tunnel import PrivateTunnel


@dataclass(frozen=True, kw_only=True)
class HostParametersArgs:
    labels: Labels
    passwords: dict[str, pulumi.Output[str]]
    """Keyed by role."""
    cipher_passphrase: pulumi.Output[str]
    authority: CertificateAuthority
    tunnel: PrivateTunnel | None
    """Its connector's token is the hosts'; the operators' own token is for people, and no host may read it."""


class HostParameters(pulumi.ComponentResource):
    """Parameters as SecureStrings, certificates too: one kind, read alike, and each change is a version."""

    version: pulumi.Output[str]
    """The versions of all that the hosts must know: another text after every change."""

    def __init__(self, name: str, args: HostParametersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostParameters", name, args.labels.inputs(DataClass.REGULATED), opts)
        prefix = args.labels.prefix
        of_hosts = [
            self._parameter(name, f"{host_parameters(prefix)}/{path}", f"host-{path}", value, args.labels)
            for path, value in sorted(_of_hosts(args).items())
        ]
        for path, value in sorted(_of_operators(args).items()):
            self._parameter(name, f"/{prefix}/operators/{path}", f"operators-{path}", value, args.labels)
        template = ".".join(f"{{{index}}}" for index in range(len(of_hosts)))
        self.version = pulumi.Output.format(template, *(parameter.version for parameter in of_hosts))
        self.register_outputs({"version": self.version})

    def _parameter(
        self, name: str, path: str, key: str, value: pulumi.Output[str], labels: Labels
    ) -> aws.ssm.Parameter:
        return aws.ssm.Parameter(
            f"{name}-{key.replace('/', '-')}",
            name=path,
            type="SecureString",
            # Secret, whoever made it: the SDK marks it.
            value=value,
            region=HOME_REGION,
            tags=labels.tags(DataClass.REGULATED),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _of_hosts(args: HostParametersArgs) -> dict[str, pulumi.Output[str]]:
    """What the hosts must know, by path below their own."""
    secrets = {password(role): value for role, value in args.passwords.items()}
    secrets[CIPHER_PASSPHRASE] = args.cipher_passphrase
    secrets[TLS_AUTHORITIES] = args.authority.authorities_pem
    secrets[TLS_CERTIFICATE] = args.authority.server_certificate_pem
    secrets[TLS_KEY] = args.authority.server_key_pem
    if args.tunnel:
        secrets[TUNNEL_TOKEN] = args.tunnel.connector_token
    return secrets


def _of_operators(args: HostParametersArgs) -> dict[str, pulumi.Output[str]]:
    """What administrators fetch for themselves, by path below their own."""
    if args.tunnel is None:
        return {}
    return {
        "access-client-id": args.tunnel.operators_client_id,
        "access-client-secret": args.tunnel.operators_client_secret,
    }
