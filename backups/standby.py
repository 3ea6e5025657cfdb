"""Before a cut-over in the cloud: whether the standby has what the host that serves has just written."""

import time
from collections.abc import Mapping

from backups.connection import Connection, Say, asked
from backups.errors import BackupError
from host.recovery.contract import Position, PositionRequest

FOLLOW_SECONDS = 120
PAUSE_SECONDS = 2
RUNBOOK = "docs/runbooks/database.md, Make a standby again"


def ensure_following(hosts: Mapping[str, Connection], say: Say, seconds: float = FOLLOW_SECONDS) -> str:
    """Who follows whom, in words; noted on the host that serves, which may stop serving then.

    Raises BackupError unless one serves, and each other one has what that has just written.
    """
    found = {name: asked(one, Position, PositionRequest()) for name, one in hosts.items()}
    serving = [name for name, one in found.items() if not one.is_standby]
    standbys = [name for name, one in found.items() if one.is_standby]
    if len(serving) != 1 or not standbys:
        raise BackupError(
            f"of {len(found)} hosts {len(standbys)} are standbys ({', '.join(standbys) or 'none'}); needed are one that"
            " serves and one that follows it: docs/runbooks/database.md, Resize by restore"
        )
    (first,) = serving
    for name in standbys:
        say(f"waiting until {name} has what {first} has just written")
        _await(hosts, first, name, found[first], seconds)
    timeline = found[first].timeline
    asked(hosts[first], Position, PositionRequest(followed=timeline))
    verb = "follows" if len(standbys) == 1 else "follow"
    return f"{' and '.join(standbys)} {verb} {first} on timeline {timeline}"


def _await(hosts: Mapping[str, Connection], first: str, name: str, written: Position, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not (replayed := asked(hosts[name], Position, PositionRequest(marker=written.marker))).has_marker:
        if time.monotonic() > end:
            # Asked after it: what it has beyond that was never written there.
            is_ahead = replayed.lsn > asked(hosts[first], Position, PositionRequest()).lsn
            fault = (
                f"has replayed more than {first} has written: it follows another timeline, and never will follow"
                if is_ahead
                else f"lacks what {first} wrote {seconds:.0f} s ago: it does not follow, or the archive is away"
            )
            raise BackupError(f"{name}: {fault}. {first} serves on; no cut-over to {name}: {RUNBOOK}")
        time.sleep(PAUSE_SECONDS)
