"""A rollback on the real local stack, as a client sees it: through real DNS and HTTP."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import Cloudflare

from local.failover.check import address_of
from local.stack import verified
from tests.changed_stack import record_with
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]


class Operator:
    """Has what a rollback has, the file of ids and the token, and a client's view."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.ids: Any = json.loads((stack.state / "failover.json").read_text())
        self.api = Cloudflare(
            api_token=(stack.state / "failover.token").read_text(),
            base_url=self.ids["api"],
            max_retries=0,
            _strict_response_validation=True,
            http_client=httpx.Client(trust_env=False),
        )
        (self.host,) = self.ids["hosts"]
        self.zone = self.ids["zone"]["id"]
        self.stack = stack.here

    def blank(self) -> None:
        route = self.host["route"]
        path = f"/zones/{self.zone}/workers/routes/{route['id']}"
        self.api.put(path, cast_to=object, body={"pattern": route["pattern"], "script": None})

    def restore(self) -> None:
        route = self.host["route"]
        fields = {"pattern": route["pattern"], "script": route["script"]}
        self.api.workers.routes.update(route["id"], zone_id=self.zone, **fields)

    def proxy(self, is_proxied: bool) -> None:
        record = {key: self.host["record"][key] for key in ("type", "name", "content")}
        fields: Any = {**record, "proxied": is_proxied, "ttl": 1 if is_proxied else 60}
        self.api.dns.records.edit(self.host["record"]["id"], zone_id=self.zone, **fields)

    def address(self) -> str:
        return address_of(self.stack, self.host["hostname"])

    def side(self) -> str:
        """Who answers a client that asks DNS now."""
        port = self.ids["probes"]["edge"][1]
        connection = http.client.HTTPConnection(self.address(), port, timeout=5)
        try:
            connection.request("GET", "/", headers={"host": self.host["hostname"]})
            answer = connection.getresponse()
            answer.read()
            return f"{answer.status} {answer.headers['x-served-by']}"
        finally:
            connection.close()


@pytest.fixture
def operator(stack: StackUnderTest) -> Iterator[Operator]:
    made = Operator(stack)
    try:
        yield made
    finally:
        made.api.close()


def test_a_blank_route_is_seen_by_the_next_request(operator: Operator) -> None:
    assert operator.side() == "200 worker"
    for _ in range(10):
        operator.blank()
        assert operator.side() == "200 vercel"
        operator.restore()
        assert operator.side() == "200 worker"
    assert operator.address() == "127.0.0.1"


def test_a_record_that_is_proxied_no_more_leads_past_the_edge(operator: Operator) -> None:
    taken = []
    # The shortest counts: the machine may have something else to do for a second.
    for _ in range(3):
        began = time.monotonic()
        operator.proxy(False)
        until(lambda: operator.address() == "127.0.0.2")
        taken.append(time.monotonic() - began)
        assert operator.side() == "200 vercel"
        operator.proxy(True)
        until(lambda: operator.address() == "127.0.0.1")
        assert operator.side() == "200 worker"
    assert min(taken) < 1


def test_up_does_not_undo_a_rollback(stack: StackUnderTest, operator: Operator) -> None:
    operator.blank()
    assert stack.bring_up() == []
    assert operator.side() == "200 vercel"
    operator.restore()


def test_what_was_rolled_back_is_not_what_was_verified(stack: StackUnderTest) -> None:
    state = stack.here.state
    verified.mark(state, verified.current(state))
    assert stack.told("failover", "rollback").returncode == 0
    assert verified.is_marked(state)
    assert stack.told("failover", "rollback", "--execute").returncode == 0
    assert not verified.is_marked(state)
    assert stack.told("failover", "restore", "--execute").returncode == 0


def test_what_was_changed_outlives_its_killed_control_plane(stack: StackUnderTest, operator: Operator) -> None:
    operator.blank()
    stack.kill("control-plane")
    assert operator.side() == "200 vercel"
    assert stack.bring_up() == ["control-plane"]
    assert operator.side() == "200 vercel"
    operator.restore()
    assert operator.side() == "200 worker"


@pytest.mark.parametrize("active", ["vercel", "vercel-dns"])
def test_the_active_side_is_a_setting(stack: StackUnderTest, operator: Operator, active: str, tmp_path: Path) -> None:
    assert stack.bring_up(record_with(tmp_path, failoverActive=active)) == ["failover"]
    # The API answers before its change is in DNS.
    until(lambda: operator.side() == "200 vercel")
    assert json.loads((stack.state / "failover.json").read_text())["hosts"] == [operator.host]
    assert stack.bring_up() == ["failover"]
    until(lambda: operator.side() == "200 worker")


def test_verify_says_which_side_answers(stack: StackUnderTest, operator: Operator) -> None:
    verified = stack.told("local", "verify", "--requests", "10", "--json")
    (told,) = [check for check in json.loads(verified.stdout)["checks"] if check["name"] == "failover"]
    assert told["is_passed"]
    assert told["detail"] == f"{operator.host['hostname']} by worker, stand-by ready, build unreleased"


@pytest.mark.parametrize("via", ["route", "dns"])
def test_the_drill_passes(stack: StackUnderTest, operator: Operator, via: str) -> None:
    answer = stack.told("failover", "drill", "--count", "2", "--via", via, "--json")
    assert answer.returncode == 0, answer.stderr
    drill = json.loads(answer.stdout)
    assert (drill["wrong"], drill["unanswered"], drill["missed"]) == (0, 0, [])
    assert [one["result"] for one in drill["rounds"]] == ["switched"] * 4
    assert operator.side() == "200 worker"


def test_the_command_is_seen_by_clients(stack: StackUnderTest, operator: Operator) -> None:
    assert stack.hybrid("failover", "rollback", "--execute").returncode == 0
    assert operator.side() == "200 vercel"
    assert ": script none" in stack.hybrid("failover", "status").stdout
    assert stack.hybrid("failover", "restore", "--execute").returncode == 0
    assert operator.side() == "200 worker"
