"""Clients that never stop asking: what each saw, every 100 ms."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from failover.common.ids import Host, Ids
from failover.common.sides import Side
from failover.probe.clients import Client, Seen
from failover.probe.resolvers import followed, lookup

PROBE_SECONDS = 0.1


@dataclass(frozen=True)
class Sample:
    """One probe: when it was sent and answered (monotonic), and by whom."""

    sent: float
    ended: float
    side: Side | None
    is_wrong: bool
    """Answered, but by neither side, or with an error."""


@dataclass
class DrillClient:
    """One client of one resolver. It asks DNS each time; `keeps_connection` also tries the one it has."""

    ids: Ids
    host: Host
    resolver: str
    keeps_connection: bool
    samples: list[Sample] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """What was wrong with answers, in words; the first few."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        way = "one connection" if self.keeps_connection else "new connections"
        return f"{self.host.hostname} by {self.resolver}, {way}"

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        client = Client(self.ids.probes, keeps_connections=self.keeps_connection)
        try:
            while not self._stop.is_set():
                sent = time.monotonic()
                self._note(sent, self._probe(client))
                self._stop.wait(max(0.0, PROBE_SECONDS - (time.monotonic() - sent)))
        finally:
            client.close()

    def _probe(self, client: Client) -> Seen:
        found = followed(lookup(self.resolver, self.host.hostname), (self.resolver,))
        if not found.addresses:
            return Seen(address=self.resolver, fault=found.fault or "no address")
        return client.ask(self.host, found.addresses[0], self.ids.probes.port)

    def _note(self, sent: float, seen: Seen) -> None:
        is_wrong = seen.status is not None and not seen.is_good
        side = seen.side if seen.is_good else None
        self.samples.append(Sample(sent, time.monotonic(), side, is_wrong))
        if side is None and len(self.odd) < 5:
            self.odd.append(f"{self.name}: {seen}")


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What all clients saw of one switch."""

    seconds: float | None
    """From the command to the moment from which every client had only the wanted side; None: not all came over."""
    wrong: int
    unanswered: int
    downtime_seconds: float
    """Longest time that a client went without a good answer, also where it ends after this switch."""
    probes: int


def switch_of(samples: Sequence[Sequence[Sample]], began: float, ended: float, wanted: Side) -> Switch:
    """From each client's samples between two moments: pure."""
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
