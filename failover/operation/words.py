"""What the commands say of plans and outcomes."""

from failover.operation.changes import Act, Change, Via, estimated_seconds
from failover.operation.journal import Unfinished
from failover.operation.judgement import calls_needed
from failover.operation.look import Look
from failover.operation.outcome import Outcome, Result


def plan_lines(
    act: Act, via: Via, found: Look, changes: list[Change], unfinished: Unfinished | None, measured: float | None
) -> list[str]:
    lines = []
    if unfinished:
        lines.append(f"{unfinished}: {unfinished.way_out}")
    lines += [f"{now.host.hostname}: {now.side} is the active side, by the API" for now in found.hosts if found.is_read]
    lines += [f"clients {sighting}" for sighting in found.sightings]
    lines += [f"change  {change}" for change in changes]
    if not changes:
        seen = "and clients see it" if found.clients_see(act.side) else "but clients do not see it: --execute verifies"
        lines.append(f"nothing to change: {act.side} is the active side, {seen}")
    else:
        lines.append(f"takes   {estimated_seconds(changes, measured)}")
        lines.append(f"calls   at most {calls_needed(changes, act, via)} of the API")
    lines += [str(refusal) for refusal in found.refusals]
    return lines


def plan_words(outcome: Outcome) -> str:
    """What is in force by this operation, as far as the API has confirmed it."""
    if outcome.act is Act.RESTORE:
        return "backed out" if outcome.result is Result.BACKED_OUT else "restore"
    return f"by plan {outcome.plan}" if outcome.plan else "by no plan: the API has confirmed no change"


def outcome_lines(outcome: Outcome) -> list[str]:
    calls = f"{len(outcome.calls)} API calls"
    active = [f"active side: {outcome.setting}"] if outcome.setting else []
    if outcome.result is Result.ALREADY:
        already = f"nothing to change, {outcome.act.side} answers already ({calls}, none of them a change)"
        return [f"{outcome.stack}: {already}", *active]
    took = f"{outcome.seconds:.1f} of {outcome.budget_seconds:.0f} s, {calls}"
    words = {
        Result.SWITCHED: f"{outcome.act.side} answers, seen from outside after {outcome.switched_after_seconds} s",
        Result.BACKED_OUT: "the Worker's side did not hold; backed out, the stand-by answers",
        Result.UNVERIFIED: "NOT verified from outside; see below, and `plan --by-hand`",
    }
    lines = [f"{outcome.stack}: {outcome.act} {outcome.operation}: {words[outcome.result]} ({took})"]
    if outcome.act is Act.ROLLBACK:
        lines.append(plan_words(outcome))
    lines += [f"fault: {one}" for one in dict.fromkeys(outcome.faults)]
    if outcome.result is Result.UNVERIFIED:
        lines += [one for one in outcome.sightings if not any(other.startswith(one) for other in outcome.dissent)]
    lines += [f"resolver: {one}" for one in outcome.dissent]
    lines += active
    if outcome.plan.startswith("B"):
        lines.append("the record is DNS-only now: a restore makes it proxied again")
    return lines
