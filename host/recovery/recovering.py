"""Recovers a planned cluster to its target: fetched, started in isolation, and queried."""

import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Literal

from host.common import layout
from host.database import tuning
from host.recovery import clusters, contract, tablespaces
from host.recovery.clusters import Work
from host.recovery.contract import MAIN, Source, Target
from host.recovery.errors import RecoveryError, StoppedError, say
from host.recovery.fetcher import Fetcher
from host.recovery.machine import RESERVE_BYTES, Confinement, Machine, free_bytes
from host.recovery.pgbackrest import Repository
from host.recovery.plan import MAX_WAL_MB, Plan, loss_fault, note_rates
from host.recovery.tablespaces import Covers
from host.recovery.wal import position

CONTROL_SECONDS = 30
SHARED_BUFFERS_MB = 128
DEFAULTS = {"max_connections": 100, "max_worker_processes": 8, "max_wal_senders": 10}
# The host's own user alone, over the socket: what is restored has its roles' old passwords.
CLIENTS = f"local all {layout.OWNER} peer\n"
POLL_SECONDS = 0.02
STOP_SECONDS = 120
STATUS_LINE = 7
"""Line of postmaster.pid (PostgreSQL, utils/pidfile.h)."""
LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)\+00")
FATAL = re.compile(r" \[\d+\] (?:FATAL|PANIC):  (.*)")
UNREACHED = "recovery ended before configured recovery target was reached"
INCONSISTENT = "requested recovery stop point is before consistent recovery point"
NO_SPACE = "No space left on device"
ARCHIVE_SECONDS = 90
MARK = "SELECT pg_logical_emit_message(true, 'hybrid', 'restore')"
SWITCH = "SELECT pg_walfile_name(pg_switch_wal())"
STATE = """
SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn(), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    pg_snapshot_xmax(pg_current_snapshot())
"""
FETCH_POLL_SECONDS = 0.05


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


def declared(machine: Machine, minimums: Mapping[str, int]) -> dict[str, str]:
    """The settings that a server writes into its log, as the host's own server has them."""
    tuned = tuning.of(machine.spec)
    found = {"max_connections": tuned.max_connections, "max_worker_processes": tuned.max_worker_processes}
    return {name: str(max(value, minimums.get(name, 0))) for name, value in found.items()}


