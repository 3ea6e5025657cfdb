"""How a host becomes, and stays, what is declared: a document of Systems Manager, applied on change and on schedule."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.host.bundle import BundleObject
from components.host.document import command_document
from components.host.policies import document_name
from components.host.registration import HOST_TAG
from host.specification.model import HOST_NAME

# State Manager's shortest interval.
SCHEDULE = "rate(30 minutes)"
# A host may have to restore the whole backup.
TIMEOUT_SECONDS = 12 * 3600
# What the script puts between quotes: no more than these letters, so nothing ends the quotes.
PARAMETERS = {
    "Bucket": ("Bucket of the bundle", r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"),
    "Key": ("Key of the bundle", r"^[A-Za-z0-9/._-]{1,200}$"),
    "VersionId": ("Version of the bundle", r"^[A-Za-z0-9._-]{1,200}$"),
    "Sha256": ("SHA-256 of the bundle", r"^[0-9a-f]{64}$"),
    "Host": ("Name of the host in the settings", f"^{HOST_NAME}$"),
    "SecretsVersion": ("Changes with every secret, so that the hosts fetch them again", r"^[0-9]+(\.[0-9]+)*$"),
}


@dataclass(frozen=True, kw_only=True)
class HostConvergenceArgs:
    labels: Labels
    bucket: pulumi.Input[str]
    bundles: dict[str, BundleObject]
    """Keyed by the host's name."""
    display_names: dict[str, str]
    """The tag's value by which a host's node is found."""
    secrets_version: pulumi.Input[str]
    policies: list[pulumi.Resource]
    """What a node needs to do as it is told."""
    ready: dict[str, list[pulumi.Resource]]
    """What each host must have first, by its name. A disk that comes later would be missed by the first run."""
    wait_seconds: dict[str, int]
    """How long the first application to a host may take; of hosts that are not here it is not waited for.

    The provider waits only when an association is made, never when it changes.
    """


class HostConvergence(pulumi.ComponentResource):
    """Runs at once when the bundle, the document or a secret changes, and every half hour, one host at a time."""

    associations: dict[str, pulumi.Resource]
    """Keyed by the host's name."""

    def __init__(self, name: str, args: HostConvergenceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostConvergence", name, args.labels.inputs(DataClass.NONE), opts)
        document = aws.ssm.Document(
            f"{name}-document",
            name=document_name(args.labels.prefix),
            document_type="Command",
            document_format="JSON",
            target_type="/",
            content=json.dumps(document_content()),
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.associations = {host: self._association(name, args, document, host) for host in args.bundles}
        self.register_outputs({"document": document.name})

    def _association(
        self, name: str, args: HostConvergenceArgs, document: aws.ssm.Document, host: str
    ) -> aws.ssm.Association:
        bundle = args.bundles[host]
        return aws.ssm.Association(
            f"{name}-{host}",
            name=document.name,
            association_name=args.display_names[host],
            document_version=document.default_version,
            targets=[{"key": f"tag:{HOST_TAG}", "values": [args.display_names[host]]}],
            schedule_expression=SCHEDULE,
            max_concurrency="1",
            parameters={
                "Bucket": args.bucket,
                "Key": bundle.key,
                "VersionId": bundle.version_id,
                "Sha256": bundle.sha256,
                "Host": host,
                "SecretsVersion": args.secrets_version,
            },
            wait_for_success_timeout_seconds=args.wait_seconds.get(host),
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.policies, *args.ready[host]]),
        )


def document_content() -> dict[str, object]:
    """What the document says."""
    return command_document(
        description="Makes a PostgreSQL host what its bundle says",
        parameters=PARAMETERS,
        step="converge",
        timeout_seconds=TIMEOUT_SECONDS,
    )
