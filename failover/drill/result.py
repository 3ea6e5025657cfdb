"""What a drill has found, held against its limits: as data, as lines, as Markdown; and the last one, read back."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from failover.cloudflare.transport import MOST_CALLS
from failover.common.clock import stamp
from failover.common.files import replace as replace_file
from failover.common.ids import Ids
from failover.common.terms import Act, Kind, Side, Via
from failover.operation.journal import Paths
from failover.operation.outcome import Outcome, Result, name_of

# Promised for the local stack. Its clients ask DNS again each time; one that holds an answer takes its TTL longer.
LOCAL_ROUTE_SECONDS, LOCAL_DNS_SECONDS = 3.0, 10.0
# Of one client. A packet lost on the way costs less; a side that is away costs more.
DOWNTIME_SECONDS = 1.0
# Names of evidence end with the moment, as `20261121-120000Z`.
MOMENT_LETTERS = 16


@dataclass(frozen=True)
class Sample:
    """One probe: when it was sent and answered (monotonic), and by whom."""

    sent: float
    ended: float
    side: Side | None
    is_wrong: bool
    """Answered, but by neither side, or with an error."""


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What all clients saw of one switch."""

    seconds: float | None
    """Seconds from the command until every client had only the wanted side; None: not all came over."""
    wrong: int
    unanswered: int
    downtime_seconds: float
    """Longest time that a client went without a good answer, also where it ends after this switch."""
    probes: int


def switch_of(samples: Sequence[Sequence[Sample]], began: float, ended: float, wanted: Side) -> Switch:
    """Summarises each client's samples between two moments. Pure."""
    within = [[one for one in row if began <= one.sent < ended] for row in samples]
    return Switch(
        # What was answered later may have met the next switch already.
        seconds=_slowest([[one for one in row if one.ended < ended] for row in within], began, wanted),
        wrong=sum(one.is_wrong for row in within for one in row),
        unanswered=sum(one.side is None and not one.is_wrong for row in within for one in row),
        downtime_seconds=round(max((_gap(row, began, ended) for row in samples), default=0.0), 3),
        probes=sum(map(len, within)),
    )


def _slowest(within: list[list[Sample]], began: float, wanted: Side) -> float | None:
    slowest = 0.0
    for row in within:
        others = [at for at, one in enumerate(row) if one.side is not wanted]
        first = others[-1] + 1 if others else 0
        if first >= len(row):
            return None
        slowest = max(slowest, row[first].ended - began)
    return round(slowest, 3)


def _gap(row: Sequence[Sample], began: float, ended: float) -> float:
    longest, since = 0.0, None
    for one in row:
        if one.sent < began:
            continue
        if since is None and one.sent >= ended:
            break
        if one.side is None:
            since = one.sent if since is None else since
            longest = max(longest, one.ended - since)
        elif since is not None:
            longest, since = max(longest, one.ended - since), None
    return longest


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a drill must keep to pass."""

    switch_seconds: float
    """Most seconds from the command until the last client has come over."""
    unanswered: int | None
    """Most unanswered requests; None where packets may get lost: then they count as downtime only."""
    wrong: int = 0
    downtime_seconds: float = DOWNTIME_SECONDS
    """Less than this."""
    calls: int = MOST_CALLS

    @classmethod
    def of(cls, ids: Ids, via: Via, budget_seconds: float) -> "Limits":
        """What the local stack promises; elsewhere the operation's own budget, for nobody has measured it."""
        if urlsplit(ids.api).scheme != "http":
            return cls(switch_seconds=budget_seconds, unanswered=None)
        is_by_dns = via is Via.DNS or any(host.kind is Kind.PAGES for host in ids.hosts)
        return cls(switch_seconds=LOCAL_DNS_SECONDS if is_by_dns else LOCAL_ROUTE_SECONDS, unanswered=0)


