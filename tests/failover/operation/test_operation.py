"""A rollback and a restore: what is changed, what is said, what is left; and a batch that is made only in part."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from failover.cloudflare.api import RecordEdit, RecordNow
from failover.common.terms import Act, Via
from failover.operation.journal import Journal
from failover.operation.outcome import Result
from tests.failover.world import COMMENT, HOST, SCRIPT, STANDBY_NAME, World

OTHER, PAGES = "api.example.test", "docs.example.test"


def test_a_rollback_blanks_the_route_and_a_restore_gives_it_back(world: World) -> None:
    before = world.record()
    outcome = world.act()
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "A (route)")
    assert world.script() is None
    assert (outcome.switched_after_seconds or 99) < 3
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    assert world.script() == SCRIPT
    after = world.record()
    assert {**after, "modified_on": ""} == {**before, "modified_on": ""}


def test_an_operation_makes_at_most_ten_calls_and_keeps_its_evidence(world: World) -> None:
    operation = world.operation()
    outcome = operation.execute()
    assert len(outcome.calls) <= 7
    found = json.loads(operation.files[0].read_text())
    assert found["result"] == "switched"
    assert [call["name"] for call in found["calls"]] == [call.name for call in outcome.calls]
    text = operation.files[1].read_text()
    assert "## Timeline" in text
    assert operation.token not in text + json.dumps(found)


def test_plan_changes_nothing(world: World) -> None:
    data = world.ask("GET", "/zones/" + "b" * 32 + "/dns_records")
    _, changes, _ = world.operation().prepare()
    assert [str(change) for change in changes] == [f"route {HOST}/*: script {SCRIPT} → none"]
    assert world.ask("GET", "/zones/" + "b" * 32 + "/dns_records") == data
    assert world.script() == SCRIPT
    assert not world.paths.journal.exists()


def test_a_second_rollback_changes_nothing(world: World) -> None:
    world.act()
    lines = Journal(world.paths.journal).lines()
    record = world.record()
    outcome = world.act()
    assert outcome.result is Result.ALREADY
    assert {call.request.split()[0] for call in outcome.calls} == {"GET"}
    assert world.record() == record
    assert Journal(world.paths.journal).lines() == lines


def test_plan_b_leads_the_record_past_cloudflare(world: World) -> None:
    outcome = world.act(via=Via.DNS)
    assert (outcome.result, outcome.plan) == (Result.SWITCHED, "B (DNS)")
    record = world.record()
    assert (record["content"], record["proxied"], record["ttl"]) == (STANDBY_NAME, False, 60)
    assert record["comment"] == COMMENT
    assert world.script() == SCRIPT
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    assert (world.record()["proxied"], world.record()["ttl"]) == (True, 1)


def test_pages_hosts_are_switched_by_dns_in_one_batch(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", PAGES: "pages", OTHER: "pages"})
    outcome = world.act()
    assert outcome.result is Result.SWITCHED
    assert world.script() is None
    assert [world.record(host)["content"] for host in (PAGES, OTHER)] == [STANDBY_NAME] * 2
    assert world.record()["proxied"] is True
    assert [call.name for call in outcome.calls].count("change the records") == 1
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    assert [world.record(host)["content"] for host in (PAGES, OTHER)] == ["site.pages.dev"] * 2


def test_one_host_of_several_can_be_switched_alone(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker"})
    world.act(ids=world.ids.chosen([OTHER]))
    assert (world.script(), world.script(OTHER)) == (SCRIPT, None)


def test_more_hosts_than_ten_calls_allow_are_refused(worlds: Callable[..., World]) -> None:
    hosts = {f"h{number}.example.test": "worker" for number in range(6)}
    world = worlds(hosts=hosts)
    world.refuses("11 API calls are more than 10")
    assert world.act(via=Via.DNS).result is Result.SWITCHED


def test_the_lock_is_there_while_it_runs_and_gone_after(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = world.operation()
    (comment,) = world.locks_while(operation, monkeypatch)
    assert comment.startswith(f"operation {operation.outcome.operation} since 20")
    assert len(comment) <= 100
    assert world.locks() == []


def test_the_script_that_was_there_comes_back(world: World) -> None:
    """Also when it is another than the file of ids says, because it was deployed since."""
    ids = world.ids
    host = ids.hosts[0]
    assert host.route
    old = replace(ids, hosts=(replace(host, route=replace(host.route, script="older")),))
    outcome = world.act(ids=old)
    assert any("has the script site, the file of ids says older" in one for one in outcome.warnings)
    assert world.act(Act.RESTORE, ids=old).result is Result.SWITCHED
    assert world.script() == SCRIPT


@pytest.mark.parametrize(("partly", "result"), [(1, Result.SWITCHED), (9, Result.UNVERIFIED)])
def test_what_a_batch_leaves_out_is_sent_once_more(worlds: Callable[..., World], partly: int, result: Result) -> None:
    other = "docs.example.test"
    world = worlds(hosts={HOST: "worker", other: "worker"})
    operation = world.operation(via=Via.DNS)
    edit, sent = operation.api.edit_records, list[list[str]]()

    def in_part(edits: list[RecordEdit], deadline: float, *, reserve: int = 0) -> list[RecordNow]:
        sent.append([one.record.name for one in edits])
        left_out = [one for one in edits if len(sent) <= partly and one.record.name == other]
        made = [one for one in edits if one not in left_out]
        done = edit(made, deadline, reserve=reserve) if made else []
        return [*done, *(one.record for one in left_out)]

    operation.api.edit_records = in_part  # type: ignore[method-assign]
    outcome = operation.execute()
    assert outcome.result is result
    assert sent[:2] == [[HOST, other], [other]]
    if result is Result.SWITCHED:
        assert [world.record(host)["content"] for host in (HOST, other)] == [STANDBY_NAME] * 2
    else:
        assert outcome.faults[0] == f"the API changed only a part: not {other}"
