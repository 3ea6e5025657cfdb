"""Makes changes: each in the journal before and after it, and under a lock that other operators see."""

from collections.abc import Callable
from dataclasses import dataclass, field

from failover.cloudflare.api import Api, RecordEdit, RecordNow
from failover.common.errors import ApiError, DeniedError, TakenError
from failover.common.lock import held, held_seconds, lock_comment
from failover.operation.changes import Change, RecordChange, RouteChange
from failover.operation.recorder import Recorder

LOCK, UNLOCK = "lock", "unlock"


@dataclass(kw_only=True)
class Changer:
    api: Api
    recorder: Recorder
    records: dict[str, RecordNow] = field(default_factory=dict)
    """By id, as the API has last said that they are."""
    scripts: dict[str, str | None] = field(default_factory=dict)
    """Of routes, by id; as well."""
    _locks: list[str] = field(default_factory=list)
    _is_lock_uncertain: bool = False
    """Whether a lock may be ours without our knowing its id: the answer got lost."""

    @property
    def calls_at_end(self) -> int:
        """Giving the lock back; one that may be there by an id that got lost is looked for first."""
        return 2 if self._is_lock_uncertain else int(bool(self._locks))

    def is_confirmed(self, one: Change) -> bool:
        """Whether what it wants is what the API has last said."""
        if isinstance(one, RouteChange):
            return self.scripts.get(one.route.id, "unknown") == one.after
        return self.records[one.record.id].target == one.after

    def apply(self, changes: list[Change], until: float, reserve: int) -> dict[str, str]:
        """Fault by host name: empty when the API accepted all."""
        failed: dict[str, str] = {}
        for one in changes:
            if isinstance(one, RouteChange):
                failed |= self._try([one], self._route_setter(one, until, reserve))
        records = [one for one in changes if isinstance(one, RecordChange)]
        if records:
            failed |= self._try(records, lambda: self._set_records(records, until, reserve))
        return failed

    def _try(self, changes: list[RouteChange] | list[RecordChange], act: Callable[[], None]) -> dict[str, str]:
        note = self.recorder.note
        for one in changes:
            note(one.step, "begin", **one.document())
        try:
            with self.recorder.step("; ".join(map(str, changes))):
                act()
        except ApiError as error:
            self.recorder.outcome.faults.append(str(error))
            for one in changes:
                note(one.step, "failed", fault=str(error))
            self._sent(changes, is_confirmed=False)
            return {one.hostname: str(error) for one in changes}
        for one in changes:
            note(one.step, "done")
        self._sent(changes, is_confirmed=True)
        return {}

    def _sent(self, changes: list[RouteChange] | list[RecordChange], *, is_confirmed: bool) -> None:
        rows = [{"step": one.step, **one.document(), "is_confirmed": is_confirmed} for one in changes]
        self.recorder.outcome.changes += rows

    def _route_setter(self, one: RouteChange, until: float, reserve: int) -> Callable[[], None]:
        def act() -> None:
            answer = self.api.set_script(one.route, one.after, until, reserve=reserve)
            self.scripts[one.route.id] = answer.script
            if answer.script != one.after:
                raise ApiError(f"{one.step}: the API answers that its script is {answer.script or 'none'}")

        return act

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
        """Raises TakenError where another has it by now; where it can't be had for another reason, only warns."""
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
                "look at the hosts with `status`"
            )
        self.recorder.note(UNLOCK, "done")

    def _found_locks(self, until: float) -> list[str]:
        operation = self.recorder.outcome.operation
        rows = [held(one.id, one.name, one.comment) for one in self.api.records(until, reserve=1)]
        return [one.record_id for one in rows if one.operation == operation]
