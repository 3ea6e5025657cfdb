"""Restores on a machine of its own under systemd, as on a cloud's: beside what serves, and in its place."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.host.bare_machine import MARKS, RELEASE_PYTHON, BareMachine
from tests.host.declared_machine import declared
from tests.host.specs import spec
from tests.waiting import until

pytestmark = MARKS

POSTGRES = "postgresql@17-main.service"
CLUSTERS = "/var/lib/postgresql/17"
ROWS = "SELECT array_agg(row ORDER BY row) FROM public.trial"
RESTORE_SECONDS = 900
# Only a data directory with this file starts: what is restored does not have it.
DROP_IN = f"/etc/systemd/system/{POSTGRES}.d/trial.conf"
REFUSING = f"[Service]\nExecStartPre=/usr/bin/test -e {CLUSTERS}/main/is-old\n"


@pytest.fixture(scope="module")
def machine(converged: BareMachine) -> Iterator[BareMachine]:
    """A server with a first backup."""
    with converged.booted():
        asked(converged, "CREATE TABLE public.trial (row int)")
        # Grants what roles may do with it, and takes the backup.
        report = converged.converge(declared())
        assert (report["exit"], report["failed"]) == (0, []), report["stderr"]
        # From then on a time is a target.
        since = datetime.fromisoformat(done(converged, act="list")["windows"][0]["from"])
        until(lambda: datetime.now(UTC) > since)
        yield converged


def engine(machine: BareMachine, request: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    """Exit code, answer and words, as the declared document asks."""
    packed = base64.b64encode(json.dumps(request).encode()).decode()
    argv = [f"/{RELEASE_PYTHON}", "-m", "host.recovery", "/run/hybrid/specification.json", "--root", "/"]
    answer = machine.run(*argv, "--request", packed, seconds=RESTORE_SECONDS)
    return answer.returncode, json.loads(answer.stdout), answer.stderr


def done(machine: BareMachine, **request: Any) -> dict[str, Any]:
    code, answer, output = engine(machine, request)
    assert code == 0, (answer, output)
    return answer


def asked(machine: BareMachine, query: str, *, port: int = 0) -> str:
    """What psql prints as the superuser; of the cluster that serves unless another port is named."""
    address = f"host=/run/postgresql port={port or spec()['postgres']['port']} dbname=clinic"
    options = ["-XqAt", "-v", "ON_ERROR_STOP=1", address, "--command", query]
    return machine.told("runuser", "-u", "postgres", "--", "psql", *options)


def row(machine: BareMachine, number: int) -> str:
    """Write one; a moment after it."""
    asked(machine, f"INSERT INTO public.trial VALUES ({number})")
    return asked(machine, "SELECT to_json(clock_timestamp())").strip('"')


def at(time: str) -> dict[str, Any]:
    return {"kind": "time", "value": time}


def state(machine: BareMachine, unit: str) -> str:
    return machine.run("systemctl", "is-active", unit).stdout.strip()


def folders(machine: BareMachine) -> set[str]:
    """The clusters on the disk, and what is left of others."""
    return {name for name in machine.told("ls", "-A", CLUSTERS).split() if not name.startswith(".hybrid-recovery.")}


def serves(machine: BareMachine, rows: str) -> None:
    """Main under systemd, with the declared state around it, which a convergence finds as it should be."""
    assert state(machine, POSTGRES) == "active"
    assert asked(machine, ROWS) == rows
    pid = machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES)
    assert machine.told("head", "-n", "1", f"{CLUSTERS}/main/postmaster.pid") == pid
    report = machine.converge(declared())
    assert (report["changed"], report["failed"]) == ({}, [])


def test_a_cluster_is_restored_beside_as_a_unit_and_discarded(machine: BareMachine) -> None:
    first = row(machine, 1)
    row(machine, 2)
    cluster = done(machine, act="restore", target=at(first), into="copy")["cluster"]
    assert asked(machine, ROWS, port=cluster["port"]) == "{1}"
    assert asked(machine, ROWS) == "{1,2}"
    unit = "hybrid-restored-copy.service"
    assert state(machine, unit) == "active"
    pid = machine.told("systemctl", "show", "--property=MainPID", "--value", unit)
    links = machine.told("nsenter", "--target", pid, "--net", "ip", "-brief", "link").splitlines()
    assert [line.split()[0] for line in links] == ["lo"]
    assert done(machine, act="discard", name="copy")["freed_bytes"] > 10 * 2**20
    assert state(machine, unit) == "inactive"
    assert folders(machine) == {"main"}


def test_main_is_put_back_to_a_moment_and_the_old_one_kept(machine: BareMachine) -> None:
    row(machine, 3)
    moment = row(machine, 4)
    row(machine, 5)
    answer = done(machine, act="restore", target=at(moment), into="main", replace="main")
    serves(machine, "{1,2,3,4}")
    kept = answer["plan"]["keeps"]
    assert folders(machine) == {"main", kept}
    cluster = done(machine, act="open", name=kept)["cluster"]
    assert asked(machine, ROWS, port=cluster["port"]) == "{1,2,3,4,5}"
    assert state(machine, f"hybrid-restored-{kept}.service") == "active"
    assert done(machine, act="close", name=kept)["cluster"]["state"] == "stopped"
    assert state(machine, f"hybrid-restored-{kept}.service") == "inactive"
    done(machine, act="discard", name=kept)
    assert folders(machine) == {"main"}


def test_main_is_restored_to_latest_without_the_loss_of_a_row(machine: BareMachine) -> None:
    done(machine, act="backup", kind="full")
    row(machine, 6)
    before = machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES)
    answer = done(machine, act="restore", target={"kind": "latest", "value": None}, into="main", replace="main")
    assert machine.told("systemctl", "show", "--property=MainPID", "--value", POSTGRES) != before
    serves(machine, "{1,2,3,4,6}")
    done(machine, act="discard", name=answer["plan"]["keeps"])


def test_where_the_restored_one_does_not_start_the_old_one_serves_on(machine: BareMachine) -> None:
    done(machine, act="backup", kind="full")
    moment = row(machine, 7)
    row(machine, 8)
    machine.told("runuser", "-u", "postgres", "--", "touch", f"{CLUSTERS}/main/is-old")
    machine.told("mkdir", "--parents", DROP_IN.rpartition("/")[0])
    machine.run("tee", DROP_IN, stdin=REFUSING)
    machine.told("systemctl", "daemon-reload")
    try:
        code, answer, output = engine(
            machine, {"act": "restore", "target": at(moment), "into": "main", "replace": "main"}
        )
    finally:
        machine.told("rm", DROP_IN)
        machine.told("systemctl", "daemon-reload")
    assert code == 1, output
    assert [line for line in answer["faults"] if "the old one serves again" in line]
    serves(machine, "{1,2,3,4,6,7,8}")
    (undone,) = folders(machine) - {"main"}
    assert undone in " ".join(answer["faults"])
    done(machine, act="discard", name=undone)


def test_main_serves_on_where_the_passphrase_is_another(machine: BareMachine) -> None:
    """Latest stops main from the start; what can't be restored then must not leave it stopped."""
    row(machine, 9)
    passphrase = "/etc/pgbackrest.conf"
    good = machine.told("cat", passphrase)
    machine.run("tee", passphrase, stdin=good.replace("passphrase-1", "passphrase-2") + "\n")
    try:
        request = {"act": "restore", "target": {"kind": "latest", "value": None}, "into": "main", "replace": "main"}
        code, answer, output = engine(machine, request)
    finally:
        machine.run("tee", passphrase, stdin=good + "\n")
    assert code == 1, output
    assert "passphrase" in " ".join(answer["faults"])
    until(lambda: state(machine, POSTGRES) == "active")
    assert asked(machine, ROWS) == "{1,2,3,4,6,7,8,9}"


def test_a_drill_proves_the_backups_and_leaves_nothing(machine: BareMachine) -> None:
    found = done(machine, act="drill")
    assert found["is_passed"], found["faults"]
    assert folders(machine) == {"main"}
