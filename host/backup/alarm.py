"""Warns of log that is on this host alone or dropped, of backups and the repository: to the journal and to CloudWatch.

Installed on the host by itself, as backup_alarm.py, and run each minute by systemd with the system's Python:
backup_alarm.py SETTINGS. So it imports nothing of ours, and writes its own file whole, without durable.files.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# A question to the store each: a backup comes once a day.
ASK_SECONDS = 900
ASK_AGAIN_SECONDS = 300
ANSWER_SECONDS = 45
# What goes on is told again after this time, not each minute.
TELL_SECONDS = 3600
DAY_SECONDS = 86_400
REMEDY = "take a backup now: systemctl start hybrid-backup-diff"
CRITICAL, WARNING = "<2>", "<4>"
DROPPED = re.compile(r"^([0-9-]{10} [0-9:]{8})\S* .*WARN: dropped WAL file", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings as host/backup/schedule.py writes them; paths as text."""

    wal: str
    """Folder of the write-ahead log."""
    queue_max_bytes: int
    log: str
    """Log of pgBackRest's asynchronous archiving; the one before it has .1 at its end."""
    answers: str
    """Folder of what the scheduled backups answered, of marks of those that failed, and of what was told."""
    info: list[str]
    """Command line that prints the repository's content as JSON."""
    unarchived: list[str]
    """Command line that prints seconds|bytes of commits that are on this host alone; no seconds where nobody knows."""
    recovery_point_seconds: float
    """So many of them a lost host may take with it."""
    is_serving: bool
    """Only then backups are taken."""
    namespace: str | None
    host: str | None
    region: str
    alarm_queue_percent: float
    """The queue is a concern from here on; so are a backup and a verification of this age."""
    alarm_backup_hours: float
    alarm_verify_days: float


