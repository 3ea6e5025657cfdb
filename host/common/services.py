"""The services of a database host: what each is made of, and what its running depends on."""

from dataclasses import dataclass

from host.common import layout
from host.specification.model import Spec

READY_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Service:
    name: str
    unit: str
    pid_file: str
    settings: str
    """A change needs a restart."""
    reloaded: tuple[str, ...]
    """A change is taken up by the running service."""
    kept: tuple[str, ...]
    """Files that are needed to start again as before; certificates are checked before they are put in place."""
    ready: str
    """Succeeds once clients are served."""
    log: str
    """Where it logs why it does not start."""


def postgres(spec: Spec) -> Service:
    major = spec.postgres.major
    unit = f"postgresql@{major}-main.service"
    settings = f"{layout.settings(major)}/postgresql.conf"
    rules = (f"{layout.settings(major)}/pg_hba.conf", f"{layout.settings(major)}/pg_ident.conf")
    return Service(
        name="PostgreSQL",
        unit=unit,
        pid_file=f"{layout.data(major)}/postmaster.pid",
        settings=settings,
        reloaded=(*rules, layout.SERVER_CERTIFICATE),
        kept=(settings, *rules),
        ready=_answers(spec, spec.postgres.port),
        log=f"/var/log/postgresql/postgresql-{major}-main.log",
    )


def pooler(spec: Spec) -> Service:
    return Service(
        name="pooler",
        unit="pgbouncer.service",
        pid_file=layout.POOLER_PID,
        settings=layout.POOLER_SETTINGS,
        reloaded=(layout.POOLER_PASSWORDS, layout.SERVER_CERTIFICATE),
        kept=(layout.POOLER_SETTINGS, layout.POOLER_PASSWORDS),
        ready=_answers(spec, spec.pooler.port),
        log="journalctl --unit=pgbouncer.service",
    )


def _answers(spec: Spec, port: int) -> str:
    return f"{layout.programs(spec.postgres.major)}/pg_isready --quiet --host={layout.SOCKETS} --port={port}"


def waited(service: Service) -> str:
    """Succeeds when the service is ready, however long its recovery takes within reason; fails when it has ended."""
    return (
        f"timeout {READY_SECONDS} sh -c '"
        f"until {{ {service.ready}; }} 2>/dev/null;"
        f" do systemctl is-active --quiet {service.unit} || exit 1; sleep 0.1; done'"
    )
