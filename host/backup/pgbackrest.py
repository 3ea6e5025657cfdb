"""pgBackRest's settings: backups and write-ahead log go encrypted to an S3 bucket."""

from pyinfra.operations import files

from host.common import layout, rendering
from host.common.rendering import render, written
from host.specification.model import Spec


def apply(spec: Spec) -> None:
    for name, path in (("spool of backups", layout.SPOOL), ("folder of backups' logs", layout.BACKUP_LOGS)):
        files.directory(name=name, path=path, user=layout.OWNER, group=layout.OWNER, mode="750")
    written(
        name="backup settings",
        text=settings_text(spec),
        path=layout.BACKUP_SETTINGS,
        owner=layout.OWNER,
        mode="600",
        grammar=rendering.BACKUPS_GRAMMAR,
    )


def settings_text(spec: Spec) -> str:
    endpoint, _, port = spec.backup.endpoint.partition(":")
    return render(
        "pgbackrest.conf.j2",
        spec=spec,
        endpoint=endpoint,
        port=port,
        layout=layout,
        credentials=layout.BACKUP_CREDENTIALS,
    )
