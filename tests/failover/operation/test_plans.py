"""What `plan` says before anything is changed, and the same without this program."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from failover.cloudflare.api import RecordNow, Target
from failover.common.errors import ApiError
from failover.common.terms import Act, Via
from failover.operation.changes import Change, RecordChange, RouteChange, estimated_seconds, led_past
from failover.operation.operation import Changer
from failover.operation.preflight import Reason
from failover.probe import clients
from tests.commands import ROOT
from tests.failover.command_line import Answer, flags
from tests.failover.world import HOST, SCRIPT, STANDBY_NAME, TOKENS, World

PAGES = "docs.example.test"


def changes(world: World, *kinds: str) -> list[Change]:
    (host,) = world.ids.hosts
    route, record = host.route, host.record
    assert route
    target = Target(content=record.content, proxied=True, ttl=1)
    now = RecordNow(id=record.id, type="CNAME", name=HOST, target=target, comment="")
    made: dict[str, Change] = {
        "route": RouteChange(hostname=HOST, route=route, before=SCRIPT, after=None),
        "record": RecordChange(hostname=HOST, record=now, after=led_past(host)),
    }
    return [made[kind] for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "measured", "message"),
    [
        ((), 0.4, "0 s"),
        (("route",), 0.44, "0.4 s, as measured here the last time"),
        (("route",), None, "seconds (routes are not cached; no drill has measured it on this stack yet)"),
        (("record",), 0.4, "seconds for clients that query DNS again, up to 300 s for those with a cached answer"),
        (
            ("route", "record"),
            0.4,
            "seconds for clients that query DNS again, up to 300 s for those with a cached answer",
        ),
    ],
)
def test_the_estimate_is_of_the_slowest_change(
    world: World, kinds: tuple[str, ...], measured: float | None, message: str
) -> None:
    assert estimated_seconds(changes(world, *kinds), measured) == message


def test_a_plan_tells_changes_time_and_calls(world: World) -> None:
    plan = Answer("plan", *flags(world))
    assert plan.code == 0
    assert plan.out.splitlines() == [
        f"{HOST}: worker is the active side, by the API",
        f"clients {HOST} by {world.resolvers[0].name} (TTL 300 s): 127.0.0.1: 200 from worker, build b1",
        f"change  route {HOST}/*: script {SCRIPT} → none",
        "takes   seconds (routes are not cached; no drill has measured it on this stack yet)",
        "calls   at most 6 of the API",
    ]
    assert "takes   seconds for clients that query DNS again" in Answer("plan", "--via", "dns", *flags(world)).out


def test_a_plan_refuses_builds_that_differ(world: World) -> None:
    world.outside.worker_build = "b2"
    plan = Answer("plan", *flags(world))
    assert plan.code == 1
    message = f"refused (parity): {HOST}: the stand-by has build b1, the Worker b2; --force REASON overrides this"
    assert message in plan.out.splitlines()


def test_a_plan_refuses_a_near_rate_limit(world: World) -> None:
    world.control_plane.rate.limit = world.control_plane.rate._count + 4
    plan = Answer("plan", *flags(world))
    assert plan.code == 1
    (line,) = [line for line in plan.out.splitlines() if line.startswith("refused")]
    assert line == (
        "refused (rate limit): the API allows 2 more calls for now and 4 may still be needed; "
        "stop what else calls it for this account, and wait five minutes"
    )


def run(lines: list[str]) -> None:
    environment = {**os.environ, "HYBRID_ROLLBACK_TOKEN": TOKENS["rollback"][0]}
    for line in lines:
        subprocess.run(["sh", "-c", line], env=environment, capture_output=True, check=True, timeout=20)


def by_hand(world: World, wish: str, part: str) -> list[str]:
    lines = Answer("plan", wish, "--by-hand", *flags(world)).out.splitlines()
    return [line for line in lines if line.startswith("curl ") and part in line]


def test_a_plan_shows_what_clients_get_in_place_of_the_active_side(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "WHOLE_SECONDS", 1.0)
    world.outside.worker_drips = "head"
    lines = Answer("plan", *flags(world)).out.splitlines()
    assert f"{HOST}: worker is the active side, by the API" in lines
    (line,) = [line for line in lines if line.startswith(f"clients {HOST} by ")]
    assert line.endswith(": 127.0.0.1: no answer in time")


def test_plan_b_by_hand_does_the_same_as_plan_b(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", PAGES: "pages"})
    before = [_kept(world.record(name)) for name in (HOST, PAGES)]
    run(by_hand(world, "rollback", "/dns_records/"))
    mine = [_kept(world.record(name)) for name in (HOST, PAGES)]
    assert [(row["content"], row["proxied"], row["ttl"]) for row in mine] == [(STANDBY_NAME, False, 60)] * 2
    run(by_hand(world, "restore", "/dns_records/"))
    assert [_kept(world.record(name)) for name in (HOST, PAGES)] == before
    world.act(via=Via.DNS)
    assert [_kept(world.record(name)) for name in (HOST, PAGES)] == mine
    assert world.act(Act.RESTORE).result.is_done


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "modified_on"}


def test_what_the_api_leaves_out_of_its_answer_is_sent_once_more(world: World) -> None:
    operation = world.operation()
    changer, sent = Changer(api=operation.api, recorder=operation.recorder), list[int]()
    two = changes(world, "record") + changes(world, "record")
    records = [one for one in two if isinstance(one, RecordChange)]
    other = RecordNow(**{**records[1].record.__dict__, "id": "e" * 32, "name": PAGES})
    records[1] = RecordChange(hostname=PAGES, record=other, after=records[1].after)
    changer.records = {one.record.id: one.record for one in records}

    def edit(edits: list[Any], *_: object, **__: object) -> list[RecordNow]:
        """Only the first of each batch."""
        sent.append(len(edits))
        one = edits[0]
        return [RecordNow(**{**one.record.__dict__, "target": one.target})]

    operation.api.edit_records = edit  # type: ignore[method-assign]
    changer._set_records(records, 0.0, 0)
    assert sent == [2, 1]
    assert all(changer.records[one.record.id].target == one.after for one in records)


def test_what_the_api_leaves_out_twice_is_a_fault(world: World) -> None:
    operation = world.operation()
    changer = Changer(api=operation.api, recorder=operation.recorder)
    records = [one for one in changes(world, "record") if isinstance(one, RecordChange)]
    changer.records = {one.record.id: one.record for one in records}
    operation.api.edit_records = lambda *_, **__: []  # type: ignore[method-assign]
    with pytest.raises(ApiError, match=f"the API changed only a part: not {HOST}"):
        changer._set_records(records, 0.0, 0)
    assert json.dumps([one.document() for one in records])


def test_on_call_is_told_what_to_do_about_every_refusal() -> None:
    runbook = (ROOT / "docs/runbooks/failover.md").read_text()
    missing = [
        f"docs/runbooks/failover.md: add a row: it said `refused ({one})`"
        for one in Reason
        if f"({one})`" not in runbook
    ]
    assert not missing, "\n".join(missing)
