"""PostgreSQL's folders, data directory, settings and client authentication; needs no running server."""

import shlex
from collections.abc import Callable, Generator, Mapping

from pyinfra.api.facts import FactBase
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File
from pyinfra.operations import files

from host.common import layout, rendering
from host.common.layout import AS_OWNER, OWNER
from host.common.rendering import RefusedError, render, written
from host.database import tuning
from host.specification.model import Postgres, Spec

LOOPBACK = ("127.0.0.1/32", "::1/128")


class StandbyMinimums(FactBase[dict[str, int]]):
    """Settings of the server that a standby follows: with less of any of these it refuses to go on. {} on any other."""

    def command(self, control_data: str, data: str) -> str:
        return f"if [ -e {data}/standby.signal ]; then LC_ALL=C {control_data} -D {data}; fi"

    @staticmethod
    def default() -> dict[str, int]:
        return {}

    def process(self, output: list[str]) -> dict[str, int]:
        return tuning.minimums(output)


class LockHolder(FactBase[str]):
    """The command name of the process whose number is the lock file's first line; empty when there is none."""

    def command(self, lock: str) -> str:
        return f'cat "/proc/$(head -n 1 {shlex.quote(lock)})/comm" 2>/dev/null || true'

    @staticmethod
    def default() -> str:
        return ""


def apply(spec: Spec, newest: Callable[[Spec], str]) -> None:
    """`newest` gives the label of the backup that a host is restored from. Raises RefusedError."""
    postgres = spec.postgres
    data, settings = layout.data(postgres.major), layout.settings(postgres.major)
    for name, path, mode in (
        ("folder of versions", data.parent, "700"),
        ("folder of settings", settings, "755"),
        ("folder of sockets", layout.SOCKETS, "2775"),
    ):
        files.directory(name=name, path=str(path), user=OWNER, group=OWNER, mode=mode)
    apply_data_directory(spec, newest)
    written(
        name="PostgreSQL settings",
        text=settings_text(spec, _minimums(postgres)),
        path=f"{settings}/postgresql.conf",
        owner=OWNER,
        mode="644",
        check=f"{AS_OWNER} {layout.programs(postgres.major)}/postgres -C port -D {data} --config-file={{}} >/dev/null",
    )
    for name, file, text, allowed in (
        ("user name map", "pg_ident.conf", name_map_text(spec), rendering.USER_MAP_GRAMMAR),
        ("client authentication rules", "pg_hba.conf", authentication_text(spec), rendering.CLIENT_RULES_GRAMMAR),
    ):
        written(name=name, text=text, path=f"{settings}/{file}", owner=OWNER, mode="640", grammar=allowed)


def settings_text(spec: Spec, minimums: Mapping[str, int] | None = None) -> str:
    """The settings' file. `minimums` are a standby's: the larger of both values is taken."""
    return render("postgresql.conf.j2", spec=spec, tuning=tuning.of(spec), layout=layout, minimums=minimums or {})


def authentication_text(spec: Spec) -> str:
    """A host that does not serve lets nobody in but over its socket."""
    roles = (
        [role for role in spec.postgres.roles if role.login_method == "password"] if spec.postgres.is_serving else []
    )
    return render("pg_hba.conf.j2", spec=spec, owner=OWNER, roles=roles, loopback=LOOPBACK)


def name_map_text(spec: Spec) -> str:
    return render("pg_ident.conf.j2", spec=spec, owner=OWNER)


def _minimums(postgres: Postgres) -> dict[str, int]:
    return host.get_fact(
        StandbyMinimums,
        control_data=f"{layout.programs(postgres.major)}/pg_controldata",
        data=str(layout.data(postgres.major)),
    )


def apply_data_directory(spec: Spec, newest: Callable[[Spec], str]) -> None:
    """Raises RefusedError."""
    data, mark = layout.data(spec.postgres.major), layout.cluster_mark(spec.postgres.major)
    if host.get_fact(File, path=str(mark)) and not host.get_fact(File, path=f"{data}/PG_VERSION"):
        raise RefusedError(
            "database cluster",
            f"{data}: the cluster that was here is gone, and nothing takes its place unasked. Bring its disk back, or"
            f" restore it as a lost instance (docs/runbooks/restore.md); to begin without it, here: rm {mark}",
        )
    if spec.postgres.origin == "backup":
        restored_cluster(name="database cluster", spec=spec, newest=newest)
    else:
        new_cluster(name="database cluster", postgres=spec.postgres)
    files.file(name="mark of the cluster", path=str(mark), user="root", group="root", mode="644")
    stale_lock(name="lock of a server that is gone", postgres=spec.postgres)


@operation()
def new_cluster(postgres: Postgres) -> Generator[str, None, None]:
    """Make the cluster and its database, once; both are there when the data directory is.

    The database is made without a server: pg_cron's launcher, started with the server, fails until it exists.
    """
    data, programs = layout.data(postgres.major), layout.programs(postgres.major)
    if host.get_fact(File, path=f"{data}/PG_VERSION"):
        host.noop("the cluster exists")
        return
    # A collation built into PostgreSQL does not change its order with the C library's, as an index would notice.
    locale = "--locale-provider=builtin " if postgres.major >= 17 else ""
    yield f"rm -rf {data}.new"
    yield (
        f"{AS_OWNER} {programs}/initdb -D {data}.new --username={layout.OWNER} --data-checksums --encoding=UTF8"
        f" {locale}--locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 --no-instructions --no-sync >/dev/null"
    )
    yield (
        f"echo 'CREATE DATABASE {postgres.database}'"
        f" | {AS_OWNER} {programs}/postgres --single -j -F -D {data}.new postgres >/dev/null"
    )
    # Once for both, as each would have done at its own end.
    yield f"{AS_OWNER} {programs}/initdb --sync-only -D {data}.new >/dev/null"
    # Replaces an empty directory, and fails on one that holds anything.
    yield f"mv -T {data}.new {data}"


@operation()
def restored_cluster(spec: Spec, newest: Callable[[Spec], str]) -> Generator[str, None, None]:
    """Restore the newest backup of the timeline that served last, once, as a standby that follows the archived log.

    A restore that was killed goes on with what it has: pgBackRest finds its own manifest there.
    """
    data = layout.data(spec.postgres.major)
    if host.get_fact(File, path=f"{data}/PG_VERSION"):
        host.noop("the cluster exists")
        return
    restore = f"pgbackrest --stanza={spec.backup.stanza} --set={newest(spec)} --type=standby --delta restore"
    fresh = f"{data}.new"
    yield f"test -e {fresh}/backup.manifest || rm -rf {fresh}"
    yield f"install -d -o {layout.OWNER} -g {layout.OWNER} -m 700 {fresh}"
    yield f"{AS_OWNER} {restore} --pg1-path={fresh}"
    # It names the folder of the restore; postgresql.conf says how the log is fetched.
    yield f": > {fresh}/postgresql.auto.conf"
    yield f"sync -f {fresh} && mv -T {fresh} {data}"


@operation()
def stale_lock(postgres: Postgres) -> Generator[str, None, None]:
    """Remove a lock file whose process is not PostgreSQL.

    After a killed namespace the same small process numbers belong to others in the next, and PostgreSQL, which
    looks only whether a process of that number exists, would refuse to start.
    """
    lock = layout.data(postgres.major) / "postmaster.pid"
    if host.get_fact(File, path=str(lock)) and not host.get_fact(LockHolder, lock=str(lock)).startswith("postgres"):
        yield f"rm -f {lock}"
