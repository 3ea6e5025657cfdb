"""How backups get to Calgary: S3 copies each version that is written in Montreal."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup.policies import Repository, replication_policy, replication_trust
from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.storage.backup_buckets import bucket_arn


@dataclass(frozen=True, kw_only=True)
class BackupReplicationArgs:
    labels: Labels
    boundary_arn: pulumi.Input[str]
    repository: Repository
    buckets: list[pulumi.Resource]
    """Both, with all that belongs to them."""


class BackupReplication(pulumi.ComponentResource):
    """A rule for every object and the role that S3 takes on for it. What was written earlier stays where it is.

    Markers of deletion are copied, the removal of versions never. AWS charges a copy as a request and as traffic
    between regions.
    """

    def __init__(self, name: str, args: BackupReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:backup:BackupReplication", name, args.labels.inputs(DataClass.REGULATED), opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=replication_role(args.labels.prefix),
            description="Taken on by S3 to copy backups",
            assume_role_policy=pulumi.Output.json_dumps(replication_trust()),
            permissions_boundary=args.boundary_arn,
            tags=args.labels.tags(DataClass.NONE),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="replication",
            role=role.name,
            policy=pulumi.Output.json_dumps(replication_policy(args.repository)),
            opts=child,
        )
        replication = aws.s3.BucketReplicationConfig(
            f"{name}-rules",
            bucket=args.repository.bucket,
            role=role.arn,
            rules=[replication_rule(args.repository)],
            region=HOME_REGION,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.buckets, policy]),
        )
        self.register_outputs({"bucket": replication.bucket, "roleArn": role.arn})


def replication_role(prefix: str) -> str:
    return f"{prefix}-backups-replication"


def replication_rule(repository: Repository) -> aws.s3.BucketReplicationConfigRuleArgsDict:
    """Every object, those with a key among them. Buckets by names that the program knows: the gate reads them."""
    return {
        "id": "copy",
        "status": "Enabled",
        # With a filter the rule is of S3's second version, and only that one copies markers of deletion.
        "filter": {"prefix": ""},
        "priority": 0,
        "delete_marker_replication": {"status": "Enabled"},
        "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
        "destination": {
            "bucket": bucket_arn(repository.copy),
            "encryption_configuration": {"replica_kms_key_id": repository.copy_key_arn},
        },
    }