@dataclass(frozen=True, kw_only=True)
class Found:
    settings: Settings
    queue_percent: float
    unarchived_seconds: float | None
    """Age of the oldest commit that is on this host alone; None where it does not serve."""
    unarchived_bytes: float | None
    """Of log, as PostgreSQL told it last; None where it never did."""
    dropped_at: float | None
    """Time since which the archive has a hole that no backup has closed."""
    backup_hours: float | None
    """Age of the newest usable backup; None when none is known."""
    failed: tuple[str, ...]
    """Units whose last run failed."""
    is_unsound: bool
    verify_days: float
    """Days since the last verification, or since this host began to serve where there was none."""
    is_serving: bool

    @property
    def is_verify_failed(self) -> bool:
        """Whether the last verification failed or is too long ago."""
        return self.is_unsound or "hybrid-verify" in self.failed or self.verify_days > self.settings.alarm_verify_days

    def metrics(self) -> dict[str, float]:
        # A queue that was dropped is empty, and the worst is over only with the next backup.
        queue = max(self.queue_percent, 100.0) if self.dropped_at else self.queue_percent
        found = {"ArchiveQueuePercent": round(queue, 1)}
        if not self.is_serving:
            return found
        if self.unarchived_seconds is not None:
            found["RecoveryPointPercent"] = round(self._point_percent(self.unarchived_seconds), 1)
        if self.backup_hours is not None:
            found["BackupAgeHours"] = round(self.backup_hours, 2)
        return found | {"VerifyFailed": float(self.is_verify_failed)}

    def _point_percent(self, seconds: float) -> float:
        return 100 * seconds / self.settings.recovery_point_seconds

    def concerns(self) -> dict[str, str]:
        """What an operator has to know, by a name that stays the same while it goes on."""
        return dict(self._concerns())

    def _concerns(self) -> Iterator[tuple[str, str]]:
        if self.queue_percent >= self.settings.alarm_queue_percent:
            share = f"{self.queue_percent:.0f} % of what may wait"
            yield "queue", f"the log that waits for the store is {share}; at 100 % it is dropped"
        if self.dropped_at:
            moment = datetime.fromtimestamp(self.dropped_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            yield "dropped", f"log was dropped at {moment}: nothing later can be restored to; {REMEDY}"
        if not self.is_serving:
            return
        if self.unarchived_seconds is not None and self._point_percent(self.unarchived_seconds) >= 100:
            size = "an unknown size" if self.unarchived_bytes is None else f"{self.unarchived_bytes / 2**20:.1f} MB"
            lost = f"{self.unarchived_seconds:.0f} s of commits ({size} of log)"
            allowed = f"{self.settings.recovery_point_seconds:.0f} s may be; see `./hybrid db status`"
            yield "unarchived", f"{lost} are on this host alone; {allowed}"
        if self.backup_hours is None:
            yield "backup", "no usable backup is known"
        elif self.backup_hours >= self.settings.alarm_backup_hours:
            yield "backup", f"the newest usable backup is {self.backup_hours:.0f} h old"
        if self.is_unsound:
            yield "verify", "the repository is not sound: see the answer of hybrid-verify"
        if self.verify_days > self.settings.alarm_verify_days:
            days = f"{self.verify_days:.0f} days"
            yield "verify-age", f"the repository was not verified for {days}: see hybrid-verify.timer"
        for unit in self.failed:
            yield unit, f"the last run of {unit} failed: see journalctl --unit={unit}.service"


def queue_bytes(wal: Path) -> int:
    """Bytes of all segments that wait for the archive."""
    total = 0
    for ready in (wal / "archive_status").glob("*.ready"):
        try:
            total += (wal / ready.stem).stat().st_size
        except FileNotFoundError:  # Archived in between.
            continue
    return total


def last_drop(log: Path) -> float | None:
    """When pgBackRest last dropped something; its times are UTC."""
    for path in (log, log.with_name(f"{log.name}.1")):
        text = path.read_text(errors="replace") if path.exists() else ""
        if found := DROPPED.findall(text):
            return datetime.strptime(found[-1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return None


def newest_backup(info: str) -> float | None:
    """The stop of the newest backup that can be restored, of what pgBackRest tells."""
    backups = [backup for stanza in json.loads(info) for backup in stanza["backup"]]
    # As host/backup/repository_state.py has it.
    damaged = {one["label"] for one in backups if one.get("annotation", {}).get("damaged")}
    whole = [one for one in backups if not one.get("error")]
    parts = [(one, {one.get("label"), *(one.get("reference") or ())}) for one in whole]
    stops = [one["timestamp"]["stop"] for one, labels in parts if labels.isdisjoint(damaged)]
    return float(max(stops)) if stops else None


def asked(settings: Settings, state: dict[str, Any], now: float) -> float | None:
    """The newest backup's stop, asked for now and then; while the store does not answer, what it said last."""
    if now >= state.get("ask_at", 0):
        try:
            answer = subprocess.run(settings.info, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True)
            state |= {"stopped_at": newest_backup(answer.stdout), "ask_at": now + ASK_SECONDS}
        except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
            print(f"{WARNING}the repository does not answer: {type(error).__name__}", flush=True)
            state["ask_at"] = now + ASK_AGAIN_SECONDS
    stopped_at: float | None = state.get("stopped_at")
    return stopped_at


def unarchived_seconds(settings: Settings, state: dict[str, Any], now: float) -> float:
    """How long ago all was archived; while PostgreSQL does not tell, as long as when it last did, and since.

    A host where it never did counts from when it was first asked.
    """
    try:
        answer = subprocess.run(settings.unarchived, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True)
        seconds, count = map(float, answer.stdout.split("|"))
        state |= {"covered_until": now - seconds, "unarchived_bytes": count}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        print(f"{WARNING}PostgreSQL does not tell what is not archived: {type(error).__name__}", flush=True)
    return max(now - float(state.setdefault("covered_until", now)), 0)


def verify_days(answers: Path, state: dict[str, Any], now: float) -> float:
    """Days since the last answer; a host that has none yet counts from when it began to serve."""
    since = state.setdefault("serves_since", now)
    with suppress(FileNotFoundError):
        since = max(since, (answers / "hybrid-verify.json").stat().st_mtime)
    return max(now - float(since), 0) / DAY_SECONDS


def found(settings: Settings, state: dict[str, Any], now: float) -> Found:
    answers = Path(settings.answers)
    stopped_at = asked(settings, state, now) if settings.is_serving else None
    if not settings.is_serving:
        state.pop("serves_since", None)
        state.pop("covered_until", None)
    verified = verify_days(answers, state, now) if settings.is_serving else 0.0
    dropped_at = last_drop(Path(settings.log))
    return Found(
        settings=settings,
        unarchived_seconds=unarchived_seconds(settings, state, now) if settings.is_serving else None,
        unarchived_bytes=state.get("unarchived_bytes"),
        queue_percent=100 * queue_bytes(Path(settings.wal)) / settings.queue_max_bytes,
        dropped_at=dropped_at if dropped_at and dropped_at > (stopped_at or 0) else None,
        backup_hours=None if stopped_at is None else max(now - stopped_at, 0) / 3600,
        failed=tuple(sorted(path.stem for path in answers.glob("*.failed"))),
        verify_days=verified,
        is_unsound=_read(answers / "hybrid-verify.json").get("is_sound") is False,
        is_serving=settings.is_serving,
    )


def tell(concerns: Mapping[str, str], state: dict[str, Any], now: float) -> list[str]:
    """Lines for the journal: what is new, what has gone on for long, and what is over."""
    before: dict[str, float] = state.get("told", {})
    due = {name for name in concerns if now >= before.get(name, 0) + TELL_SECONDS}
    state["told"] = {name: now if name in due else before[name] for name in concerns}
    over = [f"{WARNING}over: {name}" for name in before if name not in concerns]
    return [*(f"{CRITICAL}{text}" for name, text in concerns.items() if name in due), *over]


def send(settings: Settings, metrics: Mapping[str, float]) -> None:
    """Sends metrics to CloudWatch, with the rotating key of the host's identity. Raises botocore's errors."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 2})
    dimensions = [{"Name": "Host", "Value": settings.host}]
    boto3.client("cloudwatch", region_name=settings.region, config=config).put_metric_data(
        Namespace=settings.namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Value": value,
                "Unit": "Percent" if name.endswith("Percent") else "None",
            }
            for name, value in metrics.items()
        ],
    )


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    settings = Settings(**json.loads(Path(sys.argv[1]).read_text()))
    kept, now = Path(settings.answers) / "alarm.json", time.time()
    state = _read(kept)
    here = found(settings, state, now)
    for line in tell(here.concerns(), state, now):
        print(line, flush=True)
    _write(kept, state)
    if settings.namespace is None:
        return 0
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        send(settings, here.metrics())
    except (BotoCoreError, ClientError) as error:
        print(f"{WARNING}CloudWatch took no metrics: {error}", flush=True)
        return 1
    return 0


def _read(path: Path) -> dict[str, Any]:
    """{} for what is not there, or not whole."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, state: dict[str, Any]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state))
    fresh.rename(path)


if __name__ == "__main__":
    sys.exit(main())
