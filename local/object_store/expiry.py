"""What lifecycle rules take away, at the server's start only: it runs for hours, and rules count in days.

Of each enabled rule: versions that others took the place of (noncurrent) for its number of days, and delete markers
that hide nothing any more. A locked version stays. No rule of ours touches a current object, and none is applied.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from moto.s3.models import FakeDeleteMarker


def expire(bucket: Any, now: datetime) -> int:
    """Deletes expired versions; returns how many. `now` is UTC without a zone, as moto's times are."""
    count = 0
    for rule in bucket.rules:
        if rule.status == "Enabled":
            count += sum(_apply(bucket, rule, key, now) for key in _keys(bucket, rule))
    return count


def _keys(bucket: Any, rule: Any) -> Iterator[str]:
    chosen = rule.filter
    if chosen and (chosen.tag_key or chosen.and_filter):
        return
    prefix = (chosen.prefix if chosen else rule.prefix) or ""
    yield from [key for key in bucket.keys if key.startswith(prefix)]


def _apply(bucket: Any, rule: Any, key: str, now: datetime) -> int:
    versions = bucket.keys.getlist(key)
    kept = versions
    if rule.nve_noncurrent_days is not None:
        until = now - timedelta(days=int(rule.nve_noncurrent_days))
        later = [*versions[1:], None]
        kept = [one for one, after in zip(versions, later, strict=True) if not _is_due(one, after, until)]
    if str(rule.expired_object_delete_marker).lower() == "true" and _hides_nothing(kept):
        kept = []
    gone = len(versions) - len(kept)
    if kept and gone:
        bucket.keys.setlist(key, kept)
    elif gone:
        bucket.keys.pop(key)
    return gone


def _is_due(version: Any, after: Any, until: datetime) -> bool:
    if after is None or after.last_modified > until:
        return False
    return isinstance(version, FakeDeleteMarker) or not version.is_locked(governance_bypass=False)


def _hides_nothing(versions: list[Any]) -> bool:
    return bool(versions) and all(isinstance(one, FakeDeleteMarker) for one in versions)
