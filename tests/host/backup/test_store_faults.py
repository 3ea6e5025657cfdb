"""A real host whose store of backups is away: nothing is lost, it is told before anything is, and all heals."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from host.backup import alarm
from host.backup.schedule import alarm_settings
from host.common import layout
from host.specification.reading import parse
from local.host import namespace
from tests.host.conftest import copied_host
from tests.host.gate import Gate
from tests.host.recovery.site import Site
from tests.host.running import HostUnderTest
from tests.host.status import findings, told
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.run.ports import claim_some
from tests.run.soak import IS_SOAK
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

QUEUE_MB = 64
SEGMENT_MB = 16
# Tries of the archiver at the shutdown, each cut short by archive-timeout.
SHUTDOWN_SECONDS = 45
BACKUP_SECONDS = 600
# How long a store that does not answer is asked; as declared, ten seconds and again for a minute, in the soak alone.
ASKED = [] if IS_SOAK else ["--io-timeout=2"]
READY = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"


@pytest.fixture(scope="module")
def gate(store: ObjectStore) -> Iterator[Gate]:
    (port,) = claim_some(1)
    made = Gate(port, int(store.endpoint.partition(":")[2]))
    yield made
    made.shut()


@pytest.fixture(scope="module")
def cut(
    applied_tree: Tree, store: ObjectStore, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HostUnderTest]:
    """A host that reaches its store through the gate, and may let four segments wait."""
    with copied_host(applied_tree, tmp_path_factory.mktemp("cut"), store) as made:
        made.spec["backup"] |= {"endpoint": f"localhost:{gate.port}", "archive_queue_max_mb": QUEUE_MB}
        made.enter()
        made.run_with_files()
        made.pgbackrest("--type=full", "backup")
        made.superuser("CREATE TABLE public.written AS SELECT 0 AS row")
        yield made


@pytest.fixture(autouse=True)
def _open_before_and_after(gate: Gate) -> Iterator[None]:
    gate.open()
    yield
    gate.open()


def write(host: HostUnderTest, segments: int) -> None:
    """A row in each of so many segments of the log, each of which is then due for the archive."""
    for _ in range(segments):
        host.superuser("INSERT INTO public.written SELECT max(row) + 1 FROM public.written")
        host.superuser("SELECT pg_switch_wal()")


def archived(host: HostUnderTest) -> list[int]:
    """The numbers of all segments that the repository holds, of the first timeline."""
    listed = json.loads(host.pgbackrest("repo-ls", "--recurse", "--output=json", "archive/main-17"))
    segments = [found for path in listed if (found := re.fullmatch(r".*/00000001(\w{8})(\w{8})-\w{40}\.zst", path))]
    return sorted(int(found[1], 16) * 256 + int(found[2], 16) for found in segments)


def caught_up(host: HostUnderTest) -> None:
    # After three tries the archiver waits for a minute, or for the next segment.
    write(host, 1)
    until(lambda: host.superuser(READY) == "0")


@pytest.mark.parametrize("fault", ["shut", "hold"])
def test_while_the_store_is_away_nothing_is_lost_and_status_shows_the_lag(
    cut: HostUnderTest, gate: Gate, fault: str
) -> None:
    caught_up(cut)
    getattr(gate, fault)()
    write(cut, 2)
    (unseen,) = told(cut).unseen
    # What is held up may be held up for longer than anybody waits.
    assert re.fullmatch(r"backup repository: (it can't be read: its store does not answer|nothing .* 5 s); .*", unseen)
    found = until(lambda: (now := findings(cut, is_store_away=True))["archiving"].level != "ok" and now)
    assert found["archiving"].detail.startswith("fails: ")
    assert found["archive queue"].level == "critical"
    assert "of 64 MB, the oldest for" in found["archive queue"].detail
    gate.open()
    caught_up(cut)
    assert until(lambda: findings(cut)["archiving"].level == "ok")
    numbers = archived(cut)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert findings(cut)["dropped WAL"].level == "ok"


def test_a_fast_shutdown_does_not_wait_for_a_dead_store(cut: HostUnderTest, gate: Gate) -> None:
    gate.shut()
    write(cut, 1)
    start = time.monotonic()
    cut.signal_postgres("INT")
    lock = str(cut.root / "var/lib/postgresql/17/main/postmaster.pid")
    while cut.inside(["test", "-e", lock]).returncode == 0:
        assert time.monotonic() - start < SHUTDOWN_SECONDS
        time.sleep(0.2)
    print(f"fast shutdown with a dead store: {time.monotonic() - start:.0f} s")
    gate.open()
    cut.start_postgres()
    caught_up(cut)


def backing_up(host: HostUnderTest, kind: str) -> subprocess.Popen[str]:
    stanza = f"--stanza={host.spec['backup']['stanza']}"
    # One try instead of three saves minutes.
    arguments = ["pgbackrest", stanza, f"--type={kind}", "--job-retry=0", *ASKED, "backup"]
    argv = ["chroot", "--userspec=postgres:postgres", str(host.root), *arguments]
    return subprocess.Popen(
        namespace.enter(host.pid, argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def newest(host: HostUnderTest) -> dict[str, Any]:
    (stanza,) = json.loads(host.pgbackrest("--output=json", "info"))
    found: dict[str, Any] = stanza["backup"][-1]
    return found


def test_a_store_that_ends_in_mid_backup_leaves_nothing_that_blocks_the_next(cut: HostUnderTest, gate: Gate) -> None:
    before = newest(cut)
    gate.after(2**20, "shut")
    with backing_up(cut, "full") as backup:
        output, _ = backup.communicate(timeout=BACKUP_SECONDS)
    assert backup.returncode != 0, output
    assert not gate.is_open
    gate.open()
    assert newest(cut)["label"] == before["label"]
    cut.pgbackrest("--type=full", "backup")
    assert (newest(cut)["type"], newest(cut)["error"]) == ("full", False)


def test_a_server_that_is_killed_in_mid_backup_is_backed_up_the_next_time(cut: HostUnderTest, gate: Gate) -> None:
    before = newest(cut)
    gate.after(2**20, "held")
    with backing_up(cut, "full") as backup:
        until(lambda: not gate.is_open)
        cut.signal_postgres("KILL")
        until(lambda: not cut.answers())
        gate.open()
        output, _ = backup.communicate(timeout=BACKUP_SECONDS)
    assert backup.returncode != 0, output
    # Its backends end after it, and hold its memory until then.
    until(lambda: not cut.has_postgres_processes())
    cut.start_postgres()
    assert newest(cut)["label"] == before["label"]
    cut.pgbackrest("--type=full", "backup")
    assert (newest(cut)["type"], newest(cut)["error"]) == ("full", False)


class Alarm:
    """The program as on a host in the cloud, beside this one."""

    def __init__(self, host: HostUnderTest, folder: Path) -> None:
        inside = ["chroot", "--userspec=postgres:postgres", str(host.root)]
        given = alarm_settings(parse(host.spec))
        self._host = host
        self._path = folder / "settings.json"
        settings = replace(
            given,
            wal=f"{host.root}{given.wal}",
            log=f"{host.root}{given.log}",
            answers=str(folder),
            info=[*inside, *given.info[given.info.index("pgbackrest") :], *ASKED],
            unarchived=[*inside, *given.unarchived[len(layout.AS_OWNER.split()) :]],
        )
        self._path.write_text(json.dumps(asdict(settings)))
        self._answers = folder

    def says(self) -> list[str]:
        """What it tells, as if it had told nothing before."""
        (self._answers / "alarm.json").unlink(missing_ok=True)
        argv = [sys.executable, "-I", alarm.__file__, str(self._path)]
        answer = self._host.inside(argv)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.splitlines()


def dropped(host: HostUnderTest) -> None:
    """Returns once nothing waits any more."""
    write(host, 1)
    # It began before the limit was reached, and would try a dead store for three minutes before the next one looks.
    for pid in host.inside(["pgrep", "--full", "archive-push.*pg_wal$"]).stdout.split():
        host.inside(["kill", "-TERM", pid])
    until(lambda: host.superuser(READY) == "0")


def later(host: HostUnderTest) -> None:
    """Days pass in pgBackRest's log."""
    log = f"{host.root}/var/log/pgbackrest/main-17-archive-push-async.log"
    assert host.inside(["sed", "--in-place", "s/^20[0-9-]*/2026-01-01/", log]).returncode == 0


