"""A rollback or a restore: preflight, refused or journaled, done, verified from outside, and left as evidence."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from failover.cloudflare.api import Api, RecordEdit, RecordNow, held_lock, held_seconds, lock_comment
from failover.cloudflare.transport import Transport
from failover.common.clock import TOTAL_SECONDS, ApiClock, Budget, left
from failover.common.errors import ApiError, DeniedError, FailoverError, RefusedError, TakenError
from failover.common.ids import Ids
from failover.common.lock import machine_lock, new_operation, operator
from failover.common.terms import Act, Via
from failover.operation.active_setting import active_after, setting_after
from failover.operation.changes import DNS_ONLY_TTL, Change, RecordChange, RouteChange, before_rollback, led_past
from failover.operation.journal import OPERATION, Journal, Paths, Unfinished
from failover.operation.outcome import Outcome, Result, Step, write
from failover.operation.preflight import (
    CALLS_AROUND,
    Preflight,
    Reason,
    Refusal,
    calls_needed,
    held_here,
    judge,
    preflight,
)
from failover.probe.watch import Verdict, View

# Of a restore: what is left is for backing out.
RESTORE_SHARE = 0.6
# When no change was accepted there is little to wait for; but an answer that got lost may have been an acceptance.
LOST_ANSWER_SECONDS = 10.0
# Plan A leaves so many calls to plan B, which may be refused at first, too.
PLAN_B_TRIES = 3
# Plan B follows all the same: it leads to the same stand-by, and plan A's change may not have reached the edge.
NOT_VERIFIABLE = "confirmed by the API, but no resolver answers, so it could not be verified"
# Caches keep what plan B has set for its TTL; after that clients get what is set now.
CACHES_SECONDS = DNS_ONLY_TTL + 15.0
LOCK, UNLOCK = "lock", "unlock"


@dataclass(kw_only=True)
class Recorder:
    """What an operation notes while it runs: the journal for the next run, steps and seconds for the evidence."""

    outcome: Outcome
    journal: Journal
    budget: Budget
    clock: ApiClock
    say: Callable[[str], None]
    _is_begun: bool = False

    def note(self, step: str, phase: str, **details: Any) -> None:
        """Notes a line in the journal, which is on disk when this returns.

        Without its first line nothing begins. A disk that fills up later must not stop a rollback half-way.
        """
        try:
            self.journal.write(self.outcome.operation, step, phase, moment=self.clock.now(), **details)
        except FailoverError as error:
            if not self._is_begun:
                raise
            if str(error) not in self.outcome.warnings:
                self.outcome.warnings.append(str(error))
        self._is_begun = True

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Times a step; texts that the block appends become its detail."""
        at, detail, fault = self.budget.elapsed, list[str](), None
        self.say(name)
        try:
            yield detail
        except FailoverError as error:
            fault = str(error)
            raise
        finally:
            took = round(self.budget.elapsed - at, 3)
            self.outcome.steps.append(
                Step(name=name, at_seconds=round(at, 3), seconds=took, detail="; ".join(detail), fault=fault)
            )


