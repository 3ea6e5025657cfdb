"""The engine's clock: UTC."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def of_epoch(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
