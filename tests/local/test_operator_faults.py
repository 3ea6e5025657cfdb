"""What an operator can mend is one line, or heals: damaged files, commands that hang, users without a name."""

import os
import pwd
import signal
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import psycopg.conninfo
import pytest

from host.specification.reading import parse
from local.common import lock
from local.common.errors import LocalError
from local.common.ports import FIRST, Ports
from local.common.state import State
from local.host import backups, namespace, root_filesystem
from local.host.database import conninfo
from local.processes.generated_secrets import GeneratedSecrets
from local.processes.stack import Stack
from local.processes.supervisor import Supervisor
from local.stack.up import stopped_on_interrupt, up
from local.stack.verify import backups as backups_check
from local.stack.verify import verify
from plan.model import Plan
from scripts import doctor
from tests.host.specs import spec

CACHED = "debian-trixie-0123456789ab.tar"


def hang(argv: list[str], **options: Any) -> NoReturn:
    raise subprocess.TimeoutExpired(argv, options["timeout"])


def quiet(*_: object) -> None:
    """Progress that nobody watches."""


@pytest.fixture
def stack(state: State) -> Stack:
    return Stack(project=state.folder.parent, state=state, ports=Ports())


@pytest.mark.parametrize("text", ["[1]", '{"postgres": []}', '{"postgres": {"port": "x"}}', '"x"', "{half"])
def test_ports_in_a_damaged_specification_do_not_count(
    text: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_STATE", str(state.folder))
    monkeypatch.delenv("HYBRID_FIRST_PORT", raising=False)
    state.host_file.write_text(text)
    assert Stack.of(state.folder).ports.first == FIRST
    state.host_file.write_text('{"postgres": {"port": 7502}}')
    assert Stack.of(state.folder).ports.first == 7500


@pytest.mark.parametrize(("is_running", "first"), [(True, 7400), (False, 7600)])
def test_the_environments_ports_are_not_those_of_a_stack_that_runs(
    is_running: bool, first: int, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYBRID_STATE", str(state.folder))
    monkeypatch.setenv("HYBRID_FIRST_PORT", "7600")
    monkeypatch.setattr(Supervisor, "is_running", lambda _: is_running)
    state.host_file.write_text('{"postgres": {"port": 7402}}')
    assert Stack.of(state.folder).ports.first == first
    assert Stack.of(state.folder, 7700).ports.first == 7700


def test_a_foreign_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    tmp_path.chmod(0o755)
    with pytest.raises(LocalError, match="is not empty and not a state folder"):
        State(tmp_path).prepare()
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_lost_passwords_of_a_database_that_is_there_are_not_made_up(state: State) -> None:
    state.root.mkdir()
    with pytest.raises(LocalError, match=r"secrets\.json: is missing, and the database"):
        GeneratedSecrets(state)


@pytest.mark.parametrize("text", ["[1]", '{"first": "x"}', "{half", '{"postgres": {"roles": [1]}}'])
def test_a_damaged_specification_is_named_by_verify(text: str, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Supervisor, "is_running", lambda self: True)
    stack.state.host_file.write_text(text)
    with pytest.raises(LocalError, match=r"host\.json: is damaged \(spec.*`\./hybrid local up` recreates it"):
        verify(stack, 10)


def test_a_store_that_is_gone_is_named_by_verify_without_a_try_of_pgbackrests(
    stack: Stack, free_ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "info", hang)
    host = parse(spec(objects_port=free_ports.objects))
    with pytest.raises(LocalError, match=f"the store localhost:{free_ports.objects} does not answer: Connection ref"):
        backups_check(stack, host)


@pytest.mark.parametrize(
    ("code", "fault"), [(99, "can't be read; `./hybrid backup list`"), (2, "has no backup; take one")]
)
def test_a_repository_that_can_t_be_read_is_not_one_without_a_backup(
    code: int, fault: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    monkeypatch.setattr(backups, "info", lambda *_: [{"status": {"code": code}, "backup": []}])
    with pytest.raises(LocalError, match=f"the repository {fault}"):
        backups_check(stack, parse(spec()))


def test_a_namespace_that_hangs_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", hang)
    assert namespace._probe_faults() == ["namespaces: one could not be made within 10 s"]


def test_a_user_without_a_name_is_told_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    table = tmp_path / "subuid"
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    monkeypatch.setattr(namespace, "SUBORDINATES", (table,))
    (fault,) = namespace._subordinate_faults()
    assert f"{table}: no range for 4711; as root: echo 4711:100000:65536 >>{table}" in fault
    table.write_text("4711:100000:65536\n")
    assert namespace._subordinate_faults() == []


def test_a_root_that_takes_too_long_to_remove_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(LocalError, match=rf"cannot remove: rm .*{tmp_path.name}: did not end within 300 s"):
        root_filesystem.remove(tmp_path)


def test_a_machine_without_apt_is_told_what_to_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HYBRID_DEBIAN_MIRROR", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="apt knows no Debian archive"):
        root_filesystem.mirror()


def test_a_cache_that_can_not_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(LocalError, match="can't be made: Not a directory; name another in HYBRID_CACHE"):
        root_filesystem.cached(quiet)


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("pulumi", 20), FileNotFoundError("pulumi")])
def test_a_pulumi_that_hangs_or_is_not_there_is_absent(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argv: list[str], **options: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    found = next(finding for finding in doctor._optional() if finding.name == "pulumi")
    assert not found.is_fine
    assert "pulumi.com" in found.detail


def test_a_path_with_a_blank_reaches_libpq(tmp_path: Path) -> None:
    stack = Stack(project=tmp_path, state=State(tmp_path / "two words+one"), ports=Ports())
    uri = conninfo(stack, parse(spec()), "app", 7403)
    options = psycopg.conninfo.conninfo_to_dict(uri)
    assert options["sslrootcert"] == str(stack.database_ca)
    assert (options["password"], options["dbname"]) == ("app-Pass'word\"1", "clinic")


def test_only_what_the_cache_holds_of_ours_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if namespace.faults():
        pytest.skip("no namespaces here")
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path))
    (tmp_path / "building-root" / "usr").mkdir(parents=True)
    for name in (CACHED, "building-root.lock", "debian-12.tar", "thesis.txt"):
        (tmp_path / name).write_text("")
    root_filesystem.remove_cache(quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["debian-12.tar", "thesis.txt"]


def test_a_cache_of_nothing_else_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setenv("HYBRID_CACHE", str(folder))
    folder.mkdir()
    (folder / CACHED).write_text("")
    root_filesystem.remove_cache(quiet)
    root_filesystem.remove_cache(quiet)
    assert not folder.exists()


def test_an_interrupted_up_ends_its_runtime_too(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container outlives the supervisor's part, which only waits for it."""
    ended = []

    class Runtime:
        def pids(self) -> set[int]:
            return set()

        def end(self, *, is_final: bool) -> None:
            ended.append(is_final)

    def interrupted(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("local.host.database.choose", lambda stack: Runtime())
    monkeypatch.setattr("local.stack.up.refuse_busy", quiet)
    monkeypatch.setattr("local.stack.up._prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        up(stack, Plan(project="shop", stack="dev", resources=()), quiet, quiet)
    assert ended == [False]
    with lock.hold(stack.state):
        """It was let go of."""


def test_a_second_interrupt_does_not_keep_parts_running() -> None:
    done: list[str] = []

    def stop() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("supervisor stopped")

    stack: Any = SimpleNamespace(supervisor=SimpleNamespace(stop=stop))
    runtime: Any = SimpleNamespace(end=lambda is_final: done.append("database ended"))
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt), stopped_on_interrupt(stack, runtime, done.append):
            raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)
    assert done[1:] == ["supervisor stopped", "database ended"]
