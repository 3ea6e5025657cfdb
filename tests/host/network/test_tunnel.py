"""The tunnel's service on a booted machine, with a program that only looks like cloudflared."""

from collections.abc import Iterator
from typing import Any

import pytest

from host.network import tunnel
from host.packages import catalogue
from host.specification.model import Spec
from host.specification.reading import parse
from tests.host.bare_machine import MARKS, BareMachine
from tests.host.declared_machine import declared
from tests.host.trial_repository import KEY, TrialRepository, with_trial_keys
from tests.waiting import until

pytestmark = MARKS

TOKEN = "token-that-nobody-sees"
# Tells systemd that it is ready, and writes down what it was given.
PROGRAM = """#!/usr/bin/python3
import os, pathlib, socket, sys, time
path = sys.argv[sys.argv.index("--token-file") + 1]
print("arguments", sys.argv[1:], "token", len(pathlib.Path(path).read_text().strip()), flush=True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(3600)
"""


def spec_with(**changes: Any) -> Spec:
    return parse(declared(**({"tunnel": {"token": TOKEN}} | changes)))


def test_the_tunnel_is_only_of_the_host_that_serves() -> None:
    standby = declared(tunnel={"token": TOKEN})
    standby["postgres"] |= {"is_serving": False, "origin": "backup"}
    assert tunnel.is_wanted(spec_with())
    assert not tunnel.is_wanted(spec_with(tunnel=None))
    assert not tunnel.is_wanted(parse(standby))


@pytest.fixture(scope="module")
def machine(converged: BareMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    converged.playbook = with_trial_keys(tmp_path_factory.mktemp("playbook"), converged.root)
    with converged.booted():
        repository = TrialRepository(converged)
        repository.add_program("cloudflared", "2026.8.0", PROGRAM)
        repository.publish()
        converged.told("install", "-D", "--mode=644", KEY, catalogue.CLOUDFLARE_KEY.path)
        yield converged


def state(machine: BareMachine) -> str:
    return machine.run("systemctl", "is-active", "cloudflared.service").stdout.strip()


def test_the_tunnel_runs_once_the_database_does(machine: BareMachine) -> None:
    report = machine.converge(declared(tunnel={"token": TOKEN}))
    assert report["exit"] == 0, report["stderr"]
    assert report["changed"]["tunnel"] == ["tunnel token", "tunnel's unit", "tunnel at boot", "tunnel runs"]
    assert state(machine) == "active"
    assert "cloudflared" in machine.told("apt-mark", "showhold").split()
    assert machine.converge(declared(tunnel={"token": TOKEN}))["changed"] == {}


def test_the_token_is_seen_by_the_service_alone(machine: BareMachine) -> None:
    said = until(lambda: machine.told("journalctl", "--unit=cloudflared.service", "--output=cat", "--grep=arguments"))
    assert f"token {len(TOKEN)}" in said
    assert "--no-autoupdate" in said
    assert TOKEN not in said
    assert TOKEN not in "".join(machine.command_lines().values())
    assert machine.told("stat", "--format=%a %U", "/etc/hybrid/tunnel-token") == "600 root"


def test_another_token_restarts_it(machine: BareMachine) -> None:
    report = machine.converge(declared(tunnel={"token": f"{TOKEN}-2"}))
    assert report["changed"] == {"tunnel": ["tunnel token", "tunnel runs"]}


def test_a_host_without_a_tunnel_ends_it(machine: BareMachine) -> None:
    assert machine.converge(declared())["exit"] == 0
    assert state(machine) == "inactive"
    assert machine.run("test", "-e", "/etc/hybrid/tunnel-token").returncode != 0
    assert machine.converge(declared())["changed"] == {}
