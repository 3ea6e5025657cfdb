"""PostgreSQL's data directory: made anew or restored, never over what is there; needs no running server."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File

from host import layout
from host.facts.lock_holder import LockHolder
from host.layout import AS_OWNER
from host.specification.model import Postgres, Spec


def apply(spec: Spec) -> None:
    if spec.postgres.origin == "backup":
        restored_cluster(name="database cluster", postgres=spec.postgres, stanza=spec.backup.stanza)
    else:
        new_cluster(name="database cluster", postgres=spec.postgres)
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
    # An empty directory gives way, one that holds anything does not.
    yield f"mv -T {data}.new {data}"


@operation()
def restored_cluster(postgres: Postgres, stanza: str) -> Generator[str, None, None]:
    """Restore the newest backup, once, as a standby that follows the archived log.

    A restore that was killed goes on with what it has: pgBackRest finds its own manifest there.
    """
    data = layout.data(postgres.major)
    if host.get_fact(File, path=f"{data}/PG_VERSION"):
        host.noop("the cluster exists")
        return
    fresh = f"{data}.new"
    yield f"test -e {fresh}/backup.manifest || rm -rf {fresh}"
    yield f"install -d -o {layout.OWNER} -g {layout.OWNER} -m 700 {fresh}"
    yield f"{AS_OWNER} pgbackrest --stanza={stanza} --pg1-path={fresh} --type=standby --delta restore"
    # It names the folder of the restore; postgresql.conf says how the log is fetched.
    yield f": > {fresh}/postgresql.auto.conf"
    yield f"sync -f {fresh} && mv -T {fresh} {data}"


@operation()
def stale_lock(postgres: Postgres) -> Generator[str, None, None]:
    """Remove a lock file whose process is no PostgreSQL.

    After a killed namespace the same small process numbers belong to others in the next, and PostgreSQL, which
    looks only whether a process of that number exists, would refuse to start.
    """
    lock = layout.data(postgres.major) / "postmaster.pid"
    if host.get_fact(File, path=str(lock)) and not host.get_fact(LockHolder, lock=str(lock)).startswith("postgres"):
        yield f"rm -f {lock}"