@dataclass(kw_only=True)
class Changer:
    """Makes changes: each in the journal before and after it, and under a lock that other operators see."""

    api: Api
    recorder: Recorder
    records: dict[str, RecordNow] = field(default_factory=dict)
    """Records by id, as the API last described them."""
    scripts: dict[str, str | None] = field(default_factory=dict)
    """Scripts by the route's id, also as the preflight found them."""
    _locks: list[str] = field(default_factory=list)
    _is_lock_uncertain: bool = False
    """Whether a lock may be ours without our knowing its id: the answer got lost."""

    @property
    def calls_at_end(self) -> int:
        """Giving the lock back; one whose id got lost has to be looked for first."""
        return 2 if self._is_lock_uncertain else int(bool(self._locks))

    def is_confirmed(self, one: Change) -> bool:
        """Whether what it wants is what the API has last said."""
        if isinstance(one, RouteChange):
            return self.scripts.get(one.route.id, "unknown") == one.after
        return self.records[one.record.id].target == one.after

    def apply(self, changes: list[Change], until: float, reserve: int) -> dict[str, str]:
        """Fault by host name: empty when the API accepted all. Changes of records are sent together."""
        failed: dict[str, str] = {}
        for route in (one for one in changes if isinstance(one, RouteChange)):
            with self._noted([route], failed):
                answer = self.api.set_script(route.route, route.after, until, reserve=reserve)
                self.scripts[route.route.id] = answer.script
                if answer.script != route.after:
                    raise ApiError(f"{route.step}: the API answers that its script is {answer.script or 'none'}")
        records = [one for one in changes if isinstance(one, RecordChange)]
        if records:
            with self._noted(records, failed):
                self._set_records(records, until, reserve)
        return failed

    @contextmanager
    def _noted(self, changes: Sequence[Change], failed: dict[str, str]) -> Iterator[None]:
        """Journals changes before and after they are made; a fault of the API is noted, not raised."""
        recorder, fault = self.recorder, None
        for one in changes:
            recorder.note(one.step, "begin", **one.document())
        try:
            with recorder.step("; ".join(map(str, changes))):
                yield
        except ApiError as error:
            fault = str(error)
            recorder.outcome.faults.append(fault)
            failed |= {one.hostname: fault for one in changes}
        for one in changes:
            recorder.note(one.step, "failed" if fault else "done", **({"fault": fault} if fault else {}))
            recorder.outcome.changes.append({"step": one.step, **one.document(), "is_confirmed": fault is None})

    def _set_records(self, changes: list[RecordChange], until: float, reserve: int) -> None:
        """What a batch leaves out is sent once more."""
        missed = changes
        for _ in range(2):
            edits = [RecordEdit(record=one.record, target=one.after) for one in missed]
            answers = self.api.edit_records(edits, until, reserve=reserve)
            self.records |= {one.id: one for one in answers}
            missed = [one for one in missed if self.records[one.record.id].target != one.after]
            if not missed:
                return
        raise ApiError(f"the API changed only a part: not {', '.join(one.record.name for one in missed)}")

    def take_lock(self, names: list[str], instead_of: list[str], until: float, reserve: int) -> None:
        """Raises TakenError where another operation has it by now; where it can't be taken otherwise, only warns."""
        outcome = self.recorder.outcome
        seconds = held_seconds(outcome.budget_seconds)
        comment = lock_comment(outcome.operation, self.recorder.clock.now(), outcome.who, seconds)
        self.recorder.note(LOCK, "begin", names=names)
        try:
            with self.recorder.step("take the lock that other operators see"):
                self._locks = self.api.lock(names, comment, instead_of, until, reserve=reserve)
        except TakenError:
            raise
        except ApiError as error:
            self._is_lock_uncertain = not isinstance(error, DeniedError)
            outcome.warnings.append(f"no lock that other operators see: {error}")
        self.recorder.note(LOCK, "done")

    def give_lock_back(self, until: float) -> None:
        if not self._locks and not self._is_lock_uncertain:
            return
        outcome = self.recorder.outcome
        self.recorder.note(UNLOCK, "begin")
        try:
            with self.recorder.step("give the lock back"):
                own = self._locks or self._found_locks(until)
                if own:
                    self.api.unlock(own, until)
        except ApiError as error:
            outcome.warnings.append(
                f"the lock was not given back: {error}; if another operation has taken it with --force, "
                "check the hosts with `status`"
            )
        self.recorder.note(UNLOCK, "done")

    def _found_locks(self, until: float) -> list[str]:
        operation = self.recorder.outcome.operation
        rows = [held_lock(one.id, one.name, one.comment) for one in self.api.records(until, reserve=1)]
        return [one.record_id for one in rows if one.operation == operation]


