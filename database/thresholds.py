"""From when on a measured value is a worry: the one table of limits that `db status` judges by."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; not how sure it is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITY = list(Level)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The values from which on something is a warning, or critical; None is never."""

    unit: str
    warning: float | None
    critical: float | None
    is_floor: bool = False
    """Whether values are bad when they fall to the limit, not when they rise to it."""

    def level(self, value: float) -> Level:
        for limit, level in ((self.critical, Level.CRITICAL), (self.warning, Level.WARNING)):
            if limit is not None and (value <= limit if self.is_floor else value >= limit):
                return level
        return Level.OK

    def __str__(self) -> str:
        limits = " / ".join("–" if limit is None else f"{limit:g}" for limit in (self.warning, self.critical))
        return f"{'≤' if self.is_floor else '≥'} {limits} {self.unit}"


THRESHOLDS: dict[str, Threshold] = {
    # A full disk stops PostgreSQL, and what frees it (restore on a larger one) takes an hour.
    "disk": Threshold(unit="% used", warning=75, critical=90),
    # Above max_wal_size something holds WAL back: a slot, or an archiver that fails.
    "wal": Threshold(unit="% of max_wal_size", warning=150, critical=400),
    "slot": Threshold(unit="MB retained", warning=1024, critical=8192),
    # So much a restore would lack. A file takes a second or two on its way to S3.
    "archiving": Threshold(unit="s behind", warning=20, critical=900),
    # At 100 the queue is dropped, and with it what the window to restore to would need.
    "archive queue": Threshold(unit="% of what may wait", warning=10, critical=25),
    "dropped WAL": Threshold(unit="files in 24 h", warning=None, critical=1),
    # Written each half minute; a restore is tried by them.
    "markers": Threshold(unit="s old", warning=120, critical=None),
    "longest transaction": Threshold(unit="s", warning=300, critical=3600),
    # The host ends them after 60 s: what is older has turned that off.
    "idle in transaction": Threshold(unit="s", warning=30, critical=120),
    "blocked sessions": Threshold(unit="sessions", warning=1, critical=10),
    "cron jobs": Threshold(unit="failures in 24 h", warning=1, critical=20),
    "TimescaleDB jobs": Threshold(unit="jobs that failed last", warning=1, critical=3),
    "connections": Threshold(unit="% of the limit", warning=80, critical=95),
    "cache hit": Threshold(unit="%", warning=95, critical=None, is_floor=True),
    "certificate": Threshold(unit="days left", warning=30, critical=7, is_floor=True),
    # PostgreSQL stops taking writes 3 million transactions before 2^31 (manual, 24.1.5).
    "transaction ids": Threshold(unit="% used", warning=25, critical=60),
    "checksum failures": Threshold(unit="pages", warning=None, critical=1),
    "versions": Threshold(unit="faults", warning=None, critical=1),
    "extensions": Threshold(unit="to update", warning=1, critical=None),
    "pooler": Threshold(unit="not answering", warning=1, critical=None),
}
