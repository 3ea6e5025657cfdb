"""CloudWatch's alarms are on what a host sends, from where the host itself is concerned."""

from dataclasses import replace

from components.host.backup_alarms import ALARMS
from host.backup.alarm import Found
from host.backup.schedule import alarm_settings
from host.specification.reading import parse
from tests.host.specs import spec

SETTINGS = alarm_settings(parse(spec()))
SOUND = Found(
    settings=SETTINGS,
    queue_percent=0,
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
    assert replace(SOUND, queue_percent=queue - 0.1, backup_hours=age - 0.1).concerns() == {}
    assert replace(SOUND, verify_days=8.1).metrics()["VerifyFailed"] == ALARMS["verify"].threshold