@dataclass(kw_only=True)
class Operation:
    """One run; `prepare` changes nothing, `execute` does. Raises RefusedError with all refusals at once."""

    ids: Ids
    paths: Paths
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
        self.journal = Journal(self.paths.journal, self.paths.stack, hosts, self.paths.older, self.drill)
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

    def prepare(self) -> tuple[Preflight, list[Change], Unfinished | None]:
        """What is there, what would be changed, and an operation that was cut short."""
        unfinished = self.journal.unfinished()
        # The evidence's name for the preflight, as its readers know it from earlier versions.
        with self.recorder.step("look"):
            found = preflight(self.ids, self.api, self.view, self.budget, act=self.act)
        changes = found.changes(self.act, self.via, before_rollback(self.journal, self.ids))
        own, clock = {self.outcome.operation, *(unfinished.ids if unfinished else ())}, self.transport.clock
        judge(found, self.api, self.act, self.via, changes, own, clock.now())
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
        with contextlib.closing(self), machine_lock(self.paths.lock, self.outcome.operation) as other:
            found, changes, unfinished = self.prepare()
            if other and other.operation != self.drill:
                found.refuse(Reason.LOCK, held_here(other), can_be_forced=False)
            is_there = not changes and unfinished is None and found.is_read and found.clients_see(self.act.side)
            if is_there and not any(one.reason.may_change_what_is_there for one in found.refusals):
                # Who has nothing to change needs no lock and no healthy stand-by.
                self.outcome.result = Result.ALREADY
                self.outcome.sightings = [str(one) for one in found.sightings]
                self._set_active()
                return self._with_figures()
            self._refuse(found.refusals, is_there=is_there)
            self._begin(unfinished)
            if found.is_read:
                self._lock(found, changes)
            if self.act is Act.ROLLBACK:
                self._roll_back(found, changes)
            else:
                self._restore(found, changes)
            self.changer.give_lock_back(time.monotonic() + max(LOST_ANSWER_SECONDS, left(self.budget.until)))
            self._set_active()
            self._write_evidence()
            ends = {"seconds": self.outcome.seconds, "switched_after_seconds": self.outcome.switched_after_seconds}
            self.recorder.note(OPERATION, "done", result=str(self.outcome.result), act=str(self.act), **ends)
            return self._with_figures()

    def _refuse(self, refusals: list[Refusal], *, is_there: bool) -> None:
        if any(self.force is None or not one.can_be_forced for one in refusals):
            now = f"{self.act.side} answers just now, and nothing was changed; whether it stays so is not known"
            raise RefusedError("\n".join([*map(str, refusals), *([now] if is_there else [])]))
        self.outcome.overridden = [f"{one.reason}: {one.text}" for one in refusals]

    def _begin(self, unfinished: Unfinished | None) -> None:
        self.outcome.continues = unfinished.id if unfinished else None
        what = {"act": str(self.act), "via": str(self.via), "hosts": self.outcome.hosts, "who": self.outcome.who}
        of = {"stack": self.ids.stack, "is_drill": self.is_drill, "drill": self.drill}
        named = {
            "scripts": self.ids.scripts,
            "records": {host.record.id: host.record.content for host in self.ids.hosts},
        }
        self.recorder.note(OPERATION, "begin", **what, **of, **named, force=self.force)

    def _lock(self, found: Preflight, changes: list[Change]) -> None:
        """Any lock that is there by now is our own, stale, or overridden by --force."""
        reserve = calls_needed(changes, self.act, self.via) - CALLS_AROUND + 1
        names = [host.hostname for host in self.ids.hosts]
        try:
            self.changer.take_lock(names, [one.record_id for one in found.locks], self.budget.preflight_until, reserve)
        except TakenError as error:
            self.recorder.note(OPERATION, "refused", fault=str(error))
            raise RefusedError(
                f"refused ({Reason.LOCK}): another operation has just taken the lock: {error}"
            ) from error

    def _roll_back(self, found: Preflight, changes: list[Change]) -> None:
        is_route = any(isinstance(one, RouteChange) for one in changes) or (self.via is Via.ROUTE and not changes)
        until = self.budget.plan_a_until if is_route else self.budget.until
        reserve = self.changer.calls_at_end + PLAN_B_TRIES * is_route
        failed = self.changer.apply(changes, until, reserve)
        verdict = None if failed else self._verify(changes, until, reserve)
        late = set(failed) or {host.hostname for host in self.ids.hosts} - (verdict.held if verdict else set())
        plan_b: list[Change] = [
            RecordChange(
                hostname=now.host.hostname, record=self.changer.records[now.record.id], after=led_past(now.host)
            )
            for now in found.hosts
            if is_route and now.host.hostname in late
        ]
        if plan_b:
            why = NOT_VERIFIABLE if verdict and verdict.is_blind else "not seen from outside in its time"
            self.say(f"plan A: {next(iter(failed.values()), why)}; going on with plan B")
            failed = self.changer.apply(plan_b, self.budget.until, self.changer.calls_at_end)
            verdict = None if failed else self._verify(plan_b, self.budget.until, self.changer.calls_at_end)
        if verdict is None:
            until = min(self.budget.until, time.monotonic() + LOST_ANSWER_SECONDS)
            verdict = self._verify([], until, self.changer.calls_at_end)
        self._conclude(verdict, self._confirmed_plan(changes, plan_b, is_route=is_route))

    def _confirmed_plan(self, changes: list[Change], plan_b: list[Change], *, is_route: bool) -> str:
        """What the API has confirmed, and not what was tried; empty where that is nothing."""
        is_first = not changes or any(map(self.changer.is_confirmed, changes))
        if not is_route:
            return "B (DNS)" if is_first else ""
        if any(map(self.changer.is_confirmed, plan_b)):
            return "B (DNS), after A did not hold"
        return ("A (route); B (DNS) was not confirmed" if plan_b else "A (route)") if is_first else ""

    def _restore(self, found: Preflight, changes: list[Change]) -> None:
        until = self.budget.started + self.total_seconds * RESTORE_SHARE
        if not changes:
            is_cached = any(one.side is self.act.side.other for one in found.sightings)
            until = min(until, time.monotonic() + (CACHES_SECONDS if is_cached else LOST_ANSWER_SECONDS))
        reserve = self.changer.calls_at_end + len(changes)
        failed = self.changer.apply(changes, until, reserve)
        verdict = None if failed else self._verify(changes, until, reserve)
        if verdict and verdict.is_whole(self.ids.hosts):
            self._conclude(verdict, "restore")
            return
        if verdict and not changes:
            self.outcome.warnings.append(
                "the Worker's side does not hold, and there is nothing to back out: routes and records are as declared "
                "already; to have the stand-by answer: rollback --execute"
            )
            self._conclude(verdict, "restore")
            return
        self.say("the Worker's side does not hold: backing out, the stand-by goes on answering")
        undo: list[Change] = [self._undone(one) for one in reversed(changes)]
        self.changer.apply(undo, self.budget.until, self.changer.calls_at_end)
        with self.recorder.step("verify the stand-by") as detail:
            until = self.budget.until
            back = self.view.wait(
                self.ids.hosts, self.act.side.other, until, say=lambda text: self._say_awaited(text, until)
            )
            detail.append("holds" if back.is_whole(self.ids.hosts) else "does not hold")
        self.outcome.result = Result.BACKED_OUT if back.is_whole(self.ids.hosts) else Result.UNVERIFIED
        self._note_sightings(back)

    def _undone(self, one: Change) -> Change:
        if isinstance(one, RouteChange):
            return RouteChange(hostname=one.hostname, route=one.route, before=one.after, after=one.before)
        record = self.changer.records[one.record.id]
        return RecordChange(hostname=one.hostname, record=record, after=one.record.target)

    def _verify(self, changes: list[Change], until: float, reserve: int) -> Verdict:
        """Half-way, what is not seen is sent once more: the API may have accepted it without passing it to the edge."""
        half = time.monotonic() + left(until) / 2
        hosts, side = self.ids.hosts, self.act.side
        with self.recorder.step("verify from outside") as detail:
            verdict = self.view.wait(hosts, side, half, say=lambda text: self._say_awaited(text, until))
            if not verdict.is_whole(hosts):
                again = [one for one in changes if one.hostname not in verdict.held]
                if again and self.transport.calls_left > self._calls_kept(reserve):
                    self.say("not seen from outside yet: sending the change once more")
                    self.changer.apply(again, until, reserve)
                verdict = self.view.wait(hosts, side, until, say=lambda text: self._say_awaited(text, until))
            detail.append(f"{len(verdict.held)} of {len(hosts)} hosts answered by {side}")
        return verdict

    def _say_awaited(self, text: str, until: float) -> None:
        self.say(f"{text}; at most {left(until):.0f} s more")

    def _calls_kept(self, reserve: int) -> int:
        """Calls to keep when a change is sent again: one for plan B; for a restore all of backing out."""
        return reserve if self.act is Act.RESTORE else min(reserve, self.changer.calls_at_end + 1)

    def _conclude(self, verdict: Verdict, plan: str) -> None:
        self.outcome.plan, self.outcome.result = plan, Result.UNVERIFIED
        if verdict.is_whole(self.ids.hosts):
            self.outcome.result = Result.SWITCHED
            self.outcome.switched_after_seconds = round(self.budget.elapsed, 3)
        self._note_sightings(verdict)

    def _note_sightings(self, verdict: Verdict) -> None:
        self.outcome.sightings = [str(one) for one in verdict.sightings]
        self.outcome.dissent = list(verdict.dissent)
        if verdict.is_blind and not verdict.is_whole(self.ids.hosts):
            self.outcome.warnings.append(
                "no resolver answers, so it could not be verified: it may have worked all the same; "
                "run `status` from another network"
            )

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
        self._with_figures()
        if self.is_drill:
            return
        try:
            self.files = write(self.paths.evidence, self.outcome)
        except FailoverError as error:
            self.outcome.warnings.append(str(error))

    def _with_figures(self) -> Outcome:
        self.outcome.calls = list(self.transport.calls)
        self.outcome.seconds = round(self.budget.elapsed, 3)
        return self.outcome
