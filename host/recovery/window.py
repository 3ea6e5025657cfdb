"""The window of time that one can restore to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from host.recovery import times
from host.recovery.inventory import Backup, Inventory


@dataclass(frozen=True)
class Window:
    since: datetime
    """The end of the oldest usable backup."""
    until: datetime
    is_live: bool
    """The server archives on, so that `until` moves on with the clock."""

    def written(self) -> dict[str, Any]:
        return {"from": times.written(self.since), "until": times.written(self.until), "is_live": self.is_live}

    def __str__(self) -> str:
        end = "now" if self.is_live else times.written(self.until)
        return f"one can restore to {times.written(self.since)} .. {end}"


def usable_from(backup: Backup) -> datetime:
    """From when on a time may be a target; a backup's end is written down in whole seconds, without the rest."""
    return backup.stopped_at + timedelta(seconds=1)


def window(held: Inventory, *, archives: bool) -> Window | None:
    """None without a usable backup."""
    if not held.usable:
        return None
    since = min(usable_from(backup) for backup in held.usable)
    archived = [one.archived_at for segments in held.segments.values() for one in segments]
    return Window(since, max([since, *archived]), archives)
