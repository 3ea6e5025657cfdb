"""A key of KMS that never leaves its region."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.protection import Protection

# KMS's longest: a deletion can be cancelled until then.
DELETION_WINDOW_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    labels: Labels
    protection: Protection | None
    """None for a key that encrypts nothing that must be kept."""
    region: str
    alias: str
    """`alias/NAME`."""
    description: str
    data_class: DataClass
    policy: dict[str, object]


class EncryptionKey(pulumi.ComponentResource):
    """Customer managed, renewed every year. Whoever deletes it deletes all that it encrypts.

    1 USD a month, and 1 more for each of the first two renewals (AWS's price list, KMS; not confirmed for Canada).
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:storage:EncryptionKey", name, args.labels.inputs(args.data_class), opts)
        child = pulumi.ResourceOptions(parent=self)
        # In state: renaming this replaces the key, and what the old one encrypted is lost with it.
        key = aws.kms.Key(
            f"{name}-key",
            description=args.description,
            policy=json.dumps(args.policy),
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            enable_key_rotation=True,
            multi_region=False,
            region=args.region,
            tags=args.labels.tags(args.data_class),
            opts=args.protection.options(self) if args.protection else child,
        )
        aws.kms.Alias(f"{name}-alias", name=args.alias, target_key_id=key.arn, region=args.region, opts=child)
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
