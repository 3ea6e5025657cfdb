"""A drill: rolled back and restored for real, while clients ask without a pause."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from failover.changes import Act, Via
from failover.clock import stamp
from failover.drill_clients import DrillClient, Switch, switch_of
from failover.errors import RefusedError
from failover.files import replace as replace_file
from failover.ids import Ids, Kind
from failover.operation import Operation
from failover.outcome import Outcome, Result
from failover.resolvers import resolvers_of
from failover.transport import MOST_CALLS

# How long clients are watched before a switch and after it: what follows the switch counts too.
SETTLE_SECONDS = 0.5
LONGEST_DOWNTIME_SECONDS = 1.0
FEWEST_CLIENTS = 3


@dataclass(frozen=True, kw_only=True)
class Round:
    """One switch of a drill."""

    act: Act
    outcome: Outcome
    seen: Switch

    def document(self) -> dict[str, Any]:
        return {
            "act": str(self.act),
            "operation": self.outcome.operation,
            "result": str(self.outcome.result),
            "plan": self.outcome.plan,
            "command_seconds": self.outcome.seconds,
            "calls": len(self.outcome.calls),
            **{f"seen_{key}": value for key, value in self.seen.__dict__.items()},
        }


@dataclass(kw_only=True)
class Drilled:
    stack: str
    via: Via
    started_at: datetime
    clients: list[str]
    rounds: list[Round] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return sum(one.seen.wrong for one in self.rounds)

    @property
    def unanswered(self) -> int:
        return sum(one.seen.unanswered for one in self.rounds)

    @property
    def downtime_seconds(self) -> float:
        return max((one.seen.downtime_seconds for one in self.rounds), default=0.0)

    @property
    def slowest_switch_seconds(self) -> float | None:
        seconds = [one.seen.seconds for one in self.rounds]
        known = [one for one in seconds if one is not None]
        return max(known) if known and len(known) == len(seconds) else None

    @property
    def is_passed(self) -> bool:
        """Every switch done, in at most ten calls, seen by every client, and nobody else's answer in between."""
        is_done = all(one.outcome.result is Result.SWITCHED for one in self.rounds)
        is_cheap = all(len(one.outcome.calls) <= MOST_CALLS for one in self.rounds)
        is_seen = self.slowest_switch_seconds is not None
        return is_done and is_cheap and is_seen and not self.wrong and self.downtime_seconds < LONGEST_DOWNTIME_SECONDS

    def document(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "via": str(self.via),
            "started_at": stamp(self.started_at),
            "is_passed": self.is_passed,
            "drills": len(self.rounds) // 2,
            "slowest_switch_seconds": self.slowest_switch_seconds,
            "wrong": self.wrong,
            "unanswered": self.unanswered,
            "downtime_seconds": self.downtime_seconds,
            "probes": sum(one.seen.probes for one in self.rounds),
            "clients": self.clients,
            "odd": self.odd,
            "rounds": [one.document() for one in self.rounds],
        }


def drill(make: Callable[[Act], Operation], via: Via, count: int, say: Callable[[str], None]) -> Drilled:
    """`make` gives a new operation for each act. Raises RefusedError where the stand-by is the active side."""
    first = make(Act.RESTORE)
    ids = first.ids
    _begin(first, say)
    clients = _clients(ids, via)
    found = Drilled(stack=ids.stack, via=via, started_at=datetime.now(UTC), clients=[client.name for client in clients])
    for client in clients:
        client.start()
    try:
        time.sleep(SETTLE_SECONDS)
        for number in range(1, count + 1):
            for act in (Act.ROLLBACK, Act.RESTORE):
                one = _round(make(act), clients)
                found.rounds.append(one)
                say(f"{number}/{count} {act}: {one.outcome.result}, seen by all after {one.seen.seconds} s")
                if one.outcome.result is not Result.SWITCHED:
                    return found
    finally:
        for client in clients:
            client.stop()
        found.odd = [words for client in clients for words in client.odd][:20]
        if found.rounds and found.rounds[-1].act is Act.ROLLBACK:
            say("the drill ended rolled back; restoring")
            make(Act.RESTORE).execute()
    return found


