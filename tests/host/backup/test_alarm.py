"""The alarm of the backups: what it finds, whom it tells, and how often."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from host.backup import alarm
from host.backup.alarm import ASK_AGAIN_SECONDS, ASK_SECONDS, TELL_SECONDS, Settings, found, send, tell

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
SEGMENT = 2**20
DROP = "2027-01-15 08:00:00.123 P00   WARN: dropped WAL file '{}' because archive queue exceeded 64MB\n"
# 2027-01-15 08:00:00 UTC.
DROPPED_AT = NOW


def info(*stops: float, error: bool = False) -> list[str]:
    """A command that prints pgBackRest's info with a backup for each stop time."""
    return listed([{"timestamp": {"stop": int(stop)}, "error": error} for stop in stops])


def listed(backups: list[dict[str, Any]]) -> list[str]:
    return ["echo", json.dumps([{"backup": backups}])]


# And one that builds on it.
DAMAGED = listed(
    [
        {"timestamp": {"stop": int(NOW)}, "label": "F", "annotation": {"damaged": "invalid checksum"}},
        {"timestamp": {"stop": int(NOW)}, "label": "F_D", "reference": ["F"]},
    ]
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a host that serves, with a backup of an hour ago and nothing that waits."""
    (tmp_path / "pg_wal/archive_status").mkdir(parents=True)
    (tmp_path / "answers").mkdir()
    return Settings(
        wal=str(tmp_path / "pg_wal"),
        queue_max_bytes=10 * SEGMENT,
        log=str(tmp_path / "push.log"),
        answers=str(tmp_path / "answers"),
        info=info(NOW - HOUR),
        unarchived=["echo", "30|2000000"],
        recovery_point_seconds=120,
        is_serving=True,
        namespace=None,
        host=None,
        region="ca-central-1",
        alarm_queue_percent=25,
        alarm_backup_hours=30,
        alarm_verify_days=8,
    )


def wait(settings: Settings, segments: int) -> None:
    for number in range(segments):
        with (Path(settings.wal) / f"{number:024X}").open("wb") as file:
            file.truncate(SEGMENT)
        (Path(settings.wal) / "archive_status" / f"{number:024X}.ready").touch()


def answer(settings: Settings, name: str, text: str = "") -> None:
    (Path(settings.answers) / name).write_text(text)


def test_a_host_in_good_health_says_nothing_and_tells_its_figures(settings: Settings) -> None:
    answer(settings, "hybrid-verify.json", json.dumps({"is_sound": True}))
    here = found(settings, {}, NOW)
    assert here.concerns() == {}
    assert here.metrics() == {
        "ArchiveQueuePercent": 0,
        "RecoveryPointPercent": 25,
        "BackupAgeHours": 1,
        "VerifyFailed": 0,
    }


@pytest.mark.parametrize(("seconds", "percent", "concerns"), [("119", 99.2, []), ("120", 100, ["unarchived"])])
def test_what_is_on_this_host_alone_is_told_from_the_recovery_point_on(
    settings: Settings, seconds: str, percent: float, concerns: list[str]
) -> None:
    here = found(replace(settings, unarchived=["echo", f"{seconds}|2000000"]), {}, NOW)
    assert (here.metrics()["RecoveryPointPercent"], list(here.concerns())) == (percent, concerns)


@pytest.mark.parametrize("command", [["false"], ["/no/such/program"], ["echo", "|2000000"]])
def test_while_nobody_knows_what_is_on_this_host_alone_it_grows(
    settings: Settings, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    state: dict[str, Any] = {}
    found(settings, state, NOW)
    later = found(replace(settings, unarchived=command), state, NOW + 90)
    assert list(later.concerns()) == ["unarchived"]
    assert capsys.readouterr().out.startswith("<4>PostgreSQL does not tell what is not archived: ")


def test_a_postgresql_that_never_told_is_a_concern_as_soon(settings: Settings) -> None:
    state: dict[str, Any] = {}
    silent = replace(settings, unarchived=["false"])
    assert found(silent, state, NOW).metrics()["RecoveryPointPercent"] == 0
    later = found(silent, state, NOW + 120)
    assert later.metrics()["RecoveryPointPercent"] == 100
    lost = "120 s of commits (an unknown size of log) are on this host alone; 120 s may be"
    assert later.concerns() == {"unarchived": f"{lost}; see `./hybrid db status`"}


@pytest.mark.parametrize(("segments", "percent", "concerns"), [(2, 20, []), (3, 30, ["queue"])])
def test_the_queue_is_told_from_a_quarter_of_its_limit(
    settings: Settings, segments: int, percent: float, concerns: list[str]
) -> None:
    wait(settings, segments)
    here = found(settings, {}, NOW)
    assert (here.metrics()["ArchiveQueuePercent"], list(here.concerns())) == (percent, concerns)


def test_a_segment_that_is_archived_in_between_is_passed_over(settings: Settings) -> None:
    wait(settings, 1)
    (Path(settings.wal) / "archive_status/000000010000000000000042.ready").touch()
    assert found(settings, {}, NOW).queue_percent == 10


@pytest.mark.parametrize(("hours", "concerns"), [(29.9, []), (30, ["backup"])])
def test_a_backup_that_is_too_old_is_told(settings: Settings, hours: float, concerns: list[str]) -> None:
    here = found(replace(settings, info=info(NOW - 300 * HOUR, NOW - hours * HOUR)), {}, NOW)
    assert list(here.concerns()) == concerns
    assert here.metrics()["BackupAgeHours"] == pytest.approx(hours, abs=0.01)


@pytest.mark.parametrize("command", [info(), info(NOW, error=True), DAMAGED, ["echo", "[]"]])
def test_a_repository_without_a_usable_backup_is_told_and_has_no_age(settings: Settings, command: list[str]) -> None:
    here = found(replace(settings, info=command), {}, NOW)
    assert here.concerns() == {"backup": "no usable backup is known"}
    assert "BackupAgeHours" not in here.metrics()


@pytest.mark.parametrize("command", [["false"], ["/no/such/program"], ["echo", "no JSON"], ["echo", "[{}]"]])
def test_while_the_store_does_not_answer_the_backup_it_told_of_grows_old(
    settings: Settings, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    state: dict[str, Any] = {}
    found(settings, state, NOW)
    later = NOW + 30 * HOUR
    assert found(replace(settings, info=command), state, later).backup_hours == 31
    assert capsys.readouterr().out.startswith("<4>the repository does not answer: ")
    assert state["ask_at"] == later + ASK_AGAIN_SECONDS


def test_the_store_is_asked_now_and_then(settings: Settings) -> None:
    state: dict[str, Any] = {}
    found(settings, state, NOW)
    newer = replace(settings, info=info(NOW))
    assert found(newer, state, NOW + ASK_SECONDS - 1).backup_hours == pytest.approx(1.25, abs=0.01)
    assert found(newer, state, NOW + ASK_SECONDS).backup_hours == 0.25


@pytest.mark.parametrize(
    ("name", "text", "concern"),
    [
        ("hybrid-verify.json", '{"is_sound": false}', "verify"),
        ("hybrid-verify.failed", "", "hybrid-verify"),
    ],
)
def test_a_verification_that_failed_or_found_damage_is_told(
    settings: Settings, name: str, text: str, concern: str
) -> None:
    answer(settings, name, text)
    here = found(settings, {}, NOW)
    assert (list(here.concerns()), here.metrics()["VerifyFailed"]) == ([concern], 1)


def test_a_verification_that_never_comes_is_told_and_alarms(settings: Settings) -> None:
    state: dict[str, Any] = {}
    fresh = replace(settings, info=info(NOW + 8 * DAY))
    assert found(fresh, state, NOW).concerns() == {}
    assert found(fresh, state, NOW + 8 * DAY).concerns() == {}
    late = found(fresh, state, NOW + 8 * DAY + HOUR)
    assert late.concerns() == {"verify-age": "the repository was not verified for 8 days: see hybrid-verify.timer"}
    assert late.metrics()["VerifyFailed"] == 1
    answer(settings, "hybrid-verify.json", json.dumps({"is_sound": True}))
    os.utime(Path(settings.answers) / "hybrid-verify.json", (NOW + 8 * DAY, NOW + 8 * DAY))
    assert found(fresh, state, NOW + 9 * DAY).concerns() == {}
    assert list(found(fresh, state, NOW + 17 * DAY).concerns()) == ["backup", "verify-age"]


def test_a_host_that_begins_to_serve_has_a_week_for_its_first_verification(settings: Settings) -> None:
    state: dict[str, Any] = {}
    found(settings, state, NOW)
    found(replace(settings, is_serving=False), state, NOW + 20 * DAY)
    assert found(replace(settings, info=info(NOW + 30 * DAY)), state, NOW + 30 * DAY).concerns() == {}


def test_a_backup_that_failed_is_told_by_its_unit(settings: Settings) -> None:
    answer(settings, "hybrid-backup-full.failed")
    here = found(settings, {}, NOW)
    assert "journalctl --unit=hybrid-backup-full.service" in here.concerns()["hybrid-backup-full"]
    assert here.metrics()["VerifyFailed"] == 0


@pytest.mark.parametrize("name", ["push.log", "push.log.1"])
def test_a_hole_in_the_archive_is_told_until_a_backup_closes_it(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("-------------------PROCESS START----\n" + DROP.format("A" * 24) * 2)
    here = found(settings, {}, NOW + HOUR)
    assert "log was dropped at 2027-01-15 08:00:00 UTC" in here.concerns()["dropped"]
    assert here.metrics()["ArchiveQueuePercent"] == 100
    closed = found(replace(settings, info=info(DROPPED_AT + 60)), {}, NOW + HOUR)
    assert (closed.concerns(), closed.metrics()["ArchiveQueuePercent"]) == ({}, 0)


def test_a_host_that_does_not_serve_has_a_queue_and_no_backups(settings: Settings) -> None:
    answer(settings, "hybrid-verify.failed")
    wait(settings, 3)
    here = found(replace(settings, is_serving=False, info=["false"]), {}, NOW)
    assert here.metrics() == {"ArchiveQueuePercent": 30}
    assert list(here.concerns()) == ["queue"]


def test_what_goes_on_is_told_again_after_an_hour_and_when_it_is_over() -> None:
    state: dict[str, Any] = {}
    assert tell({"queue": "is long"}, state, NOW) == ["<2>is long"]
    assert tell({"queue": "is longer"}, state, NOW + 60) == []
    assert tell({"queue": "is longest", "backup": "is old"}, state, NOW + 120) == ["<2>is old"]
    assert tell({"queue": "goes on"}, state, NOW + TELL_SECONDS) == ["<2>goes on", "<4>over: backup"]
    assert tell({}, state, NOW + TELL_SECONDS + 60) == ["<4>over: queue"]
    assert tell({}, state, NOW + TELL_SECONDS + 120) == []


def test_the_figures_arrive_under_the_hosts_name(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    named = replace(settings, namespace="Hybrid/prod", host="postgres-a")
    with mock_aws():
        send(named, {"ArchiveQueuePercent": 12.5, "VerifyFailed": 0.0})
        client = boto3.client("cloudwatch", region_name="ca-central-1")
        metrics = client.list_metrics(Namespace="Hybrid/prod")["Metrics"]
    assert sorted((one["MetricName"], one["Dimensions"][0]["Value"]) for one in metrics) == [
        ("ArchiveQueuePercent", "postgres-a"),
        ("VerifyFailed", "postgres-a"),
    ]


def run(settings: Settings) -> subprocess.CompletedProcess[str]:
    path = Path(settings.answers).with_name("settings.json")
    path.write_text(json.dumps(asdict(settings)))
    argv = [sys.executable, "-I", alarm.__file__, str(path)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin"})


def test_the_program_tells_once_and_keeps_what_it_told(settings: Settings) -> None:
    wait(settings, 5)
    first, second = run(settings), run(settings)
    assert (first.returncode, first.stderr) == (0, "")
    assert "<2>the log that waits for the store is 50 % of what may wait; at 100 % it is dropped" in first.stdout
    assert (second.returncode, second.stdout) == (0, "")


def test_a_damaged_state_is_recreated(settings: Settings) -> None:
    answer(settings, "alarm.json", "{")
    answer(settings, "hybrid-verify.json", "[]")
    assert run(settings).returncode == 0


def test_a_cloud_that_takes_no_figures_is_told_and_the_journal_still_has_the_rest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wait(settings, 5)
    path = Path(settings.answers).with_name("settings.json")
    path.write_text(json.dumps(asdict(replace(settings, namespace="Hybrid/prod", host="postgres-a"))))

    def unreachable(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="monitoring")

    monkeypatch.setattr(alarm, "send", unreachable)
    monkeypatch.setattr(sys, "argv", ["backup_alarm.py", str(path)])
    assert alarm.main() == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1].startswith("<4>CloudWatch took no metrics: ")
    assert [line for line in told if line.startswith("<2>the log that waits")]
