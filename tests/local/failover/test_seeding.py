"""What the plan declares of the edge, brought into the control plane as Pulumi would; and the file of ids."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from failover.common import ids
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import State
from local.control_plane.settings import Settings
from local.edge.part import routed
from local.failover import control_plane
from local.failover.control_plane import ROLLBACK_SCOPES
from local.failover.declared import DeclaredEdge, declared_edge
from local.failover.seeding import Seeding, write_ids
from local.processes.stack import Stack
from plan.model import Plan
from tests.changed_stack import record_with
from tests.local.control_plane.under_test import OWNER, ControlPlaneUnderTest, serving, token

APP = "app-dev.automatonicai.com"
STANDBY = "cname.vercel-dns-0.com"


@pytest.fixture
def declared(dev_plan: Plan) -> DeclaredEdge:
    return declared_edge(dev_plan)


@pytest.fixture
def stack(state: State) -> Stack:
    return Stack(project=Path(), state=state, ports=Ports())


@pytest.fixture
def plane(stack: Stack, declared: DeclaredEdge) -> Iterator[ControlPlaneUnderTest]:
    """A control plane with the settings that `up` writes, on a port of its own."""
    control_plane.program(stack, declared, None)
    written = Settings.model_validate_json((control_plane.folder(stack) / "settings.json").read_bytes())
    with serving(written.model_copy(update={"port": 0, "tokens": (*written.tokens, token(OWNER, "*"))})) as made:
        yield made


class Seeder:
    def __init__(self, stack: Stack, plane: ControlPlaneUnderTest, zone: str) -> None:
        self.stack, self.plane, self.zone = stack, plane, zone
        self.api = plane.client()

    def __call__(self, declared: DeclaredEdge) -> int:
        headers = {"authorization": f"Bearer {OWNER}"}
        with httpx.Client(base_url=self.plane.base_url, headers=headers, trust_env=False) as client:
            seeding = Seeding(self.stack, declared, client)
            count = seeding.run()
            self.known = seeding.known
        return count

    def routes(self) -> dict[str, str | None]:
        return {route.pattern: route.script for route in self.api.workers.routes.list(zone_id=self.zone)}

    def records(self) -> dict[str, tuple[str, bool]]:
        return {row.name: (row.content, row.proxied) for row in self.api.dns.records.list(zone_id=self.zone)}

    def roll_back(self) -> None:
        body = {"pattern": f"{APP}/*", "script": None}
        path = f"/zones/{self.zone}/workers/routes/{self.known['routes']['site-route']['id']}"
        self.api.put(path, cast_to=object, body=body)


@pytest.fixture
def seed(stack: Stack, plane: ControlPlaneUnderTest, declared: DeclaredEdge) -> Seeder:
    return Seeder(stack, plane, declared.zone)


def with_script(declared: DeclaredEdge, script: str | None) -> DeclaredEdge:
    return replace(declared, routes={**declared.routes, "site-route": {"pattern": f"{APP}/*", "script": script}})


def test_the_plan_says_what_falls_back_to_what(declared: DeclaredEdge) -> None:
    (host,) = declared.hosts
    assert (host.hostname, host.standby, host.script) == (APP, STANDBY, "automatonicai-dev-web")
    assert host.challenges == ("site-challenge-acme", "site-challenge-vercel")
    assert declared.zone_name == "automatonicai.com"
    # The tunnel's records lead to what only the cloud knows.
    assert set(declared.records) == {"api-record", "site-record"}


def test_a_host_without_its_route_is_refused(dev_plan: Plan) -> None:
    resources = tuple(resource for resource in dev_plan.resources if resource.name != "site-route")
    with pytest.raises(LocalError, match=rf"{APP}/\*: no route is declared|{APP}: has not one record and a route"):
        declared_edge(replace(dev_plan, resources=resources))


def test_the_worker_is_known_while_the_stand_by_is_active(tmp_path: Path) -> None:
    plan = record_with(tmp_path, failoverActive="vercel")
    assert routed(plan, APP) == "automatonicai-dev-web"
    declared = declared_edge(plan)
    assert declared.hosts[0].script == "automatonicai-dev-web"
    assert declared.routes["site-route"]["script"] is None


def test_what_is_declared_is_there_and_a_second_run_changes_nothing(seed: Seeder, declared: DeclaredEdge) -> None:
    assert seed(declared) == 6
    assert seed.routes() == {
        "api-dev.automatonicai.com/*": "automatonicai-dev-api",
        f"{APP}/*": "automatonicai-dev-web",
        f"{APP}/.well-known/acme-challenge/*": None,
        f"{APP}/.well-known/vercel/*": None,
    }
    assert seed.records() == {APP: (STANDBY, True), "api-dev.automatonicai.com": ("100::", True)}
    assert seed(declared) == 0


def test_a_rollback_is_not_undone(seed: Seeder, declared: DeclaredEdge) -> None:
    seed(declared)
    seed.roll_back()
    assert seed(declared) == 0
    assert seed.routes()[f"{APP}/*"] is None


def test_another_active_side_is_brought_in(seed: Seeder, declared: DeclaredEdge) -> None:
    seed(declared)
    assert seed(with_script(declared, None)) == 1
    assert seed.routes()[f"{APP}/*"] is None
    assert seed(declared) == 1
    assert seed.routes()[f"{APP}/*"] == "automatonicai-dev-web"


def test_a_setting_that_a_rollback_has_changed_agrees_with_it(seed: Seeder, declared: DeclaredEdge) -> None:
    seed(declared)
    seed.roll_back()
    assert seed(with_script(declared, None)) == 0
    assert seed(declared) == 1
    assert seed.routes()[f"{APP}/*"] == "automatonicai-dev-web"


def test_only_what_was_declared_otherwise_is_changed(seed: Seeder, declared: DeclaredEdge) -> None:
    seed(declared)
    record = declared.records["site-record"]
    identity = seed.known["records"]["site-record"]["id"]
    seed.api.dns.records.edit(identity, zone_id=seed.zone, **{**record, "proxied": False, "ttl": 60})
    other = replace(declared, records={**declared.records, "site-record": {**record, "comment": "another"}})
    assert seed(other) == 1
    assert seed.records()[APP] == (STANDBY, False)
    assert seed.api.dns.records.get(identity, zone_id=seed.zone).comment == "another"


def test_what_is_declared_no_more_is_removed_and_what_was_lost_comes_back(seed: Seeder, declared: DeclaredEdge) -> None:
    seed(declared)
    routes = {name: route for name, route in declared.routes.items() if name != "api-route"}
    assert seed(replace(declared, routes=routes)) == 1
    assert "api-dev.automatonicai.com/*" not in seed.routes()
    assert seed(declared) == 1
    seed.api.workers.routes.delete(seed.known["routes"]["site-route"]["id"], zone_id=seed.zone)
    assert seed(declared) == 1
    assert seed.routes()[f"{APP}/*"] == "automatonicai-dev-web"


def test_what_is_there_already_is_taken_over(seed: Seeder, stack: Stack, declared: DeclaredEdge) -> None:
    seed(declared)
    seed.roll_back()
    (stack.state.folder / "declared-edge.json").unlink()
    assert seed(declared) == 1
    assert seed.routes()[f"{APP}/*"] == "automatonicai-dev-web"


def test_the_rollback_has_a_token_of_its_own_with_two_scopes(
    plane: ControlPlaneUnderTest, stack: Stack, capfd: pytest.CaptureFixture[str]
) -> None:
    control_plane.write_rollback_token(stack)
    path = stack.state.failover_token
    value = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert plane.client(value).user.tokens.verify().status == "active"
    settings = json.loads((control_plane.folder(stack) / "settings.json").read_text())
    assert [token["scopes"] for token in settings["tokens"]] == [["*"], list(ROLLBACK_SCOPES)]
    assert value not in json.dumps(settings)
    assert value not in "".join(capfd.readouterr())


def test_the_file_of_ids_is_what_the_command_reads(seed: Seeder, stack: Stack, declared: DeclaredEdge) -> None:
    seed(declared)
    assert write_ids(stack, declared, seed.known)
    assert not write_ids(stack, declared, seed.known)
    found = ids.read(stack.state.failover_ids)
    assert (found.stack, found.zone_id, found.keep_until) == ("local", declared.zone, "2027-01-31")
    (host,) = found.hosts
    assert host.route is not None
    assert host.route.script == "automatonicai-dev-web"
    assert (host.record.id, host.standby) == (seed.known["records"]["site-record"]["id"], STANDBY)
    assert found.probes.standby == ("127.0.0.2", stack.ports.edge_proxy)


def test_the_file_of_ids_is_dated_again_after_a_day(
    seed: Seeder, stack: Stack, declared: DeclaredEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(declared)
    write_ids(stack, declared, seed.known)
    document: dict[str, Any] = json.loads(stack.state.failover_ids.read_text())
    old = {**document, "resolved_at": "2026-01-01T00:00:00Z"}
    stack.state.write_json(stack.state.failover_ids, old)
    assert not write_ids(stack, declared, seed.known)
    again = json.loads(stack.state.failover_ids.read_text())
    assert again["resolved_at"] > "2026-02"
