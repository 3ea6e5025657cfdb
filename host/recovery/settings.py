"""Settings of a cluster that is restored: it reaches nobody, runs no job, and archives nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from host import control_data, layout
from host.recovery.contract import Target
from host.recovery.errors import RecoveryError
from host.recovery.estimate import MAX_WAL_MB
from host.recovery.machine import Machine
from host.recovery.work import Work

CONTROL_SECONDS = 30
SHARED_BUFFERS_MB = 128
DEFAULTS = {"max_connections": 100, "max_worker_processes": 8, "max_wal_senders": 10}


@dataclass(frozen=True)
class Purpose:
    name: Literal["drill", "beside", "stage"]

    @property
    def is_durable(self) -> bool:
        """Whether what is restored is to be kept."""
        return self.name != "drill"

    @property
    def waits_to_archive(self) -> bool:
        """The log of the new timeline waits in the data directory, to be archived when it serves."""
        return self.name == "stage"


def quiet(machine: Machine, minimums: Mapping[str, int]) -> dict[str, str]:
    """What every restored cluster has, recovering or not."""
    extensions = machine.spec.postgres.extensions
    preloaded = [name for name in ("timescaledb", "pg_cron", "pg_stat_statements") if name in extensions]
    found = {name: str(max(minimums.get(name, 0), value)) for name, value in DEFAULTS.items()}
    found |= {name: str(value) for name, value in minimums.items() if name not in DEFAULTS}
    found |= {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "archive_mode": "off",
        "shared_buffers": f"{SHARED_BUFFERS_MB}MB",
        "max_wal_size": f"{MAX_WAL_MB}MB",
        "autovacuum": "off",
        # A subscription would call its publisher.
        "max_logical_replication_workers": "0",
        "shared_preload_libraries": ",".join(preloaded),
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] ",
        # A statement may hold regulated data.
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
    }
    if "timescaledb" in preloaded:
        edition = machine.spec.packages.timescaledb_edition
        found |= {
            "timescaledb.telemetry_level": "off",
            "timescaledb.license": "timescale" if edition == "community" else "apache",
            "timescaledb.max_background_workers": "0",
        }
    if "pg_cron" in preloaded:
        found |= {
            "cron.database_name": machine.spec.postgres.database,
            "cron.use_background_workers": "on",
            "cron.launch_active_jobs": "off",
        }
    return found


def recovering(work: Work, purpose: Purpose, target: Target, timeline: int, restore_command: str) -> dict[str, str]:
    """On top of that, what brings it to its target."""
    found = {
        "data_directory": str(work.data),
        "hba_file": f"{work.settings}/pg_hba.conf",
        "ident_file": f"{work.settings}/pg_ident.conf",
        "unix_socket_directories": str(work.sockets),
        "port": str(work.machine.spec.postgres.port),
        "hot_standby": "off",
        "restore_command": restore_command,
        "recovery_target_timeline": str(timeline),
        "recovery_target_action": "promote",
    }
    if target.kind != "latest":
        found[f"recovery_target_{target.kind}"] = (
            f"{target.time:%Y-%m-%d %H:%M:%S.%f}+00" if target.kind == "time" else target.value or ""
        )
        found["recovery_target_inclusive"] = "off" if target.is_exclusive else "on"
    if not purpose.is_durable:
        found |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    if purpose.waits_to_archive:
        found |= {"archive_mode": "on", "archive_command": "/bin/false"}
    return found


def minimums(machine: Machine, data: str) -> dict[str, int]:
    """Settings that must not be lower than on the server from which the data are."""
    argv = [machine.program("pg_controldata"), "-D", data]
    answer = machine.run(argv, variables={"LC_ALL": "C"}, seconds=CONTROL_SECONDS)
    if answer.returncode:
        raise RecoveryError(f"{data}: pg_controldata: {' '.join(answer.stderr.split())}")
    return control_data.minimums(answer.stdout.splitlines())


def write(machine: Machine, folder: PurePosixPath, settings: Mapping[str, str]) -> None:
    """The three files that a server reads from the folder of its configuration."""
    machine.write(folder / "postgresql.conf", text(settings))
    machine.write(folder / "pg_hba.conf", CLIENTS)
    machine.write(folder / "pg_ident.conf", "")


def text(settings: Mapping[str, str]) -> str:
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    return "\n".join(["# Written by hybrid for a restored cluster.", *lines, ""])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


# The host's own user alone, over the socket: what is restored has its roles' old passwords.
CLIENTS = f"local all {layout.OWNER} peer\n"
