"""How operators have a host make, try and restore backups: a document of Systems Manager that they send."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.host_document import command_document
from components.host_policies import recovery_document_name
from components.labels import DataClass, Labels
from components.providers import HOME_REGION

# A host may have to restore the whole backup.
TIMEOUT_SECONDS = 12 * 3600
# Base64 of the request's JSON: with these letters nothing ends the quotes that it stands between.
PARAMETERS = {"Request": ("Base64 of the request, JSON", r"^[A-Za-z0-9+/=]{1,8000}$")}


@dataclass(frozen=True, kw_only=True)
class HostRecoveryArgs:
    labels: Labels


class HostRecovery(pulumi.ComponentResource):
    """The document alone. Nothing of the stack sends it: who may is who has `ssm:SendCommand` for it, a person."""

    document: pulumi.Output[str]
    """What to send to a host's node."""

    def __init__(self, name: str, args: HostRecoveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostRecovery", name, args.labels.inputs(DataClass.NONE), opts)
        document = aws.ssm.Document(
            f"{name}-document",
            name=recovery_document_name(args.labels.prefix),
            document_type="Command",
            document_format="JSON",
            target_type="/",
            content=json.dumps(recovery_content()),
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.document = document.name
        self.register_outputs({"document": self.document})


def recovery_content() -> dict[str, object]:
    """What the document says."""
    return command_document(
        description="Lists, makes, tries or restores backups of a PostgreSQL host",
        parameters=PARAMETERS,
        step="recovery",
        timeout_seconds=TIMEOUT_SECONDS,
    )
