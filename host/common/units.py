"""Units of systemd: checked before they are put in place, read, enabled, started and ended."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from host.common import layout
from host.common.facts import IsNewer, UnitState
from host.common.rendering import written


def drop_in_check(unit: str) -> str:
    """Command that checks a drop-in {} together with its `unit`; what else is said of the unit is not ours."""
    return _check(f'mkdir "$d/{unit}.d" && cp {{}} "$d/{unit}.d/hybrid.conf"', unit, "hybrid.conf")


def unit_written(unit: str, text: str, name: str = "") -> None:
    written(
        name=name or f"unit {unit}",
        text=text,
        path=f"{layout.UNITS}/{unit}",
        owner="root",
        mode="644",
        check=_check(f'cp {{}} "$d/{unit}"', unit, unit),
    )


def _check(prepare: str, unit: str, named: str) -> str:
    # With the folder first and systemd's own after it; it only prints what is wrong, so any output is a fault.
    return (
        "d=$(mktemp -d /run/hybrid-verify.XXXXXX)"
        f" && {prepare}"
        f' && found=$(SYSTEMD_UNIT_PATH="$d:" systemd-analyze --man=no verify {unit} 2>&1 | grep -F "{named}");'
        ' rm -rf "$d"; test -z "$found" || ( echo "$found" >&2; false )'
    )


@operation()
def units_read(units: list[str]) -> Generator[str, None, None]:
    if any(host.get_fact(UnitState, unit=unit).get("NeedDaemonReload") == "yes" for unit in units):
        yield "systemctl daemon-reload"
    else:
        host.noop("systemd has read its units")


@operation()
def enabled(unit: str) -> Generator[str, None, None]:
    if host.get_fact(UnitState, unit=unit).get("UnitFileState") == "enabled":
        host.noop(f"{unit} is enabled")
    else:
        yield f"systemctl enable --quiet {unit}"


def is_pending(path: str, *, since: str, stamp: str) -> bool:
    """Whether a file was written after `since`, and the restart or reload that touches `stamp` has not come since."""
    return is_newer(path, since) and not is_newer(stamp, path)


def is_newer(path: str, than: str) -> bool:
    return bool(host.get_fact(IsNewer, path=path, than=than))


@operation()
def active(unit: str) -> Generator[str, None, None]:
    stamp = f"{layout.RUN}/{unit}.started"
    is_active = host.get_fact(UnitState, unit=unit).get("ActiveState") == "active"
    if is_active and not is_pending(f"{layout.UNITS}/{unit}", since=layout.BOOTED, stamp=stamp):
        host.noop(f"{unit} is active")
        return
    yield f"systemctl restart {unit} && touch {stamp}"


def running(unit: str) -> None:
    """Now, and after each boot."""
    enabled(name=f"{unit} at boot", unit=unit)
    active(name=f"{unit} is active", unit=unit)


@operation()
def ended(unit: str) -> Generator[str, None, None]:
    state = host.get_fact(UnitState, unit=unit)
    if state.get("ActiveState") in ("active", "activating"):
        yield f"systemctl stop {unit}"
    if state.get("UnitFileState") == "enabled":
        yield f"systemctl disable --quiet {unit}"
    else:
        host.noop(f"{unit} is off")
