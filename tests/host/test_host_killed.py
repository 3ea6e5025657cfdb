"""A real host whose configuration is killed half way, at ever later points: applied again, it is whole."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.conftest import running_host
from tests.host.running import PROJECT, HostUnderTest
from tests.host.store import ObjectStore

pytestmark = pytest.mark.slow

# Before that it only loads its own code.
FIRST_SECONDS = 1.0
STEP_SECONDS = 0.4


@pytest.fixture(scope="module")
def bare(root_tar: Path, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """A host to which nothing was applied."""
    folder = tmp_path_factory.mktemp("bare")
    with running_host(root_tar, folder, store) as host:
        bucket = host.spec["backup"]["bucket"] = folder.name
        store.make_bucket(bucket)
        host.enter()
        yield host


def killed_until_done(host: HostUnderTest, stage: str) -> int:
    """Apply the stage, kill it with all that it started, and again a little later; how often until it came through."""
    kills = 0
    while True:
        with host.applying(stage) as run:
            try:
                assert run.wait(FIRST_SECONDS + kills * STEP_SECONDS) == 0
            except subprocess.TimeoutExpired:
                os.killpg(run.pid, signal.SIGKILL)
                kills += 1
                continue
        return kills


def test_a_host_whose_files_were_killed_half_way_is_whole(bare: HostUnderTest) -> None:
    assert killed_until_done(bare, "files") >= 2
    assert bare.apply("files")["changed"] == []
    bare.start_postgres()


def test_a_host_whose_database_was_killed_half_way_is_whole(bare: HostUnderTest) -> None:
    assert killed_until_done(bare, "database") >= 1
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
    shutil.copytree(PROJECT / "host", tmp_path / "host", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "host/templates" / template).open("a") as broken:
        broken.write("hostssl everybody, and more\n")
    good = bare.inside(["cat", str(bare.root / path)]).stdout
    answer = bare.inside(["env", f"--chdir={tmp_path}", *bare.apply_argv("files")])
    assert (answer.returncode, f"/{path}: " in answer.stderr) == (1, True), answer.stderr
    assert bare.inside(["cat", str(bare.root / path)]).stdout == good
    assert bare.one("app", "SELECT true", through_pooler=False) is True


@pytest.mark.parametrize(
    ("fault", "words"), [("{{ nothing }}", "'nothing' is undefined"), ("no_such_setting = 1", "no_such_setting")]
)
def test_a_broken_template_leaves_the_good_file_and_the_running_server(
    bare: HostUnderTest, tmp_path: Path, fault: str, words: str
) -> None:
    settings = ["cat", str(bare.root / "etc/postgresql/17/main/postgresql.conf")]
    good = bare.inside(settings).stdout
    shutil.copytree(PROJECT / "host", tmp_path / "host", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "host/templates/postgresql.conf.j2").open("a") as template:
        template.write(f"{fault}\n")
    answer = bare.inside(["env", f"--chdir={tmp_path}", *bare.apply_argv("files")])
    assert answer.returncode == 1
    assert words in answer.stdout + answer.stderr
    assert bare.inside(settings).stdout == good
    assert bare.one("app", "SELECT true") is True
