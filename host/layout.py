"""Where things are on the host: Debian's own places, so that its tools and services find them too."""

from pathlib import PurePosixPath

OWNER = "postgres"
AS_OWNER = f"setpriv --reuid={OWNER} --regid={OWNER} --init-groups --"
SOCKETS = "/run/postgresql"
HYBRID = "/etc/hybrid"
TLS = f"{HYBRID}/tls"
"""A link to the folder of the set in use, so that certificate, key and authorities change at once."""
AUTHORITIES = f"{TLS}/authorities.crt"
SERVER_CERTIFICATE = f"{TLS}/server.crt"
SERVER_KEY = f"{TLS}/server.key"
PROMOTE_WITHOUT_MARK = f"{HYBRID}/promote-without-mark"
"""Made by hand when the host that served is lost: its standby then no longer waits for that host's last word."""
SERVE_WITHOUT_LATER_ROWS = f"{HYBRID}/serve-without-later-rows"
"""Made by hand where a host is to serve again without what was written on the one that served after it."""
BACKUP_SETTINGS = "/etc/pgbackrest.conf"
BACKUP_LOCKS = f"{SOCKETS}/pgbackrest"
BACKUP_LOGS = "/var/log/pgbackrest"
SPOOL = "/var/lib/postgresql/spool"
"""Of pgBackRest; on the file system of the log, from which and to which segments are moved."""
POOLER_SETTINGS = "/etc/pgbouncer/pgbouncer.ini"
POOLER_PASSWORDS = "/etc/pgbouncer/userlist.txt"
POOLER_PID = f"{SOCKETS}/pgbouncer.pid"


def programs(major: int) -> PurePosixPath:
    return PurePosixPath(f"/usr/lib/postgresql/{major}/bin")


def libraries(major: int) -> PurePosixPath:
    return PurePosixPath(f"/usr/lib/postgresql/{major}/lib")


def data(major: int) -> PurePosixPath:
    return PurePosixPath(f"/var/lib/postgresql/{major}/main")


def settings(major: int) -> PurePosixPath:
    """The folder of postgresql.conf and pg_hba.conf, apart from the data so that a restore does not bring them back."""
    return PurePosixPath(f"/etc/postgresql/{major}/main")
