"""What holds data is not deleted, replaced or emptied by mistake."""

import re
from collections.abc import Iterator

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from components.resource_types import tokens
from components.resource_types.table import RESOURCE_TYPES, of
from policies.rules.pairing import belonging
from policies.rules.reading import current, each, entries, is_prod, of_type, text, value
from policies.rules.rule import Rule, StackRule

ATTACHMENT = "aws:lightsail/disk_attachment:Disk_attachment"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SNAPSHOT_TIME = re.compile(r"([01]\d|2[0-3]):00")
# AWS's own default; a week, the least that it allows, is shorter than some holidays.
LEAST_DELETION_DAYS = 30


def _data_is_protected(args: ResourceValidationArgs) -> Iterator[str]:
    if not is_prod(args.urn) or args.opts.protect:
        return
    kind = current(args.resource_type)
    if kind == tokens.KMS_KEY and text(args.props, "tags", "data-class") == "none":
        return
    yield f"This is {of(kind).lost}, and it is not protected."


def _hosts_are_snapshotted(args: ResourceValidationArgs) -> Iterator[str]:
    add_on = value(args.props, "addOn") or {}
    if value(add_on, "type") != "AutoSnapshot" or value(add_on, "status") != "Enabled":
        yield "This host has no daily snapshot."
    elif not SNAPSHOT_TIME.fullmatch(str(value(add_on, "snapshotTime"))):
        yield "This host's snapshots have no time that Lightsail accepts."


def _data_has_a_disk_of_its_own(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    def check(instance: PolicyResource) -> Iterator[str]:
        if not attachments[instance.urn]:
            yield "This host has no disk of its own attached, so its data would go with it."

    instances = of_type(args.resources, tokens.INSTANCE)
    attachments = belonging(instances, of_type(args.resources, ATTACHMENT), "instanceName", name="name")
    yield from each(instances, check)


def _ports_are_closed_first(args: ResourceValidationArgs) -> Iterator[str]:
    if not args.opts.delete_before_replace:
        yield "This firewall is replaced before it is deleted, and the deletion closes what was just opened."


def _user_data_is_frozen(args: ResourceValidationArgs) -> Iterator[str]:
    if not {"userData", "user_data", "*"} & set(args.opts.ignore_changes):
        yield "A change of this host's user data replaces the host."
    if "*" in args.opts.ignore_changes:
        yield "Every change of this host is ignored, also one that matters."


def _buckets_are_not_emptied(args: ResourceValidationArgs) -> Iterator[str]:
    if value(args.props, "forceDestroy") not in (None, False):
        yield "This can be deleted with all that is in it."
    if args.resource_type == tokens.MANAGED_DATABASE and value(args.props, "skipFinalSnapshot") is not False:
        yield "This database is deleted without a last snapshot."


def _keys_are_deleted_slowly(args: ResourceValidationArgs) -> Iterator[str]:
    days = value(args.props, "deletionWindowInDays")
    if days is not None and days < LEAST_DELETION_DAYS:
        yield "This key is deleted sooner than AWS would by itself."
    if value(args.props, "isEnabled") is False:
        yield "This key is switched off, and what it encrypts can't be read."
    # AWS renews no other kind of key (KMS, Rotating keys).
    is_symmetric = value(args.props, "customerMasterKeySpec") in (None, "SYMMETRIC_DEFAULT")
    if is_symmetric and value(args.props, "enableKeyRotation") is not True:
        yield "This key is never renewed."


def _alarms_tell_somebody(args: ResourceValidationArgs) -> Iterator[str]:
    if value(args.props, "actionsEnabled") is False or not entries(args.props, "alarmActions"):
        yield "This alarm tells nobody."


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="data-is-protected",
        description="In production the engine refuses to delete or replace what holds data.",
        reason=(
            "Almost every change of a Lightsail instance replaces it, and its snapshots go with it; a renamed bucket "
            "is a new one (hashicorp/terraform-provider-aws, internal/service/lightsail; AWS, Lightsail snapshots)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare it with the options of components/common/protection.py, or set protect.",
        types=tuple(token for token, row in RESOURCE_TYPES.items() if row.lost),
        check=_data_is_protected,
    ),
    Rule(
        name="hosts-are-snapshotted",
        description="Every Lightsail instance has a daily snapshot at a full hour.",
        reason=(
            "A snapshot brings a host back in minutes where a restore takes longer; seven are kept "
            "(AWS, Lightsail automatic snapshots). They are not a backup: they are deleted with the host."
        ),
        severity=Severity.HIGH,
        remediation="Set addOn to AutoSnapshot, Enabled, with snapshotTime as HH:00.",
        types=(tokens.INSTANCE,),
        check=_hosts_are_snapshotted,
    ),
    StackRule(
        name="data-has-a-disk-of-its-own",
        description="Every Lightsail instance has a disk attached, which outlives it.",
        reason=(
            "An instance can't be changed, only replaced, and its own disk goes with it; an attached one stays "
            "(hashicorp/terraform-provider-aws, internal/service/lightsail)."
        ),
        severity=Severity.CRITICAL,
        remediation="Declare the host with PostgresHost.",
        check=_data_has_a_disk_of_its_own,
    ),
    Rule(
        name="ports-are-closed-before-they-are-opened",
        description="A Lightsail firewall is deleted before its replacement is made.",
        reason=(
            "Any change replaces it, and deleting the old one closes the ports of its list, those of the new list too "
            "(hashicorp/terraform-provider-aws, lightsail/instance_public_ports.go)."
        ),
        severity=Severity.HIGH,
        remediation="Set delete_before_replace.",
        types=(tokens.PUBLIC_PORTS,),
        check=_ports_are_closed_first,
    ),
    Rule(
        name="user-data-changes-are-ignored",
        description="A host is not replaced when its user data change.",
        reason=(
            "User data are read at the first start and never again, but a change of them replaces the instance and "
            "its snapshots (hashicorp/terraform-provider-aws, #48395)."
        ),
        severity=Severity.CRITICAL,
        remediation="Put userData, and nothing else that matters, into ignore_changes.",
        types=(tokens.INSTANCE,),
        check=_user_data_is_frozen,
    ),
    Rule(
        name="data-is-not-deleted-with-its-place",
        description="No bucket is emptied, and no database deleted without a snapshot, to get rid of it.",
        reason="A bucket that is not empty can't be deleted, which is the last guard (AWS, Deleting a bucket).",
        severity=Severity.CRITICAL,
        remediation="Set forceDestroy, or skipFinalSnapshot, to false.",
        types=(tokens.BUCKET, tokens.OLD_BUCKET, tokens.LIGHTSAIL_BUCKET, tokens.MANAGED_DATABASE),
        check=_buckets_are_not_emptied,
    ),
    Rule(
        name="keys-are-deleted-slowly",
        description="Keys are renewed each year, in use, and deleted no sooner than after 30 days.",
        reason=(
            "Once a key is gone, so is all that it encrypted, the backups first; the waiting time is the only remedy "
            "(AWS, Deleting AWS KMS keys)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with EncryptionKey.",
        types=(tokens.KMS_KEY,),
        check=_keys_are_deleted_slowly,
    ),
    Rule(
        name="alarms-tell-somebody",
        description="Every alarm has an action, and its actions are on.",
        reason="A backup that fails in silence is noticed on the day it is needed.",
        severity=Severity.MEDIUM,
        remediation="Name a topic in alarmActions.",
        types=(ALARM,),
        check=_alarms_tell_somebody,
    ),
)
