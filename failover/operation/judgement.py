"""What speaks against an act, judged from what the look has found."""

from collections.abc import Callable
from datetime import datetime

from failover.cloudflare.api import Api
from failover.cloudflare.transport import MOST_CALLS
from failover.common.lock import Held, Holder
from failover.common.sides import Side
from failover.operation.changes import Act, Change, RecordChange, RouteChange, Via
from failover.operation.look import CALLS_AROUND, CALLS_OF_LOOK, Look, Reason


def judge(
    found: Look, api: Api, act: Act, via: Via, changes: list[Change], own: Callable[[Held], bool], now: datetime
) -> None:
    """Adds what speaks against the act. `own` tells a lock that this machine's unfinished operation left."""
    if act is Act.ROLLBACK:
        _judge_standby(found)
    _judge_calls(found, api.transport.rate_left, act, via, changes)
    for other in found.locks:
        if own(other):
            continue
        if other.is_stale(now):
            found.warnings.append(f"{other} left {other.name} behind: over by now, so it is taken over")
        else:
            found.refuse(Reason.LOCK, f"{other} is at it")


def _judge_calls(found: Look, rate: int | None, act: Act, via: Via, changes: list[Change]) -> None:
    needed = calls_needed(changes, act, via)
    if needed > MOST_CALLS:
        way = "fewer hosts with --host, or --via dns" if act is Act.ROLLBACK else f"{_a_time(changes)} with --host"
        found.refuse(Reason.CALLS, f"{needed} API calls are more than {MOST_CALLS}: {way}")
    to_come = needed - CALLS_OF_LOOK
    if rate is not None and changes and rate < to_come:
        found.refuse(
            Reason.RATE,
            f"the API allows {rate} more calls for now and {to_come} may still be needed; "
            "stop what else calls it for this account, and wait five minutes",
        )
    routes = sum(isinstance(one, RouteChange) for one in changes)
    if act is Act.ROLLBACK and CALLS_AROUND + 2 * (routes + 1) > MOST_CALLS:
        most = (MOST_CALLS - CALLS_AROUND) // 2
        found.warnings.append(
            f"going back takes more than one command: `restore --host …` takes {most} hosts a time, {most - 1} after "
            f"plan B; this rolls back {routes} by their routes"
        )


def _a_time(changes: list[Change]) -> str:
    """Each change may have to be backed out; those of records are one call together."""
    batches = int(any(isinstance(one, RecordChange) for one in changes))
    return f"{(MOST_CALLS - CALLS_AROUND) // 2 - batches} hosts a time"


def held_here(other: Holder) -> str:
    """The kernel's lock goes with its process: who still has it is still running, and both would act."""
    return f"{other} is at it, and is running; wait for its end, or end it (kill {other.process})"


def _judge_standby(found: Look) -> None:
    rolled_back = {now.host.hostname for now in found.hosts if now.side is Side.VERCEL}
    for name, seen in found.standby.items():
        if not seen.is_good or seen.side is not Side.VERCEL or (seen.status or 0) >= 400:
            found.refuse(Reason.STANDBY, f"{name}: the stand-by does not answer as it should: {seen}")
            continue
        theirs, ours = seen.build, found.build(Side.WORKER, name)
        if theirs and ours and theirs != ours:
            found.refuse(Reason.PARITY, f"{name}: the stand-by has build {theirs}, the Worker {ours}")
        elif not theirs or (not ours and name not in rolled_back):
            silent = "the stand-by" if not theirs else "the Worker"
            found.warnings.append(f"{name}: {silent} names no build, so parity is not known")


def calls_needed(changes: list[Change], act: Act, via: Via) -> int:
    """At most, without tries again: with the fall to plan B, or with backing out of a restore."""
    routes = sum(isinstance(one, RouteChange) for one in changes)
    batches = int(any(isinstance(one, RecordChange) for one in changes))
    fall = int(routes > 0) if act is Act.ROLLBACK else routes + batches
    return CALLS_AROUND + routes + batches + (fall if via is Via.ROUTE or act is Act.RESTORE else 0)
