"""Who a database host is in AWS: a role that it takes on as a node of Systems Manager, without a stored key."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup.policies import Repository, writer_policy
from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.host.policies import (
    NODE_TIER,
    agent_policy,
    configuration_policy,
    host_trust,
    metrics_policy,
    role_name,
)


@dataclass(frozen=True, kw_only=True)
class HostIdentityArgs:
    labels: Labels
    aws_account_id: str
    boundary_arn: pulumi.Input[str]
    """The most that the role may ever do; see PermissionsBoundary."""
    bundle_arns: list[pulumi.Input[str]]
    """The objects in S3 that the hosts are made from."""
    backups: Repository
    owns_advanced_instances_tier: bool
    """Whether this stack puts the account's nodes in Montreal into the tier that Session Manager reaches."""


class HostIdentity(pulumi.ComponentResource):
    """One role for all hosts of a stack. It has no key: Systems Manager hands a registered node short-lived ones."""

    role_name: pulumi.Output[str]
    """What a host is registered with at Systems Manager."""
    role_arn: pulumi.Output[str]
    policies: list[pulumi.Resource]
    """Policies that must exist before a node assumes the role."""

    def __init__(self, name: str, args: HostIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:identity:HostIdentity", name, args.labels.inputs(DataClass.NONE), opts)
        prefix, account = args.labels.prefix, args.aws_account_id
        role = aws.iam.Role(
            f"{name}-role",
            name=role_name(prefix),
            description="Taken on by the PostgreSQL hosts",
            assume_role_policy=pulumi.Output.json_dumps(host_trust(account)),
            permissions_boundary=args.boundary_arn,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )
        documents: dict[str, dict[str, object]] = {
            "systems-manager": agent_policy(prefix, account),
            "configuration": configuration_policy(prefix, account, args.bundle_arns),
            "backups": writer_policy(args.backups),
            "metrics": metrics_policy(prefix),
        }
        self.policies = [
            aws.iam.RolePolicy(
                f"{name}-{key}",
                name=key,
                role=role.name,
                policy=pulumi.Output.json_dumps(document),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for key, document in documents.items()
        ]
        if args.owns_advanced_instances_tier:
            # One of the account and the region, and paid by the hour for every node in it (AWS, Systems Manager
            # pricing). Without it a session to a node that isn't EC2's is refused.
            aws.ssm.ServiceSetting(
                f"{name}-node-tier",
                setting_id=NODE_TIER,
                setting_value="advanced",
                region=HOME_REGION,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.role_name = role.name
        self.role_arn = role.arn
        self.register_outputs({"roleName": self.role_name, "roleArn": self.role_arn})
