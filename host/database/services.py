"""PostgreSQL and its pooler under systemd: started, and brought to the settings that were written.

A service that does not start with new settings gets back those with which it last did.
"""

import hashlib
import shlex
from collections.abc import Generator
from pathlib import PurePosixPath

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File, FileContents
from pyinfra.operations import files

from host.common import layout
from host.common.facts import Content, Succeeds, UnitState
from host.common.rendering import RefusedError, render, written
from host.common.services import Service, pooler, postgres, waited
from host.common.units import drop_in_check, enabled, is_newer, is_pending, units_read
from host.specification.model import Spec

MAY_SERVE_SECONDS = 60
"""So long a host that boots waits for its repository: a stopped host is one that serves nobody."""


def apply(spec: Spec) -> None:
    if spec.platform != "lightsail":
        return
    found = (postgres(spec), pooler(spec))
    texts = (
        render("postgresql.service.conf.j2", has_disk=spec.disk is not None, layout=layout),
        render("pgbouncer.service.conf.j2", major=spec.postgres.major),
    )
    files.directory(name="folder for what is secret and for now", path=layout.RUN, mode="711")
    files.directory(name="folder of programs", path=layout.PROGRAMS, mode="755")
    written(
        name="program that asks whether another host was promoted",
        text=may_serve_text(spec),
        path=layout.MAY_SERVE,
        owner="root",
        mode="755",
        check="sh -n {}",
    )
    for service, text in zip(found, texts, strict=True):
        drop_in(service, text)
    units_read(name="units read by systemd", units=[service.unit for service in found])
    for service in found:
        enabled(name=f"{service.name} at boot", unit=service.unit)
        running(name=f"{service.name} runs", service=service)


def may_serve_text(spec: Spec, wait_seconds: int = MAY_SERVE_SECONDS) -> str:
    return render(
        "may-serve.sh.j2",
        layout=layout,
        major=spec.postgres.major,
        stanza=spec.backup.stanza,
        wait_seconds=wait_seconds,
    )


def drop_in(service: Service, text: str) -> None:
    folder = f"{layout.UNITS}/{service.unit}.d"
    files.directory(name=f"folder of {service.name}'s unit", path=folder, mode="755")
    written(
        name=f"{service.name}'s unit",
        text=text,
        path=f"{folder}/hybrid.conf",
        owner="root",
        mode="644",
        check=drop_in_check(service.unit),
    )


@operation()
def running(service: Service) -> Generator[str, None, None]:
    """Started, restarted or reloaded as the files' times demand: what an earlier run was killed before is done now."""
    is_active = host.get_fact(UnitState, unit=service.unit).get("ActiveState") == "active"
    if not is_active or is_newer(service.settings, service.pid_file):
        yield from _restart(service)
    elif any(is_pending(path, since=service.pid_file, stamp=_stamp(service)) for path in service.reloaded):
        yield f"systemctl reload {service.unit}"
        # Kept as well: what is put back later must not bring a withdrawn password or rule with it.
        yield from _keep(service)
        yield f"touch {_stamp(service)}"
    elif not host.get_fact(File, path=_good(service, service.settings)):
        yield from _keep(service)
    else:
        host.noop(f"{service.name} runs with its settings")


def _restart(service: Service) -> Generator[str, None, None]:
    wanted = hashlib.sha256(host.get_fact(Content, path=service.settings)).hexdigest()
    refused = f"{layout.GOOD}/{service.name}.refused"
    has_good = bool(host.get_fact(File, path=_good(service, service.settings)))
    if has_good and (host.get_fact(FileContents, path=refused) or [""])[0] == wanted:
        yield _put_back(service)
        yield f"systemctl is-active --quiet {service.unit} || systemctl restart {service.unit}"
        raise RefusedError(f"{service.name} runs", f"its settings are those that it refused before; see {service.log}")
    yield f"systemctl reset-failed {service.unit}; systemctl restart {service.unit} || true"
    if host.get_fact(Succeeds, command=waited(service)):
        yield from _keep(service)
        return
    if not has_good:
        raise RefusedError(f"{service.name} runs", f"it does not start; see {service.log}")
    yield f"{_put_back(service)} && echo {wanted} >{shlex.quote(refused)}"
    yield f"systemctl reset-failed {service.unit}; systemctl restart {service.unit} || true"
    # Where it answers is said by the new settings: that it runs is known from systemd.
    is_back = host.get_fact(UnitState, unit=service.unit).get("ActiveState") == "active"
    outcome = "it runs with them" if is_back else "it does not start either"
    raise RefusedError(
        f"{service.name} runs",
        f"it did not start with the new settings; those before are back, and {outcome}; see {service.log}",
    )


def _keep(service: Service) -> Generator[str, None, None]:
    """Copies of the settings with which the service runs; some hold secrets."""
    folder = shlex.quote(f"{layout.GOOD}/{service.name}")
    paths = [path for path in service.kept if host.get_fact(File, path=path)]
    yield f"install -d -m 700 {folder} && cp --preserve --target-directory={folder} {' '.join(paths)}"


def _put_back(service: Service) -> str:
    """Command that restores files with owner and time, so that it is no newer than the running service."""
    return " && ".join(
        f"cp --preserve {shlex.quote(_good(service, path))} {path}.new && mv {path}.new {path}"
        for path in service.kept
        if host.get_fact(File, path=_good(service, path))
    )


def _good(service: Service, path: str) -> str:
    return f"{layout.GOOD}/{service.name}/{PurePosixPath(path).name}"


def _stamp(service: Service) -> str:
    return f"{layout.RUN}/{service.name}.reloaded"
