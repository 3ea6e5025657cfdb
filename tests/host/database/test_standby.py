"""Two real hosts: one restored from the other's backups follows it, and serves in its place without a lost row."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from backups.errors import BackupError
from backups.standby import ensure_following
from host.common.layout import TOLD_TO_SERVE
from host.database.services import may_serve_text
from host.specification.reading import parse
from tests.host.conftest import copied_host, running_host
from tests.host.recovery.site import Site, restore
from tests.host.running import PROJECT, HostUnderTest
from tests.host.status import findings
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

ROWS = "SELECT count(*) FROM public.followed"
MARK = "SELECT monitoring.mark()"


@pytest.fixture(scope="module")
def pair(
    bare_tree: Tree, applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HostUnderTest, HostUnderTest]]:
    """A host with a table and a backup, and its standby, which has been started."""
    folder = tmp_path_factory.mktemp("standby")
    with copied_host(applied_tree, folder / "a", store) as a, running_host(bare_tree, folder / "b", store) as b:
        b.spec["backup"]["bucket"] = a.spec["backup"]["bucket"]
        a.spec["postgres"] |= {"memory_mb": 4096, "cpus": 4, "is_followed": True}
        a.enter()
        # As its own convergence makes it, in which alone the services have it made.
        a.inside(["mkdir", str(a.root / "run/hybrid")])
        a.run_with_files()
        with a.connect("migrator") as connection:
            connection.execute("CREATE TABLE public.followed AS SELECT generate_series(1, 1000) AS n")
        assert a.as_postgres("mkdir", "-m", "700", "/var/lib/postgresql/elsewhere").returncode == 0
        a.superuser("CREATE TABLESPACE elsewhere LOCATION '/var/lib/postgresql/elsewhere'")
        a.superuser("ALTER TABLE public.followed SET TABLESPACE elsewhere")
        a.pgbackrest("--type=full", "backup")
        # Smaller than the server that it follows, as after a resize.
        b.spec["postgres"] |= {"origin": "backup", "is_serving": False, "memory_mb": 512, "cpus": 1}
        b.first = b.start()
        yield a, b


Pair = tuple[HostUnderTest, HostUnderTest]


def serving(host: HostUnderTest, *, is_serving: bool) -> dict[str, Any]:
    """Apply with this, and restart PostgreSQL as the services do; the stage `database`'s report."""
    host.spec = copy.deepcopy(host.spec)
    host.spec["postgres"]["is_serving"] = is_serving
    if "postgres" in host.apply("files")["restart"]:
        host.restart_postgres()
    return host.apply("database")


