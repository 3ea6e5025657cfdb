"""The key that on-call turns for a rollback, and who is told when one may be needed. The hosts: failover_host.py."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.edge.failover_host import ActiveSide, FailoverHostArgs
from components.edge.failover_pages_host import FailoverPagesHostArgs
from components.settings.stack import Settings

# Cloudflare's ids of its permission groups, the same in every account (API: List permission groups). Writing includes
# reading.
PERMISSION_GROUPS = {
    "Workers Routes Write": "28f4b596e7d643029c524985477ae49a",
    "DNS Write": "4755a26eedb94da69e1066d98aa820be",
}
CHECK_SECONDS = 60
AnyHost = FailoverHostArgs | FailoverPagesHostArgs


@dataclass(frozen=True, kw_only=True)
class FailoverArgs:
    labels: Labels
    account_id: str
    zone_id: str
    hosts: Sequence[AnyHost]
    token_until: str
    """When the rollback's token ends, as YYYY-MM-DD. Before that day somebody moves it on and hands out the new one."""
    networks: Sequence[str]
    """The only networks that the token is accepted from."""
    email: str
    """Who is told."""
    has_health_checks: bool
    """Cloudflare's own need a paid zone plan (Pro or higher)."""


def failover_hosts(stack: Settings, site_script: pulumi.Input[str]) -> list[FailoverHostArgs]:
    """Hosts that fail over: the site, not the API. The stand-by has its own API and another route to the database."""
    site = FailoverHostArgs(
        labels=stack.labels,
        protection=stack.protection,
        name="site",
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.site_hostname,
        standby_hostname=stack.standby_hostname,
        script=site_script,
        active=ActiveSide(stack.failover_active),
        keep_until=stack.standby_keep_until,
    )
    return [site]


def failover_pages_hosts(stack: Settings, project: pulumi.Input[str]) -> list[FailoverPagesHostArgs]:
    return [
        FailoverPagesHostArgs(
            labels=stack.labels,
            protection=stack.protection,
            name=f"pages-{hostname.replace('.', '-')}",
            account_id=stack.cloudflare_account_id,
            zone_id=stack.cloudflare_zone_id,
            hostname=hostname,
            standby_hostname=stack.standby_hostname,
            project=project,
            active=ActiveSide(stack.failover_active),
            keep_until=stack.standby_keep_until,
        )
        for hostname in stack.pages_hostnames
    ]


def failover_args(stack: Settings, hosts: Sequence[AnyHost]) -> FailoverArgs:
    return FailoverArgs(
        labels=stack.labels,
        account_id=stack.cloudflare_account_id,
        zone_id=stack.cloudflare_zone_id,
        hosts=hosts,
        token_until=stack.rollback_access_until,
        networks=[*stack.admin_ipv4_networks, *stack.admin_ipv6_networks],
        email=stack.alarm_email,
        has_health_checks=stack.zone_health_checks,
    )


class Failover(pulumi.ComponentResource):
    """The token can change routes and records of this one zone and nothing else, from the administrators' networks.

    It is not the deploy role's: a rollback must work when nothing else of the stack does.
    """

    parameter: pulumi.Output[str]
    """The SecureString from which on-call takes the token once, to keep it where no incident of ours reaches."""

    def __init__(self, name: str, args: FailoverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:edge:Failover", name, args.labels.inputs(DataClass.NONE), opts)
        self.parameter = self._token(name, args)
        self._tell_of_certificates(name, args)
        if args.has_health_checks:
            self._watch(name, args)
        self.register_outputs({"parameter": self.parameter})

    def _token(self, name: str, args: FailoverArgs) -> pulumi.Output[str]:
        zone = f"com.cloudflare.api.account.zone.{args.zone_id}"
        token = cloudflare.AccountToken(
            f"{name}-rollback-token",
            account_id=args.account_id,
            name=f"{args.labels.prefix}-rollback",
            policies=[
                {
                    "effect": "allow",
                    "permission_groups": [{"id": group} for group in PERMISSION_GROUPS.values()],
                    # Without spaces: the provider compares the text with Cloudflare's, and each `up` would change it.
                    "resources": json.dumps({zone: "*"}, separators=(",", ":")),
                }
            ],
            condition={"request_ip": {"ins": list(args.networks)}},
            expires_on=f"{args.token_until}T00:00:00Z",
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["value"]),
        )
        parameter = aws.ssm.Parameter(
            f"{name}-rollback-parameter",
            name=f"/{args.labels.prefix}/operators/rollback-token",
            type="SecureString",
            value=token.value,
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return parameter.name

    def _tell_of_certificates(self, name: str, args: FailoverArgs) -> None:
        """Has Cloudflare announce certificates; works on a zone without a paid plan, too."""
        cloudflare.NotificationPolicy(
            f"{name}-certificates",
            account_id=args.account_id,
            name=f"{args.labels.prefix}: edge certificates",
            alert_type="universal_ssl_event_type",
            enabled=True,
            mechanisms={"emails": [{"id": args.email}]},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _watch(self, name: str, args: FailoverArgs) -> None:
        """The stand-by itself, by the name that its certificate must have, and whichever side serves."""
        checks = []
        for host in args.hosts:
            for side, address in (("standby", host.standby_hostname), ("serving", host.hostname)):
                check = cloudflare.Healthcheck(
                    f"{host.name}-{side}",
                    zone_id=args.zone_id,
                    name=f"{args.labels.prefix}-{host.name}-{side}",
                    address=address,
                    type="HTTPS",
                    interval=CHECK_SECONDS,
                    http_config={
                        "path": "/",
                        # The provider's default is 80 for HTTPS too (terraform-provider-cloudflare#6800).
                        "port": 443,
                        "expected_codes": ["200"],
                        "header": {"Host": [host.hostname]},
                    },
                    opts=pulumi.ResourceOptions(parent=self),
                )
                checks.append(check.id)
        cloudflare.NotificationPolicy(
            f"{name}-health",
            account_id=args.account_id,
            name=f"{args.labels.prefix}: stand-by and serving side",
            alert_type="health_check_status_notification",
            enabled=True,
            filters={"health_check_ids": checks},
            mechanisms={"emails": [{"id": args.email}]},
            opts=pulumi.ResourceOptions(parent=self),
        )
