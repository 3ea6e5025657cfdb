"""What speaks against an act, judged from what the look has found."""

from collections.abc import Callable
from datetime import datetime

from failover.api import Api
from failover.changes import Act, Change, RecordChange, RouteChange, Via
from failover.lock import Held, Holder
from failover.look import CALLS_AROUND, Look, Reason
from failover.sides import Side
from failover.transport import MOST_CALLS


def judge(
    found: Look, api: Api, act: Act, via: Via, changes: list[Change], own: Callable[[Held], bool], now: datetime
) -> None:
    """Adds what speaks against the act. `own` tells a lock that this machine's unfinished operation left."""
    if act is Act.ROLLBACK:
        _judge_standby(found)
    needed = calls_needed(changes, act, via)
    if needed > MOST_CALLS:
        found.refuse(
            Reason.CALLS, f"{needed} API calls are more than {MOST_CALLS}: fewer hosts with --host, or --via dns"
        )
    rate = api.transport.rate_left
    if rate is not None and changes and rate < needed:
        found.refuse(Reason.RATE, f"the API allows {rate} more calls and {needed} may be needed; wait five minutes")
    for other in found.locks:
        if own(other):
            continue
        if other.is_stale(now):
            found.warnings.append(f"{other} left {other.name} behind: over by now, so it is taken over")
        else:
            found.refuse(Reason.LOCK, f"{other} is at it")


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
