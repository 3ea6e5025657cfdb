"""The local stack's S3 is killed in the middle of a backup."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.common.state import State
from local.object_store.files import StoreFiles
from tests.backups.on_stack import listed
from tests.local.snapshot import running_stack
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import until

pytestmark = [pytest.mark.local, pytest.mark.slow]

FILL = "CREATE TABLE public.filler AS SELECT i, md5(i::text) AS word FROM generate_series(1, 300000) AS i"
# On a busy machine a backup may be whole by the time that its first part is seen.
TRIES = 5


def backups(stack: StackUnderTest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listed(stack)["backups"]
    return found


def parts_of_backups(stack: StackUnderTest) -> set[str]:
    """Keys of what backups wrote."""
    host = stack.host()["backup"]
    files = StoreFiles(State(stack.state).store)
    keys = {files.read(path)["key"] for path in files.keys(host["bucket"])}
    return {key for key in keys if f"backup/{host['stanza']}/2" in key}


def words_of_killed_backup(stack: StackUnderTest) -> str:
    """Once the store has a part of it."""
    before = parts_of_backups(stack)
    command = [str(stack.project / "hybrid"), "backup", "now", "--type", "full"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=stack.environment, stdout=pipe, stderr=pipe, text=True) as process:
        until(lambda: parts_of_backups(stack) - before)
        stack.kill("objects")
        _, output = process.communicate(timeout=600)
    assert process.returncode in (0, 1), output
    return output


@pytest.fixture
def filled(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """Fills the database, so that a backup takes a while; other tests would restore the data too."""
    with running_stack(snapshot, tmp_path_factory.mktemp("stack") / "state") as made:
        made.psql(FILL)
        yield made


def test_a_backup_whose_store_is_killed_fails_and_the_next_one_is_whole(filled: StackUnderTest) -> None:
    stack = filled
    for _ in range(TRIES):
        known = [one["label"] for one in backups(stack)]
        output = words_of_killed_backup(stack)
        assert "Traceback" not in output
        stack.bring_up()
        if [one["label"] for one in backups(stack)] == known:
            break
    else:
        pytest.fail("each was whole before its store was killed")
    assert "does not answer" in output
    answer = stack.told("backup", "now", "--type", "full", "--json")
    assert answer.returncode == 0, answer.stderr
    label = json.loads(answer.stdout)["backup"]["label"]
    sound = [one["label"] for one in backups(stack) if not one["error"]]
    assert (sound[: len(known)], sound[-1]) == (known, label)
    # Of the killed one the manifest, its last file, may have come: then pgBackRest takes it in with the next.
    assert len(sound) - len(known) in (1, 2)
    answer = stack.told("backup", "verify")
    assert (answer.returncode, answer.stdout.split(":")[0]) == (0, "sound"), answer.stderr
