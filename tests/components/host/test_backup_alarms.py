"""CloudWatch's alarms are on what a host sends, from where the host itself is concerned."""

import json
from dataclasses import replace

from components.host.backup_alarms import ALARMS
from host.backup.alarm import Found
from host.backup.schedule import alarm_settings
from host.specification.reading import parse
from plan.model import Plan, Resource
from tests.components.declared import named
from tests.components.host.test_policies import ACCOUNT
from tests.host.specs import spec

SETTINGS = alarm_settings(parse(spec()))
SOUND = Found(
    settings=SETTINGS,
    queue_percent=0,
    unarchived_seconds=60,
    unarchived_bytes=0,
    dropped_at=None,
    backup_hours=1,
    failed=(),
    is_unsound=False,
    verify_days=1,
    is_serving=True,
)


def test_each_metric_of_a_host_that_serves_has_an_alarm() -> None:
    assert SOUND.metrics().keys() == {alarm.metric for alarm in ALARMS.values()}


def test_an_alarm_and_the_host_agree_from_when_on() -> None:
    queue, age = ALARMS["archive-queue"].threshold, ALARMS["backup-age"].threshold
    assert SOUND.concerns() == {}
    assert list(replace(SOUND, queue_percent=queue).concerns()) == ["queue"]
    assert list(replace(SOUND, backup_hours=age).concerns()) == ["backup"]
    late = replace(SOUND, unarchived_seconds=SETTINGS.recovery_point_seconds)
    assert late.metrics()["RecoveryPointPercent"] == ALARMS["recovery-point"].threshold
    assert list(late.concerns()) == ["unarchived"]
    assert replace(SOUND, unarchived_seconds=SETTINGS.recovery_point_seconds - 0.1).concerns() == {}
    assert replace(SOUND, queue_percent=queue - 0.1, backup_hours=age - 0.1).concerns() == {}
    assert replace(SOUND, verify_days=8.1).metrics()["VerifyFailed"] == ALARMS["verify"].threshold


def alarms(plan: Plan) -> dict[str, Resource]:
    return {found.inputs["metricName"]: found for found in plan.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")}


def test_the_serving_host_alone_is_watched(dev_plan: Plan) -> None:
    found = {name: alarm.inputs for name, alarm in alarms(dev_plan).items()}
    assert {name: (alarm["threshold"], alarm["evaluationPeriods"]) for name, alarm in found.items()} == {
        "ArchiveQueuePercent": (25, 3),
        "RecoveryPointPercent": (100, 2),
        "BackupAgeHours": (30, 5),
        "VerifyFailed": (1, 1),
    }
    for alarm in found.values():
        assert (alarm["namespace"], alarm["dimensions"]) == ("automatonicai-dev/postgres", {"Host": "a"})
        assert (alarm["statistic"], alarm["period"]) == ("Maximum", 60)
        assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_a_silent_host_alarms(dev_plan: Plan) -> None:
    missing = {name: alarm.inputs["treatMissingData"] for name, alarm in alarms(dev_plan).items()}
    assert missing.pop("ArchiveQueuePercent") == "breaching"
    assert set(missing.values()) == {"ignore"}


def test_alarms_reach_a_mailbox_through_an_encrypted_topic(dev_plan: Plan) -> None:
    topic, email = named(dev_plan, "alarms-topic"), named(dev_plan, "alarms-email").inputs
    assert topic.inputs["kmsMasterKeyId"].reference == (named(dev_plan, "alarms-key").urn, "arn")
    assert (email["protocol"], email["endpoint"]) == ("email", "platform@automatonicai.com")
    for alarm in alarms(dev_plan).values():
        for actions in ("alarmActions", "okActions"):
            assert [target.reference for target in alarm.inputs[actions]] == [(topic.urn, "arn")]
    (publisher,) = json.loads(topic.inputs["policy"])["Statement"]
    assert publisher["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publisher["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert publisher["Resource"].endswith(f":{topic.inputs['name']}")


def test_cloudwatch_may_use_the_topics_key(dev_plan: Plan) -> None:
    _, service = json.loads(named(dev_plan, "alarms-key").inputs["policy"])["Statement"]
    assert service["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert service["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
