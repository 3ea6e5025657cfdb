"""Where things are on the host: Debian's own places, so that its tools and services find them too."""

from pathlib import PurePosixPath

OWNER = "postgres"
SOCKETS = "/run/postgresql"
HYBRID = "/etc/hybrid"
CA_FOLDER = f"{HYBRID}/ca"
CA_CERTIFICATE = f"{CA_FOLDER}/ca.crt"
CA_KEY = f"{CA_FOLDER}/ca.key"
SERVER_CERTIFICATE = f"{HYBRID}/server.crt"
SERVER_KEY = f"{HYBRID}/server.key"
BACKUP_SETTINGS = "/etc/pgbackrest.conf"
POOLER_SETTINGS = "/etc/pgbouncer/pgbouncer.ini"
POOLER_PASSWORDS = "/etc/pgbouncer/userlist.txt"
POOLER_PID = f"{SOCKETS}/pgbouncer.pid"


def programs(major: int) -> PurePosixPath:
    return PurePosixPath(f"/usr/lib/postgresql/{major}/bin")


def data(major: int) -> PurePosixPath:
    return PurePosixPath(f"/var/lib/postgresql/{major}/main")


def settings(major: int) -> PurePosixPath:
    """The folder of postgresql.conf and pg_hba.conf, apart from the data so that a restore does not bring them back."""
    return PurePosixPath(f"/etc/postgresql/{major}/main")
