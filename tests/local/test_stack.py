"""The real local stack: brought up, used, broken and healed."""

import http.client
import json
import os
import re
import shlex
import ssl
import sys

import psutil
import pytest

from local.common import lock
from local.common.errors import LocalError
from local.common.parts import PARTS, PORTS
from local.common.state import State
from local.stack.verify import verify
from scripts import local as local_commands
from tests.local.stack_under_test import StackUnderTest, add_entry, api_config, descriptions, request

pytestmark = [pytest.mark.local, pytest.mark.slow]
ALWAYS_KILLED = ("objects", "postgres", "edge")
"""The others in the soak alone; see tests/README.md."""


def test_every_hop_and_extension_is_verified(stack: StackUnderTest) -> None:
    result = stack.json("verify", "--requests", "100")
    assert result["is_passed"], result
    assert [hop["requests"] for hop in result["hops"]][-1] == 100
    known = {"postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements", "cached_role"}
    listed = [reference.partition(":")[2] for part in PARTS for reference in part.checks]
    assert known | {"media", "backups", "failover"} <= set(listed)
    assert [check["name"] for check in result["checks"]] == listed


def test_verify_leaves_nothing_behind(stack: StackUnderTest) -> None:
    before = descriptions(stack)
    assert stack.told("local", "verify", "--requests", "20").returncode == 0
    assert descriptions(stack) == before


def test_a_second_up_changes_nothing(stack: StackUnderTest) -> None:
    before = {part["name"]: part["pid"] for part in stack.json("status")["parts"]}
    assert stack.up().splitlines()[-1] == "nothing to change"
    assert {name: part.pid for name, part in stack.parts().items()} == before


