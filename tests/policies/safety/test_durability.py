"""The rules about what must not be lost, broken one way at a time."""

from collections.abc import Callable
from dataclasses import replace

from plan.model import Computed, Plan
from tests.policies.changes import Inputs, having, minus, on, options, plus, put, swapped, without
from tests.policies.safety.cases import Case, expected, findings, judged

HOST, DISK, PORTS = "postgres-a-instance", "postgres-a-data", "postgres-a-ports"
PROTECTED, SNAPSHOTS, OWN_DISK = {"data-is-protected"}, {"hosts-are-snapshotted"}, {"data-has-a-disk-of-its-own"}
OPENED, FROZEN = {"ports-are-closed-before-they-are-opened"}, {"user-data-changes-are-ignored"}
EMPTIED, KEYS, ALARMS = {"data-is-not-deleted-with-its-place"}, {"keys-are-deleted-slowly"}, {"alarms-tell-somebody"}
VERSIONS, KEPT, COPIED = {"buckets-keep-versions"}, {"backups-can-be-brought-back"}, {"backups-are-copied"}
OLD, OFTEN = {"old-versions-are-kept"}, {"hosts-back-up-often-enough"}
DATABASE = "aws:lightsail/database:Database"
COST = {"cost-stays-below-the-ceiling"}


def encryption(**changes: object) -> Callable[[Inputs], Inputs]:
    """None takes a part out."""

    def change(inputs: Inputs) -> Inputs:
        default = {**inputs["rules"][0]["applyServerSideEncryptionByDefault"], **changes}
        kept = {key: value for key, value in default.items() if value is not None}
        return {**inputs, "rules": [{"applyServerSideEncryptionByDefault": kept}]}

    return change


def of_host(path: str, item: object) -> Callable[[Plan], Plan]:
    """Another value in the host's specification, which is its component's."""

    def change(plan: Plan) -> Plan:
        (host,) = plan.of_type("hybrid:postgres:PostgresHost")
        return swapped(plan, host, replace(host, inputs=put(f"specification.{path}", item)(host.inputs)))

    return change


CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "no snapshots": (on(HOST, without("addOn")), SNAPSHOTS),
    "snapshots off": (on(HOST, put("addOn.status", "Disabled")), SNAPSHOTS),
    "snapshots at no hour": (on(HOST, put("addOn.snapshotTime", "07:30")), SNAPSHOTS),
    "snapshots unknown": (on(HOST, having(addOn=Computed())), SNAPSHOTS),
    "no disk": (minus("postgres-a-data-attachment"), OWN_DISK),
    "disk of another host": (on("postgres-a-data-attachment", having(instanceName="other")), OWN_DISK),
    "disk of a host that is to come": (on("postgres-a-data-attachment", having(instanceName=Computed())), set()),
    "ports replaced first": (options(PORTS, delete_before_replace=False), OPENED),
    "user data that count": (options(HOST, ignore_changes=()), FROZEN),
    "all changes ignored": (options(HOST, ignore_changes=("*",)), {*FROZEN, "judged-properties-are-not-ignored"}),
    "other changes ignored": (options(HOST, ignore_changes=("tags",)), FROZEN),
    "more changes ignored": (options(HOST, ignore_changes=("userData", "tags")), set()),
    "bucket emptied": (on("documents-bucket", having(forceDestroy=True)), EMPTIED),
    "bucket emptied, unknown": (on("documents-bucket", having(forceDestroy=Computed())), EMPTIED),
    "bucket not emptied": (on("documents-bucket", having(forceDestroy=False)), set()),
    "database without a last snapshot": (plus(DATABASE, skipFinalSnapshot=True), EMPTIED | COST),
    "key gone in a week": (on("backups-key", having(deletionWindowInDays=7)), KEYS),
    "key off": (on("backups-key", having(isEnabled=False)), KEYS),
    "key never renewed": (on("backups-copy-key", without("enableKeyRotation")), KEYS),
    "key's renewal unknown": (on("backups-copy-key", having(enableKeyRotation=Computed())), KEYS),
    "key by AWS's own time": (on("backups-key", without("deletionWindowInDays")), set()),
    "alarm for nobody": (on("alarms-verify", having(alarmActions=[])), ALARMS),
    "alarm left alone": (on("alarms-verify", without("alarmActions")), ALARMS),
    "alarm off": (on("alarms-verify", having(actionsEnabled=False)), ALARMS),
    "alarm unknown": (on("alarms-verify", having(alarmActions=Computed())), ALARMS),
    "documents without versions": (minus("documents-versioning"), VERSIONS),
    "versions suspended": (on("bundles-versioning", put("versioningConfiguration.status", "Suspended")), VERSIONS),
    "versions unknown": (on("bundles-versioning", having(versioningConfiguration=Computed())), VERSIONS),
    "documents without a key": (minus("documents-encryption"), set()),
    "backups' versions suspended": (
        on("backups-versioning", having(versioningConfiguration={"status": "Suspended"})),
        KEPT,
    ),
    "backups' versions of another bucket": (on("backups-versioning", having(bucket="other")), KEPT),
    "backups' versions unknown": (on("backups-versioning", having(versioningConfiguration=Computed())), KEPT),
    "lock without days": (on("backups-lock", without("rule")), KEPT),
    "lock of no days": (on("backups-lock", put("rule.defaultRetention.days", 0)), KEPT),
    "lock of no mode": (on("backups-lock", put("rule.defaultRetention.mode", None)), KEPT),
    "lock of years": (on("backups-lock", put("rule.defaultRetention", {"mode": "COMPLIANCE", "years": 1})), set()),
    "lock of a day, in dev": (on("backups-lock", put("rule.defaultRetention.days", 1)), set()),
    "lock unknown": (on("backups-copy-lock", having(rule=Computed())), KEPT),
    "S3's own keys": (on("backups-encryption", encryption(sseAlgorithm="AES256")), KEPT),
    "AWS's key": (on("backups-encryption", encryption(kmsMasterKeyId=None)), KEPT),
    "no lock": (minus("backups-lock"), KEPT),
    "no lock on the copy": (minus("backups-copy-lock"), KEPT),
    "no encryption": (minus("backups-copy-encryption"), KEPT),
    "no copy": (minus("backups-replication-rules"), COPIED),
    "copy off": (on("backups-replication-rules", put("rules.0.status", "Disabled")), COPIED),
    "copy of another bucket": (on("backups-replication-rules", having(bucket="other")), COPIED),
    "copy unknown": (on("backups-replication-rules", having(bucket=Computed())), COPIED),
    "old versions for a day": (
        on("documents-lifecycle", put("rules.0.noncurrentVersionExpiration.noncurrentDays", 1)),
        OLD,
    ),
    "backups by their age": (
        on("backups-lifecycle", put("rules.1", {"status": "Enabled", "expiration": {"days": 30}})),
        OLD,
    ),
    "rule that is off": (
        on("backups-lifecycle", put("rules.1", {"status": "Disabled", "expiration": {"days": 30}})),
        set(),
    ),
    "rules unknown": (on("backups-lifecycle", having(rules=Computed())), OLD),
    "one full backup": (of_host("backup.retention_full", 1), OFTEN),
    "archive by the hour": (of_host("backup.archive_timeout_seconds", 3600), OFTEN),
    "archive when full": (of_host("backup.archive_timeout_seconds", 0), OFTEN),
    "no full day": (of_host("backup.schedule.full_day", None), OFTEN),
    "no backups": (of_host("backup", None), OFTEN),
    "backups unknown": (of_host("backup", Computed()), OFTEN),
}
PROD_CASES: dict[str, Case] = {
    "as it is declared": (lambda plan: plan, set()),
    "lock of a day": (on("backups-lock", put("rule.defaultRetention.days", 1)), KEPT),
    **{
        f"{name} not protected": (options(name, protect=False), PROTECTED)
        for name in (
            HOST,
            DISK,
            "postgres-a-address",
            "documents-bucket",
            "media-media-bucket",
            "backups-key",
            "backups-cipher-passphrase",
            "authority-2026-certificate",
        )
    },
    "an older type not protected": (
        plus("aws:s3/bucketV2:BucketV2", bucket="b"),
        PROTECTED | VERSIONS | {"buckets-are-closed-to-the-public", "buckets-refuse-plain-http"},
    ),
    "a key without data": (options("alarms-key", protect=False), set()),
}


def test_what_could_lose_data_is_refused(dev_plan: Plan) -> None:
    assert judged(dev_plan, CASES) == expected(CASES)


def test_production_is_judged_more_strictly(prod_plan: Plan) -> None:
    assert judged(prod_plan, PROD_CASES) == expected(PROD_CASES)


def test_personal_stacks_may_leave_data_unprotected(dev_plan: Plan) -> None:
    assert findings([options(DISK, protect=False)(dev_plan)]) == [()]
