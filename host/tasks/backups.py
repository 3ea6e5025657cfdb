"""A repository to archive into, and a first backup in it: without either the log stays on the disk and fills it."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host

from host import layout
from host.facts.backup_repository import BackupRepository
from host.spec import Spec
from host.tasks import backup_credentials, backup_schedule


def apply(spec: Spec) -> None:
    """Only of the host that serves: a repository belongs to one cluster."""
    # First, for a store that does not answer now may do so tonight.
    backup_schedule.apply(spec)
    if spec.platform == "lightsail" and spec.postgres.is_serving:
        backup_credentials.needed(spec)
        repository(name="backup repository", stanza=spec.backup.stanza)
        first_backup(name="first backup", stanza=spec.backup.stanza)


@operation()
def repository(stanza: str) -> Generator[str, None, None]:
    if host.get_fact(BackupRepository, stanza=stanza).has_stanza:
        host.noop("the repository knows this cluster")
        return
    yield f"{layout.AS_OWNER} pgbackrest --stanza={stanza} stanza-create"


@operation()
def first_backup(stanza: str) -> Generator[str, None, None]:
    if host.get_fact(BackupRepository, stanza=stanza).backups:
        host.noop("there is a backup")
        return
    yield f"{layout.AS_OWNER} pgbackrest --stanza={stanza} --type=full backup"