def test_up_verifies_what_has_changed_since_it_was_verified(
    stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As many as it sends by itself are sent by the test of every hop; here it is about when.
    monkeypatch.setattr(local_commands, "REQUESTS", 20)
    arguments = ("local", "up", "--verify")
    first, second = stack.told(*arguments), stack.told(*arguments)
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stderr.splitlines()[-1] == (
        "verified before, and unchanged since; `./hybrid local verify` does it again"
    )
    assert "postgis" not in second.stdout
    stack.kill("standby")
    assert stack.told("local", "verify", "--requests", "10").returncode == 1
    third = stack.told(*arguments)
    assert third.returncode == 0
    assert "postgis             passed" in third.stdout


def test_everything_listens_on_loopback_only(stack: StackUnderTest) -> None:
    pids = {process.pid for process in stack.processes()}
    for pid in [part.pid for part in stack.parts().values() if part.pid]:
        pids |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    listening = [link for link in psutil.net_connections("inet") if link.pid in pids and link.status == "LISTEN"]
    addresses = {tuple(link.laddr) for link in listening}
    assert len(addresses) > len(PORTS)
    assert {address[0] for address in addresses} <= {"127.0.0.1", "127.0.0.2", "::1"}


def test_secrets_are_for_their_owner_only(stack: StackUnderTest) -> None:
    for name in ("secrets.json", "host.json", "edge/config.json", "failover.token", "dns/knot.conf"):
        assert (stack.state / name).stat().st_mode & 0o077 == 0
    for path in stack.state.glob("logs/*.log"):
        text = path.read_text(errors="replace")
        assert not [
            name for name, value in json.loads((stack.state / "secrets.json").read_text()).items() if value in text
        ]


def test_no_secret_is_on_a_command_line(stack: StackUnderTest) -> None:
    values = json.loads((stack.state / "secrets.json").read_text()).values()
    lines = stack.command_lines()
    assert lines
    assert not [line for line in lines for value in values if value in line]


@pytest.mark.parametrize(
    "name",
    [
        *ALWAYS_KILLED,
        *(pytest.param(part.name, marks=pytest.mark.soak) for part in PARTS if part.name not in ALWAYS_KILLED),
    ],
)
def test_a_killed_part_is_seen_and_healed(name: str, stack: StackUnderTest) -> None:
    add_entry(stack, f"before {name} was killed")
    stack.kill(name)
    assert stack.parts()[name].end == "killed by signal 9"
    assert not is_sound(stack)
    assert name in stack.bring_up()
    assert all(part.is_running for part in stack.parts().values())
    assert f"before {name} was killed" in descriptions(stack)


def is_sound(stack: StackUnderTest) -> bool:
    """Whether `verify` passes; what the command has no line for is raised."""
    try:
        return verify(stack.here, 10).is_passed
    except LocalError:
        return False


def test_a_killed_part_is_told_by_the_commands(stack: StackUnderTest) -> None:
    stack.kill("pooler")
    told, verified = stack.run("status"), stack.run("verify", "--requests", "10")
    assert told.returncode == 1
    assert "exited (killed by signal 9)" in told.stdout
    assert verified.returncode == 1
    assert "Traceback" not in verified.stderr
    assert stack.up().splitlines()[-1] == "changed: pooler"
    assert stack.told("local", "status").returncode == 0


def test_a_part_that_a_signal_has_stopped_is_told_and_goes_on(stack: StackUnderTest) -> None:
    """It would answer nobody, and be taken for one that runs."""
    pid = stack.parts()["edge"].pid
    assert pid
    psutil.Process(pid).suspend()
    told = stack.run("status")
    assert (told.returncode, "suspended" in told.stdout) == (1, True)
    # What was verified before is verified again.
    assert stack.up().splitlines()[-1] == "changed: supervisor"
    assert stack.parts()["edge"].is_running


def test_an_object_in_a_bound_bucket_is_read_by_the_worker(stack: StackUnderTest) -> None:
    bucket = api_config(stack)["r2Buckets"]["MEDIA"]
    path = f"/buckets/{bucket}/notes/one.json"
    assert request(stack.first_port + 5, "PUT", path, {"stored": "here"})[0] == 204
    assert request(stack.first_port, "GET", "/api/v1/media/notes/one.json") == (200, {"stored": "here"})
    request(stack.first_port + 5, "DELETE", path)
    assert request(stack.first_port, "GET", "/api/v1/media/notes/one.json")[0] == 404


def test_every_declared_s3_bucket_is_there(stack: StackUnderTest) -> None:
    trust = ssl.create_default_context(cafile=str(stack.state / "tls/ca.crt"))
    connection = http.client.HTTPSConnection("localhost", stack.first_port + 4, timeout=20, context=trust)
    connection.request("GET", "/")
    names = re.findall("<Name>(.*?)</Name>", connection.getresponse().read().decode())
    connection.close()
    assert [name.split("-")[2] for name in sorted(names)] == ["backups", "backups", "bundles", "documents"]


def test_two_ups_at_once_are_one_too_many(stack: StackUnderTest) -> None:
    with lock.hold(State(stack.state)):
        answer = stack.run("up")
    assert answer.returncode == 1
    assert f"in use by `{shlex.join(sys.argv)}` (process {os.getpid()}, since " in answer.stderr


def test_a_damaged_state_file_heals_or_is_named(stack: StackUnderTest) -> None:
    for name in ("host.json", "edge/config.json", "supervisor/process.json"):
        (stack.state / name).write_text('{"half')
    stack.bring_up()
    secrets = stack.state / "secrets.json"
    text = secrets.read_text()
    secrets.write_text('{"half')
    answer = stack.told("local", "up")
    secrets.write_text(text)
    assert answer.returncode == 1
    assert "secrets.json: is corrupt" in answer.stderr
    assert "make clean" in answer.stderr


def test_a_command_runs_on_the_host_as_the_servers_own_user(stack: StackUnderTest) -> None:
    answer = stack.run("exec", "--", "sh", "-c", "id --user --name; psql -Atc 'SELECT current_user'; exit 3")
    assert (answer.stdout, answer.returncode) == ("postgres\npostgres\n", 3)


def test_a_command_that_the_host_lacks_is_not_found(stack: StackUnderTest) -> None:
    answer = stack.run("exec", "--", "nosuch")
    assert answer.returncode == 127
    assert "No such file or directory" in answer.stderr


def test_logs_name_the_parts_there_are(stack: StackUnderTest) -> None:
    assert "listening on" in stack.run("logs", "postgres", "--lines", "500").stdout
    answer = stack.told("local", "logs", "nothing")
    assert answer.returncode == 1
    assert "postgres" in answer.stderr


def test_down_leaves_nothing_running_and_keeps_the_data(stack: StackUnderTest) -> None:
    add_entry(stack, "kept over down")
    answer = stack.run("down")
    assert answer.returncode == 0, answer.stderr
    assert (stack.processes(), stack.mounts(), stack.listens()) == ([], [], [])
    assert stack.told("local", "down").stderr == "nothing to stop\n"
    assert "backups" not in stack.bring_up()
    assert "kept over down" in descriptions(stack)
