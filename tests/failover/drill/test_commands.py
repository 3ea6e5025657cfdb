"""`failover drill` as on-call meets it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.failover.command_line import COMMAND, Answer, ProcessAnswer, environment, flags
from tests.failover.world import SCRIPT, World


def test_a_drill_elsewhere_than_on_the_local_stack_needs_execute(world: World) -> None:
    plan = Answer("drill", *flags(world))
    assert (plan.code, world.script()) == (0, SCRIPT)
    assert "do it with: drill --execute" in plan.err


@pytest.mark.usefixtures("long_waits")
@pytest.mark.parametrize(("via", "run"), [("route", ProcessAnswer), ("dns", Answer)], ids=["route", "dns"])
def test_a_drill_measures_and_leaves_evidence(world: World, via: str, run: type[Answer]) -> None:
    done = run("drill", "--execute", "--count", "2", "--via", via, "--json", *flags(world))
    found = json.loads(done.out)
    assert (done.code, found["missed"], found["is_passed"], found["drills"]) == (0, [], True, 2), done.err
    assert (found["wrong"], found["unanswered"]) == (0, 0)
    assert found["limits"]["switch_seconds"] == (3.0 if via == "route" else 10.0)
    assert 0 < found["slowest_switch_seconds"] <= found["limits"]["switch_seconds"]
    assert all(one["calls"] <= 10 for one in found["rounds"])
    assert Path(found["files"][1]).read_text().startswith("# Failover drill of local")
    assert (world.script(), world.record()["proxied"]) == (SCRIPT, True)


@pytest.mark.slow
def test_ctrl_c_in_a_drill_restores_reports_and_exits_with_130(world: World) -> None:
    # As in a terminal, also where the tests themselves run in the background and Ctrl-C is ignored.
    command = ["env", "--default-signal=INT", *COMMAND, "drill", "--execute", "--count", "9", "--json", *flags(world)]
    with subprocess.Popen(
        command, cwd=world.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        while " rollback: switched" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    found = json.loads(out)
    assert (process.returncode, found["is_interrupted"], found["is_restored"]) == (130, True, True)
    assert found["missed"][0] == "it was interrupted"
    assert Path(found["files"][0]).exists()
    assert world.script() == SCRIPT


def test_a_drill_does_not_begin_where_somebody_has_rolled_back(world: World) -> None:
    world.act()
    done = Answer("drill", "--execute", *flags(world))
    assert done.code == 1
    assert "a drill begins with worker as the active side, and it is not" in done.err
    assert world.script() is None
