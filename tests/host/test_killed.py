"""A real host whose configuration is killed half way, at ever later points: applied again, it is whole."""

import itertools
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host import namespace
from tests.host.conftest import running_host
from tests.host.running import PROJECT, HostUnderTest
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.run.soak import IS_SOAK
from tests.waiting import LIMIT_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

# Stands before the program that the playbook does everything through, and once kills all a moment after a call of it.
CHROOT = """#!/bin/sh
echo >>{calls}
if [ "$(wc -l <{calls})" = {fatal} ]; then (sleep 0.05; kill -KILL 0) & fi
exec {chroot} "$@"
"""
STEP = 1 if IS_SOAK else 10


@pytest.fixture(scope="module")
def bare(bare_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host to which nothing was applied."""
    with running_host(bare_tree, tmp_path_factory.mktemp("bare"), store) as host:
        host.enter()
        yield host


def killed_until_done(host: HostUnderTest, stage: str, folder: Path) -> int:
    """Apply the stage, kill it with all that it started, and again a little later; how often until it came through."""
    chroot, calls = folder / "chroot", folder / "calls"
    real = shutil.which("chroot", path=namespace.PATH)
    for kills in itertools.count():
        calls.write_text("")
        chroot.write_text(CHROOT.format(calls=calls, fatal=1 + kills * STEP, chroot=real))
        chroot.chmod(0o755)
        code = host.applying(stage, first_on_path=folder).wait(LIMIT_SECONDS)
        if code == 0:
            return kills
        assert code == -signal.SIGKILL
    raise AssertionError


def test_a_host_whose_files_were_killed_half_way_is_whole(bare: HostUnderTest, tmp_path: Path) -> None:
    assert killed_until_done(bare, "files", tmp_path) >= 4
    assert bare.apply("files")["changed"] == []
    bare.start_postgres()


def test_a_host_whose_database_was_killed_half_way_is_whole(bare: HostUnderTest, tmp_path: Path) -> None:
    assert killed_until_done(bare, "database", tmp_path) >= 2
    assert bare.apply("database")["changed"] == []
    for role in ("app", "migrator", "monitor", "public_read", "read_only"):
        assert bare.one(role, "SELECT true") is True


@pytest.mark.parametrize("file", ["postgresql.conf.new", "pg_hba.conf.new", "pg_ident.conf.new"])
def test_a_new_file_that_was_never_moved_changes_nothing(bare: HostUnderTest, file: str) -> None:
    path = str(bare.root / "etc/postgresql/17/main" / file)
    bare.inside(["sh", "-c", f"echo 'port = 1' > {path}"])
    assert bare.apply("files")["changed"] == []
    assert bare.one("app", "SELECT true") is True


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("pg_hba.conf.j2", "etc/postgresql/17/main/pg_hba.conf"),
        ("pg_ident.conf.j2", "etc/postgresql/17/main/pg_ident.conf"),
        ("pgbouncer.ini.j2", "etc/pgbouncer/pgbouncer.ini"),
        ("pgbackrest.conf.j2", "etc/pgbackrest.conf"),
    ],
)
def test_a_line_that_a_file_may_not_hold_replaces_nothing(
    bare: HostUnderTest, tmp_path: Path, template: str, path: str
) -> None:
    for folder in ("host", "durable"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "host/templates" / template).open("a") as broken:
        broken.write("hostssl everybody, and more\n")
    good = bare.inside(["cat", str(bare.root / path)]).stdout
    answer = bare.inside(["env", f"--chdir={tmp_path}", *bare.apply_argv("files")])
    assert (answer.returncode, f"/{path}: " in answer.stderr) == (1, True), answer.stderr
    assert bare.inside(["cat", str(bare.root / path)]).stdout == good
    assert bare.one("app", "SELECT true", through_pooler=False) is True


@pytest.mark.parametrize(
    ("fault", "message"), [("{{ nothing }}", "'nothing' is undefined"), ("no_such_setting = 1", "no_such_setting")]
)
def test_a_broken_template_leaves_the_good_file_and_the_running_server(
    bare: HostUnderTest, tmp_path: Path, fault: str, message: str
) -> None:
    settings = ["cat", str(bare.root / "etc/postgresql/17/main/postgresql.conf")]
    good = bare.inside(settings).stdout
    for folder in ("host", "durable"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "host/templates/postgresql.conf.j2").open("a") as template:
        template.write(f"{fault}\n")
    answer = bare.inside(["env", f"--chdir={tmp_path}", *bare.apply_argv("files")])
    assert answer.returncode == 1
    assert message in answer.stdout + answer.stderr
    assert bare.inside(settings).stdout == good
    assert bare.one("app", "SELECT true") is True
