"""Faults of a restore or drill as the operator meets them: on the real local stack, by its commands."""

import os
import signal
import subprocess
from contextlib import suppress

import psutil
import pytest

from local.stack.verify import verify
from tests.backups.on_stack import listed
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import seen, until

pytestmark = [pytest.mark.local, pytest.mark.slow]

RESTORE = ("restore", "--to", "latest", "--into")


@pytest.mark.soak
def test_a_damaged_file_is_named_by_verify_and_fails_the_drill(stack: StackUnderTest) -> None:
    host = stack.host()["backup"]
    client = stack.store().client(host["region"])
    assert stack.told("backup", "now", "--type", "full").returncode == 0
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=host["bucket"])["Contents"]]
    bundle = max(key for key in keys if "/bundle/" in key)
    content = client.get_object(Bucket=host["bucket"], Key=bundle)["Body"].read()
    middle = len(content) // 2
    damaged = content[:middle] + bytes(64) + content[middle + 64 :]
    client.put_object(Bucket=host["bucket"], Key=bundle, Body=damaged)
    try:
        verified, drilled = stack.told("backup", "verify"), stack.told("drill", "--output", str(stack.state))
    finally:
        client.put_object(Bucket=host["bucket"], Key=bundle, Body=content)
    assert verified.returncode == drilled.returncode == 1
    assert bundle.split("/", 2)[-1] in verified.stdout + verified.stderr
    assert "is damaged in the repository" in drilled.stdout, drilled.stdout
    assert "Traceback" not in drilled.stderr
    assert stack.told("backup", "verify").returncode == 0


@pytest.mark.soak
def test_of_two_restores_at_once_one_is_refused(stack: StackUnderTest) -> None:
    first = started(stack, *RESTORE, "one", "--apply")
    seen(first, "restoring ")
    second = stack.told(*RESTORE, "two", "--apply")
    first.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 1)
    assert len([line for line in second.stderr.splitlines() if line.startswith("hybrid: ")]) == 1
    assert [one["name"] for one in listed(stack)["restored"]] == ["one"]
    assert stack.told("restore", "--discard", "one", "--apply").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("drill",), marks=pytest.mark.soak, id="drill"),
        pytest.param((*RESTORE, "half", "--apply"), id="restore"),
    ],
)
def test_a_command_that_is_killed_leaves_nothing_after_the_next(
    stack: StackUnderTest, arguments: tuple[str, ...]
) -> None:
    process = started(stack, *arguments)
    seen(process, "recovering ")
    engines = []
    for one in stack.processes():
        # What fetches a file of the log ends meanwhile.
        with suppress(psutil.NoSuchProcess):
            engines += [one] if "host.recovery" in " ".join(one.cmdline()) else []
    assert engines
    for one in engines:
        os.kill(one.pid, signal.SIGKILL)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert stack.told("backup", "now").returncode == 0
    found = listed(stack)
    assert (found["leftovers"], found["restored"]) == ([], [])
    until(lambda: not [line for line in stack.command_lines() if "hybrid-recovery" in line])
    assert verify(stack.here, 20).is_passed


def started(stack: StackUnderTest, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(stack.project / "hybrid"), *arguments],
        env=stack.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
