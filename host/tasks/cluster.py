"""PostgreSQL's data directory and its settings; needs no running server."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File
from pyinfra.operations import files

from host import layout
from host.facts.lock_holder import LockHolder
from host.layout import OWNER
from host.rendering import render, written
from host.spec import Postgres, Spec
from host.tuning import tuned

AS_OWNER = f"setpriv --reuid={OWNER} --regid={OWNER} --init-groups --"


def apply(spec: Spec) -> None:
    postgres = spec.postgres
    data, settings = layout.data(postgres.major), layout.settings(postgres.major)
    for name, path, mode in (
        ("folder of versions", data.parent, "700"),
        ("folder of settings", settings, "755"),
        ("folder of sockets", layout.SOCKETS, "755"),
    ):
        files.directory(name=name, path=str(path), user=OWNER, group=OWNER, mode=mode)
    cluster(name="database cluster", postgres=postgres)
    stale_lock(name="lock of a server that is gone", postgres=postgres)
    written(
        name="PostgreSQL settings",
        text=settings_text(spec),
        path=f"{settings}/postgresql.conf",
        owner=OWNER,
        mode="644",
        check=f"{AS_OWNER} {layout.programs(postgres.major)}/postgres -C port -D {data} --config-file={{}} >/dev/null",
    )
    written(
        name="client authentication rules",
        text=authentication_text(spec),
        path=f"{settings}/pg_hba.conf",
        owner=OWNER,
        mode="640",
    )


def settings_text(spec: Spec) -> str:
    postgres, pooler = spec.postgres, spec.pooler
    tuning = tuned(postgres.memory_mb, postgres.cpus, pooled=pooler.pool_size * len(pooler.roles))
    return render("postgresql.conf.j2", spec=spec, tuning=tuning, layout=layout)


def authentication_text(spec: Spec) -> str:
    return render("pg_hba.conf.j2", spec=spec, owner=OWNER)


@operation()
def cluster(postgres: Postgres) -> Generator[str, None, None]:
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
        f"{AS_OWNER} {programs}/initdb -D {data}.new --username={OWNER} --data-checksums --encoding=UTF8"
        f" {locale}--locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 --no-instructions --no-sync >/dev/null"
    )
    yield (
        f"echo 'CREATE DATABASE {postgres.database}'"
        f" | {AS_OWNER} {programs}/postgres --single -j -F -D {data}.new postgres >/dev/null"
    )
    # Once for both, as each would have done at its own end.
    yield f"{AS_OWNER} {programs}/initdb --sync-only -D {data}.new >/dev/null"
    yield f"mv -T {data}.new {data}"


@operation()
def stale_lock(postgres: Postgres) -> Generator[str, None, None]:
    """Remove a lock file whose process is no PostgreSQL.

    After a killed namespace the same small process numbers belong to others in the next, and PostgreSQL, which
    looks only whether a process of that number exists, would refuse to start.
    """
    lock = layout.data(postgres.major) / "postmaster.pid"
    if host.get_fact(File, path=str(lock)) and not host.get_fact(LockHolder, lock=str(lock)).startswith("postgres"):
        yield f"rm -f {lock}"