def recovery_settings(
    work: Work, purpose: Purpose, target: Target, timeline: str, restore_command: str
) -> dict[str, str]:
    """Settings that bring a cluster to its target, beside the quiet ones."""
    found = {
        "data_directory": str(work.data),
        "hba_file": f"{work.settings}/pg_hba.conf",
        "ident_file": f"{work.settings}/pg_ident.conf",
        "unix_socket_directories": str(work.sockets),
        "port": str(work.machine.spec.postgres.port),
        "hot_standby": "off",
        "restore_command": restore_command,
        "recovery_target_timeline": timeline,
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
    return tuning.minimums(answer.stdout.splitlines())


def write_settings(machine: Machine, folder: PurePosixPath, settings: Mapping[str, str]) -> None:
    """The three files that a server reads from the folder of its configuration."""
    machine.write(folder / "postgresql.conf", settings_text(settings))
    machine.write(folder / "pg_hba.conf", CLIENTS)
    machine.write(folder / "pg_ident.conf", "")


def settings_text(settings: Mapping[str, str]) -> str:
    lines = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    return "\n".join(["# Written by hybrid for a restored cluster.", *lines, ""])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


class Server:
    def __init__(self, work: Work, process: subprocess.Popen[str], log_begin: int) -> None:
        """`log_begin`: the bytes of the log that are of earlier starts."""
        self.work = work
        self.pid = process.pid
        self._process = process
        self._log_begin = log_begin

    def psql(self, query: str, database: str | None = None) -> list[list[str]]:
        return self.work.machine.psql(query, sockets=str(self.work.sockets), database=database)

    def wait(self, fetcher: Fetcher) -> None:
        """Returns once it has recovered and answers; raises StoppedError or RecoveryError with the reason."""
        while not self._is_ready():
            if fetcher.fault:
                raise RecoveryError(fetcher.fault)
            if not fetcher.is_alive():
                raise RecoveryError("restored cluster: the WAL fetcher has stopped")
            if self._process.poll() is not None:
                raise self._reason(fetcher)
            ensure_room(self.work.machine)
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """A clean end, after which the files may be moved; RecoveryError where it does not come."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RecoveryError(f"restored cluster: did not stop within {STOP_SECONDS} s") from None
        if code:
            raise RecoveryError(f"restored cluster: ended with {code}: {fatal(self.log()) or 'without a reason'}")

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def last_commit_at(self) -> datetime | None:
        """Of the last transaction that was recovered; None when there was none after the backup's start."""
        found = LAST.findall(self.log())
        return datetime.fromisoformat(found[-1].replace(" ", "T")).replace(tzinfo=UTC) if found else None

    def _is_ready(self) -> bool:
        try:
            lines = self.work.inside("data/postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"

    def _reason(self, fetcher: Fetcher) -> RecoveryError:
        log = self.log()
        reason = fatal(log)
        if fetcher.fault:
            return RecoveryError(fetcher.fault)
        if UNREACHED in log:
            last = self.last_commit_at()
            end = f"the last archived transaction is of {last:%Y-%m-%dT%H:%M:%S.%fZ}" if last else "none comes after it"
            return StoppedError(
                f"target: the archived log ends before it; {end}. A transaction, a position or a name may also be from"
                " before the backup. To take what there is: the target latest"
            )
        if INCONSISTENT in log:
            return StoppedError("target: is before the end of the backup; take an earlier backup, or a later target")
        if NO_SPACE in log:
            return RecoveryError(
                f"{self.work.machine.clusters}: no space is left; nothing of the restored cluster stays"
            )
        return RecoveryError(f"restored cluster: PostgreSQL ended: {reason or 'without a reason'}")

    def log(self) -> str:
        """Of this start."""
        return self.work.machine.path(self.work.log).read_bytes()[self._log_begin :].decode(errors="replace")


def fatal(log: str) -> str:
    found: list[str] = FATAL.findall(log)
    return found[0] if found else " ".join(log.split()[-40:])


def ensure_room(machine: Machine) -> None:
    """Raises RecoveryError before the disk is so full that the server that serves would end."""
    if free_bytes(machine) < RESERVE_BYTES:
        raise no_room(machine)


def no_room(machine: Machine) -> RecoveryError:
    return RecoveryError(
        f"{machine.clusters}: no space is left but the {RESERVE_BYTES:,} bytes kept for {MAIN}; nothing of the restored"
        " cluster stays"
    )


@contextmanager
def running(
    work: Work, configuration: PurePosixPath, covered: Mapping[PurePosixPath, PurePosixPath]
) -> Iterator[Server]:
    """The cluster of this folder, cut off from every network and from all other files; killed at the end.

    `configuration` is the host's path of the folder with its postgresql.conf.
    """
    argv = [work.machine.program("postgres"), "-D", str(configuration)]
    with work.machine.path(work.log).open("a") as log:
        begin = log.tell()
        process = work.machine.start(argv, log=log, confinement=Confinement(work.folder, covered))
    server = Server(work, process, begin)
    try:
        yield server
    finally:
        server.kill()


@dataclass(frozen=True)
class Recovered:
    server: Server
    last_commit_at: datetime | None
    lsn: str | None
    timeline: int
    next_xid: int
    seconds: dict[str, float]

    def answer(self) -> contract.Recovered:
        return contract.Recovered(last_commit_at=self.last_commit_at, lsn=self.lsn, timeline=self.timeline)


@contextmanager
def recovered(work: Work, plan: Plan, purpose: Purpose) -> Iterator[Recovered]:
    """A cluster at the plan's target that answers; killed at the end unless it was stopped. Raises RecoveryError."""
    machine = work.machine
    start = time.monotonic()
    repository = Repository(machine, plan.source, data=work.data, work=work.folder)
    _fetch_files(repository, plan, work)
    restored = time.monotonic()
    say("recovering up to the target")
    covers = Covers(work)
    situation = plan.situation
    taken = range(situation.timeline + 1, max([*situation.held.timelines, *clusters.timelines(machine)], default=0) + 1)
    fetcher = Fetcher(repository, work, situation.held.segments, situation.own_files, situation.held.damaged, taken)
    try:
        _configure(work, plan, purpose, fetcher.restore_command)
        fetcher.start()
        with _reached(work, covers, fetcher) as found:
            row = _state(found)
            _ensure_whole(plan, row[1], found.last_commit_at())
            end = time.monotonic()
            seconds = {"restore": restored - start, "recovery": end - restored, "total": end - start}
            _note(machine, plan, seconds, fetcher.fetched)
            yield Recovered(
                found,
                found.last_commit_at(),
                row[1] or None,
                int(row[2], 16),
                int(row[3]),
                {name: round(value, 3) for name, value in seconds.items()},
            )
    finally:
        fetcher.stop()


@contextmanager
def _reached(work: Work, covers: Covers, fetcher: Fetcher) -> Iterator[Server]:
    """The cluster once it has recovered; begun again where the log creates a tablespace of another path."""
    while True:
        with running(work, work.settings, covers.by_path) as found:
            try:
                found.wait(fetcher)
            except RecoveryError:
                path = tablespaces.wanted(found.log())
                if path is None or path in covers.by_path:
                    raise
                covers.add(path)
                continue
            yield found
            covers.take_over()
            return


def archive_up_to_now(machine: Machine) -> None:
    """Have all that the server has written in the archive, and a transaction after it, for PostgreSQL to stop at."""
    say("waiting until the log up to now is archived")
    machine.psql(MARK)
    ((name,),) = machine.psql(SWITCH)
    end = time.monotonic() + ARCHIVE_SECONDS
    while True:
        ((last,),) = machine.psql("SELECT last_archived_wal FROM pg_stat_archiver")
        if last >= name:
            return
        if time.monotonic() > end:
            raise RecoveryError(
                f"{name}: was not archived within {ARCHIVE_SECONDS} s, so the target may not be reached; see what"
                " keeps the archive, or stop the server first"
            )
        time.sleep(0.1)


def is_live(plan: Plan) -> bool:
    """Whether the server that runs writes the log that leads to the target."""
    return plan.situation.is_live and plan.source == Source()


def _fetch_files(repository: Repository, plan: Plan, work: Work) -> None:
    say(f"restoring {plan.backup.label}: {plan.backup.database_bytes:,} bytes")
    # What it writes for recovery is not used. Of all types this one alone lets a backup be restored from which the
    # newest timeline does not come, as after an exchange that was taken back.
    argv = repository.command(
        "restore", f"--set={plan.backup.label}", "--type=immediate", *_mapped(repository, plan, work)
    )
    with work.inside("restore.log").open("w+") as log:
        with work.machine.start(argv, variables=repository.variables(), log=log) as process:
            try:
                while process.poll() is None:
                    ensure_room(work.machine)
                    time.sleep(FETCH_POLL_SECONDS)
            finally:
                process.kill()
        log.seek(0)
        output = log.read()
    if process.returncode:
        if NO_SPACE in output:
            raise no_room(work.machine)
        raise RecoveryError(f"{plan.backup.label}: {repository.fault('restore', process.returncode, output)}")
    # It names settings of its former server, or of an earlier restore.
    work.machine.write(work.data / "postgresql.auto.conf", "")
    work.machine.write(work.data / "recovery.signal", "")


def _mapped(repository: Repository, plan: Plan, work: Work) -> list[str]:
    """Where its tablespaces go: folders by number, for a tablespace's name may lead anywhere, as `../../main` would."""
    (stanza,) = repository.json("info", f"--set={plan.backup.label}")
    numbers = [one["oid"] for one in stanza["backup"][0].get("tablespace") or ()]
    # Of one that is not in that list nothing goes where it was, either.
    return [
        f"--tablespace-map-all={work.tablespaces}",
        *(f"--tablespace-map={number}={work.tablespaces / str(number)}" for number in numbers),
    ]


def _configure(work: Work, plan: Plan, purpose: Purpose, restore_command: str) -> None:
    lowest = minimums(work.machine, str(work.data))
    found = quiet(work.machine, lowest)
    if purpose.waits_to_archive:
        # It writes them down in the timeline that it begins: whoever follows that has these, and goes on.
        found |= declared(work.machine, lowest)
    target = Target(kind="latest") if plan.choice.is_end else plan.target
    found |= recovery_settings(work, purpose, target, plan.situation.recovery_timeline, restore_command)
    write_settings(work.machine, work.settings, found)
    work.machine.write(work.log, "")


def _state(found: Server) -> list[str]:
    (row,) = found.psql(STATE, database="postgres")
    if row[0] != "f":
        raise RecoveryError("restored cluster: answers, but has not ended its recovery")
    return row


def _ensure_whole(plan: Plan, lsn: str, last_commit_at: datetime | None) -> None:
    """Raises RecoveryError where the log could not be read up to its end: a file of it may be damaged."""
    stopped = plan.situation.stopped
    reached = position(lsn) if lsn else 0
    if not stopped or not plan.is_whole or plan.loss or reached >= stopped.end:
        return
    since = last_commit_at or plan.backup.stopped_at
    seconds = max((stopped.ended_at - since).total_seconds(), 0)
    loss = contract.Loss(bytes=stopped.most - reached, seconds=seconds, is_bound=True)
    if loss.bytes > plan.accepted_loss:
        raise RecoveryError(loss_fault(loss, f"{MAIN}: its log is damaged after {lsn or 'the end of the backup'}"))


def _note(machine: Machine, plan: Plan, seconds: dict[str, float], segments: int) -> None:
    # Only what a later estimate is made from.
    with suppress(OSError):
        note_rates(
            machine,
            data=plan.backup.database_bytes,
            restore=seconds["restore"],
            segments=segments,
            recovery=seconds["recovery"],
        )


def durable(work: Work) -> None:
    """Have all of the folder on the disk."""
    if work.machine.run(["sync", "-f", str(work.data)], seconds=None).returncode:
        raise RecoveryError(f"{work.data}: could not be written to the disk")
