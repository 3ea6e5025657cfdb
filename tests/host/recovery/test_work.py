"""What works in the folder of a restore is ended with it, and nothing of another host on the same machine."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from host.recovery.clusters import WORK, working
from local.host import namespace
from tests.host.recovery.machine import machine
from tests.waiting import until


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def at_work(stack: ExitStack, script: Path, *, is_elsewhere: bool = False) -> subprocess.Popen[bytes]:
    argv = ["sh", str(script)]
    made = subprocess.Popen(namespace.throwaway(argv) if is_elsewhere else argv)
    stack.callback(made.wait)
    stack.callback(made.kill)
    return made


def test_another_hosts_process_of_the_same_name_works_on(tmp_path: Path, stack: ExitStack) -> None:
    if faults := namespace.faults():
        pytest.skip("; ".join(faults))
    on = machine(tmp_path)
    script = tmp_path / "work"
    # As pgBackRest is told of the folder.
    script.write_text(f"PGBACKREST_PG1_PATH={on.clusters / WORK}/data exec sleep 600")
    mine, others = at_work(stack, script), at_work(stack, script, is_elsewhere=True)
    inside = until(lambda: namespace.first_process(others.pid))
    until(lambda: all(b"PGBACKREST" in Path(f"/proc/{pid}/environ").read_bytes() for pid in (mine.pid, inside)))
    with working(on):
        until(lambda: mine.poll() is not None)
    assert others.poll() is None
    assert Path(f"/proc/{inside}").exists()
