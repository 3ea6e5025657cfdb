"""Times as the engine reads and writes them: ISO 8601, UTC, microseconds."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def written(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def of_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
