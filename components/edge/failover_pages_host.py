"""A host name that a Pages project answers: it has no route to blank, so a rollback is a change of its record."""

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.edge.failover_host import AUTOMATIC_TTL, DNS_ONLY_TTL, ActiveSide, standby_comment

LED_THERE = "answers when this leads there"


@dataclass(frozen=True, kw_only=True)
class FailoverPagesHostArgs:
    labels: Labels
    protection: Protection
    name: str
    """Short, and part of its resources' names."""
    account_id: str
    zone_id: str
    hostname: str
    standby_hostname: str
    """Where the record leads after a rollback; attached to the stand-by's project before it is needed."""
    project: pulumi.Input[str]
    """The Pages project's name, which is its host name below pages.dev unless another account has taken that."""
    active: ActiveSide
    keep_until: str
    """YYYY-MM-DD, 30 days after the cut-over at the earliest: until then the stand-by must not be taken away."""


class FailoverPagesHost(pulumi.ComponentResource):
    """Clients that hold the record's answer come over when it ends, after 300 s at most."""

    record_id: pulumi.Output[str]
    """What a rollback edits."""

    def __init__(self, name: str, args: FailoverPagesHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        # Not the active side, as in FailoverHost.
        declared = {**args.labels.inputs(DataClass.PUBLIC), "hostname": args.hostname}
        super().__init__("hybrid:edge:FailoverPagesHost", name, declared, opts)
        is_worker = args.active is ActiveSide.WORKER
        kept = pulumi.ResourceOptions(parent=self, protect=args.protection.is_protected)
        record = cloudflare.DnsRecord(
            f"{name}-record",
            zone_id=args.zone_id,
            name=args.hostname,
            type="CNAME",
            content=pulumi.Output.concat(args.project, ".pages.dev") if is_worker else args.standby_hostname,
            proxied=is_worker,
            ttl=AUTOMATIC_TTL if is_worker else DNS_ONLY_TTL,
            comment=standby_comment(args.labels, args.keep_until, LED_THERE),
            opts=kept,
        )
        cloudflare.PagesDomain(
            f"{name}-domain",
            account_id=args.account_id,
            project_name=args.project,
            name=args.hostname,
            # Cloudflare looks for the record when it takes the name in.
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(depends_on=[record])),
        )
        self.record_id = record.id
        self.register_outputs({"recordId": self.record_id})
