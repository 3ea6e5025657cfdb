"""What a rollback found before it changed it, by this machine's journal."""

from typing import Any

from failover.cloudflare.api import Target
from failover.common.ids import Ids
from failover.operation.changes import Before
from failover.operation.journal import OPERATION, Journal


def before_rollback(journal: Journal, ids: Ids) -> Before:
    """As rollbacks found it; but for what the file of ids has learned since."""
    declared, named = {host.record.id: host.record.content for host in ids.hosts}, dict[str, str]()
    found: dict[str, Target] = {}
    for line in journal.lines():
        if line["step"] == OPERATION and line["phase"] == "begin":
            named = line.get("records") or {}
        elif line["phase"] == "begin" and (record := line.get("record")):
            target = _target(line.get("before"))
            # Where the file says another thing now, its date tells whether it is newer, or somebody's old copy.
            is_newer = named.get(record) not in (None, declared.get(record)) and line["at"] < ids.resolved_at
            # A DNS-only one is what a rollback leaves, and not what it found.
            if target and target.proxied and not is_newer:
                found[record] = target
    return Before(scripts=journal.last_scripts(ids.scripts), targets=found)


def _target(value: Any) -> Target | None:
    """None where the line is of another shape: the file of ids decides then."""
    match value:
        case {"content": str(content), "proxied": bool(proxied), "ttl": int(ttl)}:
            return Target(content=content, proxied=proxied, ttl=ttl)
        case _:
            return None
