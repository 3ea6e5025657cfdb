"""The tunnel through which Cloudflare reaches PostgreSQL; only the host that serves has it."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from host.common import layout
from host.common.facts import UnitState
from host.common.rendering import render, written
from host.common.units import enabled, is_pending, unit_written, units_read
from host.specification.model import Spec

UNIT = "cloudflared.service"
STARTED = f"{layout.RUN}/cloudflared.started"


def is_wanted(spec: Spec) -> bool:
    return spec.platform == "lightsail" and spec.tunnel is not None and spec.postgres.is_serving


def apply(spec: Spec) -> None:
    """Starts it, when PostgreSQL is there to be reached."""
    if not is_wanted(spec) or spec.tunnel is None:
        return
    files.directory(name="folder of secrets", path="/etc/hybrid", mode="755")
    written(
        name="tunnel token",
        text=spec.tunnel.token + "\n",
        path=layout.TUNNEL_TOKEN,
        owner="root",
        mode="600",
    )
    unit_written(UNIT, render("cloudflared.service.j2", layout=layout, major=spec.postgres.major), name="tunnel's unit")
    units_read(name="tunnel's unit read by systemd", units=[UNIT])
    enabled(name="tunnel at boot", unit=UNIT)
    running(name="tunnel runs")


def end(spec: Spec) -> None:
    """Ends it where it isn't wanted, before anything else of the database changes."""
    if spec.platform != "lightsail" or is_wanted(spec):
        return
    stopped(name="no tunnel")
    files.file(name="no tunnel token", path=layout.TUNNEL_TOKEN, present=False)


@operation()
def running() -> Generator[str, None, None]:
    is_active = host.get_fact(UnitState, unit=UNIT).get("ActiveState") == "active"
    files_of_it = (layout.TUNNEL_TOKEN, f"{layout.UNITS}/{UNIT}")
    if is_active and not any(is_pending(path, since=layout.BOOTED, stamp=STARTED) for path in files_of_it):
        host.noop("the tunnel runs")
        return
    yield f"systemctl restart {UNIT} && touch {STARTED}"


@operation()
def stopped() -> Generator[str, None, None]:
    state = host.get_fact(UnitState, unit=UNIT)
    if state.get("ActiveState") in (None, "inactive") and state.get("UnitFileState") != "enabled":
        host.noop("no tunnel runs")
        return
    yield f"systemctl disable --now --quiet {UNIT}"