class Asked:
    """A connection to the engine of one of the hosts."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def ask(self, request: Any) -> dict[str, Any]:
        answer = self.site.ask(request)
        if answer.code:
            raise BackupError(answer.fault)
        return answer.body


def follows(pair: Pair, store: ObjectStore, seconds: float = 60) -> str:
    hosts: Any = {name: Asked(Site(host, store)) for name, host in zip("ab", pair, strict=True)}
    return ensure_following(hosts, lambda _: None, seconds)


def timeline(host: HostUnderTest) -> str:
    return host.superuser("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)").lstrip("0")


def test_a_standby_follows_and_is_left_alone(pair: Pair) -> None:
    a, b = pair
    with a.connect("migrator") as connection:
        connection.execute("INSERT INTO public.followed SELECT generate_series(1001, 2000)")
    a.superuser("SELECT pg_switch_wal()")
    until(lambda: b.superuser(ROWS) == "2000")
    assert b.superuser("SELECT pg_is_in_recovery()") == "t"
    assert b.first["database"]["changed"] == []
    for stage in ("files", "database"):
        assert b.apply(stage)["changed"] == []


def test_a_standby_lets_no_client_in(pair: Pair) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        pair[1].connect("app")
    assert pair[1].superuser("SHOW cron.launch_active_jobs") == "off"
    assert pair[1].superuser("SHOW timescaledb.max_background_workers") == "0"


def test_a_restore_never_goes_over_existing_data(pair: Pair) -> None:
    a, _ = pair
    spec = copy.deepcopy(a.spec)
    spec["postgres"]["origin"] = "backup"
    assert a.apply("files", "--dry", spec=spec)["changed"] == []


def test_a_standby_is_not_restored_in_place(pair: Pair, store: ObjectStore) -> None:
    site = Site(pair[1], store)
    (fault,) = site.done(restore("latest", into="main", act="plan", replace="main"))["faults"]
    assert fault == "main: is a standby of the host that serves; promote it first, or restore on that host"
    assert site.ask(restore("latest", into="main", act="stage", replace="main")).fault == fault
    # A copy beside it is nobody's rival.
    assert site.done(restore("latest", act="plan"))["faults"] == []


def test_a_standby_does_not_serve_without_what_is_archived_behind_a_hole(pair: Pair, store: ObjectStore) -> None:
    """PostgreSQL would take the hole for the end of the log, and nobody would hear of it."""
    a, b = pair
    b.superuser("SELECT pg_wal_replay_pause()")
    until(lambda: b.superuser("SELECT pg_get_wal_replay_pause_state()") == "paused")
    missing, last = (a.superuser("SELECT pg_walfile_name(pg_switch_wal())") for _ in range(2) if a.superuser(MARK))
    until(lambda: a.superuser("SELECT last_archived_wal FROM pg_stat_archiver") >= last)
    bucket, client = a.spec["backup"]["bucket"], store.client()
    listed = client.list_objects_v2(Bucket=bucket, Prefix="postgresql/archive/")["Contents"]
    (key,) = [one["Key"] for one in listed if f"/{missing}-" in one["Key"]]
    content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.delete_object(Bucket=bucket, Key=key)
    spec = copy.deepcopy(b.spec)
    spec["postgres"]["is_serving"] = True
    b.inside(["touch", str(b.root / "etc/hybrid/promote-without-mark")])
    report = b.apply("files", spec=spec)
    (failure,) = report["failed"]
    lsn = b.superuser("SELECT pg_last_wal_replay_lsn()")
    assert (report["changed"], failure["operation"]) == ([], "promotion")
    assert f"archive: {missing} .. {missing} is missing: " in failure["error"]
    assert f"echo {lsn} >/etc/hybrid/promote-without-archive" in failure["error"]
    b.inside(["rm", str(b.root / "etc/hybrid/promote-without-mark")])
    client.put_object(Bucket=bucket, Key=key, Body=content)
    b.superuser("SELECT pg_wal_replay_resume()")


def test_a_standby_does_not_serve_before_the_other_has_ended(pair: Pair) -> None:
    report = serving(pair[1], is_serving=True)
    (failure,) = report["failed"]
    assert failure["operation"] == "promotion"
    assert "no demotion mark of the host that served before" in failure["error"]
    assert pair[1].superuser("SELECT pg_is_in_recovery()") == "t"
    serving(pair[1], is_serving=False)


def test_a_host_serves_on_until_its_standby_was_seen_to_follow(pair: Pair, store: ObjectStore) -> None:
    a, b = pair
    spec = copy.deepcopy(a.spec)
    spec["postgres"]["is_serving"] = False
    report = a.apply("files", spec=spec)
    (failure,) = report["failed"]
    assert (report["changed"], failure["operation"]) == ([], "serving")
    unseen = "no standby was seen in sync on timeline 1 in the last hour"
    assert unseen in failure["error"]
    assert follows(pair, store) == "b follows a on timeline 1"
    b.superuser("SELECT pg_wal_replay_pause()")
    with pytest.raises(BackupError, match=r"^b: lacks what a wrote 1 s ago: it does not follow, .* a serves on"):
        follows(pair, store, seconds=1)
    # What was seen before counts no more.
    assert unseen in a.apply("files", spec=spec)["failed"][0]["error"]
    b.superuser("SELECT pg_wal_replay_resume()")
    assert follows(pair, store) == "b follows a on timeline 1"
    note = "/run/hybrid/standby-follows"
    assert a.succeeds("touch", "-d", "2 hours ago", note)
    assert unseen in a.apply("files", "--dry", spec=spec)["failed"][0]["error"]
    assert a.succeeds("touch", note)


def test_a_host_serves_again_while_nobody_was_promoted(pair: Pair) -> None:
    a, _ = pair
    assert serving(a, is_serving=False)["changed"] == ["demotion mark", "last of the log"]
    assert timeline(a) == "1"
    assert serving(a, is_serving=True)["changed"] == ["serving"]
    assert a.one("app", ROWS) == 2000
    # Which the standby follows from here on.
    assert timeline(a) == "2"
    until(lambda: a.superuser("SELECT last_archived_wal FROM pg_stat_archiver").endswith(".partial"))
    # The repository has no such file, but the part of it.
    assert findings(a)["would be lost"].level == "ok"


def test_another_timeline_was_not_seen_to_be_followed(pair: Pair, store: ObjectStore) -> None:
    a, _ = pair
    spec = copy.deepcopy(a.spec)
    spec["postgres"]["is_serving"] = False
    (failure,) = a.apply("files", spec=spec)["failed"]
    assert "on timeline 2" in failure["error"]
    assert follows(pair, store) == "b follows a on timeline 2"


def test_a_standby_is_made_again_as_the_runbook_says(pair: Pair, store: ObjectStore) -> None:
    _, b = pair
    (command,) = re.findall("sh -c '(test -e .*)'", (PROJECT / "docs/runbooks/database.md").read_text())
    # There is no systemd here, and one that was killed leaves more behind than one that it stops.
    b.signal_postgres("KILL")
    until(lambda: not b.has_postgres_processes())
    assert b.succeeds("sh", "-c", command.replace("systemctl stop postgresql@17-main", "true"))
    report = b.apply("files")
    assert (report["failed"], "database cluster" in report["changed"]) == ([], True)
    b.start_postgres()
    assert follows(pair, store) == "b follows a on timeline 2"
    assert b.superuser(ROWS) == "2000"


def test_the_standby_serves_with_every_row_that_was_acknowledged(pair: Pair) -> None:
    a, b = pair
    with a.connect("app") as client:
        client.execute("INSERT INTO public.followed SELECT generate_series(2001, 3000)")
        ended = serving(a, is_serving=False)
        with pytest.raises(psycopg.OperationalError):
            client.execute("INSERT INTO public.followed VALUES (0)")
    assert ended["changed"] == ["demotion mark", "last of the log"]
    with pytest.raises(AssertionError, match="read-only transaction"):
        a.superuser("DELETE FROM public.followed")
    changed = serving(b, is_serving=True)["changed"]
    assert changed[:1] == ["promotion"]
    assert "serving" in changed
    assert b.one("app", ROWS) == 3000
    assert b.one("app", "INSERT INTO public.followed VALUES (3001) RETURNING n") == 3001
    assert b.apply("database")["changed"] == []


def test_the_new_host_archives_on_its_own_timeline(pair: Pair) -> None:
    _, b = pair
    b.superuser("SELECT pg_switch_wal()")
    until(lambda: b.superuser("SELECT last_archived_wal FROM pg_stat_archiver").startswith("00000003"))
    b.pgbackrest("--type=incr", "backup")
    (stanza,) = json.loads(b.pgbackrest("--output=json", "info"))
    assert [backup["type"] for backup in stanza["backup"]] == ["full", "incr"]


def test_who_has_stopped_serving_is_not_followed(pair: Pair, store: ObjectStore) -> None:
    with pytest.raises(BackupError, match="main: was told to stop serving, and lets no client in any more"):
        follows(pair, store)


def test_once_it_serves_its_settings_are_its_own_sizes(pair: Pair) -> None:
    _, b = pair
    report = b.apply("files")
    assert (report["changed"], report["restart"]) == (["PostgreSQL settings"], ["postgres"])
    b.restart_postgres()
    assert b.apply("files")["changed"] == []
    assert b.one("app", ROWS) == 3001


def test_the_old_host_is_not_restored_in_place(pair: Pair, store: ObjectStore) -> None:
    site = Site(pair[0], store)
    answer = site.ask(restore("latest", into="main", act="stage", replace="main"))
    assert "this host was told not to serve" in answer.fault


def test_the_old_host_stays_ended_however_often_it_is_applied(pair: Pair) -> None:
    a, _ = pair
    assert a.apply("files")["changed"] == []
    assert a.apply("database")["changed"] == []
    assert a.superuser(ROWS) == "3000"


LEAVE = "etc/hybrid/serve-without-later-rows"


@pytest.mark.parametrize("readable", [True, False], ids=["later-rows", "repository-not-read"])
def test_the_old_host_does_not_serve_without_the_rows_of_the_new_one(pair: Pair, readable: bool) -> None:
    a, _ = pair
    spec = copy.deepcopy(a.spec)
    spec["postgres"]["is_serving"] = True
    if not readable:
        spec["backup"]["bucket"] = a.spec["backup"]["bucket"] + "-elsewhere"
        a.inside(["sed", "-i", "s/^repo1-s3-bucket=.*/&-elsewhere/", str(a.root / "etc/pgbackrest.conf")])
    message = "another host was promoted since" if readable else "can't be read"
    for stage in ("files", "database"):
        report = a.apply(stage, spec=spec)
        (failure,) = report["failed"]
        assert (report["changed"], failure["operation"]) == ([], "serving")
        assert message in failure["error"]
    a.apply("files")
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        a.connect("app")


def may_serve(host: HostUnderTest) -> tuple[int, str]:
    """What is asked of it as it boots."""
    host.succeeds("rm", "-f", "/run/hybrid/repository-asked")
    answer = host.inside(["chroot", str(host.root), "sh", "-c", may_serve_text(parse(host.spec), wait_seconds=0)])
    return answer.returncode, answer.stdout


def test_the_old_host_serves_again_by_force_once(pair: Pair) -> None:
    a, _ = pair
    a.inside(["touch", str(a.root / LEAVE)])
    assert serving(a, is_serving=True)["failed"] == []
    assert a.one("app", ROWS) == 3000
    assert not (a.root / LEAVE).exists()
    # Above the one of whoever was promoted in between: a restore follows it, and finds its backups.
    assert timeline(a) == "4"
    assert may_serve(a) == (0, "")
    assert findings(a)["server"].level == "ok"
    a.pgbackrest("--type=full", "backup")
    assert a.apply("files")["changed"] == []


def test_a_host_that_nobody_follows_is_shut_where_another_was_promoted_since(pair: Pair) -> None:
    _, b = pair
    spec = copy.deepcopy(b.spec)
    spec["postgres"] |= {"is_serving": False, "is_followed": True}
    assert timeline(b) == "3"
    report = b.apply("files", "--dry", spec=spec)
    assert report["failed"] == []
    assert "client authentication rules" in report["changed"]
    # It would not even have started.
    code, said = may_serve(b)
    assert (code, said.split(": ")[0]) == (
        1,
        "<2>another host was promoted meanwhile, for timeline 00000004 is archived and this one has 00000003",
    )
    told = findings(b)["server"]
    assert told.level == "critical"
    assert "another host was promoted since, for timeline 4 is archived" in told.detail


def test_a_host_that_came_back_is_shut_though_the_repository_can_not_be_read(pair: Pair) -> None:
    """It was not told to serve since it booted; one that was serves on until its standby was seen to follow."""
    _, b = pair
    spec = copy.deepcopy(b.spec)
    spec["postgres"] |= {"is_serving": False, "is_followed": True}
    spec["backup"]["bucket"] += "-elsewhere"
    b.inside(["sed", "-i", "s/^repo1-s3-bucket=.*/&-elsewhere/", str(b.root / "etc/pgbackrest.conf")])
    assert may_serve(b)[0] == 0
    assert b.succeeds("mkdir", "-p", "/run/hybrid")
    assert b.succeeds("touch", TOLD_TO_SERVE)
    (failure,) = b.apply("files", "--dry", spec=spec)["failed"]
    assert "this host keeps serving" in failure["error"]
    assert b.succeeds("rm", TOLD_TO_SERVE)
    report = b.apply("files", "--dry", spec=spec)
    assert report["failed"] == []
    assert "client authentication rules" in report["changed"]
