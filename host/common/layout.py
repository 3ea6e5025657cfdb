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
SERVING = "hybrid.serving"
"""Setting of the database, the demotion mark: `ended` once its host no longer serves."""
PROMOTE_WITHOUT_MARK = f"{HYBRID}/promote-without-mark"
"""Made by hand when the host that served is lost: its standby then no longer waits for that host's demotion mark."""
PROMOTE_WITHOUT_ARCHIVE = f"{HYBRID}/promote-without-archive"
"""Made by hand when the archive is lost: the position up to which its standby has replayed, and then serves from.

As long as it is there the standby asks the archive for nothing.
"""
SERVE_WITHOUT_LATER_ROWS = f"{HYBRID}/serve-without-later-rows"
"""Made by hand where a host is to serve again without what was written on the one that served after it."""
BACKUP_SETTINGS = "/etc/pgbackrest.conf"
BACKUP_LOCKS = f"{SOCKETS}/pgbackrest"
BACKUP_LOGS = "/var/log/pgbackrest"
SPOOL = "/var/lib/postgresql/spool"
"""pgBackRest's spool, on the log's own file system: segments are moved from one to the other."""
POOLER_SETTINGS = "/etc/pgbouncer/pgbouncer.ini"
POOLER_PASSWORDS = "/etc/pgbouncer/userlist.txt"
POOLER_PID = f"{SOCKETS}/pgbouncer.pid"
DATA_MOUNT = "/var/lib/postgresql"
DISK_LABEL = "hybrid-data"
BALLAST = f"{DATA_MOUNT}/ballast"
"""Space to give away when the disk is full."""
RUN = "/run/hybrid"
"""Folder in memory: secrets, and what is temporary."""
KEPT = "/var/lib/hybrid"
GOOD = f"{KEPT}/good"
"""Copies of the settings with which a service last started."""
LIBRARIES = f"{KEPT}/libraries"
"""TimescaleDB's libraries of before an upgrade, until every database is updated."""
BACKUP_ANSWERS = f"{KEPT}/backups"
"""What the scheduled backups answered, marks of those that failed, and what the alarm has told."""
PROGRAMS = "/usr/local/lib/hybrid"
MAY_SERVE = f"{PROGRAMS}/may-serve"
RELEASE = "/opt/hybrid/current"
"""The playbook that was last applied to the end, with its Python (components/host/templates/converge.sh)."""
STANDBY_FOLLOWS = f"{RUN}/standby-follows"
"""On the host that serves: the timeline on which its standby was seen to follow it; written by the recovery engine."""
TOLD_TO_SERVE = f"{RUN}/told-to-serve"
"""Made by an application that found the host declared to serve, and gone with a reboot."""
SPECIFICATION = f"{RUN}/specification.json"
"""The specification with its secrets; made by each application, and gone with a reboot."""
BACKUP_LOCK = f"{RUN}/backup.lock"
ALARM_SETTINGS = "/etc/hybrid/backup-alarm.json"
BACKUP_CREDENTIALS = f"{RUN}/backup-credentials.json"
AWS_CREDENTIALS = "/root/.aws/credentials"
"""Where the SSM agent keeps the rotating key of the host's identity."""
TUNNEL_TOKEN = "/etc/hybrid/tunnel-token"
UNITS = "/etc/systemd/system"
FIREWALL = "/etc/nftables.conf"
KEYRINGS = "/etc/apt/keyrings"
SOURCES = "/etc/apt/sources.list.d/hybrid.sources"
PREFERENCES = "/etc/apt/preferences.d/hybrid.pref"
CREATE_CLUSTER = "/etc/postgresql-common/createcluster.conf"
BOOTED = "/run/systemd/journal/socket"
"""Made by systemd as the machine starts."""


def programs(major: int) -> PurePosixPath:
    return PurePosixPath(f"/usr/lib/postgresql/{major}/bin")


def libraries(major: int) -> PurePosixPath:
    return PurePosixPath(f"/usr/lib/postgresql/{major}/lib")


def data(major: int) -> PurePosixPath:
    return PurePosixPath(f"/var/lib/postgresql/{major}/main")


def cluster_mark(major: int) -> PurePosixPath:
    """Made with the data directory, and not on its disk: one that is lost is not replaced by an empty one."""
    return PurePosixPath(f"{HYBRID}/cluster-{major}")


def settings(major: int) -> PurePosixPath:
    """The folder of postgresql.conf and pg_hba.conf, apart from the data so that a restore does not bring them back."""
    return PurePosixPath(f"/etc/postgresql/{major}/main")
