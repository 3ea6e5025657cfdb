"""The setting that says which side is active: without it the next `pulumi up` would undo what was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from failover.cloudflare.api import RecordNow
from failover.common.errors import FailoverError
from failover.common.files import replace
from failover.common.ids import Ids
from failover.common.setting_line import changed_text, settings_file
from failover.common.terms import Kind
from failover.operation.changes import is_led_past

KEY = "hybrid:failoverActive"
UNSURE = "as far as the API has confirmed its changes, and once `status` shows that it holds: "


class Active(StrEnum):
    """What the setting can say. Plans A and B leave different things behind, so there are two values for one side."""

    WORKER = "worker"
    VERCEL = "vercel"
    """The route is blank."""
    VERCEL_DNS = "vercel-dns"
    """The record leads past Cloudflare."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What was done about the setting."""

    stack: str
    line: str
    """The line that has to stand under `config:`."""
    file: Path | None = None
    """File of the setting; None outside a checkout."""
    is_changed: bool = False
    when: str = ""
    """What has to be so before it is set; nothing was written then."""

    def __str__(self) -> str:
        if self.file is None:
            # The local stack is the dev stack's.
            file = f"Pulumi.{'dev' if self.stack == 'local' else self.stack}.yaml"
            return f"{self.when}set in {file}, under config, and commit:   {self.line}"
        return f"{self.file}: {'set, commit it' if self.is_changed else 'says so already'}: {self.line}"


def set_active(stack: str, active: Active, start: Path) -> Setting:
    """Changes one line and keeps the rest as it is. Raises FailoverError where the file can't be understood."""
    line = f"{KEY}: {active}"
    file = settings_file(stack, start)
    if file is None:
        return Setting(stack=stack, line=line)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise FailoverError(f"{file}: can't be read: {error}; set it yourself: {line}") from error
    changed = changed_text(text, KEY, active)
    if changed is None:
        raise FailoverError(f"{file}: there is no single line for it; set it yourself, under config: {line}")
    if changed != text:
        replace(file, changed)
    return Setting(stack=stack, line=line, file=file, is_changed=changed != text)


def active_after(ids: Ids, records: Mapping[str, RecordNow], scripts: Mapping[str, str | None]) -> Active:
    """The active side, by what the API last said of records and routes.

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
