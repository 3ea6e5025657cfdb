"""Of a batch that the API makes only in part, what was left out is sent once more."""

from collections.abc import Callable

import pytest

from failover.cloudflare.api import RecordEdit, RecordNow
from failover.common.terms import Via
from failover.operation.outcome import Result
from tests.failover.world import HOST, STANDBY_NAME, World

OTHER = "docs.example.test"


@pytest.mark.parametrize(("partly", "result"), [(1, Result.SWITCHED), (9, Result.UNVERIFIED)])
def test_what_a_batch_leaves_out_is_sent_once_more(worlds: Callable[..., World], partly: int, result: Result) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    operation = world.operation(via=Via.DNS)
    edit, sent = operation.api.edit_records, list[list[str]]()

    def in_part(edits: list[RecordEdit], deadline: float, *, reserve: int = 0) -> list[RecordNow]:
        sent.append([one.record.name for one in edits])
        left_out = [one for one in edits if len(sent) <= partly and one.record.name == OTHER]
        made = [one for one in edits if one not in left_out]
        done = edit(made, deadline, reserve=reserve) if made else []
        return [*done, *(one.record for one in left_out)]

    operation.api.edit_records = in_part  # type: ignore[method-assign]
    outcome = operation.execute()
    assert outcome.result is result
    assert sent[:2] == [[HOST, OTHER], [OTHER]]
    if result is Result.SWITCHED:
        assert [world.record(host)["content"] for host in (HOST, OTHER)] == [STANDBY_NAME] * 2
    else:
        assert outcome.faults[0] == f"the API changed only a part: not {OTHER}"
