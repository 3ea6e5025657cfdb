"""Which local stack's database serves is kept, and asked for in ways that harm no row."""

from pathlib import Path
from typing import Any

import pytest

from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.state import State
from local.host import serving, standbys
from local.host.serving import First, Serving
from local.processes.stack import Stack


def first(tmp_path: Path) -> State:
    """The folder of a stack that is there."""
    made = State(tmp_path / "first")
    made.prepare()
    made.write_json(made.host_file, {"postgres": {"port": 20302}})
    made.write_json(made.secrets_file, {"app": "secret"})
    return made


def test_a_stack_serves_unless_told_otherwise(state: State) -> None:
    assert serving.read(state) == Serving(standby_of=None, is_serving=True)
    stopped = serving.read(state).wanted(state, standby_of=None, serves=False)
    serving.write(state, stopped)
    assert serving.read(state).wanted(state, standby_of=None, serves=None) == stopped
    assert serving.read(state).wanted(state, standby_of=None, serves=True).is_serving


def test_a_standby_serves_only_once_it_is_promoted(state: State, tmp_path: Path) -> None:
    of = first(tmp_path).folder
    wanted = serving.read(state).wanted(state, standby_of=of, serves=None)
    assert wanted == Serving(standby_of=str(of), is_serving=False)
    serving.write(state, wanted.wanted(state, standby_of=None, serves=True))
    again = serving.read(state).wanted(state, standby_of=of, serves=None)
    assert again.is_serving


def test_a_stack_with_a_database_does_not_become_a_standby(state: State, tmp_path: Path) -> None:
    state.root.mkdir()
    with pytest.raises(LocalError, match="has a database of its own"):
        serving.read(state).wanted(state, standby_of=first(tmp_path).folder, serves=None)


def test_a_lost_database_is_restored_and_goes_on_being_the_restored_one(state: State) -> None:
    state.secrets_file.write_text("{}")
    wanted = serving.read(state).wanted(state, standby_of=None, serves=None, from_backups=True)
    assert wanted == Serving(is_restored=True, is_serving=True)
    serving.write(state, wanted)
    state.root.mkdir()
    for asked in (False, True):
        again = serving.read(state).wanted(state, standby_of=None, serves=None, from_backups=asked)
        assert again == wanted
    state.root.rmdir()
    assert not serving.read(state).wanted(state, standby_of=None, serves=None).is_restored


def test_the_backup_that_is_restored_may_be_named_and_is_not_taken_for_the_next_loss(state: State) -> None:
    state.secrets_file.write_text("{}")
    label = "20261121-053408F"
    asked: dict[str, Any] = {"standby_of": None, "serves": None, "from_backups": True}
    wanted = serving.read(state).wanted(state, backup=label, **asked)
    assert wanted == Serving(is_restored=True, restored_from=label)
    serving.write(state, wanted)
    state.root.mkdir()
    assert serving.read(state).wanted(state, **asked) == wanted
    state.root.rmdir()
    assert serving.read(state).wanted(state, **asked) == Serving(is_restored=True)
    with pytest.raises(LocalError, match="--set 20261121-053408F: names the backup that --from-backups restores"):
        serving.read(state).wanted(state, standby_of=None, serves=None, backup=label)


def test_a_database_that_is_there_is_not_restored_over(state: State) -> None:
    state.secrets_file.write_text("{}")
    state.root.mkdir()
    with pytest.raises(LocalError, match="has a database, which it does not replace"):
        serving.read(state).wanted(state, standby_of=None, serves=None, from_backups=True)


def test_the_backups_of_a_lost_host_that_took_over_are_those_of_the_first(state: State, tmp_path: Path) -> None:
    state.secrets_file.write_text("{}")
    serving.write(state, Serving(standby_of=str(tmp_path / "first"), is_serving=True))
    with pytest.raises(LocalError, match=r"are in .*/first; `./hybrid local up` restores from there"):
        serving.read(state).wanted(state, standby_of=None, serves=None, from_backups=True)


def test_backups_whose_passphrase_is_lost_are_not_restored(state: State) -> None:
    with pytest.raises(LocalError, match=r"secrets\.json is missing, and with it the passphrase"):
        serving.read(state).wanted(state, standby_of=None, serves=None, from_backups=True)


def test_a_restore_is_asked_for_alone(state: State, tmp_path: Path) -> None:
    for asked in ({"standby_of": tmp_path, "serves": None}, {"standby_of": None, "serves": False}):
        with pytest.raises(LocalError, match="give it alone"):
            serving.read(state).wanted(state, from_backups=True, **asked)


def test_what_does_not_run_does_not_serve_or_follow_and_a_standby_can_be_made_again(
    state: State, tmp_path: Path
) -> None:
    stack = Stack(project=tmp_path, state=state, ports=Ports())
    assert (standbys.serves(stack), standbys.follows(stack)) == (False, False)


def test_a_stack_is_no_standby_of_itself(state: State) -> None:
    with pytest.raises(LocalError, match="is this stack itself"):
        serving.read(state).wanted(state, standby_of=state.folder, serves=None)


def test_the_first_stacks_store_is_found_by_its_ports(tmp_path: Path) -> None:
    assert First(first(tmp_path)).objects_port == 20304


def test_a_folder_without_a_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="nowhere: is not a local stack's folder"):
        _ = First(State(tmp_path / "nowhere")).objects_port


def test_a_damaged_record_is_named(state: State) -> None:
    (state.folder / "serving.json").write_text('{"size": 1}')
    with pytest.raises(LocalError, match=r"serving\.json: does not say which stack serves"):
        serving.read(state)
