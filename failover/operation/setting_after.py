"""Which setting fits what an operation has left behind, and when it may be set."""

from collections.abc import Mapping
from pathlib import Path

from failover.cloudflare.api import RecordNow
from failover.common.active_setting import KEY, Active, Setting, set_active
from failover.common.ids import Ids, Kind
from failover.operation.changes import is_led_past

UNSURE = "as far as the API has confirmed its changes, and once `status` shows that it holds: "


def active_after(ids: Ids, records: Mapping[str, RecordNow], scripts: Mapping[str, str | None]) -> Active:
    """By what the API has last said of records and routes.

    A host of Pages is switched by DNS in any case, so it says nothing about the plan.
    """
    past = {
        host.kind
        for host in ids.hosts
        if host.record.id in records and is_led_past(host, records[host.record.id].target)
    }
    if Kind.WORKER in past:
        return Active.VERCEL_DNS
    is_blank = any(host.route and scripts.get(host.route.id, "unknown") is None for host in ids.hosts)
    return Active.VERCEL if is_blank or past else Active.WORKER


def setting_after(ids: Ids, active: Active, checkout: Path, *, is_done: bool) -> Setting:
    """Written where all hosts of the stack are known to be on one side. Raises FailoverError."""
    when = "" if is_done else UNSURE
    if ids.left_out:
        others = ", ".join(ids.left_out)
        when += f"it is one setting for all hosts, {others} too: no `pulumi up` before all are on one side; then "
    return (
        Setting(stack=ids.stack, line=f"{KEY}: {active}", when=when)
        if when
        else set_active(ids.stack, active, checkout)
    )
