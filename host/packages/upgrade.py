"""PostgreSQL's own packages, upgraded after TimescaleDB in every database and never before."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from host.common import layout, services
from host.common.facts import Succeeds
from host.common.rendering import RefusedError
from host.packages import catalogue
from host.packages.facts import InstalledPackages, TimescaleState, TimescaleVersions
from host.packages.install import CHANGE, held, lists, refuse_changes
from host.specification.model import Postgres, Spec


def apply(spec: Spec) -> None:
    if spec.platform == "lightsail":
        postgres_packages(name="PostgreSQL's packages", spec=spec)
        # apt removes the hold of a package that it is told to install.
        held(name="upgraded packages held again", names=catalogue.held(spec))
        running(name="PostgreSQL runs as installed", spec=spec)
        no_old_libraries(name="no library of an older TimescaleDB", spec=spec)


def psql(postgres: Postgres) -> str:
    return (
        f"{layout.AS_OWNER} {layout.programs(postgres.major)}/psql --no-psqlrc --quiet --tuples-only --no-align"
        f" --host={layout.SOCKETS} --port={postgres.port} --username={layout.OWNER}"
    )


@operation()
def postgres_packages(spec: Spec) -> Generator[str, None, None]:
    """The pinned versions of PostgreSQL and pgBackRest; what has no pin of its own comes along."""
    timescale = catalogue.timescaledb_package(
        spec.postgres.major, spec.packages.source, spec.packages.timescaledb_edition
    )
    pins = catalogue.pinned(spec)
    kept = {name for name in catalogue.held(spec) if "timescaledb" in name}
    others = [name for name in pins if name not in kept]
    changes = catalogue.newer(host.get_fact(InstalledPackages).versions, pins, others)
    if not changes:
        host.noop("as pinned")
        return
    older = catalogue.downgrades(changes)
    if older:
        raise RefusedError("upgrade", "; ".join(older))
    server = f"postgresql-{spec.postgres.major}"
    if server in changes and "timescaledb" in spec.postgres.extensions:
        _refuse_wrong_order(pins[server], host.get_fact(TimescaleVersions, psql=psql(spec.postgres)))
    yield from lists(changes, pins)
    family = [
        name
        for name in catalogue.postgres_packages(
            spec.postgres.major, spec.packages.source, spec.packages.timescaledb_edition
        )
        if name != timescale
    ]
    command = f"{CHANGE} {' '.join(dict.fromkeys([*changes, *family]))}"
    refuse_changes(f"upgrading {', '.join(changes)}", command, kept)
    yield command


@operation()
def running(spec: Spec) -> Generator[str, None, None]:
    """Restarted where another program than the installed one runs: packages were upgraded, and it was not restarted."""
    service = services.postgres(spec)
    runs = f"{psql(spec.postgres)} --dbname=postgres --command='SHOW server_version'"
    installed = f"{layout.programs(spec.postgres.major)}/postgres --version | sed 's/^postgres (PostgreSQL) //'"
    if host.get_fact(Succeeds, command=f'{services.waited(service)} && test "$({runs})" = "$({installed})"'):
        host.noop("PostgreSQL runs as installed")
        return
    yield f"systemctl restart {service.unit} && {services.waited(service)}"


@operation()
def no_old_libraries(spec: Spec) -> Generator[str, None, None]:
    """Removes libraries that were kept for databases not yet updated; what a package brings itself stays."""
    if not host.get_fact(Succeeds, command=f"test -d {layout.LIBRARIES}"):
        host.noop("none was kept")
        return
    state = host.get_fact(TimescaleVersions, psql=psql(spec.postgres))
    if not state.is_known or any(version != state.default for version in state.extensions.values()):
        host.noop("a database needs them")
        return
    folder = layout.libraries(spec.postgres.major)
    yield (
        f'for path in {layout.LIBRARIES}/*.so; do name="${{path##*/}}";'
        f' dpkg --search "{folder}/$name" >/dev/null 2>&1 || rm -f "{folder}/$name"; done && rm -r {layout.LIBRARIES}'
    )


def _refuse_wrong_order(target: str, state: TimescaleState) -> None:
    if not state.is_known:
        raise RefusedError("upgrade", "PostgreSQL does not answer for every database: their TimescaleDB isn't known")
    faults = catalogue.upgrade_faults(target, state.default, state.extensions)
    if faults:
        raise RefusedError("upgrade", "; ".join(faults))