@dataclass(frozen=True, kw_only=True)
class Round:
    """One switch of a drill."""

    act: Act
    outcome: Outcome
    seen: Switch
    began: float
    """Monotonic."""

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
class DrillResult:
    """`missed` is every limit that was not kept; without any the drill has passed."""

    id: str
    stack: str
    via: Via
    started_at: datetime
    limits: Limits
    count: int
    """Drills that were asked for."""
    clients: list[str] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_interrupted: bool = False
    is_restored: bool = True
    """Whether it has left the Worker as the active side, as it found it."""

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
    def calls(self) -> int:
        return max((len(one.outcome.calls) for one in self.rounds), default=0)

    @property
    def slowest_switch_seconds(self) -> float | None:
        return _most(one.seen.seconds for one in self.rounds)

    @property
    def missed(self) -> list[str]:
        """Each limit that was not kept; empty when it has passed."""
        limits, slowest = self.limits, self.slowest_switch_seconds
        found = [f"{one.act} {one.outcome.operation}: {one.outcome.result}" for one in self._bad_ends()]
        if self.is_interrupted:
            found.append("it was interrupted")
        if len(self.rounds) < 2 * self.count:
            found.append(f"{len(self.rounds)} switches of {2 * self.count} were made")
        if self.rounds and slowest is None:
            found.append("a switch was not seen by every client")
        elif slowest is not None and slowest > limits.switch_seconds:
            found.append(f"a switch took {slowest} s until every client saw it, over {limits.switch_seconds:g} s")
        if self.wrong > limits.wrong:
            found.append(f"{self.wrong} wrong answers, over {limits.wrong}")
        if limits.unanswered is not None and self.unanswered > limits.unanswered:
            found.append(f"{self.unanswered} probes without an answer, over {limits.unanswered}")
        if self.downtime_seconds >= limits.downtime_seconds:
            found.append(f"a client went {self.downtime_seconds} s without an answer, not under {_downtime(limits)}")
        if self.calls > limits.calls:
            found.append(f"{self.calls} API calls for a switch, over {limits.calls}")
        if not self.is_restored:
            found.append("it is NOT restored: `restore --execute`, or the next drill does it")
        return found + self.faults

    @property
    def is_passed(self) -> bool:
        return not self.missed

    def _bad_ends(self) -> list[Round]:
        return [one for one in self.rounds if one.outcome.result is not Result.SWITCHED]

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "stack": self.stack,
            "via": str(self.via),
            "started_at": stamp(self.started_at),
            "is_passed": self.is_passed,
            "missed": self.missed,
            "is_interrupted": self.is_interrupted,
            "is_restored": self.is_restored,
            "limits": asdict(self.limits),
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


def _most(values: Iterable[float | None]) -> float | None:
    """The largest value; None where one is missing, or there is none."""
    found = list(values)
    known = [one for one in found if one is not None]
    return max(known) if known and len(known) == len(found) else None


def _downtime(limits: Limits) -> str:
    return f"{limits.downtime_seconds:g} s"


def write(folder: Path, found: DrillResult) -> list[Path]:
    name = name_of("failover-drill", found.stack, found.started_at)
    texts = {
        folder / f"{name}.json": json.dumps(found.document(), indent=2, ensure_ascii=False) + "\n",
        folder / f"{name}.md": markdown(found),
    }
    for path, text in texts.items():
        replace_file(path, text, makes_folder=True)
    return list(texts)


def lines(found: DrillResult) -> list[str]:
    limits, slowest = found.limits, found.slowest_switch_seconds
    probes = sum(one.seen.probes for one in found.rounds)
    switch = (
        f"switch seen by every client after at most {slowest} s" if slowest is not None else "not seen by every client"
    )
    unanswered = "" if limits.unanswered is None else f" (limit {limits.unanswered})"
    return [
        f"{found.stack}: {'passed' if found.is_passed else 'missed'}: {len(found.rounds) // 2} drills by {found.via}, "
        f"{len(found.clients)} clients, {probes} probes",
        f"{switch} (limit {limits.switch_seconds:g} s)",
        f"{found.wrong} wrong answers (limit {limits.wrong}), {found.unanswered} without an answer{unanswered}, "
        f"longest downtime of a client {found.downtime_seconds} s (limit: under {_downtime(limits)})",
        f"at most {found.calls} API calls a switch (limit {limits.calls})",
        *(f"missed: {one}" for one in found.missed),
        *(f"odd: {one}" for one in found.odd),
        *(f"fault: {fault}" for one in found.rounds for fault in one.outcome.faults),
    ]


def markdown(found: DrillResult) -> str:
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


def last_drill(paths: Paths, via: str | None = None) -> dict[str, Any] | None:
    """The stack's newest drill's evidence, or the newest by this plan; None where there is none that can be read."""
    files = paths.evidence.glob("failover-drill-*.json")
    for path in sorted(files, key=lambda one: one.stem[-MOMENT_LETTERS:], reverse=True):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if not isinstance(found, dict) or "started_at" not in found or found.get("stack") != paths.stack:
            continue
        if via in (None, found.get("via")):
            return found
    return None


def last_switch_seconds(paths: Paths) -> float | None:
    """Seconds of a switch by route, as the last such drill measured them."""
    seconds = (last_drill(paths, "route") or {}).get("slowest_switch_seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
