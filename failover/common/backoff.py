"""When to try again."""

import email.utils
import random
from datetime import UTC, datetime

FIRST_SECONDS = 0.4
LONGEST_SECONDS = 8.0


def pause(attempt: int, retry_after: float | None, chance: float | None = None) -> float:
    """Seconds to wait after this attempt, the first being 1.

    Without the server's word half of it is drawn by lot, so that two operators do not keep step.
    """
    drawn = random.random() if chance is None else chance
    if retry_after is not None:
        return retry_after + drawn * 0.2
    longest = min(LONGEST_SECONDS, FIRST_SECONDS * float(1 << (attempt - 1)))
    return longest * (0.5 + drawn / 2)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None where it says neither (RFC 9110)."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
