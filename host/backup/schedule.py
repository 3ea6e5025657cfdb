"""Backups and their verification by systemd's timers, and the alarm that looks after them, of a host in the cloud."""

import base64
import json
from dataclasses import asdict, dataclass

from pyinfra.operations import files

from host.backup import alarm
from host.backup.credentials import is_wanted, program
from host.common import layout
from host.common.rendering import render, written
from host.common.services import postgres
from host.common.units import ended, running, unit_written, units_read
from host.database import monitoring
from host.database.contents import psql
from host.specification import alarms
from host.specification.model import Schedule, Spec

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALARM = "hybrid-backup-alarm"
MARK = "hybrid-failed@.service"
UNARCHIVED = f"SELECT seconds, bytes FROM {monitoring.SCHEMA}.unarchived()"


@dataclass(frozen=True, kw_only=True)
class Unit:
    name: str
    description: str
    request: dict[str, str]
    """What python -m host.recovery is asked to do."""
    days: tuple[str, ...]

    def calendar(self, time: str) -> str:
        """Calendar expression as systemd reads it."""
        return f"{','.join(day[:3].capitalize() for day in self.days)} *-*-* {time}:00 UTC"


def units(schedule: Schedule) -> tuple[Unit, ...]:
    return (
        Unit(
            name="hybrid-backup-full",
            description="Full backup",
            request={"act": "backup", "kind": "full"},
            days=(schedule.full_day,),
        ),
        Unit(
            name="hybrid-backup-diff",
            description="Differential backup",
            request={"act": "backup", "kind": "diff"},
            days=tuple(day for day in DAYS if day != schedule.full_day),
        ),
        Unit(
            name="hybrid-verify",
            description="Verification of the backup repository",
            request={"act": "verify"},
            days=(schedule.verify_day,),
        ),
    )


def apply(spec: Spec) -> None:
    """Only the host that serves takes backups; the alarm for waiting log runs on every host."""
    if spec.platform != "lightsail":
        return
    files.directory(name="folder of backups' answers", path=layout.BACKUP_ANSWERS, mode="700")
    files.directory(name="folder of programs", path=layout.PROGRAMS, mode="755")
    _alarm(spec)
    found = units(spec.backup.schedule)
    texts = {MARK: render(f"{MARK}.j2", layout=layout)}
    for unit in found:
        texts |= unit_texts(spec, unit)
    texts |= {f"{ALARM}.{kind}": render(f"{ALARM}.{kind}.j2", layout=layout) for kind in ("service", "timer")}
    for name, text in texts.items():
        unit_written(name, text)
    units_read(name="units of backups read by systemd", units=list(texts))
    timers = [f"{unit.name}.timer" for unit in found]
    running(f"{ALARM}.timer")
    for timer in timers:
        if spec.postgres.is_serving:
            running(timer)
        else:
            ended(name=f"{timer} is off", unit=timer)
    if not spec.postgres.is_serving:
        for unit in found:
            ended(name=f"{unit.name}.service is off", unit=f"{unit.name}.service")


def unit_texts(spec: Spec, unit: Unit) -> dict[str, str]:
    """The unit's service and timer, by their names."""
    service = render(
        "hybrid-backup.service.j2",
        unit=unit,
        layout=layout,
        has_credentials=is_wanted(spec),
        postgres=postgres(spec).unit,
        request=base64.b64encode(json.dumps(unit.request).encode()).decode(),
        answer=f"{layout.BACKUP_ANSWERS}/{unit.name}.json",
    )
    timer = render("hybrid-backup.timer.j2", unit=unit, calendar=unit.calendar(spec.backup.schedule.time))
    return {f"{unit.name}.service": service, f"{unit.name}.timer": timer}


def alarm_settings(spec: Spec) -> alarm.Settings:
    """No secret is in them."""
    stanza = spec.backup.stanza
    return alarm.Settings(
        wal=f"{layout.data(spec.postgres.major)}/pg_wal",
        queue_max_bytes=spec.backup.archive_queue_max_mb * 2**20,
        log=f"{layout.BACKUP_LOGS}/{stanza}-archive-push-async.log",
        answers=layout.BACKUP_ANSWERS,
        info=[*layout.AS_OWNER.split(), "pgbackrest", f"--stanza={stanza}", "--output=json", "info"],
        unarchived=[*psql(spec.postgres).split(), f"--command={UNARCHIVED}"],
        recovery_point_seconds=spec.backup.recovery_point_seconds,
        is_serving=spec.postgres.is_serving,
        namespace=spec.backup.alarm_namespace,
        host=spec.backup.alarm_host,
        region=spec.backup.region,
        alarm_queue_percent=alarms.QUEUE_PERCENT,
        alarm_backup_hours=alarms.BACKUP_HOURS,
        alarm_verify_days=alarms.VERIFY_DAYS,
    )


def _alarm(spec: Spec) -> None:
    written(
        name="alarm's settings",
        text=json.dumps(asdict(alarm_settings(spec)), indent=1) + "\n",
        path=layout.ALARM_SETTINGS,
        owner="root",
        mode="644",
    )
    program("program for the alarm", alarm.__file__, "backup_alarm.py")
