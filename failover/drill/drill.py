"""A drill: rolled back and restored for real, while clients ask without a pause."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import FrameType

from failover.common.errors import FailoverError, RefusedError
from failover.common.ids import Host, Ids
from failover.common.lock import machine_lock, new_operation, operator
from failover.common.terms import Act, Kind, Via
from failover.drill.result import DrillResult, Limits, Round, Sample, Switch, switch_of
from failover.operation.journal import DRILL
from failover.operation.operation import Operation
from failover.operation.outcome import Outcome, Result
from failover.operation.preflight import Reason, held_here
from failover.probe.clients import Client, Seen, followed, lookup, resolvers_of

PROBE_SECONDS = 0.1
# How long clients are watched before a switch and after it: what follows the switch counts too.
SETTLE_SECONDS = 0.5
PAUSE_SECONDS = 0.05
FEWEST_CLIENTS = 3

Make = Callable[[Act, str | None], Operation]
Say = Callable[[str], None]


def drill(make: Make, via: Via, count: int, say: Say) -> DrillResult:
    """`make` gives a new operation for an act, as a part of the drill of that id or of none.

    The journal knows the drill until it has restored, so that one that was killed is backed out: by the next, or by
    `restore`. Ctrl-C ends it early; it restores and reports all the same. Raises RefusedError where it can't begin.
    """
    first = make(Act.RESTORE, None)
    one = _Drill.of(first, make, via, count, say)
    with one.interrupts.kept():
        try:
            one.back_out(first)
            one.run()
        except KeyboardInterrupt:
            one.found.is_interrupted = True
    return one.found


@dataclass
class DrillClient:
    """One client of one resolver, which never stops asking. It asks DNS each time, and keeps its connection or not."""

    ids: Ids
    host: Host
    resolver: str
    keeps_connection: bool
    samples: list[Sample] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    """What was wrong with the first few wrong answers."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        connections = "one connection" if self.keeps_connection else "new connections"
        return f"{self.host.hostname} by {self.resolver}, {connections}"

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(Client(self.ids.probes, keeps_connections=self.keeps_connection)) as client:
            while not self._stop.is_set():
                sent = time.monotonic()
                self._note(sent, self._probe(client))
                self._stop.wait(max(0.0, PROBE_SECONDS - (time.monotonic() - sent)))

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


class Interrupts:
    """Ctrl-C in a drill: it ends the drill, and never the restore.

    Within `kept`, the first raises KeyboardInterrupt while that is `allowed`; one that comes before waits for it.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._is_allowed = False
        self.is_pressed = False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Leaves signals alone outside the main thread, and where Ctrl-C is ignored, as in a background job."""
        former = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or former is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._pressed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, former)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        self._is_allowed = True
        try:
            if self.is_pressed:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False

    def _pressed(self, _number: int, _frame: FrameType | None) -> None:
        is_first, self.is_pressed = not self.is_pressed, True
        if is_first and self._is_allowed:
            raise KeyboardInterrupt
        self._say("interrupted: it ends as soon as it has restored")


