"""What systemd is told of the backups, and what the alarm is told of the host."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from host.backup.schedule import alarm_settings, unit_texts, units
from host.common import layout
from host.recovery.contract import parse as asked
from host.specification.model import Spec
from host.specification.reading import parse
from tests.commands import ran
from tests.host.declared_machine import declared, with_process_credentials


def scheduled(**changes: Any) -> Spec:
    value = declared()
    value["backup"] |= changes
    return parse(value)


def texts(spec: Spec) -> dict[str, str]:
    return {name: text for unit in units(spec.backup.schedule) for name, text in unit_texts(spec, unit).items()}


@pytest.mark.parametrize(
    ("full_day", "name", "calendar"),
    [
        ("sunday", "hybrid-backup-full", "Sun *-*-* 07:15:00 UTC"),
        ("sunday", "hybrid-backup-diff", "Mon,Tue,Wed,Thu,Fri,Sat *-*-* 07:15:00 UTC"),
        ("monday", "hybrid-backup-diff", "Tue,Wed,Thu,Fri,Sat,Sun *-*-* 07:15:00 UTC"),
        ("monday", "hybrid-verify", "Wed *-*-* 07:15:00 UTC"),
    ],
)
def test_each_day_has_one_backup(full_day: str, name: str, calendar: str) -> None:
    spec = scheduled(schedule={"full_day": full_day, "verify_day": "wednesday", "time": "07:15"})
    timer = texts(spec)[f"{name}.timer"]
    assert f"OnCalendar={calendar}\n" in timer
    assert "Persistent=true\n" in timer


@pytest.mark.parametrize(
    ("name", "request_wanted"),
    [
        ("hybrid-backup-full", {"act": "backup", "kind": "full"}),
        ("hybrid-backup-diff", {"act": "backup", "kind": "diff"}),
        ("hybrid-verify", {"act": "verify"}),
    ],
)
def test_a_unit_asks_for_what_it_is_named_after(name: str, request_wanted: dict[str, str]) -> None:
    found = re.search(r"--request (\S+)", texts(scheduled())[f"{name}.service"])
    assert found
    request = base64.b64decode(found[1])
    assert json.loads(request) == request_wanted
    assert asked(request).act == request_wanted["act"]


@pytest.mark.parametrize(("engine", "code", "is_marked"), [("false", 1, True), ("true", 0, False)])
def test_a_backup_that_fails_fails_its_unit_which_marks_it(
    tmp_path: Path, engine: str, code: int, is_marked: bool
) -> None:
    text = texts(scheduled())["hybrid-backup-diff.service"]
    assert "OnFailure=hybrid-failed@%p.service\n" in text
    found = re.search(r"ExecStart=.*/bin/sh -c '(.*)'\n", text)
    assert found
    command = found[1].replace(f"{layout.RELEASE}/venv/bin/python", engine).replace("%p", "hybrid-backup-diff")
    # As it was marked the last time.
    (tmp_path / "hybrid-backup-diff.failed").touch()
    answer = ran(["sh", "-c", command.replace(layout.BACKUP_ANSWERS, str(tmp_path))])
    assert (answer.returncode, (tmp_path / "hybrid-backup-diff.failed").exists()) == (code, is_marked)


def test_credentials_are_made_fresh_where_they_are_the_hosts_own() -> None:
    wants = "Wants=hybrid-backup-credentials.service\n"
    assert all(wants in text for name, text in texts(parse(with_process_credentials())).items() if "service" in name)
    assert not any(wants in text for text in texts(scheduled()).values())


def test_the_alarm_knows_the_limit_and_no_secret() -> None:
    spec = scheduled(archive_queue_max_mb=8192, alarm_namespace="Hybrid/prod", alarm_host="postgres-a")
    found = alarm_settings(spec)
    assert (found.queue_max_bytes, found.namespace, found.host) == (8192 * 2**20, "Hybrid/prod", "postgres-a")
    assert found.wal == "/var/lib/postgresql/17/main/pg_wal"
    assert found.log == "/var/log/pgbackrest/main-17-archive-push-async.log"
    assert not [secret for secret in ("key-secret-1", "passphrase-1") if secret in repr(found)]
