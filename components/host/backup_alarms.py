"""Who is told, by e-mail, when backups fall behind: alarms on what the serving host says of itself every minute."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup.policies import key_policy
from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION
from components.host.policies import metrics_namespace
from components.storage.encryption_key import EncryptionKey, EncryptionKeyArgs
from host.specification.alarms import BACKUP_HOURS, QUEUE_PERCENT, VERIFY_DAYS

CLOUDWATCH = "cloudwatch.amazonaws.com"
# Key of the metrics' dimension; its value is the host's name in the settings.
HOST_DIMENSION = "Host"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """When one metric is too high. The host sends each once a minute."""

    metric: str
    threshold: float
    minutes: int
    """Minutes that it must be too high without a break."""
    description: str
    is_alarmed_by_silence: bool = False
    """Whether it is too high when nothing comes; otherwise silence leaves the alarm as it is."""


ALARMS = {
    "archive-queue": Alarm(
        metric="ArchiveQueuePercent",
        threshold=QUEUE_PERCENT,
        minutes=3,
        description="Write-ahead log waits on the host, or the host is silent. At 100 % log is dropped, and then no "
        "later point can be restored until the next backup.",
        is_alarmed_by_silence=True,
    ),
    "recovery-point": Alarm(
        metric="RecoveryPointPercent",
        threshold=100,
        minutes=2,
        description="Unarchived data exceed recoveryPointSeconds: a lost host would take them with it.",
    ),
    "backup-age": Alarm(
        metric="BackupAgeHours",
        threshold=BACKUP_HOURS,
        minutes=5,
        description="The last daily backup is missing or failed.",
    ),
    "verify": Alarm(
        metric="VerifyFailed",
        threshold=1,
        minutes=1,
        description=f"The last verification of the repository found damage, or none ran for {VERIFY_DAYS} days.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class BackupAlarmsArgs:
    labels: Labels
    aws_account_id: str
    email: str
    """Whoever has this mailbox is asked by AWS to confirm; until then nobody is told anything."""
    host: str
    """Name of the host that serves: one that is still being made has nothing to be late with."""


class BackupAlarms(pulumi.ComponentResource):
    """A topic in Montreal, a subscription and the alarms. What is sent names host and metric, and holds no data.

    A month (AWS's price lists of us-east-1, not confirmed for Montreal): 0.10 USD an alarm, 0.30 USD a metric,
    1 USD the topic's key, 0.44 USD the host's 43,800 requests; the first 1,000 e-mails are free.
    """

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: BackupAlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:backup:BackupAlarms", name, args.labels.inputs(DataClass.NONE), opts)
        child = pulumi.ResourceOptions(parent=self)
        key = EncryptionKey(
            name,
            EncryptionKeyArgs(
                labels=args.labels,
                protection=None,
                region=HOME_REGION,
                alias=alarm_key_alias(args.labels.prefix),
                description=f"Alarms of {args.labels.prefix}",
                data_class=DataClass.NONE,
                # AWS's own key for SNS does not admit CloudWatch, whose messages would be lost silently.
                policy=key_policy(args.aws_account_id, _publisher_of_alarms(args.aws_account_id)),
            ),
            child,
        )
        topic = aws.sns.Topic(
            f"{name}-topic",
            name=topic_name(args.labels.prefix),
            kms_master_key_id=key.arn,
            policy=json.dumps(topic_policy(args.labels.prefix, args.aws_account_id)),
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-email", topic=topic.arn, protocol="email", endpoint=args.email, region=HOME_REGION, opts=child
        )
        for key_name, alarm in ALARMS.items():
            self._alarm(f"{name}-{key_name}", key_name, args, alarm, topic.arn)
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": self.topic_arn})

    def _alarm(self, name: str, key: str, args: BackupAlarmsArgs, alarm: Alarm, topic_arn: pulumi.Output[str]) -> None:
        aws.cloudwatch.MetricAlarm(
            name,
            name=f"{args.labels.prefix}-postgres-{key}",
            alarm_description=alarm.description,
            namespace=metrics_namespace(args.labels.prefix),
            metric_name=alarm.metric,
            dimensions={HOST_DIMENSION: args.host},
            statistic="Maximum",
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=alarm.threshold,
            period=60,
            evaluation_periods=alarm.minutes,
            datapoints_to_alarm=alarm.minutes,
            treat_missing_data="breaching" if alarm.is_alarmed_by_silence else "ignore",
            alarm_actions=[topic_arn],
            # Also tells when the alarm is over.
            ok_actions=[topic_arn],
            region=HOME_REGION,
            tags=args.labels.tags(DataClass.NONE),
            opts=pulumi.ResourceOptions(parent=self),
        )


def topic_name(prefix: str) -> str:
    return f"{prefix}-postgres-alarms"


def alarm_key_alias(prefix: str) -> str:
    return f"alias/{prefix}-postgres-alarms"


def topic_policy(prefix: str, aws_account_id: str) -> dict[str, object]:
    """Admits the stack's alarms and nobody else; the account has its rights through IAM."""
    alarms = f"arn:aws:cloudwatch:{HOME_REGION}:{aws_account_id}:alarm:{prefix}-postgres-*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": CLOUDWATCH},
                "Action": "sns:Publish",
                "Resource": f"arn:aws:sns:{HOME_REGION}:{aws_account_id}:{topic_name(prefix)}",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": aws_account_id},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            }
        ],
    }


def _publisher_of_alarms(aws_account_id: str) -> dict[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": CLOUDWATCH},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": aws_account_id}},
    }
