"""The only route from Cloudflare to the database: a tunnel that an Access service token opens."""

import base64
import json
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_random as random

from components.common.labels import DataClass, Labels
from components.common.protection import Protection


@dataclass(frozen=True, kw_only=True)
class PrivateTunnelArgs:
    labels: Labels
    protection: Protection
    account_id: str
    zone_id: str
    hostname: str
    """Name under which Hyperdrive reaches the database; answers nobody without the service token."""
    service: str
    """What cloudflared on the host connects to, such as `tcp://localhost:5432`."""
    pooler_hostname: str
    """Name under which the pooler is reached; answers nobody without a token of those it admits."""
    pooler_service: str
    admits_api: bool = False
    """Whether the API's Worker reaches the pooler, past Hyperdrive, with a token of its own."""


class PrivateTunnel(pulumi.ComponentResource):
    """Tunnel with two DNS names, the database's and its pooler's, and an Access application in front of each.

    To the database two service tokens are admitted, Hyperdrive's and the operators'; to the pooler the operators', and
    the API's where it has one.
    The applications exist before the names and the routes behind them do, and until both are gone.
    A token is valid for a year. To renew one by hand before it ends: `pulumi up --replace URN` of the token,
    which hands the new one to policy and user; new connections fail for the moment in between.
    """

    hostname: pulumi.Output[str]
    tunnel_id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    """Public half of Hyperdrive's service token."""
    client_secret: pulumi.Output[str]
    """Secret half of Hyperdrive's service token, secret."""
    operators_client_id: pulumi.Output[str]
    """Public half of the service token of the operators: people, and clients other than Hyperdrive."""
    operators_client_secret: pulumi.Output[str]
    """Secret half of that token, secret."""
    api_token: tuple[pulumi.Output[str], pulumi.Output[str]] | None = None
    """Both halves of the API's service token, the second one secret."""
    connector_token: pulumi.Output[str]
    """What cloudflared on the host signs in with, secret."""
    ready: list[pulumi.Resource]
    """What must exist before the first connection through the tunnel."""

    def __init__(self, name: str, args: PrivateTunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:network:PrivateTunnel", name, args.labels.inputs(DataClass.REGULATED), opts)
        child = pulumi.ResourceOptions(parent=self)
        display_name = f"{args.labels.prefix}-postgres"
        # Not RandomBytes: its ID is the value, in the clear in the state file. Cloudflare wants base64 of 32 bytes
        # or more, and 48 letters and digits are base64 of 36, without a plus, a slash or padding.
        secret = random.RandomPassword(
            f"{name}-secret", length=48, special=False, opts=args.protection.options(self)
        ).result
        tunnel = cloudflare.ZeroTrustTunnelCloudflared(
            f"{name}-tunnel",
            account_id=args.account_id,
            name=display_name,
            config_src="cloudflare",
            tunnel_secret=secret,
            opts=child,
        )
        # In state: renaming these renews Hyperdrive's token.
        token, policy = self._admission(f"{name}-token", f"{name}-policy", args, f"{display_name}-hyperdrive")
        operators, operators_policy = self._admission(
            f"{name}-operators-token", f"{name}-operators-policy", args, f"{display_name}-operators"
        )
        to_pooler = [operators_policy]
        if args.admits_api:
            api, api_policy = self._admission(f"{name}-api-token", f"{name}-api-policy", args, f"{display_name}-api")
            to_pooler.append(api_policy)
            self.api_token = (api.client_id, pulumi.Output.secret(api.client_secret))
        account_id = args.account_id
        application = self._application(
            f"{name}-application", account_id, display_name, args.hostname, [policy, operators_policy]
        )
        pooler_application = self._application(
            f"{name}-pooler-application",
            account_id,
            f"{args.labels.prefix}-pooler",
            args.pooler_hostname,
            to_pooler,
        )
        # Without its application a name is open to everybody, be it for a moment.
        behind_access = pulumi.ResourceOptions(parent=self, depends_on=[application, pooler_application])
        ingress = cloudflare.ZeroTrustTunnelCloudflaredConfig(
            f"{name}-ingress",
            account_id=args.account_id,
            tunnel_id=tunnel.id,
            config={
                "ingresses": [
                    {"hostname": args.hostname, "service": args.service},
                    {"hostname": args.pooler_hostname, "service": args.pooler_service},
                    {"service": "http_status:404"},
                ]
            },
            opts=behind_access,
        )
        record, _ = (
            cloudflare.DnsRecord(
                record_name,
                zone_id=args.zone_id,
                name=hostname,
                type="CNAME",
                content=pulumi.Output.concat(tunnel.id, ".cfargotunnel.com"),
                proxied=True,
                ttl=1,
                comment=f"{display_name}: tunnel to the {what}",
                opts=behind_access,
            )
            for record_name, hostname, what in (
                (f"{name}-record", args.hostname, "database"),
                (f"{name}-pooler-record", args.pooler_hostname, "pooler"),
            )
        )
        self.hostname = pulumi.Output.from_input(args.hostname)
        self.tunnel_id = tunnel.id
        self.client_id = token.client_id
        self.client_secret = pulumi.Output.secret(token.client_secret)
        self.operators_client_id = operators.client_id
        self.operators_client_secret = pulumi.Output.secret(operators.client_secret)
        self.connector_token = _connector_token(args.account_id, tunnel.id, secret)
        self.ready = [ingress, record, application]
        self.register_outputs(
            {"hostname": self.hostname, "tunnelId": self.tunnel_id, "connectorToken": self.connector_token}
        )

    def _application(
        self,
        name: str,
        account_id: str,
        display_name: str,
        hostname: str,
        policies: list[cloudflare.ZeroTrustAccessPolicy],
    ) -> cloudflare.ZeroTrustAccessApplication:
        """Stands in front of a name; its policies say who is let through."""
        return cloudflare.ZeroTrustAccessApplication(
            name,
            account_id=account_id,
            name=display_name,
            type="self_hosted",
            domain=hostname,
            policies=[{"id": policy.id, "precedence": number} for number, policy in enumerate(policies, start=1)],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _admission(
        self, token_name: str, policy_name: str, args: PrivateTunnelArgs, display_name: str
    ) -> tuple[cloudflare.ZeroTrustAccessServiceToken, cloudflare.ZeroTrustAccessPolicy]:
        """A service token, and the policy that admits it and nobody else."""
        child = pulumi.ResourceOptions(parent=self)
        token = cloudflare.ZeroTrustAccessServiceToken(
            token_name, account_id=args.account_id, name=display_name, duration="8760h", opts=child
        )
        policy = cloudflare.ZeroTrustAccessPolicy(
            policy_name,
            account_id=args.account_id,
            name=f"{display_name}-only",
            decision="non_identity",
            includes=[{"service_token": {"token_id": token.id}}],
            opts=child,
        )
        return token, policy


def _connector_token(account_id: str, tunnel_id: pulumi.Output[str], secret: pulumi.Output[str]) -> pulumi.Output[str]:
    """Computed, because reading it back would need a look-up in the cloud at every preview."""

    def encode(values: dict[str, str]) -> str:
        document = {"a": account_id, "t": values["tunnel"], "s": values["secret"]}
        return base64.b64encode(json.dumps(document).encode()).decode()

    return pulumi.Output.secret(pulumi.Output.all(tunnel=tunnel_id, secret=secret).apply(encode))
