"""Where main is in its log: what a standby is asked before the host that it follows stops serving."""

from durable import files
from host.common import layout
from host.recovery.contract import MAIN, Position, PositionRequest, written
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine, of_epoch

# Position first: what is replayed up to there the second statement sees.
REPLAYED = """
SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn;
SELECT EXISTS (SELECT FROM monitoring.marker WHERE written_at = '{marker}');
"""
REACHED = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, left(pg_walfile_name(pg_current_wal_lsn()), 8)"
# One after the other: a switch within the same transaction would come before its commit.
WRITTEN = """
SELECT monitoring.mark();
SELECT pg_switch_wal();
SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (SELECT extract(epoch FROM max(written_at)) FROM monitoring.marker);
"""


def act(machine: Machine, request: PositionRequest) -> Position:
    """Raises RecoveryError where main does not answer, or has stopped serving."""
    if not request.followed:
        # What was seen before counts no more, unless it is seen again.
        machine.path(layout.STANDBY_FOLLOWS).unlink(missing_ok=True)
    ((is_standby, is_read_only),) = machine.psql(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"
    )
    if is_standby == "t":
        marker = written(request.marker) if request.marker else "-infinity"
        (lsn,), (has_marker,) = machine.psql(REPLAYED.format(marker=marker))
        return Position(is_standby=True, lsn=int(lsn), has_marker=has_marker == "t")
    if is_read_only == "on":
        raise RecoveryError(f"{MAIN}: was told to stop serving, and lets no client in any more")
    if not request.marks:
        ((lsn, timeline),) = machine.psql(REACHED)
        return Position(is_standby=False, lsn=int(lsn), timeline=int(timeline, 16))
    if request.followed:
        files.replace(machine.path(layout.STANDBY_FOLLOWS), f"{request.followed}\n", mode=0o600)
    *_, (lsn, timeline, newest) = machine.psql(WRITTEN)
    return Position(is_standby=False, lsn=int(lsn), timeline=int(timeline, 16), marker=of_epoch(float(newest)))
