"""Makes changes: each in the journal before and after it, and a mark on the record while they are made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from failover.api import Api, RecordEdit, RecordNow
from failover.changes import Change, RecordChange, RouteChange
from failover.errors import ApiError
from failover.lock import Mark, mark_of, marked, without_mark
from failover.recorder import Recorder


@dataclass(kw_only=True)
class Changer:
    api: Api
    recorder: Recorder
    records: dict[str, RecordNow] = field(default_factory=dict)
    """By id, as the API has last said that they are."""

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
            return {one.hostname: str(error) for one in changes}
        for one in changes:
            note(one.step, "done")
        return {}

    def _route_setter(self, one: RouteChange, until: float, reserve: int) -> Callable[[], None]:
        def act() -> None:
            answer = self.api.set_script(one.route, one.after, until, reserve=reserve)
            if answer.script != one.after:
                raise ApiError(f"{one.step}: the API answers that its script is {answer.script or 'none'}")

        return act

    def _set_records(self, changes: list[RecordChange], until: float, reserve: int) -> None:
        """What a batch leaves out is sent once more."""
        missed = changes
        for _ in range(2):
            edits = [RecordEdit(record=one.record, target=one.after) for one in missed]
            answers = self.api.edit_records("change the records", edits, until, reserve=reserve)
            self.records |= {one.id: one for one in answers}
            missed = [one for one in missed if self.records[one.record.id].target != one.after]
            if not missed:
                return
        raise ApiError(f"the API changed only a part: not {', '.join(one.record.name for one in missed)}")

    def mark(self, record: RecordNow, until: float) -> None:
        """Advisory, and never in the way: where it can't be left the operation goes on."""
        outcome = self.recorder.outcome
        comment = marked(record.comment, outcome.operation, self.recorder.clock.now(), outcome.who)
        if comment is None:
            outcome.warnings.append("no mark for other operators: the record's comment has no room for it")
            return
        self.recorder.note("mark", "begin", record=record.id)
        try:
            with self.recorder.step("mark the record for other operators"):
                self.api.edit_records("mark the record", [RecordEdit(record=record, comment=comment)], until, tries=1)
        except ApiError as error:
            outcome.warnings.append(f"no mark for other operators: {error}")
        self.recorder.note("mark", "done")

    def unmark(self, record: RecordNow, until: float, own: set[str], known: Mark | None) -> None:
        """Takes away our own mark and a stale one; of another's that has come since it only tells."""
        outcome = self.recorder.outcome
        self.recorder.note("unmark", "begin", record=record.id)
        try:
            with self.recorder.step("take the mark away"):
                now = self.api.records(until, record.name, reserve=1)
                here = next((one for one in now if one.id == record.id), None)
                mark = mark_of(here.comment) if here else None
                if mark and mark.operation not in own and mark != known:
                    outcome.warnings.append(f"{mark} was at it at the same time: look at the hosts with `status`")
                elif here and mark:
                    edit = RecordEdit(record=here, comment=without_mark(here.comment))
                    self.api.edit_records("take the mark away", [edit], until)
        except ApiError as error:
            outcome.warnings.append(f"the mark on the record may still be there: {error}")
        self.recorder.note("unmark", "done")
