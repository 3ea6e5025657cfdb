"""Settings of backups: what must hold between them, and between them and the hosts."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.host import DEFAULT_DISK_GB, LARGEST_DISK_GB, SMALLEST_DISK_GB, shown_name
from host.specification.model import LONGEST_ARCHIVE_TIMEOUT_SECONDS, SHORTEST_TARGET_SECONDS

# Write-ahead log that waits shares the disk with the database.
QUEUE_SHARE = 4
# Shorter, a full backup is unlocked while the daily ones still need it: it comes once a week and is the base of all
# until the next one, which takes its time.
LOCK_DAYS = 8
# Between two of the host's markers, and for a segment's upload, half a minute each.
ARCHIVED_SECONDS = 60


def faults(values: Mapping[str, Any]) -> list[str]:
    """What does not hold; looks at settings as they were given, checked or not, as host.faults()."""
    return [*_of_the_lock(values), *_of_the_queue(values), *_of_the_recovery_point(values)]


def _of_the_lock(values: Mapping[str, Any]) -> Iterator[str]:
    lock, kept = _number(values.get("backupLockDays")), _number(values.get("backupOldVersionDays"))
    if lock is not None and kept is not None and lock > kept:
        yield (
            f"backupLockDays: {lock} is longer than old versions are kept (backupOldVersionDays: {kept}); "
            f"allowed: at most {kept}"
        )


def _of_the_recovery_point(values: Mapping[str, Any]) -> Iterator[str]:
    target, wait = _number(values.get("recoveryPointSeconds")), _number(values.get("archiveTimeoutSeconds"))
    if target is None or wait is None or wait > LONGEST_ARCHIVE_TIMEOUT_SECONDS:
        return
    least = wait + ARCHIVED_SECONDS
    if SHORTEST_TARGET_SECONDS <= target < least:
        yield (
            f"recoveryPointSeconds: {target} can't be met: a quiet host archives only every {wait} s "
            f"(archiveTimeoutSeconds); allowed: at least {least}"
        )


def _of_the_queue(values: Mapping[str, Any]) -> Iterator[str]:
    queue_mb, disks = _number(values.get("archiveQueueMaxMb")), dict(_disks(values.get("postgresHosts")))
    if queue_mb is None or not disks:
        return
    smallest = min(disks, key=lambda name: disks[name])
    most_mb = disks[smallest] * 1024 // QUEUE_SHARE
    if queue_mb > most_mb:
        yield (
            f"archiveQueueMaxMb: {queue_mb} is more than a quarter of host {smallest}'s disk of "
            f"{disks[smallest]} GB; allowed: at most {most_mb}"
        )


def _disks(given: Any) -> Iterator[tuple[str, int]]:
    """Name and size in GB of every disk of an allowed size; others are faults of their own."""
    hosts = [host for host in given if isinstance(host, dict)] if isinstance(given, list) else []
    for index, host in enumerate(hosts):
        size_gb = _number(host.get("diskGb", DEFAULT_DISK_GB))
        if size_gb is not None and SMALLEST_DISK_GB <= size_gb <= LARGEST_DISK_GB:
            yield shown_name(hosts, index), size_gb


def _number(given: Any) -> int | None:
    if isinstance(given, str) and given.isdecimal():
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None