@dataclass(kw_only=True)
class _Drill:
    make: Make
    ids: Ids
    via: Via
    count: int
    say: Say
    found: DrillResult
    interrupts: Interrupts
    clients: list[DrillClient] = field(default_factory=list)

    @classmethod
    def of(cls, first: Operation, make: Make, via: Via, count: int, say: Say) -> "_Drill":
        ids, limits = first.ids, Limits.of(first.ids, via, first.total_seconds)
        found = DrillResult(
            id=new_operation(), stack=ids.stack, via=via, started_at=datetime.now(UTC), limits=limits, count=count
        )
        return cls(make=make, ids=ids, via=via, count=count, say=say, found=found, interrupts=Interrupts(say))

    def back_out(self, operation: Operation) -> None:
        """Restores what a drill that was cut short has left; a real operation is left alone."""
        with contextlib.closing(operation):
            unfinished = operation.journal.unfinished()
            if unfinished is None:
                return
            if not unfinished.is_drill:
                raise RefusedError(f"{unfinished}: finish it or back it out before a drill")
            self.say(f"{unfinished}: restoring first")
            outcome = operation.execute()
        if not outcome.result.is_done:
            raise RefusedError(f"{unfinished}: its restore ended {outcome.result}; first: restore --execute")

    def run(self) -> None:
        operation = self.make(Act.RESTORE, self.found.id)
        with contextlib.closing(operation), machine_lock(operation.paths.lock, self.found.id) as other:
            if other:
                raise RefusedError(f"refused ({Reason.LOCK}): {held_here(other)}")
            with self.interrupts.allowed():
                _check(operation)
            self._note(operation, "begin", hosts=[host.hostname for host in self.ids.hosts], who=operator())
            try:
                with self.interrupts.allowed():
                    self._rounds()
            except FailoverError as error:
                self.found.faults += str(error).splitlines()
            finally:
                self._end(operation)

    def _note(self, operation: Operation, phase: str, **details: object) -> None:
        moment = operation.transport.clock.now()
        operation.journal.write(self.found.id, DRILL, phase, moment=moment, stack=self.ids.stack, **details)

    def _rounds(self) -> None:
        self.clients = _clients(self.ids, self.via)
        self.found.clients = [client.name for client in self.clients]
        for client in self.clients:
            client.start()
        time.sleep(SETTLE_SECONDS)
        for number in range(1, self.count + 1):
            for act in (Act.ROLLBACK, Act.RESTORE):
                one = self._round(act)
                self.found.rounds.append(one)
                self.say(f"{number}/{self.count} {act}: {one.outcome.result}, seen by all after {one.seen.seconds} s")
                if one.outcome.result is not Result.SWITCHED:
                    return

    def _round(self, act: Act) -> Round:
        began = time.monotonic()
        outcome = self._execute(act)
        one = Round(act=act, outcome=outcome, began=began, seen=self._seen(act, began))
        while outcome.result is Result.SWITCHED and one.seen.seconds is None:
            if time.monotonic() > began + self.found.limits.switch_seconds:
                break
            time.sleep(PAUSE_SECONDS)
            one = replace(one, seen=self._seen(act, began))
        time.sleep(SETTLE_SECONDS)
        return replace(one, seen=self._seen(act, began))

    def _seen(self, act: Act, began: float, ended: float = float("inf")) -> Switch:
        return switch_of([list(client.samples) for client in self.clients], began, ended, act.side)

    def _execute(self, act: Act) -> Outcome:
        """Notes whether something may have been left changed, also where this raises."""
        operation, was_restored = self.make(act, self.found.id), self.found.is_restored
        self.found.is_restored = False
        try:
            outcome = operation.execute()
        except RefusedError:
            # Nothing was changed.
            self.found.is_restored = was_restored
            raise
        self.found.is_restored = act is Act.RESTORE and outcome.result.is_done
        return outcome

    def _end(self, operation: Operation) -> None:
        """Restores what is not restored. Only then does the journal call the drill done."""
        found = self.found
        try:
            if not found.is_restored:
                self.say("the drill is still rolled back, or may be: restoring")
                outcome = self._execute(Act.RESTORE)
                found.odd.append(f"restored at the end by operation {outcome.operation}: {outcome.result}")
            self._stop_clients()
            found.is_interrupted = self.interrupts.is_pressed
            if found.is_restored:
                self._note(operation, "done", result="passed" if found.is_passed else "missed")
        except FailoverError as error:
            found.faults += str(error).splitlines()
        finally:
            self._stop_clients()

    def _stop_clients(self) -> None:
        """Once; and also counts the requests that were under way at the end of a switch."""
        if not self.clients:
            return
        for client in self.clients:
            client.stop()
        rounds = self.found.rounds
        ends = [one.began for one in rounds[1:]] + [float("inf")]
        spans = zip(rounds, ends[: len(rounds)], strict=True)
        self.found.rounds = [replace(one, seen=self._seen(one.act, one.began, ended)) for one, ended in spans]
        self.found.odd += [one for client in self.clients for one in client.odd][:20]
        self.clients = []


def _check(operation: Operation) -> None:
    found, changes, unfinished = operation.prepare()
    if unfinished:
        raise RefusedError(f"{unfinished}: finish it or back it out before a drill")
    if found.refusals:
        raise RefusedError("\n".join(map(str, found.refusals)))
    if changes:
        raise RefusedError("a drill begins with worker as the active side, and it is not; first: restore --execute")


def _clients(ids: Ids, via: Via) -> list[DrillClient]:
    """One client per host and resolver, at least three per host; one of them keeps its connection.

    With DNS none does: a connection that is open stays where it is, for as long as the client likes.
    """
    resolvers = resolvers_of(ids)
    several = [resolvers[number % len(resolvers)] for number in range(max(FEWEST_CLIENTS, len(resolvers)))]
    return [
        DrillClient(ids, host, resolver, number == 0 and via is Via.ROUTE and host.kind is Kind.WORKER)
        for host in ids.hosts
        for number, resolver in enumerate(several)
    ]
