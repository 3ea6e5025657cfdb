"""What a rollback found before it changed it, by this machine's journal."""

from typing import Any

from failover.api import Target
from failover.changes import Before
from failover.ids import Ids
from failover.journal import Journal


def before_rollback(journal: Journal, ids: Ids) -> Before:
    """As rollbacks found it since the ids were looked up: newer than what they say."""
    since, found = ids.resolved_at, dict[str, Target]()
    for line in journal.lines():
        if line["at"] >= since and line["phase"] == "begin" and line.get("record"):
            target = _target(line.get("before"))
            # A DNS-only one is what a rollback leaves, and not what it found.
            if target and target.proxied:
                found[line["record"]] = target
    return Before(scripts=journal.last_scripts(since), targets=found)


def _target(value: Any) -> Target | None:
    """None where the line is of another shape: the file of ids decides then."""
    match value:
        case {"content": str(content), "proxied": bool(proxied), "ttl": int(ttl)}:
            return Target(content=content, proxied=proxied, ttl=ttl)
        case _:
            return None
