"""How a host is had to make, try and restore backups: documents of Systems Manager for operators, and for CI."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.host.document import command_document
from components.host.policies import drill_document_name, recovery_document_name

# A host may have to restore the whole backup.
TIMEOUT_SECONDS = 12 * 3600
# Base64 of the request's JSON: with these letters nothing ends the quotes that it stands between.
PARAMETERS = {"Request": ("Base64 of the request, JSON", r"^[A-Za-z0-9+/=]{1,8000}$")}
# Less than the longest session of a role, and than GitHub's longest job.
DRILL_TIMEOUT_SECONDS = 5 * 3600
# JSON as it stands: the act around it is fixed.
DRILL_PARAMETERS = {"Seed": ("Number that the random moment is drawn from, or null", r"^(null|[0-9]{1,10})$")}


@dataclass(frozen=True, kw_only=True)
class HostRecoveryArgs:
    labels: Labels


class HostRecovery(pulumi.ComponentResource):
    """The documents alone. Who has `ssm:SendCommand` for the first may do all, a person; for the second only drill."""

    document: pulumi.Output[str]
    """What to send to a host's node."""
    drill_document: pulumi.Output[str]
    """What CI's role may send: it restores into throw-away clusters and nothing else."""

    def __init__(self, name: str, args: HostRecoveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostRecovery", name, args.labels.inputs(DataClass.NONE), opts)
        prefix = args.labels.prefix
        self.document = self._document(f"{name}-document", args, recovery_document_name(prefix), recovery_content())
        self.drill_document = self._document(f"{name}-drill", args, drill_document_name(prefix), drill_content())
        self.register_outputs({"document": self.document, "drillDocument": self.drill_document})

    def _document(
        self, name: str, args: HostRecoveryArgs, known_as: str, content: dict[str, object]
    ) -> pulumi.Output[str]:
        return aws.ssm.Document(
            name,
            name=known_as,
            document_type="Command",
            document_format="JSON",
            target_type="/",
            content=json.dumps(content),
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        ).name


def drill_content() -> dict[str, object]:
    """Content of the document that CI runs."""
    return command_document(
        description="Tries the backups of a PostgreSQL host in throw-away clusters",
        parameters=DRILL_PARAMETERS,
        step="drill",
        timeout_seconds=DRILL_TIMEOUT_SECONDS,
    )


def recovery_content() -> dict[str, object]:
    """What the document says."""
    return command_document(
        description="Lists, makes, tries or restores backups of a PostgreSQL host",
        parameters=PARAMETERS,
        step="recovery",
        timeout_seconds=TIMEOUT_SECONDS,
    )
