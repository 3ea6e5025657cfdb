"""Which moments a drill may draw, and which of them a number between 0 and 1 stands for."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from host.recovery.contract import Window


def parts(windows: Sequence[Window], first: datetime, spare: timedelta) -> Iterator[Window]:
    """What of the windows is not before `first`; of one that has ended, without the last `spare`."""
    for one in windows:
        since, until = max(one.since, first), one.until if one.is_live else one.until - spare
        if one.is_live or since < until:
            yield one.model_copy(update={"since": since, "until": max(since, until)})


def drawn(windows: Sequence[Window], share: float) -> datetime | None:
    """The moment up to which this share of all the windows' time has gone by; None without a window."""
    rest = sum((one.until - one.since for one in windows), timedelta()) * share
    for one in windows:
        if rest <= one.until - one.since:
            return one.since + rest
        rest -= one.until - one.since
    return windows[-1].until if windows else None
