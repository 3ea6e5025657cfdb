"""A rollback or a restore: looked at, refused or journaled, done, verified from outside, and left as evidence."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from failover.cloudflare.api import Api
from failover.cloudflare.transport import Transport
from failover.common.clock import TOTAL_SECONDS, Budget, left
from failover.common.errors import FailoverError, RefusedError, TakenError
from failover.common.ids import Ids
from failover.common.lock import machine_lock, new_operation, operator
from failover.common.place import Place
from failover.operation.before import before_rollback
from failover.operation.changer import Changer
from failover.operation.changes import DNS_ONLY_TTL, Act, Change, RecordChange, RouteChange, Via, led_past
from failover.operation.evidence import write
from failover.operation.journal import OPERATION, Journal, Unfinished
from failover.operation.judgement import calls_needed, held_here, judge
from failover.operation.look import CALLS_AROUND, Look, Reason, Refusal, look
from failover.operation.outcome import Outcome, Result
from failover.operation.recorder import Recorder
from failover.operation.setting_after import active_after, setting_after
from failover.probe.watch import Verdict, View

# Of a restore: what is left is for backing out.
RESTORE_SHARE = 0.6
# When no change was accepted there is little to wait for; but an answer that got lost may have been a yes.
LOST_ANSWER_SECONDS = 10.0
# Plan A leaves so many calls to plan B, which may be refused at first, too.
PLAN_B_TRIES = 3
# Then plan B is done all the same: it leads to the same stand-by, and plan A's yes may not have reached the edge.
NOBODY_LOOKED = "confirmed by the API, but no resolver answers, so nobody could look"
# Caches keep what plan B has left for its TTL; who asks then gets what is there now.
CACHES_SECONDS = DNS_ONLY_TTL + 15.0


@dataclass(kw_only=True)
class Operation:
    """One run; `prepare` changes nothing, `execute` does. Raises RefusedError with all refusals at once."""

    ids: Ids
    place: Place
    token: str = field(repr=False)
    act: Act
    via: Via = Via.ROUTE
    force: str | None = None
    is_drill: bool = False
    drill: str | None = None
    """The drill that it is a part of, and that has this machine's lock already."""
    total_seconds: float = TOTAL_SECONDS
    say: Callable[[str], None] = lambda _: None
    checkout: Path | None = None
    """Where the active-side setting is looked for; None leaves it alone."""
    files: list[Path] = field(default_factory=list)
    """The evidence, once it is written."""

    def __post_init__(self) -> None:
        self.budget = Budget(total_seconds=self.total_seconds)
        self.transport = Transport(base_url=self.ids.api, token=self.token)
        self.api = Api(self.ids, self.transport)
        hosts = tuple(host.hostname for host in self.ids.hosts)
        self.journal = Journal(self.place.journal, self.place.stack, hosts, self.place.older, self.drill)
        self.view = View(self.ids)
        self.outcome = Outcome(
            operation=new_operation(),
            act=self.act,
            via=self.via,
            stack=self.ids.stack,
            hosts=list(hosts),
            who=operator(),
            started_at=self.transport.clock.now(),
            budget_seconds=self.total_seconds,
            force=self.force,
        )
        self.recorder = Recorder(
            outcome=self.outcome,
            journal=self.journal,
            budget=self.budget,
            clock=self.transport.clock,
            say=self.say,
        )
        self.changer = Changer(api=self.api, recorder=self.recorder)

    def prepare(self) -> tuple[Look, list[Change], Unfinished | None]:
        """What is there, what would be changed, and an operation that was cut short."""
        unfinished = self.journal.unfinished()
        with self.recorder.step("look"):
            found = look(self.ids, self.api, self.view, self.budget, act=self.act)
        changes = found.changes(self.act, self.via, before_rollback(self.journal, self.ids))
        own, clock = self._own(unfinished), self.transport.clock
        judge(found, self.api, self.act, self.via, changes, lambda other: other.operation in own, clock.now())
        self.outcome.warnings += found.warnings
        self.outcome.started_at = clock.now()
        self.outcome.clock_skew_seconds = clock.skew_seconds
        self.changer.records = {now.record.id: now.record for now in found.hosts}
        self.changer.scripts = {now.route.id: now.route.script for now in found.hosts if now.route}
        return found, changes, unfinished

    def close(self) -> None:
        self.transport.close()

    def execute(self) -> Outcome:
        """Closes itself; may be called once."""
        with contextlib.closing(self), machine_lock(self.place.lock, self.outcome.operation) as other:
            found, changes, unfinished = self.prepare()
            if other and other.operation != self.drill:
                found.refuse(Reason.LOCK, held_here(other), can_be_forced=False)
            is_there = not changes and unfinished is None and found.is_read and found.clients_see(self.act.side)
            if is_there and not any(one.reason.may_change_what_is_there for one in found.refusals):
                # Who has nothing to change needs no lock and no healthy stand-by.
                self.outcome.result = Result.ALREADY
                self.outcome.sightings = [str(one) for one in found.sightings]
                self._set_active()
            else:
                self._refuse(found.refusals, is_there=is_there)
                self._run(found, changes, unfinished)
            return self._measured()

    def _refuse(self, refusals: list[Refusal], *, is_there: bool) -> None:
        if any(self.force is None or not one.can_be_forced for one in refusals):
            now = f"{self.act.side} answers just now, and nothing was changed; whether it stays so is not known"
            raise RefusedError("\n".join([*map(str, refusals), *([now] if is_there else [])]))
        self.outcome.overridden = [f"{one.reason}: {one.text}" for one in refusals]

    def _run(self, found: Look, changes: list[Change], unfinished: Unfinished | None) -> None:
        self.outcome.continues = unfinished.id if unfinished else None
        what = {"act": str(self.act), "via": str(self.via), "hosts": self.outcome.hosts, "who": self.outcome.who}
        of = {"stack": self.ids.stack, "is_drill": self.is_drill, "drill": self.drill}
        named = {
            "scripts": self.ids.scripts,
            "records": {host.record.id: host.record.content for host in self.ids.hosts},
        }
        self.recorder.note(OPERATION, "begin", **what, **of, **named, force=self.force)
        if found.is_read:
            self._lock(found, changes)
        if self.act is Act.ROLLBACK:
            self._roll_back(found, changes)
        else:
            self._restore(found, changes)
        self.changer.give_lock_back(time.monotonic() + max(LOST_ANSWER_SECONDS, left(self.budget.until)))
        self._set_active()
        self._measured()
        self._write_evidence()
        ends = {"seconds": self.outcome.seconds, "switched_after_seconds": self.outcome.switched_after_seconds}
        self.recorder.note(OPERATION, "done", result=str(self.outcome.result), act=str(self.act), **ends)

    def _lock(self, found: Look, changes: list[Change]) -> None:
        """All that stands there by now is our own, stale, or put aside by --force."""
        reserve = calls_needed(changes, self.act, self.via) - CALLS_AROUND + 1
        names = [host.hostname for host in self.ids.hosts]
        try:
            self.changer.take_lock(names, [one.record_id for one in found.locks], self.budget.look_until, reserve)
        except TakenError as error:
            self.recorder.note(OPERATION, "refused", fault=str(error))
            raise RefusedError(
                f"refused ({Reason.LOCK}): another operation has just taken the lock: {error}"
            ) from error

    def _roll_back(self, found: Look, changes: list[Change]) -> None:
        is_route = any(isinstance(one, RouteChange) for one in changes) or (self.via is Via.ROUTE and not changes)
        until = self.budget.plan_a_until if is_route else self.budget.until
        failed, verdict = self._switch(changes, until, self.changer.calls_at_end + PLAN_B_TRIES * is_route)
        late = set(failed) or {host.hostname for host in self.ids.hosts} - (verdict.held if verdict else set())
        fall: list[Change] = [
            RecordChange(
                hostname=now.host.hostname, record=self.changer.records[now.record.id], after=led_past(now.host)
            )
            for now in found.hosts
            if is_route and now.host.hostname in late
        ]
        if fall:
            why = NOBODY_LOOKED if verdict and verdict.is_blind else "not seen from outside in its time"
            self.say(f"plan A: {next(iter(failed.values()), why)}; going on with plan B")
            failed, verdict = self._switch(fall, self.budget.until, self.changer.calls_at_end)
        if verdict is None:
            until = min(self.budget.until, time.monotonic() + LOST_ANSWER_SECONDS)
            verdict = self._hold([], until, self.changer.calls_at_end)
        self._held(verdict, self._plan(changes, fall, is_route=is_route))

    def _plan(self, changes: list[Change], fall: list[Change], *, is_route: bool) -> str:
        """What the API has confirmed, and not what was tried; empty where that is nothing."""
        is_first = not changes or any(map(self.changer.is_confirmed, changes))
        if not is_route:
            return "B (DNS)" if is_first else ""
        if any(map(self.changer.is_confirmed, fall)):
            return "B (DNS), after A did not hold"
        return ("A (route); B (DNS) was not confirmed" if fall else "A (route)") if is_first else ""

    def _restore(self, found: Look, changes: list[Change]) -> None:
        until = self.budget.started + self.total_seconds * RESTORE_SHARE
        if not changes:
            is_cached = any(one.side is self.act.side.other for one in found.sightings)
            until = min(until, time.monotonic() + (CACHES_SECONDS if is_cached else LOST_ANSWER_SECONDS))
        _, verdict = self._switch(changes, until, self.changer.calls_at_end + len(changes))
        if verdict and verdict.is_whole(self.ids.hosts):
            self._held(verdict, "restore")
            return
        if verdict and not changes:
            self.outcome.warnings.append(
                "the Worker's side does not hold, and there is nothing to back out: routes and records are as declared "
                "already; to have the stand-by answer: rollback --execute"
            )
            self._held(verdict, "restore")
            return
        self.say("the Worker's side does not hold: backing out, the stand-by goes on answering")
        undo: list[Change] = [self._undone(one) for one in reversed(changes)]
        self.changer.apply(undo, self.budget.until, self.changer.calls_at_end)
        with self.recorder.step("verify the stand-by") as detail:
            until = self.budget.until
            back = self.view.wait(
                self.ids.hosts, self.act.side.other, until, say=lambda words: self._awaited(words, until)
            )
            detail.append("holds" if back.is_whole(self.ids.hosts) else "does not hold")
        self.outcome.result = Result.BACKED_OUT if back.is_whole(self.ids.hosts) else Result.UNVERIFIED
        self._show(back)

    def _undone(self, one: Change) -> Change:
        if isinstance(one, RouteChange):
            return RouteChange(hostname=one.hostname, route=one.route, before=one.after, after=one.before)
        record = self.changer.records[one.record.id]
        return RecordChange(hostname=one.hostname, record=record, after=one.record.target)

    def _switch(self, changes: list[Change], until: float, reserve: int) -> tuple[dict[str, str], Verdict | None]:
        """Faults by host; and what was seen from outside, where the API accepted all."""
        failed = self.changer.apply(changes, until, reserve)
        return failed, None if failed else self._hold(changes, until, reserve)

    def _hold(self, changes: list[Change], until: float, reserve: int) -> Verdict:
        """Half-way, what is not seen is sent once more: an answer of yes may have been lost on its way to the edge."""
        half = time.monotonic() + left(until) / 2
        hosts, side = self.ids.hosts, self.act.side
        with self.recorder.step("verify from outside") as detail:
            verdict = self.view.wait(hosts, side, half, say=lambda words: self._awaited(words, until))
            if not verdict.is_whole(hosts):
                again = [one for one in changes if one.hostname not in verdict.held]
                if again and self.transport.calls_left > self._calls_kept(reserve):
                    self.say("not seen from outside yet: sending the change once more")
                    self.changer.apply(again, until, reserve)
                verdict = self.view.wait(hosts, side, until, say=lambda words: self._awaited(words, until))
            detail.append(f"{len(verdict.held)} of {len(hosts)} hosts answered by {side}")
        return verdict

    def _awaited(self, words: str, until: float) -> None:
        self.say(f"{words}; at most {left(until):.0f} s more")

    def _calls_kept(self, reserve: int) -> int:
        """Sending plan A once more may cost plan B its tries again, but not its first; a restore backing out none."""
        return reserve if self.act is Act.RESTORE else min(reserve, self.changer.calls_at_end + 1)

    def _held(self, verdict: Verdict, plan: str) -> None:
        self.outcome.plan, self.outcome.result = plan, Result.UNVERIFIED
        if verdict.is_whole(self.ids.hosts):
            self.outcome.result = Result.SWITCHED
            self.outcome.switched_after_seconds = round(self.budget.elapsed, 3)
        self._show(verdict)

    def _show(self, verdict: Verdict) -> None:
        self.outcome.sightings = [str(one) for one in verdict.sightings]
        self.outcome.dissent = list(verdict.dissent)
        if verdict.is_blind and not verdict.is_whole(self.ids.hosts):
            self.outcome.warnings.append(
                "no resolver answers, so nobody could look: it may hold all the same; `status` from another network"
            )

    def _own(self, unfinished: Unfinished | None) -> set[str]:
        return {self.outcome.operation, *(unfinished.ids if unfinished else ())}

    def _set_active(self) -> None:
        if self.is_drill or self.checkout is None:
            return
        active = active_after(self.ids, self.changer.records, self.changer.scripts)
        is_done = self.outcome.result.is_done
        try:
            self.outcome.setting = setting_after(self.ids, active, self.checkout, is_done=is_done)
        except FailoverError as error:
            self.outcome.warnings.append(str(error))

    def _write_evidence(self) -> None:
        if self.is_drill:
            return
        try:
            self.files = write(self.place.evidence, self.outcome)
        except FailoverError as error:
            self.outcome.warnings.append(str(error))

    def _measured(self) -> Outcome:
        self.outcome.calls = list(self.transport.calls)
        self.outcome.seconds = round(self.budget.elapsed, 3)
        return self.outcome
