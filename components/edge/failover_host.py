"""A host name that a Worker answers and that falls back to the stand-by when its route is blanked."""

from dataclasses import dataclass
from enum import StrEnum

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.common.protection import Protection

# Behind the Worker the stand-by could not renew its certificate, and nobody would notice until the day it is needed.
CHALLENGE_PATHS = {"acme": "/.well-known/acme-challenge/*", "vercel": "/.well-known/vercel/*"}
# Proxied records have a fixed TTL of 300 s, written as 1; 60 s is the least that others can have (Cloudflare, DNS TTL
# reference), and what the rollback sets.
AUTOMATIC_TTL = 1
DNS_ONLY_TTL = 60


class ActiveSide(StrEnum):
    """Who answers the host name. Not who is healthy."""

    WORKER = "worker"
    VERCEL = "vercel"
    """Switched by plan A: the route has no script."""
    VERCEL_DNS = "vercel-dns"
    """Switched by plan B: the record bypasses Cloudflare. The route is as plan A left it, or untouched."""


def standby_comment(labels: Labels, keep_until: str, when: str) -> str:
    """Comment of the record: 100 characters at most on a free zone, the prefix has 37. Policies read the day."""
    return f"{labels.prefix}: stand-by until {keep_until}, {when}"


@dataclass(frozen=True, kw_only=True)
class FailoverHostArgs:
    labels: Labels
    protection: Protection
    name: str
    """Short: its resources' names begin with it."""
    zone_id: str
    hostname: str
    standby_hostname: str
    """Where the permanent record points; attached to the stand-by's project before it is needed."""
    script: pulumi.Input[str]
    """Worker that answers while it is the active side."""
    active: ActiveSide
    keep_until: str
    """YYYY-MM-DD, 30 days after the cut-over at the earliest: until then the stand-by must not be taken away."""


class FailoverHost(pulumi.ComponentResource):
    """Rolling back is one in-place change of the route and no DNS change, so no TTL to wait for.

    Routes and not a custom domain: that one would own the record and shut out the stand-by.
    """

    route_id: pulumi.Output[str]
    """What a rollback blanks."""
    record_id: pulumi.Output[str]
    """Id of the record that plan B, a DNS change, edits."""

    def __init__(self, name: str, args: FailoverHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # Not the active side: right after a rollback by script, a preview must have nothing to show.
        declared = {**args.labels.inputs(DataClass.NONE), "hostname": args.hostname}
        is_led_past = args.active is ActiveSide.VERCEL_DNS
        super().__init__("hybrid:edge:FailoverHost", name, declared, opts)
        record = cloudflare.DnsRecord(
            f"{name}-record",
            zone_id=args.zone_id,
            name=args.hostname,
            type="CNAME",
            content=args.standby_hostname,
            proxied=not is_led_past,
            ttl=DNS_ONLY_TTL if is_led_past else AUTOMATIC_TTL,
            comment=standby_comment(args.labels, args.keep_until, "answers when its route is blank"),
            opts=self._kept(args),
        )
        after_record = pulumi.ResourceOptions.merge(self._kept(args), pulumi.ResourceOptions(depends_on=[record]))
        for key, path in CHALLENGE_PATHS.items():
            cloudflare.WorkersRoute(
                f"{name}-challenge-{key}",
                zone_id=args.zone_id,
                # No script: the more specific pattern takes these paths from the Worker.
                pattern=f"{args.hostname}{path}",
                opts=after_record,
            )
        route = cloudflare.WorkersRoute(
            f"{name}-route",
            zone_id=args.zone_id,
            pattern=f"{args.hostname}/*",
            script=None if args.active is ActiveSide.VERCEL else args.script,
            opts=pulumi.ResourceOptions.merge(
                after_record, pulumi.ResourceOptions(ignore_changes=["script"] if is_led_past else None)
            ),
        )
        self.route_id = route.id
        self.record_id = record.id
        self.register_outputs({"routeId": self.route_id, "recordId": self.record_id})

    def _kept(self, args: FailoverHostArgs) -> pulumi.ResourceOptions:
        """Protected from deletion by mistake, but not retained: what is left behind would answer for nobody."""
        return pulumi.ResourceOptions(parent=self, protect=args.protection.is_protected)
