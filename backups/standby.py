"""Before a cut-over in the cloud: whether the standby has what the host that serves has just written."""

from collections.abc import Mapping
from functools import partial

from backups.connection import Connection, Say, asked
from backups.errors import BackupError
from host.recovery.contract import Position, PositionRequest
from host.recovery.following import unfollowed

FOLLOW_SECONDS = 120
RUNBOOK = "docs/runbooks/database.md, Make a standby again"


def ensure_following(hosts: Mapping[str, Connection], say: Say, seconds: float = FOLLOW_SECONDS) -> str:
    """Who follows whom, in words; noted on the host that serves, which may stop serving then.

    Raises BackupError unless one serves, and each other one has what that has just written.
    """
    found = {name: asked(one, Position, PositionRequest(marks=False)) for name, one in hosts.items()}
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
        serves, follows = (partial(asked, hosts[one], Position) for one in (first, name))
        if fault := unfollowed(serves, follows, first, seconds):
            raise BackupError(f"{name}: {fault}. {first} serves on; no cut-over to {name}: {RUNBOOK}")
    timeline = found[first].timeline
    asked(hosts[first], Position, PositionRequest(followed=timeline))
    verb = "follows" if len(standbys) == 1 else "follow"
    return f"{' and '.join(standbys)} {verb} {first} on timeline {timeline}"
