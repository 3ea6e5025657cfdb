"""Readers that go away, files that never end, an interruption: what on-call is told, and what is done all the same."""

import json
import os
import shlex
import signal
import subprocess

import pytest

from tests.failover.command_line import COMMAND, Answer, ProcessAnswer, environment, flags
from tests.failover.world import HOST, TOKENS, World


def shell(world: World, script: str) -> subprocess.CompletedProcess[str]:
    """`$FAILOVER` and `$IDS` are set in it."""
    variables = environment() | {"FAILOVER": shlex.join(COMMAND), "IDS": str(world.folder / "failover.json")}
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=world.folder, env=variables, capture_output=True, text=True, timeout=120)


def test_a_reader_of_the_progress_that_goes_away_stops_no_rollback(world: World) -> None:
    done = shell(world, '{ $FAILOVER rollback --execute --ids "$IDS" 2>&1 >/dev/null; echo "exit $?" >end; } | head -1')
    assert (world.folder / "end").read_text() == "exit 0\n", done
    assert world.script() is None
    assert world.locks() == []


def test_a_reader_of_the_result_that_goes_away_changes_no_exit_code(world: World) -> None:
    done = shell(world, '$FAILOVER rollback --execute --ids "$IDS" 2>/dev/null | true; echo "${PIPESTATUS[0]}"')
    assert (done.stdout, world.script()) == ("0\n", None)


def test_a_full_disk_for_the_result_is_told_apart_from_what_was_done(world: World) -> None:
    done = shell(world, '$FAILOVER rollback --execute --ids "$IDS" >/dev/full')
    assert (done.returncode, world.script()) == (0, None)
    assert "standard output can't be written: No space left on device; what was done stands in" in done.stderr


@pytest.mark.parametrize(
    ("command", "fault"),
    [('status --ids "$IDS" >/dev/full', "No space left on device"), ('plan --ids "$IDS" >&-', "Bad file descriptor")],
)
def test_what_only_tells_fails_where_nothing_can_be_told(world: World, command: str, fault: str) -> None:
    done = shell(world, f"$FAILOVER {command}")
    assert (done.returncode, done.stderr) == (1, f"failover: standard output can't be written: {fault}\n")


@pytest.mark.parametrize("name", ["--ids", "--journal"])
def test_what_never_ends_is_no_file(world: World, name: str) -> None:
    arguments = ["rollback", *(flags(world) if name == "--journal" else []), name, "/dev/zero"]
    answer = Answer(*arguments)
    assert answer.code == 1
    assert "/dev/zero: is not a file" in answer.err


def test_a_pipe_without_a_writer_is_no_file_of_ids(world: World) -> None:
    pipe = world.folder / "pipe"
    os.mkfifo(pipe)
    assert "is not a file" in Answer("plan", "--ids", str(pipe)).err


def test_the_token_may_come_from_a_shells_pipe(world: World) -> None:
    done = shell(
        world,
        'T="$HYBRID_ROLLBACK_TOKEN"; unset HYBRID_ROLLBACK_TOKEN; '
        '$FAILOVER plan --ids "$IDS" --token-file <(printf %s "$T")',
    )
    assert done.returncode == 0, done.stderr


def test_the_next_command_has_the_flags_that_were_given(world: World) -> None:
    ids = str(world.folder / "failover.json")
    answer = Answer("plan", "--via", "dns", "--host", HOST, "--ids", ids)
    assert f"do it with: rollback --execute --via dns --host {HOST} --ids {ids}\n" in answer.err


def test_a_day_that_is_none_is_not_written(world: World) -> None:
    file = world.folder / "failover.json"
    before = file.read_text()
    assert ProcessAnswer("resolve", "--keep-until", "tomorrow", *flags(world)).code == 2
    assert file.read_text() == before
    assert Answer("resolve", "--keep-until", "2031-01-31", *flags(world)).code == 0
    assert json.loads(file.read_text())["keep_until"] == "2031-01-31"


def test_who_may_read_the_ids_stays(world: World) -> None:
    file = world.folder / "failover.json"
    file.chmod(0o600)
    assert Answer("resolve", *flags(world)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_not_made(world: World) -> None:
    target = world.folder / "nope" / "zone.txt"
    answer = Answer("export", "--output", str(target), *flags(world))
    assert answer.code == 1
    assert "zone.txt: can't be written: No such file or directory" in answer.err
    assert not target.parent.exists()


def test_a_file_that_says_nothing_is_made_from_its_parts(world: World) -> None:
    file = world.folder / "empty.json"
    file.write_text("")
    assert "failover resolve --zone ZONE --stack STACK --host HOST" in Answer("resolve", "--ids", str(file)).err


def interrupted(world: World, method: str, path: str, step: str) -> tuple[int, str]:
    """Exit code and messages of a rollback that meets Ctrl-C where the API is slow."""
    world.faults({"match": {"method": method, "path": path}, "kind": "slow", "seconds": 6})
    command = ["env", "--default-signal=INT", *COMMAND, "rollback", "--execute", *flags(world)]
    with subprocess.Popen(command, cwd=world.folder, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        message = ""
        while step not in message:
            message += process.stderr.readline()
        process.send_signal(signal.SIGINT)
        message = process.stderr.read()
    world.faults()
    return process.returncode, message


def test_an_interrupted_rollback_says_what_stands_open(world: World) -> None:
    code, message = interrupted(world, "PUT", "/workers/routes/", f"route {HOST}")
    assert code == 130
    assert "interrupted: rollback " in message
    assert "`rollback --execute` finishes it, `restore --execute` backs it out" in message
    assert Answer("rollback", "--execute", *flags(world)).code == 0
    assert world.script() is None


def test_an_interrupted_look_has_changed_nothing(world: World) -> None:
    code, message = interrupted(world, "GET", "/workers/routes", "look")
    assert (code, message) == (130, "interrupted; nothing was changed\n")


def test_a_token_that_only_reads_is_enough_to_look_every_day(world: World) -> None:
    reader = TOKENS["reader"][0]
    assert Answer("status", *flags(world), token=reader).code == 1
    found = Answer("status", "--read-only", "--json", *flags(world), token=reader)
    assert found.code == 0, found.out
    assert "the rollback's own was not checked" in json.loads(found.out)["token"]


def test_a_day_that_is_in_no_calendar_is_a_fault_of_the_ids(world: World) -> None:
    world.change_ids({"keep_until": "2027-13-45"})
    answer = Answer("status", *flags(world))
    assert answer.code == 1
    assert "keep_until: '2027-13-45' is not in the calendar; allowed: a day, as YYYY-MM-DD" in answer.err