def _begin(operation: Operation, say: Callable[[str], None]) -> None:
    """A drill that was cut short is backed out first; a rollback that is meant is left alone."""
    unfinished = operation.journal.unfinished()
    if unfinished and unfinished.is_drill:
        say(f"{unfinished}: restoring first")
        operation.execute()
        return
    try:
        look, changes, _ = operation.prepare()
    finally:
        operation.close()
    if unfinished:
        raise RefusedError(f"{unfinished}: finish it or back it out before a drill")
    if look.refusals:
        raise RefusedError("\n".join(map(str, look.refusals)))
    if changes:
        raise RefusedError("a drill begins with worker as the active side, and it is not; first: restore --execute")


def _round(operation: Operation, clients: list[DrillClient]) -> Round:
    began = time.monotonic()
    outcome = operation.execute()
    time.sleep(SETTLE_SECONDS)
    seen = switch_of([list(client.samples) for client in clients], began, time.monotonic(), operation.act.side)
    return Round(act=operation.act, outcome=outcome, seen=seen)


def _clients(ids: Ids, via: Via) -> list[DrillClient]:
    """For each host one for each resolver, and three at least; one of them keeps its connection.

    With DNS none does: a connection that is open stays where it is, for as long as the client likes.
    """
    resolvers = resolvers_of(ids)
    several = [resolvers[number % len(resolvers)] for number in range(max(FEWEST_CLIENTS, len(resolvers)))]
    return [
        DrillClient(ids, host, resolver, number == 0 and via is Via.ROUTE and host.kind is Kind.WORKER)
        for host in ids.hosts
        for number, resolver in enumerate(several)
    ]


def write(folder: Path, found: Drilled) -> list[Path]:
    name = f"failover-drill-{found.started_at.astimezone(UTC):%Y%m%d-%H%M%S}Z"
    replace_file(folder / f"{name}.json", json.dumps(found.document(), indent=2, ensure_ascii=False) + "\n")
    replace_file(folder / f"{name}.md", markdown(found))
    return [folder / f"{name}.json", folder / f"{name}.md"]


def lines(found: Drilled) -> list[str]:
    switches = len(found.rounds)
    probes = sum(one.seen.probes for one in found.rounds)
    slowest = found.slowest_switch_seconds
    return [
        f"{found.stack}: {'passed' if found.is_passed else 'missed'}: {switches // 2} drills by {found.via}, "
        f"{len(found.clients)} clients, {probes} probes",
        f"switch seen by every client after at most {slowest} s" if slowest is not None else "not seen by every client",
        f"{found.wrong} wrong answers, {found.unanswered} without an answer, "
        f"longest downtime of a client {found.downtime_seconds} s",
        f"at most {max((len(one.outcome.calls) for one in found.rounds), default=0)} API calls a switch",
        *(f"odd: {words}" for words in found.odd),
        *(f"fault: {fault}" for one in found.rounds for fault in one.outcome.faults),
    ]


def markdown(found: Drilled) -> str:
    head = [
        f"# Failover drill of {found.stack}, {stamp(found.started_at)}: {'passed' if found.is_passed else '**missed**'}"
    ]
    head += ["", *(f"* {line}" for line in lines(found)), "", "## Switches", ""]
    head += [
        "| | Result | Command s | Seen by all s | Wrong | Unanswered | Downtime s | Calls |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found.rounds:
        seen = one.seen
        cells = (one.act, one.outcome.result, f"{one.outcome.seconds:.2f}", seen.seconds, seen.wrong, seen.unanswered)
        head.append("| " + " | ".join(map(str, (*cells, seen.downtime_seconds, len(one.outcome.calls)))) + " |")
    return "\n".join([*head, "", "## Clients", "", *(f"* {name}" for name in found.clients)]) + "\n"