def test_the_alarm_comes_before_log_is_dropped_and_stays_until_the_next_backup(
    cut: HostUnderTest, gate: Gate, store: ObjectStore, tmp_path: Path
) -> None:
    caught_up(cut)
    alarm = Alarm(cut, tmp_path)
    assert alarm.says() == []
    gate.shut()
    write(cut, 1)
    # The store is asked for the newest backup as well, and does not answer.
    (line,) = [line for line in alarm.says() if "waits for the store" in line]
    assert line.startswith("<2>the log that waits for the store is 25 % of what may wait")
    assert findings(cut, is_store_away=True)["dropped WAL"].level == "ok"
    before = time.time()
    write(cut, QUEUE_MB // SEGMENT_MB)
    dropped(cut)
    hole = findings(cut, is_store_away=True)["dropped WAL"]
    assert (hole.level, (hole.value or 0) > QUEUE_MB // SEGMENT_MB) == ("critical", True)
    gate.open()
    # Before anything after it is archived, too.
    listed = Site(cut, store).done({"act": "list"})
    assert not any(one["is_live"] for one in listed["windows"])
    assert "nothing comes after" in listed["holes"][-1]["cause"]
    caught_up(cut)
    assert [line for line in alarm.says() if "log was dropped at" in line]
    # Though all that is left was archived; what was dropped need not be there to be read.
    since = time.time() - before
    lost = findings(cut)["would be lost"].value
    assert lost is None or lost >= since
    later(cut)
    assert findings(cut)["dropped WAL"].level == "critical"
    cut.pgbackrest("--type=diff", "backup")
    assert alarm.says() == []
    assert findings(cut)["dropped WAL"].level == "ok"
    assert (findings(cut)["would be lost"].value or 0) < time.time() - before
